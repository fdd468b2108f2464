#!/bin/sh
# All tests, from nothing installed, on Debian 12 or 13 or alike, as root or with sudo.
#
#   sh ci/test.sh             every row: Linux (debug, asan, tsan), Windows (under Wine), the checks
#   sh ci/test.sh --quick     the row "debug" alone
#   sh ci/test.sh ROW...      these rows alone
#   sh ci/test.sh --list      names the rows
#
# A row is passed, FAILED or "not run", with the reason. POLLUX_STRICT=1 makes "not run", and more
# seconds than a row's budget, failures; the nightly and the jobs on GitHub set it. Budgets are for
# two quiet cores, and grow with what a process takes to start there (ci/pace.sh).
# POLLUX_IN_FRESH_ROOT=1 leaves out the rows that make fresh roots. What fails under Wine is run
# once more, and both results are told; with POLLUX_STRICT=1 it has failed.
#
# Ends with one table, and CTest's closing lines. Logs are in build/logs. Exit codes: 0: nothing
# failed, and tests were run; 1: something failed; 2: wrong use.
# shellcheck disable=SC2317 # Functions are called by their names.
set -u
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.." || exit 1
. ci/table.sh

rows='configure debug asan tsan deps windows posix windows-release programs release clang msvc
    headers valgrind format shell reference workflow demo'
whole_budget=2100
chosen=
while [ $# -gt 0 ]; do
    case $1 in
    --list)
        # shellcheck disable=SC2086
        printf '%s\n' $rows
        exit 0
        ;;
    --quick) chosen="$chosen debug" ;;
    *)
        case " $(echo "$rows" | tr -s ' \n' ' ') " in
        *" $1 "*) chosen="$chosen $1" ;;
        *)
            echo "test.sh: there is no row \"$1\"; --list names them" >&2
            exit 2
            ;;
        esac
        ;;
    esac
    shift
done
if [ -z "$chosen" ]; then
    chosen=$rows
    [ "${POLLUX_IN_FRESH_ROOT:-0}" != 1 ] || chosen=$(echo "$rows" | sed 's/ demo$//')
fi

logs=build/logs
mkdir -p "$logs"
table_open "$logs/table"
: > "$logs/closing"
suites=0

# --- what a row is made of ------------------------------------------------------------------------

libraries='gcc g++ libc6-dev cmake ninja-build pkg-config git check libuv1-dev libcjson-dev
    liburing-dev'
linux="$libraries libcurl4-openssl-dev libpq-dev libhiredis-dev libc-ares-dev curl strace haproxy"
windows="$libraries dpkg-dev gcc-mingw-w64-x86-64-win32 wine64"
linux_backends='poll select epoll uring libuv'
windows_backends='poll select iocp libuv'
# Without the one that is for comparison and the simulation, which ci/nightly/sanitizers.sh and
# ci/nightly/wine.sh run.
sanitized_backends='poll select epoll uring'
wine_backends='poll select iocp'

# needs NAME BUDGET PACKAGE...: installs them; or makes the row, and returns 1.
needs() {
    needs_name=$1 needs_budget=$2
    shift 2
    needs_start=$(now)
    needs_log=$logs/packages.log
    code=0
    sh ci/packages.sh "$@" > "$needs_log" 2>&1 || code=$?
    [ "$code" -ne 0 ] || return 0
    judge "$needs_name" "$needs_budget" "$needs_start" "$code" "$needs_log"
    return 1
}

build() {
    cmake --preset "$1" && cmake --build --preset "$1"
}

# backends_check XML NAME...: that the behaviours ran on each of these.
backends_check() {
    checked=$1
    shift
    for backend in "$@"; do
        grep -q "name=\"behavior\.$backend\." "$checked" || echo "$backend"
    done
}

# behaviours_count XML: "BACKEND PASSED ALL" for each configuration that the preset has.
behaviours_count() {
    awk '
        /<testcase name="/ {
            split($0, parts, "\"")
            split(parts[2], words, ".")
            backend = words[1] == "behavior" ? words[2] : ""
        }
        /suite: [0-9]+ of [0-9]+ cases passed/ && backend != "" {
            sub(/.*suite: /, "")
            passed[backend] += $1
            all[backend] += $3
        }
        END { for (backend in all) print backend, passed[backend], all[backend] }' "$1" | sort
}

