"""The machine that a report was made on, and when."""

import os
import platform
import subprocess
from datetime import datetime, timezone


def _first(path, start):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(start):
                    return line.split(":", 1)[-1].split("=", 1)[-1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def _version(*command):
    try:
        done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=60)
        return (done.stdout or done.stderr).splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "not there"


def packages(names):
    """The versions of Debian packages, where dpkg tells."""
    versions = {}
    for name in names:
        text = _version("dpkg-query", "-W", "-f", "${Version}\n", name)
        if text[:1].isdigit():
            versions[name] = text
    return versions


def describe():
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _first("/proc/cpuinfo", "model name"),
        "processors": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "system": _first("/etc/os-release", "PRETTY_NAME"),
        "compiler": _version("cc", "--version"),
        "load": "%.1f %.1f %.1f" % os.getloadavg(),
        "packages": packages(["libuv1-dev", "libevent-dev", "libev-dev", "libasio-dev",
                              "liburing-dev", "wine64", "valgrind"]),
    }


def text(machine):
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (f"{machine['date']}; {machine['processor']}, {machine['processors']} processors, "
            f"{machine['memory']}; {machine['system']}, Linux {machine['kernel']}; "
            f"{machine['compiler']}; {versions}; load averages at the start {machine['load']}")
