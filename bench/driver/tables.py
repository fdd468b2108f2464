"""Tables: Pollux beside its peers and the floor, as text and as Markdown."""

from .results import DISPATCH, fit, idle_points, policies_measured, policy_figures
from .works import WORKS, main_figure

SERVER_COLUMNS = ("cpu_us", "busy", "per_second", "p50_us", "p99_us", "wineserver_us")


def number(value):
    """Three digits that mean something."""
    if value is None:
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def rows_of(results, groups):
    """(system, work, point): each line that a table has."""
    for system in ("linux", "wine"):
        for work in WORKS:
            if not results.has(system, work.name) or not work.in_summary:
                continue
            if not work.name.startswith("idle"):
                yield system, work, None
                continue
            names = [n for n in results.contestants(system, work.name) if n in groups[system]]
            counts = {count for n in names
                      for count, *_ in idle_points(results, system, work.name, n)}
            for count in sorted(counts):
                yield system, work, count


def best_of(results, groups, system, work, point, group):
    """(median, name) of the best of a group, or (None, "-")."""
    figure = main_figure(work, point)
    found = [(results.median(system, work.name, name, figure), name)
             for name in results.contestants(system, work.name)
             if groups[system].get(name) == group]
    found = [pair for pair in found if pair[0] is not None]
    if not found:
        return None, "-"
    return max(found) if work.most_is_best else min(found)


def title_of(system, work, point):
    title = work.title if point is None else f"{work.title}: {point:,} idle"
    return title + (" (Wine)" if system == "wine" else "")


def _ratio(results, system, work, point, ours, other):
    figure = main_figure(work, point)
    value = results.ratio(system, work.name, (ours, figure), (other, figure))
    return f"{value:.2f}" if value is not None else "-"


def summary(results, groups):
    """Header and rows: Pollux's default and best, the best peer, the best floor, and ratios."""
    header = ["work", "unit", "poll", "Pollux's best", "best peer", "best floor", "best/peer",
              "best/floor"]
    rows = []
    for system, work, point in rows_of(results, groups):
        best = {group: best_of(results, groups, system, work, point, group)
                for group in ("pollux", "peer", "floor")}
        default = "pollux WSAPoll" if system == "wine" else "pollux poll"
        cells = [number(results.median(system, work.name, default, main_figure(work, point)))]
        for group in ("pollux", "peer", "floor"):
            value, name = best[group]
            cells.append("-" if value is None else
                         f"{number(value)} ({name.removeprefix('pollux ')})")
        ours = best["pollux"][1]
        rows.append([title_of(system, work, point), work.unit_text, *cells,
                     _ratio(results, system, work, point, ours, best["peer"][1]),
                     _ratio(results, system, work, point, ours, best["floor"][1])])
    return header, rows


def curves(results, groups):
    """What each idle connection costs, and what 100,000 of them would, by a straight line. One that
    rises by less than a tenth over all that was measured is called flat: what it rises by is noise,
    and five times as much of it would be no forecast. Wine's few points allow none either."""
    header = ["contestant", "µs/request, none idle", "most idle", "ns more for each idle one",
              "µs/request at 100,000 idle (fitted)"]
    rows = []
    for name in results.contestants("linux", "idle"):
        points = [(count, cpu) for count, cpu, *_ in idle_points(results, "linux", "idle", name)
                  if cpu is not None]
        if len(points) < 3:
            continue
        at_none, slope = fit(points)
        mean = sum(cpu for _, cpu in points) / len(points)
        is_flat = slope * points[-1][0] < mean / 10
        rows.append([name, number(points[0][1]), number(points[-1][1]), f"{slope * 1e3:.3f}",
                     f"{number(mean)} (flat)" if is_flat else number(at_none + slope * 100000)])
    return header, rows


def policies(results, system):
    """Each policy of dispatch on each backend: requests per second, and CPU time per request where
    the system tells it."""
    workloads, names = policies_measured(results, system)
    header = ["policy", "backend"]
    columns = []
    rows = []
    contestants = results.contestants(system, DISPATCH[system])
    for figure, unit in (("per_second", "requests/s"), ("cpu_us", "µs CPU/request")):
        for workload in workloads:
            found = [policy_figures(results, system, one, figure, workload) for one in contestants]
            if any(value is not None for line in found for value in line):
                header.append(f"{workload}: {unit}")
                columns.append(found)
    for index, contestant in enumerate(contestants):
        for at, policy in enumerate(names):
            cells = [column[index][at] for column in columns]
            if any(cell is not None for cell in cells):
                rows.append([policy, contestant.removeprefix("pollux "), *map(number, cells)])
    return header, rows


def bars_table(bars):
    return (["bar", "promise", "figure", ""],
            [[bar.work, bar.promise, bar.figure, bar.verdict] for bar in bars])


def _spread(values):
    """Least and most of the first column: what the rounds say of the noise."""
    if len(values) < 2:
        return ""
    return f"{number(min(values))} to {number(max(values))}"


def everything(results, groups, system, work):
    """All contestants of one work: their medians of all that is worth a column."""
    columns = {"serve": SERVER_COLUMNS, "watch": SERVER_COLUMNS,
               "hand": (*SERVER_COLUMNS, "alone_us"),
               "timers": ("start", "restart", "restart_random", "restart_shuffled",
                          "cancel", "fire"),
               "loops": ("gain", "cpu_ratio", "per_second_1", "per_second_2", "cpu_us_1",
                         "cpu_us_2", "busy_1", "busy_2", "client_1", "client_2"),
               "posts": ("per_second", "cpu_ns")}.get(work.needs, ())
    if work.figure not in columns:
        names = {key for name in results.contestants(system, work.name)
                 for key, values in results.data[system][work.name][name].items()
                 if isinstance(values[-1], (int, float))}
        columns = (work.figure, *sorted(names - {work.figure}))
    if work.name.startswith("idle"):
        counts = sorted({point[0] for name in results.contestants(system, work.name)
                         for point in idle_points(results, system, work.name, name)})
        columns = [f"{figure}@{count}" for figure in ("cpu_us", "p50_us", "p99_us",
                                                      "wineserver_us") for count in counts]
    columns = [c for c in columns if any(results.values(system, work.name, name, c)
                                         for name in results.contestants(system, work.name))]
    order = sorted(results.contestants(system, work.name),
                   key=lambda name: (["pollux", "floor", "peer"].index(
                       groups[system].get(name, "peer")), name))
    rows = []
    for name in order:
        cells = [number(results.median(system, work.name, name, column)) for column in columns]
        first = results.values(system, work.name, name, columns[0]) if columns else []
        rows.append([name, *cells, _spread(first)])
    return ["contestant", *columns, "rounds"], rows


def as_text(table):
    header, rows = table
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row):
        cells = [cell.ljust(width) if i == 0 or i == 1 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        return "  ".join(cells).rstrip()
    return "\n".join([line(header), "  ".join("-" * width for width in widths),
                      *(line(row) for row in rows)])


def as_markdown(table):
    header, rows = table
    lines = ["| " + " | ".join(header) + " |",
             "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
