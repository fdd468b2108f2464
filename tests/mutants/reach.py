"""Which cases run which line: a mutant in a line that a case never runs cannot make it fail.

One build with gcc's -fsanitize-coverage=trace-pc, and one run of each case in it, tells the basic
blocks that the case runs. That is kept until a source or a test changes."""

import bisect
import hashlib
import json
import os
import re
import subprocess
import threading

TRACE = "-O0 -g -fsanitize-coverage=trace-pc"
# Optimized code would have blocks of several lines in one.
FLAGS = (f"-DCMAKE_C_FLAGS={TRACE} -no-pie", "-DCMAKE_BUILD_TYPE=None",
         "-DCMAKE_POSITION_INDEPENDENT_CODE=OFF")
CALL = re.compile(r"call\s+[0-9a-f]+ <__sanitizer_cov_trace_pc>")
CASES_LEAST = 3


# gcc calls this at each block. The notes are a file that is mapped, one byte for each byte of the
# program's code: so they outlive a process that is killed, a child adds to its parent's, and no
# descriptor stays open.
TRACER = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern const unsigned char __executable_start[];
extern const unsigned char etext[];

void __sanitizer_cov_trace_pc(void);

static unsigned char *notes;
static size_t notes_length;

__attribute__((constructor)) static void notes_open(void)
{
    const char *path = getenv("POLLUX_TRACE");
    size_t length = (size_t)(etext - __executable_start);
    int file = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (file < 0)
        return;
    if (ftruncate(file, (off_t)length) == 0) {
        void *mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        notes_length = length;
        notes = mapped != MAP_FAILED ? mapped : NULL;
    }
    close(file);
}

void __sanitizer_cov_trace_pc(void)
{
    size_t at = (size_t)((const unsigned char *)__builtin_return_address(0) - __executable_start);
    if (notes != NULL && at < notes_length && notes[at] == 0)
        notes[at] = 1;
}
"""


def trace_compile(out):
    """The object that the programs are linked with, without the option whose calls it takes."""
    subprocess.run(["cc", "-O1", "-fno-pie", "-x", "c", "-c", "-", "-o", out], input=TRACER,
                   text=True, check=True)


def tree_hash(root, paths):
    """Of all that may change what a case runs."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.endswith((".c", ".h", ".cmake", "CMakeLists.txt", "suites.py", "reach.py")):
            with open(os.path.join(root, path), "rb") as file:
                digest.update(path.encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()


def blocks_of(program, tree):
    """(start of the program, {address of a note: (path, line)})."""
    start, addresses, is_after = 0, [], False
    listed = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program],
                            capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        head, mark, _ = line.partition(":\t")
        if is_after and mark:
            addresses.append(int(head, 16))
        is_after = CALL.search(line) is not None
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    for line in symbols.splitlines():
        if line.endswith(" __executable_start"):
            start = int(line.split()[0], 16)
    asked = "".join(f"{address - 1:x}\n" for address in addresses)
    told = subprocess.run(["addr2line", "-e", program], input=asked, capture_output=True,
                          text=True, check=True).stdout
    blocks = {}
    for address, place in zip(addresses, told.splitlines()):
        path, _, line = place.split(" ")[0].rpartition(":")
        path = os.path.relpath(path, tree)
        if line.isdigit() and path.startswith(("core/", "backends/", "platform/")):
            blocks[address - start] = (path, int(line))
    return blocks


class Reach:
    """For each block's first line the titles of the cases that run it."""

    def __init__(self, lines):
        self.lines = lines  # {path: {line: set of titles}}
        self.sorted = {path: sorted(known) for path, known in lines.items()}
        self.width = {}  # By title: how many lines the case runs.
        for known in lines.values():
            for titles in known.values():
                for title in titles:
                    self.width[title] = self.width.get(title, 0) + 1

    def cases(self, mutant, cases):
        """Those of the cases that run the mutant's line, those first that run little else. When
        hardly any does, another run may do what this one did not: then who runs its function."""
        known = self.sorted.get(mutant.path)
        if not known:
            return cases
        # A line that begins a block may begin within another one: "if (a && b)" does.
        end = bisect.bisect_right(known, mutant.line)
        titles = set()
        for line in known[max(end - 2, 0):end]:
            if line >= mutant.function_line:
                titles |= self.lines[mutant.path][line]
        chosen = [case for case in cases if case.title in titles]
        if len(chosen) < CASES_LEAST:
            first = bisect.bisect_left(known, mutant.function_line)
            titles = self.lines[mutant.path][known[first]] if first < len(known) else set()
            chosen += [case for case in cases if case.title in titles and case not in chosen]
        return sorted(chosen, key=lambda case: self.width.get(case.title, 0))


def _run_all(bench, cases, jobs, directory):
    waiting, lock = iter(enumerate(cases)), threading.Lock()

    def work():
        while True:
            with lock:
                number, case = next(waiting, (0, None))
            if case is None:
                return
            bench.run(case, 60, {"POLLUX_TRACE": os.path.join(directory, str(number))})

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def reach_learn(bench, cases, tree, jobs):
    """Runs each case once, and returns {path: {line: set of titles}}."""
    directory = os.path.join(bench.build, "notes")
    os.makedirs(directory, exist_ok=True)
    _run_all(bench, cases, jobs, directory)
    blocks = {suite: blocks_of(bench.program(suite), tree) for suite in {c.suite for c in cases}}
    lines = {}
    for known in blocks.values():
        for path, line in known.values():
            lines.setdefault(path, {}).setdefault(line, set())
    for number, case in enumerate(cases):
        path = os.path.join(directory, str(number))
        if not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            notes = file.read()
        os.unlink(path)
        known = blocks[case.suite]
        for found in re.finditer(b"\1", notes):
            place = known.get(found.start())
            if place:
                lines[place[0]][place[1]].add(case.title)
    return lines


def reach_store(path, key, lines):
    titles = sorted({title for known in lines.values() for some in known.values()
                     for title in some})
    number = {title: index for index, title in enumerate(titles)}
    stored = {path: {line: sorted(number[title] for title in some)
                     for line, some in known.items()} for path, known in lines.items()}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"key": key, "titles": titles, "lines": stored}, file)


def reach_load(path, key):
    """What was stored for this key, or None."""
    try:
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError):
        return None
    if stored["key"] != key:
        return None
    titles = stored["titles"]
    return {path: {int(line): {titles[index] for index in some} for line, some in known.items()}
            for path, known in stored["lines"].items()}
