"""Works: what all contestants are asked to do, and how much of it."""

from dataclasses import dataclass, replace

from . import measure, servers


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    unit_text: str  # Of the main figure.
    figure: str  # The name of the main figure.
    measure: object
    needs: str = "serve"  # Or "watch", "hand", "loops", "timers", "posts", "tool".
    active: int = 0  # Connections, or threads.
    mode: str = "http"
    unit: int = 1  # Requests at once, or bytes.
    systems: tuple = ("linux",)
    most_is_best: bool = False
    once: bool = False  # Counts that do not vary: one round says all.
    leaves_out: tuple = ()  # Contestants that would show what another one shows.
    idle: str = "idle"  # Which of Size's numbers of idle connections.
    windows: int = 1  # In each round, of which the medians count.
    is_pinned: bool = True  # The server has a processor, and the client another one.
    loops: int = 1
    computes: bool = False  # The handler does, before it answers.
    in_summary: bool = True  # Its main figure compares contestants.


@dataclass(frozen=True)
class Size:
    client: str
    warm_s: float = 0.1
    window_s: float = 0.25
    requests: int = 0  # Not 0: so many requests in place of seconds.
    idle: tuple = (0, 1000, 2000, 4000, 8000, 16000, 18000)
    two_idle: tuple = (0, 8000)
    most_idle: tuple = (8000,)
    wine_idle: tuple = (0, 500, 1000, 2000)
    memory: int = 10000
    timers: int = 100000
    posts: int = 3000000
    instrumented: int = 6400
    spread: int = 1000  # Connections over the loops of a server.
    dispatch_s: float = 2
    dispatch_options: tuple = ("--dispatch",)

    def quick(self):
        """For a first look, in five minutes."""
        return replace(self, warm_s=0.05, window_s=0.15, idle=(0, 8000, 18000),
                       wine_idle=(0, 2000), posts=300000, instrumented=3200,
                       dispatch_s=0.45)

    def smoke(self):
        """The least that still goes through everything."""
        return replace(self, requests=200, idle=(0, 300), two_idle=(0, 300),
                       most_idle=(300,), wine_idle=(0, 100), memory=300, timers=2000, posts=20000,
                       instrumented=640, spread=200, dispatch_s=0.3,
                       dispatch_options=("--dispatch=inline,kernel", "--workloads",
                                         "keep-alive,connect"))


BOTH = ("linux", "wine")

# With idle connections they show what another one shows.
LIKE_ANOTHER = ("libuv uv_write", "libevent bufferevent", "pollux libuv", "asio")

# What work "idle" shows of them holds for watches and without pinning, too.
LIKE_IDLE = ("pollux poll-plain", "pollux select", "raw poll", *LIKE_ANOTHER)

# Loops of these are several loops of the others.
LIKE_LOOPS = ("pollux poll-plain", "pollux select", "pollux libuv")

# Policies are compared on the default backend and on the best one for several loops.
LIKE_POLICIES = ("pollux select", "pollux uring", "pollux libuv")

