"""Measures: each takes a contestant and gives a flat dictionary of figures, from one round."""

import functools
import glob
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
from dataclasses import replace

from .processes import Client, Failure, Server, json_of, processors, result_of

COMPUTE_US = 200


def _checked(window, run, work):
    """The server's count must be the client's: else something was lost or answered twice."""
    served = window["requests"]
    if work.mode == "echo" and window.get("echoed_bytes"):
        served = window["echoed_bytes"] // work.unit
    if served is not None and served != run["requests"]:
        raise Failure(f"the server counted {served} requests and the client {run['requests']}")
    if run["requests"] <= 0 or window["cpu_us"] <= 0:
        raise Failure(f"nothing was measured: {run}, {window}")


def _figures(window, run):
    figures = {"cpu_us": window["cpu_us"] / run["requests"],
               "per_second": run["requests"] / run["seconds"],
               "busy": window["cpu_us"] / 1e6 / run["seconds"],
               "p50_us": run["p50_us"], "p99_us": run["p99_us"], "p999_us": run["p999_us"],
               "requests": run["requests"]}
    if "wineserver_us" in window:
        figures["wineserver_us"] = window["wineserver_us"] / run["requests"]
    return figures


def _run(client, work, size, seconds):
    """So many requests if the size is a small fixed one, else for so long."""
    if not size.requests:
        return client.seconds(seconds)
    return client.requests(size.requests if work.unit < 1 << 20 else work.active)


def _window(server, client, work, size):
    """The figures of one window, which opens and closes while the client is quiet."""
    server.begin()
    run = _run(client, work, size, size.window_s)
    window = server.end()
    _checked(window, run, work)
    return _figures(window, run)


def _windows(server, client, work, size):
    """The medians of the work's windows."""
    windows = [_window(server, client, work, size) for _ in range(work.windows)]
    return {name: statistics.median(window[name] for window in windows) for name in windows[0]}


def load(contestant, work, size):
    """Requests in a closed loop."""
    with Server(contestant, work) as server, Client(size.client, server, work) as client:
        _run(client, work, size, size.warm_s)
        return _windows(server, client, work, size)


def hand(contestant, work, size):
    """As load(), in windows that alternate with those of a server which hands nothing over."""
    with Server(contestant, replace(work, needs="serve")) as alone, \
            Client(size.client, alone, work) as client_of_alone, \
            Server(contestant, work) as handing, \
            Client(size.client, handing, work) as client_of_handing:
        pairs = ((alone, client_of_alone), (handing, client_of_handing))
        for _, client in pairs:
            _run(client, work, size, size.warm_s)
        windows = [[_window(*pair, work, size) for pair in pairs] for _ in range(work.windows)]
    figures = {name: statistics.median(handed[name] for _, handed in windows)
               for name in windows[0][1]}
    return {**figures, "alone_us": statistics.median(alone["cpu_us"] for alone, _ in windows)}


def idle(contestant, work, size):
    """The cost of active connections while more and more others are idle."""
    figures = {}
    with Server(contestant, work) as server, Client(size.client, server, work) as client:
        for count in getattr(size, work.idle):
            client.idle(count)
            # Long enough for a set of two tiers to have sorted its sockets, which takes 400 ms.
            _run(client, work, size, max(size.warm_s, 0.45))
            for name, value in _windows(server, client, work, size).items():
                figures[f"{name}@{count}"] = value
    return figures


@functools.cache
def _steps(program):
    """How many steps of a handler take COMPUTE_US. They are counted once, so that all servers do
    the same."""
    command = [program, "--calibrate", str(COMPUTE_US)]
    return json_of(program, command, processor=processors()[0])["steps"]


def _loops_window(server, client, work, size, loops):
    """The figures of a window, and the client's share of the time of so many processors."""
    before_s = client.cpu_s()
    figures = _window(server, client, work, size)
    elapsed_s = figures["requests"] / figures["per_second"]
    return {"cpu_us": figures["cpu_us"], "per_second": figures["per_second"],
            "busy": figures["busy"], "client": (client.cpu_s() - before_s) / elapsed_s / loops}


def loops(contestant, work, size):
    """A server with two loops against one with one, in windows that alternate."""
    steps = _steps(contestant.program) if work.computes else 0
    with Server(contestant, work, arguments=("1", str(steps))) as one, \
            Client(size.client, one, work) as client_of_one, \
            Server(contestant, work, arguments=("2", str(steps))) as two, \
            Client(size.client, two, work) as client_of_two:
        pairs = {1: (one, client_of_one), 2: (two, client_of_two)}
        windows = {1: [], 2: []}
        for _, client in pairs.values():
            _run(client, work, size, size.warm_s)
        for _ in range(work.windows):
            for count, (server, client) in pairs.items():
                windows[count].append(_loops_window(server, client, work, size, count))
    figures = {f"{name}_{count}": statistics.median(window[name] for window in windows[count])
               for count in windows for name in ("cpu_us", "per_second", "busy", "client")}
    if work.computes and min(figures["cpu_us_1"], figures["cpu_us_2"]) < COMPUTE_US / 2:
        raise Failure(f"the handler did not compute for {COMPUTE_US} µs: {figures}")
    return {"gain": figures["per_second_2"] / figures["per_second_1"],
            "cpu_ratio": figures["cpu_us_2"] / figures["cpu_us_1"], **figures}


