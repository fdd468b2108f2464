"""Contestants: the programs that were built, and the variants that each of them can be."""

import json
import os
import subprocess
from dataclasses import dataclass, field

from . import wine

# Lighter than Linux's names for the same thing on Windows.
WINDOWS_NAMES = {"poll": "WSAPoll", "poll-plain": "WSAPoll-plain"}


@dataclass(frozen=True)
class Contestant:
    """One row of each table. `works` contains "serve", "watch", "hand", "loops", "timers", "posts",
    or "tool"."""

    name: str
    group: str  # "pollux", "floor" or "peer"
    system: str  # "linux" or "wine"
    program: str
    variant: str
    works: tuple = field(default_factory=tuple)

    def command(self, *arguments):
        line = [self.program, self.variant, *arguments]
        return [wine.PROGRAM, *line] if self.system == "wine" else line

    def environment(self):
        return wine.environment() if self.system == "wine" else None


class Tool(Contestant):
    """The program pollux, on the backend that `variant` names."""

    def command(self, *arguments):
        line = [self.program, *arguments]
        return [wine.PROGRAM, *line] if self.system == "wine" else line


def _name(group, variant, system):
    if group != "pollux":
        return variant
    if system == "wine":
        variant = WINDOWS_NAMES.get(variant, variant)
    return "pollux " + variant


def _lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def _output(system, command):
    """What a program prints, as subprocess.run() returns it."""
    return subprocess.run(
        [wine.PROGRAM, *command] if system == "wine" else command, check=True, text=True,
        capture_output=True, timeout=120, env=wine.environment() if system == "wine" else None)


def tool_discover(directory, system):
    """The program pollux on each backend that runs here, and what is missing, as text."""
    path = _lines(os.path.join(directory, "tool.txt"))
    if not path or not os.path.exists(path[0]):
        return [], [f"pollux serve ({system}): the program pollux was not built"]
    backends = json.loads(_output(system, [path[0], "backends", "--json"]).stdout)
    return [Tool(_name("pollux", backend["name"], system), "pollux", system, path[0],
                 backend["name"], ("tool",)) for backend in backends if backend["runs"]], []


def discover(directory, system):
    """All variants of the programs in a build directory, and what is missing there, as text."""
    suffix = ".exe" if system == "wine" else ""
    found = []
    missing = [f"{name} ({system}): its package was not found when this was built"
               for name in _lines(os.path.join(directory, "missing.txt"))]
    for name in _lines(os.path.join(directory, "contestants.txt")):
        program = os.path.join(directory, f"bench_{name}{suffix}")
        listed = _output(system, [program, "--list"])
        missing += [f"{line} ({system})" for line in listed.stderr.splitlines()
                    if line.startswith("bench:")]
        if not listed.stdout.strip():
            missing.append(f"{name} ({system}): this machine cannot run it")
        for line in listed.stdout.splitlines():
            group, variant, *works = line.rstrip("\r").split("\t")
            found.append(Contestant(_name(group, variant, system), group, system, program, variant,
                                    tuple(works)))
    tools, missing_tool = tool_discover(directory, system)
    return found + tools, missing + missing_tool
