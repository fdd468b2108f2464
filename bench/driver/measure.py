"""Measures: each takes a contestant and gives a flat dictionary of figures, from one round."""

import glob
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile

from .processes import Client, Failure, Server, processors, result_of


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


def memory(contestant, work, size):
    """Bytes for each idle connection, by malloc's own account and by the system's."""
    with Server(contestant, work) as server, Client(size.client, server, work) as client:
        client.requests(10)
        server.begin()
        before = server.resident_bytes()
        client.idle(size.memory)
        client.requests(10)
        window = server.end()
        after = server.resident_bytes()
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
