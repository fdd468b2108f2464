"""Wine: a prefix of the bench's own, kept alive, so that its wineserver serves nobody else."""

import glob
import os
import shutil
import signal
import subprocess
import time

PROGRAM = shutil.which("wine64") or "/usr/lib/wine/wine64"
_root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_prefix = os.path.join(_root, "build", "bench", "wineprefix")


def is_there():
    return os.path.exists(PROGRAM)


def environment():
    return {**os.environ, "WINEPREFIX": _prefix, "WINEDEBUG": "-all"}


def prefix_make():
    """Makes the prefix as the tests' is made; seven seconds, once."""
    os.makedirs(os.path.dirname(_prefix), exist_ok=True)
    subprocess.run(["sh", os.path.join(_root, "ci", "wine-prefix.sh")], check=True,
                   stdout=subprocess.DEVNULL, timeout=300,
                   env={**os.environ, "POLLUX_WINEPREFIX": _prefix})


def _busy_share(pid, seconds=0.08):
    """How much of a processor a process takes while nobody asks anything of it."""
    def ticks():
        with open(f"/proc/{pid}/schedstat", encoding="utf-8") as file:
            return int(file.read().split()[0]) / 1e9
    before, start = ticks(), time.monotonic()
    time.sleep(seconds)  # Of a measurement of time, not to wait for something.
    return (ticks() - before) / (time.monotonic() - start)


class Keeper:
    """Keeps one process of the prefix alive, since without one each start takes seconds, and its
    wineserver well. That has the processor of the servers, where a kernel would do its work too:
    on another one each call would cost two interrupts between processors, or not, by chance.

    Wine 8's spins for good once a poll of AFD's has leaked, which a server of thousands of
    connections can bring about when it ends; all that is measured then is that."""

    def __init__(self, program, processor):
        self._program = program
        self._processor = processor
        self._process = None
        self.restarts = 0
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            [PROGRAM, self._program, "--keep"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment(),
            preexec_fn=lambda: os.sched_setaffinity(0, {self._processor}))
        self._process.stdout.readline()

    def _stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()
        for pid, _ in _prefix_processes():  # Those without a wineserver would stay forever.
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for _ in range(500):
            if not _prefix_processes():
                break
            time.sleep(0.02)

    def ensure(self):
        """Starts both anew if the keeper has died or the wineserver is busy with nothing: for a
        second, since it may still be burying the server before."""
        for _ in range(12):
            pid = wineserver_pid()
            if self._process.poll() is not None or pid is None:
                break
            try:
                if _busy_share(pid) < 0.1:
                    return
            except OSError:
                break  # It has just ended.
        self.restarts += 1
        self._stop()
        self._start()

    def close(self):
        self._stop()


def _prefix_processes():
    """[(pid, name)] of all that runs in this prefix, which nobody else uses."""
    wanted = b"WINEPREFIX=" + os.fsencode(_prefix)
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/environ", "rb") as file:
                if wanted not in file.read().split(b"\0"):
                    continue
            with open(path + "/comm", encoding="utf-8") as file:
                found.append((int(os.path.basename(path)), file.read().strip()))
        except OSError:
            continue  # It has ended, or is somebody else's.
    return found


def wineserver_pid():
    """The wineserver of this prefix, or None."""
    return next((pid for pid, name in _prefix_processes() if name.startswith("wineserver")), None)