WORKS = (
    Work("http-1", "HTTP keep-alive, 1 connection", "µs CPU/request", "cpu_us", measure.load,
         active=1, systems=BOTH),
    Work("http-16", "HTTP keep-alive, 16 connections", "µs CPU/request", "cpu_us", measure.load,
         active=16),
    Work("http-32", "HTTP keep-alive, 32 connections", "µs CPU/request", "cpu_us", measure.load,
         active=32, systems=("wine",)),
    Work("http-64", "HTTP keep-alive, 64 connections", "µs CPU/request", "cpu_us", measure.load,
         active=64),
    Work("http-1024", "HTTP keep-alive, 1,024 connections", "µs CPU/request", "cpu_us",
         measure.load, active=1024),
    Work("pipelined", "HTTP, 64 connections, 16 requests at once", "µs CPU/request", "cpu_us",
         measure.load, active=64, unit=16, systems=BOTH),
    Work("echo-16k", "Echo of 16 KiB, 64 connections", "µs CPU/message", "cpu_us", measure.load,
         active=64, mode="echo", unit=16 * 1024, systems=BOTH),
    Work("echo-1m", "Echo of 1 MiB, 4 connections", "µs CPU/message", "cpu_us", measure.load,
         active=4, mode="echo", unit=1024 * 1024, systems=BOTH, windows=3),
    Work("close", "Connect, request, close; 64 at once", "µs CPU/connection", "cpu_us",
         measure.load, active=64, mode="close", systems=BOTH),
    Work("hand", "The same, handed to a loop of another thread", "µs CPU/connection", "cpu_us",
         measure.hand, needs="hand", active=64, mode="close", windows=3),
    Work("loops-compute", "2 loops against 1, a handler of 200 µs", "× requests/s", "gain",
         measure.loops, needs="loops", active=64, unit=8, computes=True, leaves_out=LIKE_LOOPS,
         windows=3, is_pinned=False, most_is_best=True),
    Work("loops-request", "2 loops against 1, the usual request", "× requests/s", "gain",
         measure.loops, needs="loops", active=64, leaves_out=LIKE_LOOPS, windows=3,
         is_pinned=False, most_is_best=True),
    Work("dispatch", "Policies of dispatch", "rows", "rows", servers.dispatch, needs="tool",
         once=True, leaves_out=LIKE_POLICIES, in_summary=False),
    Work("dispatch-wine", "Policies of dispatch", "rows", "rows", servers.dispatch, needs="tool",
         systems=("wine",), once=True, leaves_out=LIKE_POLICIES, in_summary=False),
    Work("balance", "The fullest of 4 loops against the emptiest", "×", "least_connections",
         servers.balance, needs="tool", active=1, mode="echo", is_pinned=False),
    Work("resident", "Memory of a server of 16 idle loops", "MiB", "mib_16", servers.resident,
         needs="tool", mode="echo", once=True, is_pinned=False),
    Work("resident-1-loop", "Memory for each of 10,000 connections, 1 loop", "bytes", "bytes",
         servers.resident_connections, needs="tool", mode="echo", once=True,
         is_pinned=False),
    Work("resident-4-loops", "Memory for each of 10,000 connections, 4 loops", "bytes", "bytes",
         servers.resident_connections, needs="tool", mode="echo", loops=4, once=True,
         is_pinned=False),
    Work("idle", "64 active connections, and idle ones", "µs CPU/request", "cpu_us", measure.idle,
         active=64, leaves_out=LIKE_ANOTHER),
    Work("idle-32", "32 active connections, and idle ones", "µs CPU/request", "cpu_us",
         measure.idle, active=32, systems=("wine",), leaves_out=("libuv uv_write",),
         idle="wine_idle"),
    Work("idle-watch", "64 active watches, and idle ones", "µs CPU/request", "cpu_us",
         measure.idle, needs="watch", active=64, leaves_out=LIKE_IDLE, idle="two_idle",
         windows=3),
    Work("idle-unpinned", "64 active connections, and idle ones, not pinned", "µs CPU/request",
         "cpu_us", measure.idle, active=64, leaves_out=LIKE_IDLE, idle="most_idle", windows=5,
         is_pinned=False),
    Work("memory", "Memory for each of 10,000 idle connections", "bytes", "heap_bytes",
         measure.memory, active=1, once=True),
    Work("timers", "100,000 timers", "ns/restart", "restart", measure.timers, needs="timers",
         systems=BOTH),
    Work("posts-1", "Posts from 1 thread", "posts/s", "per_second", measure.posts, needs="posts",
         active=1, systems=BOTH, most_is_best=True),
    Work("posts-4", "Posts from 4 threads", "posts/s", "per_second", measure.posts, needs="posts",
         active=4, systems=BOTH, most_is_best=True),
    Work("instructions-16", "Instructions, 16 connections", "instructions/request",
         "instructions", measure.instructions, active=16, once=True),
    Work("instructions-64", "Instructions, 64 connections", "instructions/request",
         "instructions", measure.instructions, active=64, once=True),
    Work("instructions-close", "Instructions, connect, request, close", "instructions/connection",
         "instructions", measure.instructions, active=64, mode="close", once=True),
    Work("instructions-watch", "Instructions, 64 watches", "instructions/request", "instructions",
         measure.instructions, needs="watch", active=64, once=True),
    Work("calls", "System calls, 64 connections", "calls/request", "calls", measure.calls,
         active=64, once=True),
    Work("calls-close", "System calls, connect, request, close", "calls/connection", "calls",
         measure.calls, active=64, mode="close", once=True),
)

BY_NAME = {work.name: work for work in WORKS}

# Of servers with several loops.
SERVERS = tuple(work.name for work in WORKS if work.needs in ("loops", "tool"))

# What --quick leaves out.
SLOW = ("http-1", "http-16", "pipelined", "echo-1m", "idle-unpinned", "posts-4", "dispatch-wine",
        "instructions-close", "calls-close")

# What needs valgrind or strace.
INSTRUMENTS = ("instructions-16", "instructions-64", "instructions-close", "instructions-watch",
               "calls", "calls-close")


def main_figure(work, point=None):
    """The name of a work's figure, at a number of idle connections where it has such."""
    return work.figure if point is None else f"{work.figure}@{point}"
