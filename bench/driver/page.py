"""The report as one HTML page that needs nothing else."""

import html

from . import bars, machine, plots, tables
from .results import DISPATCH, Results
from .works import BY_NAME, INSTRUMENTS, SERVERS, WORKS

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22262b; background: #fff; margin: 2rem auto;
       max-width: 1360px; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin-top: 2.4rem }
p.machine, p.note { color: #5b626b; font-size: .87rem }
table { border-collapse: collapse; font-size: .84rem; margin: .6rem 0 }
th, td { padding: .22rem .55rem; border-bottom: 1px solid #e3e6ea; text-align: right;
         white-space: nowrap; font-variant-numeric: tabular-nums }
th { color: #5b626b; font-weight: 600 } th:first-child, td:first-child { text-align: left }
td.met { color: #1d7a3a; font-weight: 600 } td.missed { color: #b3261e; font-weight: 600 }
td.absent { color: #8a8f98 } div.wide { overflow-x: auto } svg { height: auto; display: block }
.key span { display: inline-block; width: .9em; height: .9em; margin: 0 .35em 0 1.2em;
            vertical-align: -.1em }
summary { cursor: pointer; color: #1f5fbf }
"""

VERDICTS = {"met": "met", "missed": "missed", "reported": "absent", "not measured": "absent"}


def _table(table):
    header, rows = table
    lines = ["<div class=wide><table><tr>",
             *(f"<th>{html.escape(cell)}</th>" for cell in header), "</tr>"]
    for row in rows:
        cells = [f"<td class={VERDICTS[cell]}>{cell}</td>" if cell in VERDICTS
                 else f"<td>{html.escape(cell)}</td>" for cell in row]
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "".join(lines) + "</table></div>\n"


def _section(title, *parts):
    body = "".join(part for part in parts if part)
    return f"<h2>{title}</h2>\n{body}\n" if body else ""


def _note(text):
    return f"<p class=note>{html.escape(text)}</p>\n"


def _key():
    names = {"pollux": "Pollux, each backend", "floor": "hand-written loops (the floor)",
             "peer": "peers"}
    return "<p class=key>" + "".join(
        f'<span style="background:{plots.COLORS[group]}"></span>{name}'
        for group, name in names.items()) + "</p>\n"


def _hottest(results, groups):
    """What callgrind counts where, for each request."""
    parts = []
    for work in ("instructions-64", "instructions-close", "instructions-watch"):
        for name in plots.ordered(results.contestants("linux", work), groups["linux"]):
            values = results.values("linux", work, name, "hottest")
            rows = [[function, tables.number(count)] for function, count in
                    (values[0][:14] if values else [])]
            parts.append(f"<details><summary>{html.escape(name)}: {BY_NAME[work].title}</summary>"
                         + _table((["function", BY_NAME[work].unit_text], rows))
                         + "</details>\n")
    return "".join(parts)


def _all_tables(results, groups):
    parts = []
    for system in ("linux", "wine"):
        for work in WORKS:
            if results.has(system, work.name) and work.in_summary:
                parts.append(f"<details><summary>{tables.title_of(system, work, None)}</summary>"
                             + _table(tables.everything(results, groups, system, work))
                             + "</details>\n")
    return "".join(parts)


def _policies(results, system):
    """Pictures and a table of the policies of dispatch, or nothing."""
    if not results.has(system, DISPATCH[system]):
        return ""
    return (plots.policy_bars(results, system) + "<details><summary>as a table</summary>"
            + _table(tables.policies(results, system)) + "</details>\n")


def _without(*names):
    return [work for work in WORKS if work.name not in names and not work.name.startswith("idle")]


def _notes(report):
    texts = [f"Not there: {text}." for text in report["missing"]]
    texts += [f"Failed: {text}." for text in report["failures"]]
    return "".join(_note(text) for text in texts)


def write(path, report):
    results = Results(report["results"])
    groups = report["groups"]
    servers = _without("timers", "memory", "posts-1", "posts-4", *INSTRUMENTS, *SERVERS)
    counts = [work for work in WORKS if work not in servers and work.name not in SERVERS
              and work.name != "timers" and not work.name.startswith("idle")]
    parts = [
        "<!doctype html>\n<html lang=en><meta charset=utf-8><title>Pollux: benchmark</title>",
        f"<style>{STYLE}</style>\n<h1>Pollux: the same work, side by side</h1>\n",
        f"<p class=machine>{html.escape(machine.text(report['machine']))}. "
        f"{report['rounds']} rounds, interleaved; medians.</p>\n", _notes(report),
        _section("Bars", _table(tables.bars_table(bars.all_bars(results)))),
        _section("Pollux, its best peer, and the floor", _table(tables.summary(results, groups))),
        _section("Idle connections", _note("64 active connections; both scales logarithmic."),
                 plots.idle_curves(results, groups["linux"], "linux", "idle"),
                 _table(tables.curves(results, groups))),
        _section("CPU of the server for each request", _key(),
                 plots.work_bars(results, groups["linux"], "linux", servers)),
        _section("Memory, posts, instructions, system calls", _key(),
                 plots.work_bars(results, groups["linux"], "linux", counts)),
        _section("Policies of dispatch", _policies(results, "linux")),
        _section("Servers of several loops",
                 plots.work_bars(results, groups["linux"], "linux",
                                 [BY_NAME[name] for name in SERVERS if BY_NAME[name].in_summary])),
        _section("100,000 timers", plots.timer_bars(results, groups["linux"], "linux")),
        _section("Windows, under Wine",
                 _note("Figures of an emulator: to be compared with each other only. CPU is the "
                       "server's own; the wineserver's share is in the tables below."),
                 plots.idle_curves(results, groups["wine"], "wine", "idle-32"),
                 plots.work_bars(results, groups["wine"], "wine", [*servers, *counts]),
                 plots.timer_bars(results, groups["wine"], "wine")),
        _section("Policies of dispatch, under Wine", _policies(results, "wine")),
        _section("Where the instructions go", _hottest(results, groups)),
        _section("All figures", _all_tables(results, groups)), "</html>\n"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(parts))
