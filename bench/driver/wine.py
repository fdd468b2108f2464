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
    wineserver well. Wine 8's spins for good once a poll of AFD's has leaked, which a server of
    thousands of connections can bring about when it ends; all that is measured then is that."""

    def __init__(self, program):
        self._program = program
        self._process = None
        self.restarts = 0
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            [PROGRAM, self._program, "--keep"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment())
        self._process.stdout.readline()

    def _stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def ensure(self):
        """Starts both anew if the keeper has died or the wineserver is busy with nothing: for a
        second, since it may still be burying the server before."""
        for _ in range(12):
            pid = wineserver_pid()
            if self._process.poll() is not None or pid is None:
                break
            try:
                if _busy_share(pid) < 0.3:
                    return
            except OSError:
                break  # It has just ended.
        self.restarts += 1
        self._stop()
        while (pid := wineserver_pid()) is not None:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        self._start()

    def close(self):
        self._stop()


def wineserver_pid():
    """The wineserver of this prefix, or None."""
    wanted = b"WINEPREFIX=" + os.fsencode(_prefix)
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/comm", encoding="utf-8") as file:
                if not file.read().startswith("wineserver"):
                    continue
            with open(path + "/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    return int(os.path.basename(path))
        except OSError:
            continue  # It has ended, or is somebody else's.
    return None
