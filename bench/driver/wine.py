"""Wine: a prefix of the bench's own, kept alive, so that its wineserver serves nobody else."""

import glob
import os
import shutil
import subprocess

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


class Keeper:
    """Keeps one process of the prefix alive: without one each start takes seconds."""

    def __init__(self, program):
        self._process = subprocess.Popen(
            [PROGRAM, program, "--keep"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment())
        self._process.stdout.readline()

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