closing_of() {
    grep -E '^[0-9]+% tests passed' "$1"
}

# wine_failed PRESET LOG: whether what failed may be Wine's failure, and is worth a second run. Wine
# 8 now and then ends a process before its main() (1 of 5,832 starts of one program, on a busy
# machine), and its server has died in the midst of a suite, where each process that waits for it
# hangs (wine.stop tells). Where POLLUX_STRICT=1, the server's death alone is an excuse.
wine_failed() {
    case $1 in
    mingw*) [ "${POLLUX_STRICT:-0}" != 1 ] || grep -q ' wine\.stop \.*\*\*\*Failed' "$2" ;;
    *) return 1 ;;
    esac
}

# suite NAME BUDGET PRESET BACKEND...: configures, builds and tests a preset, on these backends.
suite() {
    name=$1 budget=$2 preset=$3
    shift 3
    start=$(now)
    log=$logs/$preset.log
    progress "$name"
    code=0
    build "$preset" > "$log" 2>&1 < /dev/null || code=$?
    if [ "$code" -ne 0 ]; then
        tail -n 60 "$log"
        row "$name" FAILED $(($(now) - start)) "$budget" "it does not build; see $log"
        return
    fi
    progress "$name: built"
    xml=$PWD/$logs/$preset.xml
    log=$logs/$preset-tests.log
    ctest --preset "$preset" --output-junit "$xml" > "$log" 2>&1 < /dev/null || code=$?
    closing=$(closing_of "$log")
    if [ "$code" -ne 0 ] && wine_failed "$preset" "$log"; then
        progress "$name: what failed under Wine, once more"
        note "failed at first: $(sed -n 's/^\t *[0-9]* - \([^ ]*\) .*/\1/p' "$log" | head -n 10 |
            tr '\n' ' ')"
        log=$PWD/$logs/$preset-again.log code=0
        ctest --preset "$preset" --rerun-failed > "$log" 2>&1 < /dev/null || code=$?
        closing="$closing; at the second run: $(closing_of "$log")"
    fi
    echo "$preset: $closing" >> "$logs/closing"
    suites=$((suites + 1))
    missing=$(backends_check "$xml" "$@" | tr '\n' ' ')
    if [ -n "$missing" ]; then
        grep '^-- Backends of Pollux' "$logs/$preset.log"
        row "$name" FAILED $(($(now) - start)) "$budget" "no behaviours on: $missing"
    elif [ "$code" -eq 0 ]; then
        row "$name" passed $(($(now) - start)) "$budget" "$closing"
    else
        grep -vE 'Passed|^ +Start' "$log" | tail -n 200
        row "$name" FAILED $(($(now) - start)) "$budget" "$closing"
    fi
    behaviours_count "$xml" | while read -r backend passed all; do
        note "$(printf '%-20s %s behaviours, %s passed' "$backend" "$all" "$passed")"
    done
}

# simple NAME BUDGET PACKAGES COMMAND...
simple() {
    simple_name=$1 simple_budget=$2 simple_packages=$3
    shift 3
    # shellcheck disable=SC2086
    [ -z "$simple_packages" ] || needs "$simple_name" "$simple_budget" $simple_packages || return 0
    check "$simple_name" "$simple_budget" "$logs/$id.log" "$@"
}

# Debian 12 has clang 14, also by that name, which ci/format.sh wants. Debian 13 has clang 19.
# shellcheck disable=SC1091
case $(. /etc/os-release 2> /dev/null && echo "${VERSION_CODENAME:-}") in
bookworm) llvm=-14 ;;
*) llvm= ;;
esac

reference() {
    cmake -S . -B build/docs -G Ninja -DPOLLUX_BUILD_DOCS=ON -DPOLLUX_BUILD_TOOLS=OFF \
        -DPOLLUX_BUILD_EXAMPLES=OFF && cmake --build build/docs --target docs
}

