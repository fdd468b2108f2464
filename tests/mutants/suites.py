"""Which suites watch which file, and how a case of one is run."""

import functools
import glob
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

# The first that fits. Suites that are likely to notice come first; all of them have to be passed.
# A name alone is a suite that runs by itself; "suite:configuration" runs under that one. "fuzz",
# "seeds" and "servers" are programs of one case: PROGRAMS.
WATCHERS_LINUX = (
    ("backends/sim backends/host.c", "sim seeds behavior:sim behavior:poll unit"),
    ("backends/readiness/poll.c backends/readiness/idle_set",
     "behavior:poll-two-tier behavior:poll unit fuzz:poll-two-tier"),
    ("backends/readiness/array_poller",
     "behavior:poll-two-tier behavior:select unit fuzz:poll-two-tier"),
    ("backends/readiness/select.c platform/unix/select.c", "behavior:select unit fuzz:select"),
    ("backends/readiness/epoll.c", "epoll:epoll behavior:epoll fuzz:epoll"),
    ("backends/readiness/libuv.c", "behavior:libuv fuzz:libuv"),
    ("backends/uring", "uring:uring behavior:uring fuzz:uring"),
    ("backends/readiness", "unit behavior:epoll behavior:poll behavior:libuv epoll:epoll"
     " fuzz:epoll"),
    ("platform/unix/poll.c", "unit behavior:poll-two-tier behavior:poll fuzz:poll"),
    ("core/server", "servers sim unit behavior:poll behavior:uring behavior:epoll behavior:sim"
     " behavior:select behavior:poll-two-tier"),
    ("core", "unit seeds sim behavior:poll behavior:uring behavior:epoll behavior:poll-two-tier"
     " behavior:select uring:uring epoll:epoll fuzz:poll fuzz:uring behavior:sim"),
    ("", "unit behavior:poll behavior:uring behavior:epoll behavior:poll-two-tier behavior:select"
     " uring:uring epoll:epoll fuzz:poll fuzz:uring"),
)
WATCHERS_WINDOWS = (
    ("backends/iocp", "unit_windows unit_iocp behavior:iocp-windows behavior:iocp fuzz:iocp"),
    ("platform/windows/select.c", "unit unit_windows behavior:select-windows"),
    ("platform/windows/poll.c", "unit_windows unit behavior:poll-windows behavior:poll-windows-old"),
    ("", "unit_windows unit unit_iocp behavior:poll-windows behavior:iocp-windows"),
)
# What each is called, and how it is run.
PROGRAMS = {"fuzz": ("fuzz_api", ["--seconds", "4", "--seed", "1"]),
            "seeds": ("sim_seeds", ["--count", "300"]),
            "servers": ("sim_seeds", ["--servers", "--count", "1000"])}
HERE = os.path.dirname(os.path.abspath(__file__))
# Most mutants fail one of the first cases. Those behind them share processes, so many each: to
# start one takes longer than most cases do.
FIRST_CASES = 8
BATCH_CASES = 16
# A suite of which each case needs a process of its own, as tests/CMakeLists.txt has it.
SUITES_OF_SINGLES = {"unit_windows"}


def program_of(suite):
    """The program that runs it, which is the name of its target, too."""
    return PROGRAMS[suite][0] if suite in PROGRAMS else suite


def programs_of(watchers):
    """The targets that have to be built for them."""
    suites = {word.partition(":")[0] for _, words in watchers for word in words.split()}
    return sorted({program_of(suite) for suite in suites})


def exempt_of(configuration):
    """The cases that cannot run under it."""
    if configuration != "sim":
        return set()
    with open(os.path.join(HERE, "..", "sim_exempt.txt"), encoding="utf-8") as file:
        return {line.strip() for line in file if not line.startswith("#")}


@functools.lru_cache(maxsize=None)
def cases_alone():
    """The cases that change their process for good."""
    names = set()
    for path in glob.glob(os.path.join(HERE, "..", "*.c")):
        with open(path, encoding="utf-8") as file:
            names.update(re.findall(r"^\s+CASE_ALONE\((\w+)\)", file.read(), re.M))
    return names


@dataclass(frozen=True)
class Case:
    """One process of one suite."""

    suite: str
    configuration: str
    name: str

    @property
    def title(self):
        return ".".join(part for part in (self.suite, self.configuration, self.name) if part)


