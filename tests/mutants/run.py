#!/usr/bin/env python3
"""Makes mutants of Pollux, one bug each, and reports whether the tests notice.

A sample of all mutants of core/, backends/ and platform/ is drawn by the seed; each is built and
the suites that watch its file are run until one fails. tests/mutants/equivalent.txt lists mutants
that change nothing anybody can see, with the reason. Exit code 0: at least the wanted share was
killed; 1: fewer, or something failed; 2: a wrong argument."""

import argparse
import filecmp
import functools
import glob
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
from operators import lines_of_others, mutants_of
from reach import FLAGS, Reach, reach_learn, reach_load, reach_store, trace_compile, tree_hash
from suites import (WATCHERS_LINUX, WATCHERS_WINDOWS, Bench, confirmed, elapsed, first_failure,
                    program_of, programs_of)

EQUIVALENT = os.path.join(HERE, "equivalent.txt")
SANITIZE = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
CASE_LIMIT_S = 20
UNSTEADY_MAX = 5
WINE_PATIENCE_S = 10
# Not the product: what only tests use, and what no suite of this sort can see.
LEFT_OUT = ("platform/fault", "platform/hook", "test_system", "platform/process", "/process.c",
            "core/assert")


class Failure(Exception):
    """The mutants could not be judged; the text says why."""


