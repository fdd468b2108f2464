"""Bars: what was promised, and whether this run shows it. A bar for a contestant that was not
there is said to be so; it is neither met nor missed."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Bar:
    work: str
    promise: str
    figure: str  # As text; "-" if there is none.
    verdict: str  # "met", "missed", "reported" where nothing is promised, or "not measured"


def _bar(work, promise, value, limit, text, most=False):
    """`value` may be at most `limit`, or with `most` must be at least that."""
    if value is None:
        return Bar(work, promise, "-", "not measured")
    met = value >= limit if most else value <= limit
    return Bar(work, promise, text.format(value), "met" if met else "missed")


def _best(results, work, names, figure, system="linux"):
    """Of several contestants the one whose median is least, or None."""
    found = [(results.median(system, work, name, figure), name) for name in names]
    found = [pair for pair in found if pair[0] is not None]
    return min(found)[1] if found else None


LIBUV = ("libuv", "libuv uv_write")


def _pollux(results, work):
    return [name for name in results.contestants("linux", work) if name.startswith("pollux ")]


def _peers(results, work):
    return [name for name in results.contestants("linux", work)
            if not name.startswith(("pollux ", "raw "))]


def _instructions(results):
    for backend in ("poll", "epoll"):
        for active, limit in ((16, 190), (64, 175)):
            yield _bar(f"instructions per request, {backend}, {active} connections", f"≤ {limit}",
                       results.median("linux", f"instructions-{active}", f"pollux {backend}",
                                      "instructions"), limit, "{:.0f}")
    work = "instructions-close"
    best = _best(results, work, _pollux(results, work), "instructions")
    yield _bar(f"instructions of connect, request, close; {best or 'best backend'}", "≤ 1,000",
               results.median("linux", work, best, "instructions"), 1000, "{:,.0f}")


def _watches(results):
    for backend in ("poll", "epoll"):
        ours = (f"pollux {backend}", "instructions")
        yield _bar(f"instructions per request, {backend}, 64 watches", "≤ 1.00 × libev",
                   results.ratio("linux", "instructions-watch", ours, ("libev", "instructions")),
                   1.0, "{:.2f} ×")
    yield _bar("CPU, poll, 8,000 idle + 64 active watches", "≤ 1.05 × its own with none idle",
               results.ratio("linux", "idle-watch", ("pollux poll", "cpu_us@8000"),
                             ("pollux poll", "cpu_us@0")), 1.05, "{:.2f} ×")


def _idle(results):
    figure = "cpu_us@8000"
    ours = ("pollux poll", figure)
    yield _bar("CPU, poll, 8,000 idle + 64 active", "≤ 1.15 × raw epoll",
               results.ratio("linux", "idle", ours, ("raw epoll", figure)), 1.15, "{:.2f} ×")
    plain = "pollux poll-plain"
    if not results.values("linux", "idle", plain, figure):
        plain = "raw poll"
    yield _bar("CPU, poll, 8,000 idle + 64 active", f"≤ 1/7 of plain poll ({plain})",
               results.ratio("linux", "idle", ours, (plain, figure)), 1 / 7, "{:.3f} ×")
    yield _bar("CPU, poll, 8,000 idle + 64 active, not pinned", "≤ 1.08 × pollux epoll",
               results.ratio("linux", "idle-unpinned", ours, ("pollux epoll", figure)), 1.08,
               "{:.2f} ×")
    helper = results.ratio("wine", "idle-32", ("pollux WSAPoll", "wineserver_us@2000"),
                           ("pollux WSAPoll", "wineserver_us@0"))
    yield _bar("CPU, WSAPoll, 2,000 idle + 32 active (Wine)", "≤ 1.5 × its own with none idle",
               results.ratio("wine", "idle-32", ("pollux WSAPoll", "cpu_us@2000"),
                             ("pollux WSAPoll", "cpu_us@0")), 1.5,
               "{:.2f} ×" + (f" (wineserver {helper:.2f} ×)" if helper else ""))
    yield _bar("p99 of 64 active, poll, 18,000 idle", "≤ 2 × with none idle",
               results.ratio("linux", "idle", ("pollux poll", "p99_us@18000"),
                             ("pollux poll", "p99_us@0")), 2, "{:.2f} ×")


def _http(results):
    for active in (64, 1024):
        work = f"http-{active}"
        title = f"CPU, {{}}, {active:,} connections"
        uv = _best(results, work, LIBUV, "cpu_us")
        for backend, other, limit in (("epoll", "raw epoll", 1.03), ("epoll", uv, 1.0),
                                      ("uring", "raw epoll", 0.90),
                                      ("uring", "raw io_uring", 1.05)):
            name = "libuv's best" if other == uv else other
            yield _bar(title.format(backend), f"≤ {limit:.2f} × {name}",
                       results.ratio("linux", work, (f"pollux {backend}", "cpu_us"),
                                     (other, "cpu_us")), limit, "{:.2f} ×")


def _handed_over(results):
    best = _best(results, "hand", _pollux(results, "hand"), "cpu_us")
    title = f"connect, request, close, handed over; {best or 'best backend'}"
    yield _bar(title, "≤ 1.25 × its own CPU on one loop",
               results.ratio("linux", "hand", (best, "cpu_us"), (best, "alone_us")), 1.25,
               "{:.2f} ×")
    yield _bar(title, "≤ 1.00 × libuv's CPU",
               results.ratio("linux", "hand", (best, "cpu_us"), ("libuv", "cpu_us")), 1.0,
               "{:.2f} ×")


def _loops(results):
    """Two loops against one. Where the client is not light, it is what limits the requests."""
    for work, title, most in (("loops-compute", "a handler of 200 µs", 0.05),
                              ("loops-request", "the usual request", None)):
        for backend in ("poll", "epoll"):
            name = f"pollux {backend}"
            gain = results.median("linux", work, name, "gain")
            client = results.median("linux", work, name, "client_2") or 0
            is_light = most is None or client <= most
            limit = f" (client ≤ {most:.0%})" if most is not None else ""
            yield _bar(f"requests/s of 2 loops, {backend}, {title}", "≥ 1.80 × 1 loop" + limit,
                       gain, 1.8 if is_light else math.inf, f"{{:.2f}} × (client {client:.0%})",
                       most=True)
            yield _bar(f"CPU per request of 2 loops, {backend}, {title}", "≤ 1.05 × 1 loop",
                       results.median("linux", work, name, "cpu_ratio"), 1.05, "{:.2f} ×")


def _balance(results):
    """By the backend that distributes worst."""
    for policy, limit in (("least_connections", 1.02), ("round_robin", 1.02), ("kernel", None)):
        found = [results.median("linux", "balance", name, policy)
                 for name in results.contestants("linux", "balance")]
        worst = max((value for value in found if value is not None), default=None)
        bar = _bar(f"fullest of 4 loops, 1,000 connections, {policy.replace('_', '-')}",
                   f"≤ {limit:.2f} × the emptiest" if limit else "-", worst, limit or math.inf,
                   "{:.3f} ×")
        yield bar if limit or worst is None else replace(bar, verdict="reported")


def _others(results):
    best = _best(results, "close", _pollux(results, "close"), "cpu_us")
    uv = _best(results, "close", LIBUV, "cpu_us")
    yield _bar(f"connect, request, close; {best or 'best backend'}", "≤ 0.90 × libuv's CPU",
               results.ratio("linux", "close", (best, "cpu_us"), (uv, "cpu_us")), 0.9, "{:.2f} ×")
    yield from _handed_over(results)
    peer = _best(results, "echo-1m", _peers(results, "echo-1m"), "cpu_us")
    yield _bar("CPU, poll, echo of 1 MiB", f"≤ 1.00 × the best peer ({peer or 'none'})",
               results.ratio("linux", "echo-1m", ("pollux poll", "cpu_us"), (peer, "cpu_us")),
               1.0, "{:.2f} ×")
    yield _bar("timer restart at 100,000 timers", "≤ 30 ns",
               results.median("linux", "timers", "pollux poll", "restart"), 30, "{:.1f} ns")
    yield _bar("posts from one thread", "≥ 5 million/s",
               _millions(results.median("linux", "posts-1", "pollux poll", "per_second")), 5,
               "{:.1f} million/s", most=True)
    yield _bar("posts from one thread", "≥ 2 × mutex queue and uv_async_send",
               results.ratio("linux", "posts-1", ("pollux poll", "per_second"),
                             ("libuv", "per_second")), 2, "{:.2f} ×", most=True)
    for name in _pollux(results, "memory"):
        limit = 176 if name == "pollux poll" else 256
        yield _bar(f"memory per idle connection, {name[7:]}", f"≤ {limit} bytes",
                   results.median("linux", "memory", name, "heap_bytes"), limit, "{:.0f}")


def _millions(value):
    return None if value is None else value / 1e6


def all_bars(results):
    parts = (_instructions, _idle, _watches, _http, _others, _loops, _balance)
    return [bar for part in parts for bar in part(results)]