def memory(contestant, work, size):
    """Bytes for each idle connection, by malloc's own account and by the system's."""
    with Server(contestant, work) as server, Client(size.client, server, work) as client:
        client.requests(10)
        server.begin()
        before = server.memory_bytes("Anonymous")
        client.idle(size.memory)
        client.requests(10)
        window = server.end()
        after = server.memory_bytes("Anonymous")
        return {"heap_bytes": window["heap_bytes"] / size.memory,
                "resident_bytes": (after - before) / size.memory}


def timers(contestant, _work, size):
    return result_of(contestant, "timers", str(size.timers), processor=processors()[0])


def posts(contestant, work, size):
    return result_of(contestant, "posts", str(work.active), str(size.posts))


# --- instruments ---------------------------------------------------------------------------------


def _callgrind_costs(path):
    """{function: instructions} of a dump, without what the functions call. Whoever was running
    when the counts were zeroed gets a count below zero, which callgrind writes as a huge one."""
    costs = {}
    names = {}
    function = None
    is_call = False
    with open(path, encoding="utf-8") as file:
        for line in file:
            named = re.match(r"fn=\((\d+)\)(?: (.*))?", line)
            if named:
                function = names.setdefault(named.group(1), (named.group(2) or "?").strip())
            elif re.match(r"c?fn=\((\d+)\) .", line):
                number, name = re.match(r"c?fn=\((\d+)\) (.*)", line).groups()
                names.setdefault(number, name.strip())
            elif line.startswith("calls="):
                is_call = True
            elif re.match(r"[+*\-\d]", line) and function is not None:
                cost = int(line.split()[1])
                if not is_call and cost < 1 << 62:
                    costs[function] = costs.get(function, 0) + cost
                is_call = False
    return costs


def instructions(contestant, work, size):
    """Instructions in user space for each request, in steady state only: the server has callgrind
    zero its counts when the window opens, and write them when it closes. Requests are those that
    the server counted meanwhile."""
    if shutil.which("valgrind") is None:
        raise Failure("valgrind is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind")
        wrapper = ["valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={out}"]
        with Server(contestant, work, wrapper) as server, \
                Client(size.client, server, work) as client:
            def poke():
                client.requests(3200)

            client.requests(work.active * 5)
            server.begin(poke=poke)
            client.requests(size.instrumented)
            requests = server.end(poke=poke)["requests"]
            dumps = sorted(glob.glob(out + ".1*"))
            if not dumps or requests < size.instrumented:
                raise Failure(f"callgrind wrote {dumps} for {requests} requests")
            costs = {}
            for path in dumps:
                for name, cost in _callgrind_costs(path).items():
                    costs[name] = costs.get(name, 0) + cost / requests
            hottest = sorted(costs.items(), key=lambda pair: -pair[1])[:20]
            return {"instructions": sum(costs.values()),
                    "hottest": [[name, round(cost, 1)] for name, cost in hottest]}


def calls(contestant, work, size):
    """System calls for each request, by strace, of all threads."""
    if shutil.which("strace") is None:
        raise Failure("strace is not installed")
    with Server(contestant, work) as server, Client(size.client, server, work) as client, \
            tempfile.NamedTemporaryFile(mode="r") as counts, \
            tempfile.NamedTemporaryFile(mode="r") as said:
        client.requests(work.active * 5)
        with open(said.name, "w", encoding="utf-8") as errors:
            tracer = subprocess.Popen(["strace", "-f", "-c", "-o", counts.name, "-p",
                                       str(server.pid)], stderr=errors)
        try:
            _await_attached(tracer, said)
            run = client.requests(size.instrumented)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(30)
        figures = {"calls": 0.0}
        for line in counts.read().splitlines():
            words = line.split()
            if len(words) >= 5 and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
                figures[words[-1]] = int(words[3]) / run["requests"]
                figures["calls"] += figures[words[-1]]
        if figures["calls"] <= 0:
            raise Failure("strace saw no call")
        return figures


def _await_attached(tracer, said):
    """Strace says so when it has attached; it is asked for that, not for the time."""
    for _ in range(3000):
        said.seek(0)
        if "attached" in said.read():
            return
        if tracer.poll() is not None:
            break
        signal.sigtimedwait([], 0.01)
    raise Failure("strace does not attach")