def arguments_parse():
    parser = argparse.ArgumentParser(prog="ci/mutants.sh", description=__doc__, allow_abbrev=False)
    parser.add_argument("--count", type=int, default=150, help="how many mutants (150)")
    parser.add_argument("--seed", help="draws the sample; the hash of the last commit if not given")
    parser.add_argument("--windows", action="store_true",
                        help="platform/windows and the completion port, under Wine")
    parser.add_argument("--change", metavar="BASE", nargs="?", const="HEAD",
                        help="only lines that the work tree has changed since BASE (HEAD)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="only this file; may be given more than once")
    parser.add_argument("--key", help="only mutants whose key contains this text")
    parser.add_argument("--case", action="append", default=[], help="only cases whose name, "
                        "SUITE.CONFIGURATION.CASE, contains this text; may be given more than once")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--least", type=float, default=90, help="the share to be killed, in %% (90)")
    parser.add_argument("--list", action="store_true", help="print the keys of the sample and end")
    arguments = parser.parse_args()
    if arguments.count < 1 or arguments.jobs < 1:
        parser.error("--count and --jobs: at least 1")
    for path in arguments.file:
        if not os.path.exists(os.path.join(ROOT, path)):
            parser.error(f"--file: there is no {path}")
    return arguments


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout


def files_watched(arguments):
    tracked = git("ls-files", "core", "backends", "platform").split()
    files = []
    for path in tracked:
        is_windows = path.startswith(("platform/windows/", "backends/iocp"))
        if not path.endswith((".c", ".h")) or any(word in path for word in LEFT_OUT):
            continue
        if is_windows == arguments.windows and (not arguments.file or path in arguments.file):
            files.append(path)
    return files


def lines_changed(base):
    """{path: set of line numbers} that the work tree has and `base` has not."""
    changed, path = {}, None
    for line in git("diff", "-U0", base, "--", "core", "backends", "platform").splitlines():
        if line.startswith("+++ "):
            path = line[6:]
        hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if hunk and path:
            first, count = int(hunk.group(1)), int(hunk.group(2) or 1)
            changed.setdefault(path, set()).update(range(first, first + count))
    return changed


@functools.lru_cache(maxsize=None)
def source_read(path):
    """As it was when the sample was drawn, though somebody may edit it meanwhile."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sample_draw(arguments):
    """All mutants that are asked for, shuffled; more than `count`, for some do not compile."""
    mutants = []
    changed = lines_changed(arguments.change) if arguments.change else None
    for path in files_watched(arguments):
        unseen = lines_of_others(source_read(path), arguments.windows)
        for mutant in mutants_of(path, source_read(path)):
            if mutant.line in unseen:
                continue
            if changed is not None and mutant.line not in changed.get(path, ()):
                continue
            if arguments.key is None or arguments.key in mutant.key:
                mutants.append(mutant)
    seed = arguments.seed or git("rev-parse", "HEAD").strip()
    random.Random(seed).shuffle(mutants)
    return seed, mutants


def equivalents_check(equivalents):
    """An entry that names no mutant is of code that has changed: its reason may not hold."""
    known = set()
    for path in git("ls-files", "core", "backends", "platform").split():
        if path.endswith((".c", ".h")):
            known.update(mutant.key for mutant in mutants_of(path, source_read(path)))
    for key in equivalents:
        if key not in known:
            raise Failure(f"equivalent.txt: no mutant has the key: {key}")


def equivalents_read():
    """{key: reason}. A line "key" and below it, indented, its reason."""
    reasons, key = {}, None
    with open(EQUIVALENT, encoding="utf-8") as file:
        for line in file:
            if line.startswith(("#", "\n")):
                continue
            if line.startswith(" ") and key:
                reasons[key] = (reasons[key] + " " + line.strip()).strip()
            else:
                key = line.strip()
                reasons[key] = ""
    for key, reason in reasons.items():
        if not reason:
            raise Failure(f"equivalent.txt: no reason is given for: {key}")
    return reasons


def targets_of(suites):
    """What has to be built for them."""
    return ["pollux_testing"] + sorted({program_of(suite) for suite in suites})


class Workshop:
    """A copy of the tree with a build of its own, where one mutant at a time is made."""

    def __init__(self, name, arguments):
        system = "windows" if arguments.windows else "linux"
        self.tree = os.path.join(ROOT, "build", "mutants", f"{system}-{name}")
        self.build = os.path.join(self.tree, "build")
        self.windows = arguments.windows
        self.watchers = WATCHERS_WINDOWS if arguments.windows else WATCHERS_LINUX
        programs = programs_of(self.watchers) + ["wine_keeper"] * arguments.windows
        self.make_all = ["cmake", "--build", self.build, "--target", *programs]
        self.keeper = os.path.join(self.tree, "wine_keeper.alive")
        self.objects = {}

    def prepare(self, is_traced=False):
        """Brings the copy up to date, builds it, and returns how its programs are run. Traced, it
        notes what it runs, and is no ground for mutants."""
        for path in git("ls-files", "-co", "--exclude-standard").splitlines():
            self._copy(path)
        options = ["-DPOLLUX_BUILD_TESTS=ON", "-DPOLLUX_BUILD_TOOLS=OFF",
                   "-DPOLLUX_BUILD_EXAMPLES=OFF", "-DPOLLUX_BUILD_POSIX=OFF",
                   "-DPOLLUX_TEST_CONSUMERS=OFF", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
        if self.windows:
            options += ["-DCMAKE_TOOLCHAIN_FILE=" + os.path.join(
                self.tree, "ci/toolchains/x86_64-w64-mingw32.cmake"), "-DCMAKE_BUILD_TYPE=Debug"]
        else:
            options += ["-DPOLLUX_BACKENDS=poll;select;epoll;uring;libuv"]
            options += [f"-DCMAKE_C_FLAGS={SANITIZE}", "-DCMAKE_BUILD_TYPE=None"] \
                if not is_traced else self._trace_options()
        self._must(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja", *options])
        self._must(self.make_all)
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as file:
            self.commands = {
                os.path.relpath(entry["file"], self.tree): entry for entry in json.load(file)
                if "pollux_testing.dir" in entry["output" if "output" in entry else "command"]}
        if not self.windows:
            return Bench(self.build)
        prefix = subprocess.run(["sh", os.path.join(ROOT, "ci/wine-prefix.sh")],
                                capture_output=True, text=True, check=True).stdout.strip()
        wine = shutil.which("wine64") or "/usr/lib/wine/wine64"
        bench = Bench(self.build, [wine], {"WINEPREFIX": prefix, "WINEDEBUG": "-all"},
                      WINE_PATIENCE_S)
        self._keeper_start(bench, wine)
        return bench

    def _keeper_start(self, bench, wine):
        """Wine's services stay for as long as it runs; each case would else start them anew."""
        done = subprocess.run(["sh", os.path.join(ROOT, "tests/wine_keeper.sh"), "start", wine,
                               bench.program("wine_keeper"), self.keeper],
                              env=bench.environment, check=False)
        if done.returncode != 0:
            raise Failure("tests/wine_keeper.sh could not start the keeper")

    def close(self):
        if os.path.exists(self.keeper):
            os.remove(self.keeper)

    def _trace_options(self):
        trace = os.path.join(self.tree, "trace.o")
        trace_compile(trace)
        return [*FLAGS, f"-DCMAKE_EXE_LINKER_FLAGS=-no-pie {trace}"]

    def _copy(self, path):
        """Only what differs, and as new: a mutant may have been left there by a run that was cut
        short, and what is older than its object would not be built again."""
        source, target = os.path.join(ROOT, path), os.path.join(self.tree, path)
        if not os.path.isfile(source):
            return
        if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)

    def _must(self, command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")

    def configurations(self):
        """The names after "--backend" that CTest knows of the behaviours."""
        found = []
        for path in glob.glob(os.path.join(self.build, "tests", "CTestTestfile.cmake")):
            with open(path, encoding="utf-8") as file:
                found += re.findall(r"add_test\(\[?=*\[?behavior\.([^.]+)\.", file.read())
        return list(dict.fromkeys(found))

    def _code_of(self, path):
        """The machine code that the file makes without sanitizers, or None if it has none."""
        entry = self.commands.get(path)
        if entry is None:
            return None
        out = os.path.join(self.build, "mutant.o")
        command = re.sub(r" -o \S+", f" -o {out}", entry["command"])
        command = command.replace(SANITIZE, "").replace(" -g ", " ") + " -O2 -w"
        done = subprocess.run(command, shell=True, cwd=entry["directory"], capture_output=True,
                              check=False)
        if done.returncode != 0:
            return b""
        with open(out, "rb") as file:
            return file.read()

    def make(self, mutant, source, suites):
        """Builds it: "built", "broken" or "same" (its machine code is the original's). Only these
        suites have it then."""
        target = os.path.join(self.tree, mutant.path)
        if mutant.path not in self.objects:
            self.objects[mutant.path] = self._code_of(mutant.path)
        # As many lines as before, so that nothing else changes.
        lost = source.count("\n", mutant.start, mutant.end) - mutant.text.count("\n")
        text = source[:mutant.start] + mutant.text + "\n" * lost + source[mutant.end:]
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        code = self._code_of(mutant.path)
        if code is not None and code == self.objects[mutant.path]:
            return "same"
        if code == b"":
            return "broken"
        self._must(["cmake", "--build", self.build, "--target", *targets_of(suites)])
        return "built"

    def restore(self, mutant, source):
        with open(os.path.join(self.tree, mutant.path), "w", encoding="utf-8") as file:
            file.write(source)

    def make_original(self, suite):
        """The suite without a mutant."""
        self._must(["cmake", "--build", self.build, "--target", *targets_of([suite])])


class Hunt:
    """Judges mutants until enough have been."""

    def __init__(self, arguments, mutants, equivalents):
        self.arguments, self.equivalents = arguments, equivalents
        self.waiting = queue.SimpleQueue()
        for mutant in mutants:
            self.waiting.put(mutant)
        self.watchers = WATCHERS_WINDOWS if arguments.windows else WATCHERS_LINUX
        self.reach = None
        self.lock = threading.Lock()
        self.start = time.monotonic()
        self.killed, self.holes, self.same = [], [], []
        self.dropped = 0
        self.claimed = 0
        self.killers = {}
        self.sound = set()  # Cases that pass without a mutant,
        self.left_out = set()  # and those that do not.
        self.failure = None

    def _next(self):
        with self.lock:
            if self.claimed >= self.arguments.count or self.failure:
                return None
            try:
                mutant = self.waiting.get_nowait()
            except queue.Empty:
                return None
            self.claimed += 1
            return mutant

    def _order(self, mutant, cases):
        """Those that run its line, those first that have killed a mutant of this file before."""
        counts = self.killers.get(mutant.path, {})
        cases = [case for case in cases if case not in self.left_out]
        if self.reach is not None:
            cases = self.reach.cases(mutant, cases)
        return sorted(cases, key=lambda case: -counts.get(case.title, 0))

    def _say(self, verdict, mutant, detail):
        done = len(self.killed) + len(self.holes) + len(self.same)
        print(f"{elapsed(self.start):>6} {done:4}/{self.arguments.count} {verdict:<10} "
              f"{mutant.path}:{mutant.line}: {mutant.key}{detail}", flush=True)

    def _try(self, workshop, bench, mutant, source, cases):
        """How it is made, and who notices."""
        made = workshop.make(mutant, source, sorted({case.suite for case in cases}))
        found = first_failure(bench, cases, CASE_LIMIT_S, 2) if made == "built" else None
        workshop.restore(mutant, source)
        return made, found

    def _is_sound(self, workshop, bench, case):
        """A case that fails without a mutant kills none. On a machine with other work on it some of
        those that wait may fail: a few are left out, and named."""
        with self.lock:
            if case in self.sound or case in self.left_out:
                return case in self.sound
        workshop.make_original(case.suite)
        how = confirmed(bench, case, bench.run(case, CASE_LIMIT_S), CASE_LIMIT_S)
        with self.lock:
            if how is None:
                self.sound.add(case)
                return True
            self.left_out.add(case)
            if len(self.left_out) > UNSTEADY_MAX:
                raise Failure(f"without a mutant {case.title} {how}")
            print(f"mutants: left out, for without a mutant {case.title} {how}", flush=True)
            return False

    def _judge(self, workshop, bench, configurations, mutant):
        if mutant.key in self.equivalents:
            with self.lock:
                self.same.append(mutant)
                self._say("equivalent", mutant, f" ({self.equivalents[mutant.key]})")
            return
        source = source_read(mutant.path)
        cases = self._order(mutant, self._cases(bench.cases_of(mutant.path, self.watchers,
                                                               configurations)))
        made, found = self._try(workshop, bench, mutant, source, cases)
        while found and not self._is_sound(workshop, bench, found[0]):
            cases.remove(found[0])
            made, found = self._try(workshop, bench, mutant, source, cases)
        with self.lock:
            if made != "built":
                self.dropped += 1
                self.claimed -= 1
            elif found:
                case, how = found
                counts = self.killers.setdefault(mutant.path, {})
                counts[case.title] = counts.get(case.title, 0) + 1
                self.killed.append(mutant)
                self._say("killed", mutant, f" <- {case.title} {how}")
            else:
                self.holes.append(mutant)
                self._say("HOLE", mutant, f" ({len(cases)} cases run it)")

    def _work(self, number):
        workshop = Workshop(number, self.arguments)
        try:
            bench = workshop.prepare()
            configurations = workshop.configurations()
            while (mutant := self._next()) is not None:
                self._judge(workshop, bench, configurations, mutant)
        except (Failure, OSError, subprocess.SubprocessError) as problem:
            self.failure = self.failure or problem
        finally:
            workshop.close()

    def _cases(self, cases):
        """Those that the arguments ask for."""
        wanted = self.arguments.case
        return [case for case in cases if not wanted or any(text in case.title for text in wanted)]

    def _reach_know(self):
        """Which case runs which line; from a file if nothing has changed since."""
        if self.arguments.windows:
            return
        workshop = Workshop("trace", self.arguments)
        known = os.path.join(ROOT, "build", "mutants", "reach.json")
        key = tree_hash(ROOT, git("ls-files", "-co", "--exclude-standard").splitlines())
        lines = reach_load(known, key)
        if lines is None and self.arguments.case:
            return
        if lines is None:
            print("mutants: learning which case runs which line", flush=True)
            bench = workshop.prepare(is_traced=True)
            paths = [start for starts, _ in self.watchers for start in starts.split() or [""]]
            cases = bench.cases_all(paths, self.watchers, workshop.configurations())
            lines = reach_learn(bench, cases, workshop.tree, 2 * self.arguments.jobs)
            reach_store(known, key, lines)
        self.reach = Reach(lines)

    def run(self):
        self._reach_know()
        threads = [threading.Thread(target=self._work, args=(number,))
                   for number in range(self.arguments.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failure:
            raise Failure(self.failure)


def report(hunt):
    """The holes once more, and the closing line; returns the share that was killed, in %."""
    total = len(hunt.killed) + len(hunt.holes) + len(hunt.same)
    judged = total - len(hunt.same)
    share = 100 * len(hunt.killed) / judged if judged else 100
    print(f"\nnot counted: {hunt.dropped} that did not compile, or whose code was the original's")
    for mutant in hunt.holes:
        print(f"HOLE {mutant.path}:{mutant.line}: {mutant.key}")
    print(f"mutants: {len(hunt.killed)} of {total} killed, {len(hunt.same)} equivalent, "
          f"{len(hunt.holes)} holes: {share:.1f} %")
    return share


def main():
    arguments = arguments_parse()
    try:
        seed, mutants = sample_draw(arguments)
        print(f"mutants: --seed {seed} --count {arguments.count}, {len(mutants)} to choose from",
              flush=True)
        if arguments.list:
            for mutant in mutants[:arguments.count]:
                print(f"{mutant.path}:{mutant.line}: {mutant.key}")
            return 0
        equivalents = equivalents_read()
        equivalents_check(equivalents)
        hunt = Hunt(arguments, mutants, equivalents)
        hunt.run()
    except Failure as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        return 1
    return 0 if report(hunt) >= arguments.least else 1


if __name__ == "__main__":
    sys.exit(main())
