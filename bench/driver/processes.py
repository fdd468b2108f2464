"""Processes: servers on one processor, clients on another, and what the system says of them."""

import glob
import json
import os
import select
import signal
import subprocess
import tempfile
from dataclasses import dataclass

from . import wine

PATIENCE_S = 60


class Failure(Exception):
    """A contestant or the client did not do what it should; the text says which and why."""


def processors():
    """The processor for servers and the one for clients: the first and the last that we have."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


def _pinned(processor):
    def pin():
        if processor is not None:
            os.sched_setaffinity(0, {processor})
    return pin


@dataclass
class Snapshot:
    """What a server says of itself; times in microseconds."""

    user_us: int
    system_us: int
    requests: int
    echoed_bytes: int
    heap_bytes: int

    @property
    def cpu_us(self):
        return self.user_us + self.system_us


class Process:
    """A child with pipes, whose lines are waited for with a bound."""

    def __init__(self, name, command, processor, environment=None, stdin=subprocess.DEVNULL):
        """`processor` is None where the system may choose."""
        self.name = name
        self._errors = tempfile.TemporaryFile()
        self._buffer = b""
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=self._errors, env=environment,
                                        preexec_fn=_pinned(processor))

    @property
    def pid(self):
        return self.process.pid

    def line(self, patience_s=PATIENCE_S):
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], patience_s)
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise Failure(f"{self.name}: {'ended' if ready else 'no answer'}: {self.errors()}")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode().rstrip("\r")

    def has_line(self, patience_s=0.05):
        return b"\n" in self._buffer or bool(
            select.select([self.process.stdout], [], [], patience_s)[0])

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-500:]

    def memory_bytes(self, kind):
        """Memory of one kind that the system lists, "Rss" or "Anonymous", by its page tables: the
        counters of /proc/PID/status may be some hundred KiB off."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="utf-8") as file:
            for line in file:
                if line.startswith(kind + ":"):
                    return int(line.split()[1]) * 1024
        raise Failure(f"{self.name}: no {kind} in /proc")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def scheduled_ns(pid):
    """Time on a processor of all threads, by the scheduler's own count, in nanoseconds."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="utf-8") as file:
                total += int(file.read().split()[0])
        except OSError:
            continue  # The thread has ended.
    if total > 0:
        return total
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Server(Process):
    """A contestant that serves. `wrapper` is what it runs under, such as valgrind; `arguments`
    replaces the mode."""

    def __init__(self, contestant, work, wrapper=(), arguments=()):
        arguments = arguments or ("echo" if work.mode == "echo" else "http",)
        super().__init__(contestant.name, [*wrapper, *contestant.command(work.needs, *arguments)],
                         processors()[0] if work.is_pinned else None, contestant.environment())
        self.contestant = contestant
        words = self.line().split()
        if len(words) != 2 or words[0] != "ready":
            self.close()
            raise Failure(f"{self.name}: said {words}")
        self.port = int(words[1])

    def _ask(self, number, poke=None):
        os.kill(self.pid, number)
        for _ in range(50 if poke is not None else 0):
            if self.has_line():
                break
            poke()
        words = self.line().split()
        if len(words) != 6 or words[0] != "snapshot":
            raise Failure(f"{self.name}: said {words}")
        return Snapshot(*(int(word) for word in words[1:]))

    def begin(self, poke=None):
        """Opens a window: no request may be on its way. `poke` is called until the signal has been
        answered: valgrind looks for signals once in 100,000 blocks of instructions while a program
        waits in io_uring_enter() only."""
        if self.contestant.system == "wine":
            self._before_ns = scheduled_ns(self.pid)
            helper = wine.wineserver_pid()
            self._helper = (helper, scheduled_ns(helper)) if helper else None
        else:
            self._before = self._ask(signal.SIGUSR1, poke)

    def end(self, poke=None):
        """Closes the window. CPU in microseconds; requests as the server counted them, or None."""
        if self.contestant.system != "wine":
            after = self._ask(signal.SIGUSR2, poke)
            return {"cpu_us": after.cpu_us - self._before.cpu_us,
                    "requests": after.requests - self._before.requests,
                    "echoed_bytes": after.echoed_bytes - self._before.echoed_bytes,
                    "heap_bytes": after.heap_bytes - self._before.heap_bytes}
        window = {"cpu_us": (scheduled_ns(self.pid) - self._before_ns) / 1e3, "requests": None}
        if self._helper:
            helper, before_ns = self._helper
            window["wineserver_us"] = (scheduled_ns(helper) - before_ns) / 1e3
        return window


class Client(Process):
    """bench_client, which obeys one line after the other."""

    def __init__(self, program, server, work):
        super().__init__(f"client of {server.name}",
                         [program, str(server.port), str(work.active), work.mode, str(work.unit)],
                         processors()[1] if work.is_pinned else None, stdin=subprocess.PIPE)
        self._server = server

    def cpu_s(self):
        """Its time on a processor so far."""
        return scheduled_ns(self.pid) / 1e9

    def _ask(self, text, patience_s=PATIENCE_S):
        try:
            self.process.stdin.write((text + "\n").encode())
            self.process.stdin.flush()
            return json.loads(self.line(patience_s))
        except (BrokenPipeError, Failure) as failure:
            raise Failure(f"{self.name}: {failure}; the server: {self._server.errors()}") from None

    def idle(self, count):
        return self._ask(f"idle {count}", 180)

    def seconds(self, seconds):
        return self._ask(f"seconds {seconds}", seconds + PATIENCE_S)

    def requests(self, count):
        return self._ask(f"requests {count}", 300)


def json_of(name, command, environment=None, processor=None, patience_s=300):
    """Runs a program to its end, and reads the JSON that it prints."""
    done = subprocess.run(command, text=True, capture_output=True, env=environment,
                          timeout=patience_s, check=False, preexec_fn=_pinned(processor))
    if done.returncode != 0:
        raise Failure(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def result_of(contestant, *arguments, processor=None):
    """What a contestant prints."""
    return json_of(contestant.name, contestant.command(*arguments), contestant.environment(),
                   processor)
