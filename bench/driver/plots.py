"""Plots: SVG text, drawn by Matplotlib (Debian: python3-matplotlib)."""

import io
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # pylint: disable=wrong-import-position
from matplotlib.ticker import FuncFormatter, MaxNLocator  # pylint: disable=wrong-import-position

from .results import DISPATCH, idle_points  # pylint: disable=wrong-import-position
from .results import policies_measured, policy_figures  # pylint: disable=wrong-import-position
from .tables import number  # pylint: disable=wrong-import-position

COLORS = {"pollux": "#1f5fbf", "peer": "#d97a1e", "floor": "#8a8f98"}
LINES = {"pollux": ["#0b3c8c", "#2f7fe0", "#12a0a8", "#6a4fc4", "#c0399f", "#2c9a4b"],
         "peer": ["#d97a1e", "#b5482a", "#e0a92e", "#8c5a2b", "#c98f6b", "#a39012"],
         "floor": ["#50555c", "#8a8f98", "#b4b9c0"]}
ORDER = ("pollux", "floor", "peer")

plt.rcParams.update({
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#8a8f98",
    "axes.grid": True, "grid.color": "#e3e6ea", "axes.axisbelow": True, "figure.dpi": 96,
})


def _svg(figure):
    """The picture as an element for HTML: without the prologue, and scaling with the page."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    text = out.getvalue()
    text = text[text.index("<svg"):]
    return re.sub(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"',
                  lambda m: m.group(0).replace(f'width="{m.group(1)}pt"', 'width="100%"')
                  .replace(f'height="{m.group(2)}pt"', f'style="max-width:{m.group(1)}pt"'),
                  text, count=1)


def ordered(names, groups):
    return sorted(names, key=lambda name: (ORDER.index(groups.get(name, "peer")), name))


def _line_styles(names, groups):
    seen = {}
    for name in ordered(names, groups):
        group = groups.get(name, "peer")
        index = seen.get(group, 0)
        seen[group] = index + 1
        yield name, {"color": LINES[group][index % len(LINES[group])],
                     "linewidth": 2.2 if group == "pollux" else 1.4,
                     "linestyle": {"pollux": "-", "floor": "--", "peer": "-"}[group],
                     "marker": {"pollux": "o", "floor": "s", "peer": "^"}[group],
                     "markersize": 5 if group == "pollux" else 4}


def _count_axis(axes, counts):
    """Idle connections on a log scale; none of them stands half a step to the left."""
    positive = [count for count in counts if count > 0]
    at_none = min(positive) / 2
    ticks = [at_none, *positive]
    if len(ticks) > 2 and positive[-1] / positive[-2] < 1.3:
        ticks.remove(positive[-2])  # Its label would lie under the last one.
    axes.set_xscale("log")
    axes.set_xticks(ticks)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: "none" if abs(x - at_none) < 1 else f"{x:,.0f}"))
    return at_none


def idle_curves(results, groups, system, work):
    """Cost and latency against the number of idle connections: three pictures in one."""
    names = results.contestants(system, work)
    points = {name: idle_points(results, system, work, name) for name in names}
    counts = sorted({point[0] for line in points.values() for point in line})
    if len(counts) < 2:
        return ""
    figure, (cost, median, latency) = plt.subplots(1, 3, figsize=(17, 5))
    at_none = [_count_axis(axes, counts) for axes in (cost, median, latency)][0]
    for name, style in _line_styles(names, groups):
        line = points[name]
        x = [point[0] or at_none for point in line]
        cost.plot(x, [point[1] for point in line], label=name.removeprefix("pollux "), **style)
        median.plot(x, [point[2] for point in line], **style)
        latency.plot(x, [point[3] for point in line], label=name, **style)
    for axes, title in ((cost, "CPU of the server for each request, µs"),
                        (median, "Median of the latency, µs"),
                        (latency, "99th percentile of the latency, µs")):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
        axes.yaxis.set_minor_formatter(
            FuncFormatter(lambda y, _: f"{y:,g}" if f"{y:.0e}"[0] in "235" else ""))
        axes.tick_params(axis="y", which="minor", labelsize=8)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("idle connections besides")
    latency.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    return _svg(figure)


def _amount_axis(axes):
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x / 1e6:g} M" if x >= 1e6 else f"{x:,g}"))
    axes.tick_params(axis="x", labelsize=8)


def _limit(values, share=0.5):
    """Where the axis ends. Bars that are many times what this share of the others reaches would
    hide them: they are cut."""
    largest = max(values)
    others = sorted(values)[:-1] or [largest]
    return min(largest, max(others[int(len(others) * share)] * 3, others[0] * 1.2)) * 1.22


def _bar_text(axes, position, value, limit, size):
    """The figure of a bar, inside one that is long or cut."""
    inside = value > limit * 0.82
    axes.text(min(value, limit) - limit * 0.01 if inside else value + limit * 0.01, position,
              number(value) + (" →" if value > limit else ""), va="center", fontsize=size,
              ha="right" if inside else "left", color="white" if inside else "#30343a")


def _bars(axes, names, values, groups, title, text):
    positions = range(len(names))
    axes.barh(positions, values, color=[COLORS[groups.get(name, "peer")] for name in names],
              height=0.72)
    axes.set_yticks(positions)
    axes.set_yticklabels([name.replace("pollux ", "pollux · ") for name in names], fontsize=9)
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=10.5)
    _amount_axis(axes)
    limit = _limit(values)
    axes.set_xlim(0, limit)
    for position, value in zip(positions, values):
        _bar_text(axes, position, value, limit, 8.5)
    axes.set_xlabel(text, fontsize=9)


def work_bars(results, groups, system, works):
    """A bar for each contestant, and a picture for each work."""
    shown = [work for work in works if results.has(system, work.name)]
    if not shown:
        return ""
    columns = 3
    rows = (len(shown) + columns - 1) // columns
    most = max(len(results.contestants(system, work.name)) for work in shown)
    figure, grid = plt.subplots(rows, columns, figsize=(15, rows * (0.9 + most * 0.235)),
                                squeeze=False)
    for axes in grid.flat[len(shown):]:
        axes.set_visible(False)
    for axes, work in zip(grid.flat, shown):
        names = [name for name in ordered(results.contestants(system, work.name), groups)
                 if results.median(system, work.name, name, work.figure) is not None]
        _bars(axes, names, [results.median(system, work.name, name, work.figure)
                            for name in names], groups, work.title, work.unit_text)
    figure.tight_layout(w_pad=2, h_pad=2)
    return _svg(figure)


def timer_bars(results, groups, system):
    """Five operations, side by side."""
    operations = ("start", "restart", "restart_random", "restart_shuffled", "cancel", "fire")
    if not results.has(system, "timers"):
        return ""
    names = ordered(results.contestants(system, "timers"), groups)
    figure, grid = plt.subplots(2, 3, figsize=(15, 2 * (0.9 + len(names) * 0.3)), squeeze=False)
    titles = {"restart": "restart, the first due becomes the last",
              "restart_random": "restart, random timeouts",
              "restart_shuffled": "restart, random timeouts in a random order"}
    for axes, operation in zip(grid.flat, operations):
        _bars(axes, names, [results.median(system, "timers", name, operation) for name in names],
              groups, titles.get(operation, operation), "ns")
    figure.tight_layout(w_pad=2, h_pad=2)
    return _svg(figure)


def _policy_axes(axes, lines, title):
    """Bars of one workload: for each policy, one of each contestant. `lines` is {contestant:
    [value of each policy, or None]}."""
    height = 0.8 / len(lines)
    values = [value for line in lines.values() for value in line if value is not None]
    limit = _limit(values, 0.75) or 1  # All may be 0.
    for index, (contestant, line) in enumerate(lines.items()):
        at = [row - 0.4 + height * (index + 0.5) for row in range(len(line))]
        axes.barh(at, [value or 0 for value in line], color=LINES["pollux"][index],
                  height=height * 0.9, label=contestant)
        for position, value in zip(at, line):
            if value is not None:
                _bar_text(axes, position, value, limit, 7.5)
            else:
                axes.text(limit * 0.01, position, "none", va="center", fontsize=7,
                          color=COLORS["floor"])
    axes.set_xlim(0, limit)
    axes.set_title(title, loc="left", fontsize=10.5)
    _amount_axis(axes)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="y", labelsize=9)


WORKLOADS = {"keep-alive": "keep-alive", "connect": "a connection a request",
             "block": "the handler blocks", "slow": "slow clients"}


def _policy_lines(results, system, figure):
    """{workload: lines of _policy_axes()}, or {} where nobody knows the figure."""
    workloads, _ = policies_measured(results, system)
    found = {workload: {one: policy_figures(results, system, one, figure, workload)
                        for one in results.contestants(system, DISPATCH[system])}
             for workload in workloads}
    is_known = all(any(value is not None for line in lines.values() for value in line)
                   for lines in found.values())
    return found if is_known else {}


def policy_bars(results, system):
    """The policies of dispatch: a column for each workload, and CPU time below requests per second.
    Under Wine CPU time is unknown."""
    _, policies = policies_measured(results, system)
    rows = [(unit, lines) for unit, lines in
            (("requests/s", _policy_lines(results, system, "per_second")),
             ("µs CPU/request", _policy_lines(results, system, "cpu_us"))) if lines]
    if not rows:
        return ""
    columns = len(rows[0][1])
    figure, grid = plt.subplots(
        len(rows), columns, figsize=(4.2 * columns, len(rows) * (0.8 + len(policies) * 0.42)),
        squeeze=False, sharey=True)
    for (unit, found), line in zip(rows, grid):
        for axes, (workload, lines) in zip(line, found.items()):
            _policy_axes(axes, lines, f"{WORKLOADS.get(workload, workload)}: {unit}")
    grid[0][0].set_yticks(range(len(policies)), policies)
    grid[0][0].invert_yaxis()  # Of all: they share it.
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.tight_layout(w_pad=2, h_pad=2)
    figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncol=len(labels),
                  frameon=False, fontsize=10)
    return _svg(figure)
