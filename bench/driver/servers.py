"""Measures of whole servers, which the program pollux runs: each takes it on a backend, and gives a
flat dictionary of figures, from one round."""

import dataclasses
import http.client
import re
import subprocess

from .processes import PATIENCE_S, Client, Failure, Process, json_of

ANY_PORT = "tcp://127.0.0.1:0"
BALANCED = ("least-connections", "round-robin", "kernel")
LOOPS_BALANCED = 4
LOOPS_IDLE = 16
TRIES = 1000


class ToolServer(Process):
    """`pollux serve`. With `has_health` it also answers what each of its loops has."""

    def __init__(self, contestant, *options, has_health=False):
        command = contestant.command("serve", "--mode", "echo", "--listen", ANY_PORT, "--backend",
                                     contestant.variant, "--until-stdin-ends", *options)
        if has_health:
            command += ["--health", ANY_PORT]
        super().__init__(f"serve {' '.join(options)}", command, None, contestant.environment(),
                         stdin=subprocess.PIPE)
        try:
            self.port = self._port("listening on")
            self._health = self._port("health at") if has_health else None
        except Failure:
            self.close()
            raise

    def _port(self, what):
        line = self.line()
        found = re.match(what + r" tcp://127\.0\.0\.1:(\d+)", line)
        if found is None:
            raise Failure(f"{self.name}: said {line}")
        return int(found.group(1))

    def connections(self, loops):
        """How many each of the loops that serve has open. One more loop may accept for them."""
        asked = http.client.HTTPConnection("127.0.0.1", self._health, timeout=PATIENCE_S)
        try:
            asked.request("GET", "/metrics")
            text = asked.getresponse().read().decode()
        except http.client.HTTPException as failure:
            raise Failure(f"{self.name}: /metrics: {failure!r}") from failure
        finally:
            asked.close()
        found = {int(loop): int(count) for loop, count in
                 re.findall(r'^pollux_connections_open\{loop="(\d+)"\} (\d+)$', text, re.M)}
        if not all(loop in found for loop in range(loops)):
            raise Failure(f"{self.name}: /metrics has no {loops} loops: {text[:500]}")
        return [found[loop] for loop in range(loops)]


def _spread(server, client, loops, total):
    """The connections of each loop, once the server has given all of them to loops: a request of
    the client's takes about as long as that."""
    counts = []
    for _ in range(TRIES):
        counts = server.connections(loops)
        if sum(counts) == total:
            return counts
        client.requests(1)
    raise Failure(f"{server.name}: {total} connections became {counts}")


def balance(contestant, work, size):
    """The fullest loop against the emptiest, by policy."""
    figures = {}
    for policy in BALANCED:
        options = ("--loops", str(LOOPS_BALANCED), "--dispatch", policy)
        with ToolServer(contestant, *options, has_health=True) as server, \
                Client(size.client, server, work) as client:
            client.idle(size.spread - work.active)
            counts = _spread(server, client, LOOPS_BALANCED, size.spread)
            if min(counts) == 0:
                raise Failure(f"{policy}: a loop has no connection: {counts}")
            figures[policy.replace("-", "_")] = max(counts) / min(counts)
    return figures


def resident(contestant, work, size):
    """Memory of servers that are idle, by the system's account, libraries and files included. Each
    loop has one connection, which has sent something, so that its thread has started."""
    figures = {}
    for loops in (LOOPS_IDLE, 1):
        one_each = dataclasses.replace(work, active=loops)
        with ToolServer(contestant, "--loops", str(loops), has_health=True) as server, \
                Client(size.client, server, one_each) as client:
            client.requests(10 * loops)
            counts = _spread(server, client, loops, loops)
            if min(counts) != 1:
                raise Failure(f"{server.name}: the loops have {counts} connections")
            figures[f"mib_{loops}"] = server.memory_bytes("Rss") / 2**20
            figures[f"anonymous_mib_{loops}"] = server.memory_bytes("Anonymous") / 2**20
    figures["kib_per_loop"] = ((figures[f"anonymous_mib_{LOOPS_IDLE}"] - figures["anonymous_mib_1"])
                               * 1024 / (LOOPS_IDLE - 1))
    return figures


def resident_connections(contestant, work, size):
    """Bytes for each connection more, by the system's account. Each loop has had one before: what a
    loop takes for itself is measured by `resident`."""
    one_each = dataclasses.replace(work, active=work.loops)
    with ToolServer(contestant, "--loops", str(work.loops), has_health=True) as server, \
            Client(size.client, server, one_each) as client:
        client.requests(10 * work.loops)
        counts = _spread(server, client, work.loops, work.loops)
        if min(counts) != 1:
            raise Failure(f"{server.name}: the loops have {counts} connections")
        before = server.memory_bytes("Anonymous")
        client.idle(size.memory)
        _spread(server, client, work.loops, size.memory + work.loops)
        return {"bytes": (server.memory_bytes("Anonymous") - before) / size.memory}


def dispatch(contestant, _work, size):
    """The policies on one backend, as `pollux compare --dispatch` measures them."""
    command = contestant.command("compare", "--json", "--backends", contestant.variant,
                                 "--seconds", str(size.dispatch_s), *size.dispatch_options)
    rows = json_of("compare", command, contestant.environment(), patience_s=1800)["rows"]
    figures = {"rows": len(rows)}
    for row in rows:
        at = f"{row['workload']}/{row['policy']}"
        if row["errors"]:
            raise Failure(f"compare: {at}: {row['errors']} errors")
        figures[f"loops@{at}"] = row["loops"]
        figures[f"per_second@{at}"] = row["requests_per_second"]
        if row["requests"] > 0:  # Without any there are no times of requests.
            figures[f"p50_us@{at}"] = row["p50_us"]
            figures[f"p99_us@{at}"] = row["p99_us"]
        if row["requests"] > 0 and row["cpu_us_per_request"] is not None:
            figures[f"cpu_us@{at}"] = row["cpu_us_per_request"]
    return figures