class Bench:
    """The programs of one build, and how they are run."""

    def __init__(self, build, emulator=(), environment=None, patience_s=6):
        self.build, self.emulator = build, list(emulator)
        self.environment = dict(os.environ, POLLUX_TEST_PATIENCE=str(patience_s),
                                UBSAN_OPTIONS="print_stacktrace=0", **(environment or {}))
        self.ending = ".exe" if emulator else ""
        self.names = {}

    def program(self, suite):
        return os.path.join(self.build, "tests", program_of(suite) + self.ending)

    def _names_of(self, suite):
        if suite not in self.names:
            listed = subprocess.run(self.emulator + [self.program(suite), "--list"],
                                    env=self.environment, capture_output=True, text=True,
                                    check=True, timeout=120)
            self.names[suite] = listed.stdout.split()
        return self.names[suite]

    def cases_all(self, paths, watchers, configurations):
        """The cases that watch any of the files."""
        cases = {}
        for path in paths:
            cases.update(dict.fromkeys(self.cases_of(path, watchers, configurations)))
        return list(cases)

    def cases_of(self, path, watchers, configurations):
        """The cases that watch a file, in the order in which they are to be tried."""
        cases = []
        words = next(words for starts, words in watchers
                     if starts == "" or any(path.startswith(start) for start in starts.split()))
        for word in words.split():
            suite, _, wanted = word.partition(":")
            matching = [""] if not wanted else [
                name for name in configurations
                if name == wanted or wanted.endswith("*") and name.startswith(wanted[:-1])]
            for configuration in matching:
                if suite in PROGRAMS:
                    cases.append(Case(suite, configuration, ""))
                    continue
                exempt = exempt_of(configuration)
                cases += [Case(suite, configuration, name) for name in self._names_of(suite)
                          if name not in exempt]
        return list(dict.fromkeys(cases))

    def run(self, case, limit_s, more=None):
        """None when the case passes, else in a few words how it fails. `more` is environment."""
        return self._run([case], limit_s, more)[1]

    def run_batch(self, cases, limit_s):
        """The index of the first case that seems to fail, or None. One process runs all of these,
        which are of one suite and configuration."""
        more = {"POLLUX_TEST_TIMEOUT": str(limit_s)}
        begun, how = self._run(cases, limit_s * (1 + len(cases) / 4), more)
        return None if how is None else max(begun, 1) - 1

    def _run(self, cases, limit_s, more):
        """How many cases began, and how one fails, or None."""
        suite, configuration = cases[0].suite, cases[0].configuration
        command = self.emulator + [self.program(suite)]
        if configuration:
            command += ["--backend", configuration]
        names = [case.name for case in cases]
        command += PROGRAMS[suite][1] if suite in PROGRAMS else names
        environment = dict(self.environment, **(more or {}))
        # In a session of its own: some mutants kill their process group. What they leave running
        # goes with it.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=self.build, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as late:
            return _begun(late.output, names), f"no end within {limit_s:.0f} s"
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        how = None
        all_passed = f"suite: {len(names)} of {len(names)} cases passed".encode()
        if process.returncode != 0:
            failed = re.findall(rb"[\w/]+\.c:\d+:[EF]:.*", output)
            where = ", " + failed[-1].decode(errors="replace").strip() if failed else ""
            how = f"ended with {process.returncode}{where}"
        elif suite not in PROGRAMS and all_passed not in output:
            how = "no check was run to its end"
        return _begun(output, names), how


def _begun(output, names):
    """How many of the cases have printed their name, which each does when it begins."""
    lines = set((output or b"").decode(errors="replace").split())
    return sum(name in lines for name in names)


def batches_of(cases):
    """The cases in their order, as lists that one process each can run."""
    batches = [[case] for case in cases[:FIRST_CASES]]
    open_ones = {}
    for case in cases[FIRST_CASES:]:
        if case.suite in PROGRAMS or case.suite in SUITES_OF_SINGLES or case.name in cases_alone():
            batches.append([case])
            continue
        batch = open_ones.get((case.suite, case.configuration))
        if batch is None or len(batch) == BATCH_CASES:
            batch = open_ones[(case.suite, case.configuration)] = []
            batches.append(batch)
        batch.append(case)
    return batches


def confirmed(bench, case, how, limit_s):
    """How the case fails, or None if it passes when it is asked again: a machine with other work on
    it may have been the reason. One that waits too long gets more time, another is asked twice."""
    if how is None:
        return None
    if how.startswith("no end"):
        return bench.run(case, 2 * limit_s)
    return bench.run(case, limit_s) or bench.run(case, limit_s)


def _batch_failure(bench, batch, limit_s):
    """(case, how) of the first case of the batch that fails by itself, too, or None."""
    while batch:
        index = bench.run_batch(batch, limit_s) if len(batch) > 1 else 0
        if index is None:
            return None
        case, batch = batch[index], batch[index + 1:]
        how = confirmed(bench, case, bench.run(case, limit_s), limit_s)
        if how is not None:
            return case, how
    return None


def first_failure(bench, cases, limit_s, jobs):
    """(case, how) of a case that fails, or None. Stops at the first."""
    queue, lock, found = iter(batches_of(cases)), threading.Lock(), []

    def work():
        while not found:
            with lock:
                batch = next(queue, None)
            if batch is None:
                return
            failure = _batch_failure(bench, batch, limit_s)
            if failure is not None:
                found.append(failure)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found[0] if found else None


def elapsed(start):
    seconds = int(time.monotonic() - start)
    return f"{seconds // 60}:{seconds % 60:02d}"