# release PRESET BACKEND...: the backends that the program has are those.
release() {
    released=$1
    shift
    build "$released" || return
    case $released in
    mingw*)
        WINEPREFIX=$(sh ci/wine-prefix.sh) || return
        EMULATOR=$(command -v wine64 || echo /usr/lib/wine/wine64)
        export WINEPREFIX EMULATOR
        WINEDEBUG=-all sh ci/expect-backends.sh "build/$released/pollux.exe" "$@"
        ;;
    *) sh ci/expect-backends.sh "build/$released/pollux" "$@" ;;
    esac
}

# --- the rows -------------------------------------------------------------------------------------

POLLUX_FUZZ_SECONDS=5
export POLLUX_FUZZ_SECONDS

# row_run ID
row_run() {
    id=$1
    # shellcheck disable=SC2086
    case $id in
    configure) simple "configure: what CMake selects" 60 "$libraries" sh ci/configure.sh ;;
    debug)
        needs "Linux debug" 200 $linux || return 0
        suite "Linux debug" 220 debug $linux_backends poll-two-tier sim
        ;;
    asan)
        needs "Linux asan + ubsan" 330 $linux || return 0
        POLLUX_FUZZ_SECONDS=20
        suite "Linux asan + ubsan" 330 asan $sanitized_backends poll-two-tier
        POLLUX_FUZZ_SECONDS=5
        ;;
    tsan)
        needs "Linux tsan" 330 $linux || return 0
        POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 \
            suite "Linux tsan" 330 tsan $sanitized_backends poll-two-tier
        ;;
    deps) simple "cross-build Check, libuv, ..." 180 "$windows" sh ci/windows-deps.sh ;;
    windows)
        needs "Windows under Wine" 800 $windows clang$llvm || return 0
        POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 \
            suite "Windows under Wine" 800 mingw-debug $wine_backends poll-two-tier
        ;;
    posix) simple "POSIX layer: Linux and Wine alike" 80 "$linux $windows" posix_run ;;
    windows-release)
        simple "Windows release" 90 "$windows" release mingw-release $windows_backends
        ;;
    programs) simple "POSIX layer: real programs" 360 '' sh ci/posix-programs.sh ;;
    release) simple "Linux release" 40 "$linux" release release $linux_backends ;;
    clang) simple "Linux clang" 120 "$linux clang$llvm" sh ci/clang.sh ;;
    msvc)
        simple "MSVC dialect" 30 "clang-tools$llvm libwine-dev" sh ci/msvc-dialect.sh
        ;;
    headers) simple "headers alone, C11 and C++17" 30 "$windows" sh ci/headers.sh ;;
    valgrind) simple valgrind 150 "$linux valgrind" valgrind_run ;;
    format)
        if [ -n "$llvm" ] || command -v clang-format-14 > /dev/null; then
            simple format 20 'git' format_run
        else
            # Versions differ in what they make of one .clang-format: 14 alone is the judge.
            note 'format: checked on Debian 12 alone, which has clang-format 14'
        fi
        ;;
    shell) simple "shell scripts" 20 'git shellcheck' sh ci/shell.sh ;;
    reference) simple "API reference" 30 "$libraries doxygen" reference ;;
    workflow) simple workflows 120 '' workflow_run ;;
    demo) simple "fresh Debian 12 and 13: demo" 420 '' sh ci/fresh.sh --demo-only ;;
    esac
}

format_run() {
    command -v clang-format-14 > /dev/null || sh ci/packages.sh clang-format-14 || return
    sh ci/format.sh
}

# Node may be here by other means than Debian's.
workflow_run() {
    command -v npm > /dev/null || sh ci/packages.sh nodejs npm || return
    sh ci/workflow.sh
}

# These run what the rows "debug" and "windows" build.
valgrind_run() {
    build debug && sh ci/valgrind.sh
}
posix_run() {
    build debug && build mingw-debug && sh ci/posix.sh
}

for id in $chosen; do
    row_run "$id"
done

tested=0
table_close test.sh $whole_budget || tested=1
case " $(echo "$chosen" | tr -s ' \n' ' ') " in
*" debug "*)
    if [ "$suites" -eq 0 ]; then
        echo "test.sh: no test was run"
        tested=1
    fi
    ;;
esac
cat "$logs/closing"
exit $tested
