#!/usr/bin/env python3
"""Runs the benchmark: the same work by Pollux on each backend, by hand-written loops, and by its
peers, one after the other in each round. docs/benchmarks.md has the method; ci/bench.sh builds what
this needs and calls it. Exit code 0: all was measured; 1: something failed; 2: a wrong argument."""

import argparse
import difflib
import importlib
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from driver import bars, contestants, machine, results, tables, wine, works
from driver.processes import Failure, processors


def names(text):
    """The names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def unknown(parser, option, name, known):
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
    parser.error(f"{option}: unknown name \"{name}\"; {hint}")


def arguments_parse():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--linux", metavar="DIR", help="where the programs for Linux were built")
    parser.add_argument("--windows", metavar="DIR", help="where those for Windows were built")
    parser.add_argument("--out", metavar="DIR", default="build/bench", help="where reports go")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (5; quick 2)")
    parser.add_argument("--work", metavar="NAME,...", type=names, action="extend",
                        help="only these works; may be given several times")
    parser.add_argument("--contestant", metavar="NAME,...", type=names, action="extend",
                        help="only these contestants; may be given several times")
    parser.add_argument("--quick", action="store_true", help="smaller, for a first look")
    parser.add_argument("--smoke", action="store_true",
                        help="next to nothing, to test that everything works")
    parser.add_argument("--instruments", action="store_true",
                        help="with --smoke: callgrind and strace too")
    parser.add_argument("--list", action="store_true",
                        help="name works and contestants, or those that were chosen")
    parser.add_argument("--markdown", metavar="REPORT",
                        help="print the tables of a report.json for docs/benchmarks.md")
    arguments = parser.parse_args()
    if not arguments.markdown and not arguments.linux:
        parser.error("--linux is needed")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    for name in arguments.work or []:
        if name not in works.BY_NAME:
            unknown(parser, "--work", name, list(works.BY_NAME))
    return parser, arguments


def works_chosen(arguments):
    if arguments.work:
        return [work for work in works.WORKS if work.name in arguments.work]
    left_out = works.SLOW if arguments.quick else ()
    if arguments.smoke and not arguments.instruments:
        left_out = works.INSTRUMENTS
    return [work for work in works.WORKS if work.name not in left_out]


def contestants_find(parser, arguments):
    found, missing = contestants.discover(arguments.linux, "linux")
    if arguments.windows:
        on_windows, missing_there = contestants.discover(arguments.windows, "wine")
        found += on_windows
        missing += missing_there
    if arguments.contestant:
        known = list(dict.fromkeys(one.name for one in found))
        for name in arguments.contestant:
            if name not in known:
                unknown(parser, "--contestant", name, known)
        found = [one for one in found if one.name in arguments.contestant]
    return found, missing


class Progress:
    """One line for each measurement, with how much is left."""

    def __init__(self, total):
        self._total = total
        self._done = 0
        self._start = time.monotonic()

    def say(self, text):
        self._done += 1
        elapsed = time.monotonic() - self._start
        print(f"[{self._done:4}/{self._total}] {elapsed:5.0f} s  {text}", flush=True)


def measure_one(found, contestant, work, turn, size, failures, keeper):
    """What is said of it. A failure under Wine whose server has died is tried once more."""
    tries = 2 if contestant.system == "wine" else 1
    for left in reversed(range(tries)):
        restarts = keeper.restarts if keeper else 0
        if contestant.system == "wine":
            keeper.ensure()
        try:
            figures = work.measure(contestant, work, size)
            break
        except (Failure, OSError, subprocess.SubprocessError, ValueError) as failure:
            if contestant.system == "wine":
                keeper.ensure()
            if left and keeper.restarts != restarts:
                continue
            failures.append(f"{work.name}: {contestant.name} ({contestant.system}): {failure}")
            return f"FAILED: {failure}"
    found.add(contestant.system, work.name, contestant.name, figures, turn)
    main = [name for name in figures if name.split("@")[0] == work.figure]
    return "  ".join(tables.number(figures[name]) for name in main) + f" {work.unit_text}"


def rounds_of(work, rounds, is_quick):
    return 1 if work.once or (is_quick and work.name.startswith("idle")) else rounds


def plan_of(chosen, there, rounds, is_quick):
    """[(work, round, contestants)]: in each round another one is first."""
    plan = []
    for work in chosen:
        able = able_for(work, there)
        for turn in range(rounds_of(work, rounds, is_quick)):
            start = turn * len(able) // max(rounds, 1)
            plan.append((work, turn, able[start:] + able[:start]))
    return plan


def able_for(work, there):
    return [one for one in there if one.system in work.systems and work.needs in one.works
            and one.name not in work.leaves_out]


def run(arguments, there, size, rounds, keeper):
    found = results.Results()
    failures = []
    plan = plan_of(works_chosen(arguments), there, rounds, arguments.quick)
    progress = Progress(sum(len(able) for _, _, able in plan))
    try:
        for work, turn, one in ((work, turn, one) for work, turn, able in plan for one in able):
            said = measure_one(found, one, work, turn, size, failures, keeper)
            mark = " (Wine)" if one.system == "wine" else ""
            progress.say(f"{work.name:16} round {turn + 1}  {one.name + mark:28} {said}")
    except KeyboardInterrupt:
        failures.append("the run was interrupted; what had been measured is here")
    return found, failures


def tables_print(report):
    found = results.Results(report["results"])
    print()
    print(tables.as_text(tables.summary(found, report["groups"])))
    header, rows = tables.curves(found, report["groups"])
    if rows:
        print("\n" + tables.as_text((header, rows)))
    for system in ("linux", "wine"):
        if found.has(system, results.DISPATCH[system]):
            print("\n" + tables.as_text(tables.policies(found, system)))
    print("\n" + tables.as_text(tables.bars_table(bars.all_bars(found))))
    for text in report["missing"]:
        print(f"not there: {text}")
    for text in report["failures"]:
        print(f"FAILED: {text}")


def markdown_print(report):
    found = results.Results(report["results"])
    print(f"{machine.text(report['machine'])}. {report['rounds']} rounds.\n")
    print(tables.as_markdown(tables.summary(found, report["groups"])) + "\n")
    print(tables.as_markdown(tables.curves(found, report["groups"])) + "\n")
    for system in ("linux", "wine"):
        if found.has(system, results.DISPATCH[system]):
            print(tables.as_markdown(tables.policies(found, system)) + "\n")
    print(tables.as_markdown(tables.bars_table(bars.all_bars(found))))
    for text in report["missing"] + report["failures"]:
        print(f"\nNot measured: {text}.")


def page_find():
    """What writes the page: the one part that needs Matplotlib. None, with a word, without it."""
    try:
        return importlib.import_module("driver.page")
    except ImportError as missing:
        print(f"run.py: there will be no report.html: {missing} (Debian: python3-matplotlib, and "
              "/usr/bin/python3)", file=sys.stderr)
        return None


def interrupt(_number, _frame):
    raise KeyboardInterrupt


def main():
    # Shells have what they start in the background ignore the first of these.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    parser, arguments = arguments_parse()
    if arguments.markdown:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            markdown_print(results.read(arguments.markdown))
        except OSError as failure:
            print(f"run.py: {failure}; run the benchmark first", file=sys.stderr)
            return 1
        return 0
    page = None if arguments.smoke or arguments.list else page_find()
    keeper = None
    if arguments.windows:
        wine.prefix_make()
        keeper = wine.Keeper(os.path.join(arguments.windows, "bench_pollux.exe"),
                             processors()[0])
    try:
        there, missing = contestants_find(parser, arguments)
        if arguments.list:
            chosen = works_chosen(arguments) if arguments.work else works.WORKS
            print("works:", *(work.name for work in chosen))
            for one in there:
                print(f"{one.name} ({one.group}, {one.system}): {' '.join(one.works)}")
            return 0
        size = works.Size(os.path.join(arguments.linux, "bench_client"))
        size = size.smoke() if arguments.smoke else size.quick() if arguments.quick else size
        rounds = arguments.rounds or (1 if arguments.smoke else 2 if arguments.quick else 5)
        described = machine.describe()
        found, failures = run(arguments, there, size, rounds, keeper)
        if keeper and keeper.restarts:
            missing.append(f"Wine's server, {keeper.restarts} times: it span or had died, and was "
                           "started anew")
    finally:
        if keeper:
            keeper.close()
    groups = {system: {one.name: one.group for one in there if one.system == system}
              for system in ("linux", "wine")}
    report = {"machine": described, "rounds": rounds, "groups": groups, "missing": missing,
              "failures": failures, "results": found.data,
              "bars": [vars(bar) for bar in bars.all_bars(found)]}
    os.makedirs(arguments.out, exist_ok=True)
    results.save(os.path.join(arguments.out, "report.json"), report)
    tables_print(report)
    if page is not None:
        page.write(os.path.join(arguments.out, "report.html"), report)
        print(f"\nreport: {os.path.join(arguments.out, 'report.html')}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
