#!/bin/sh
# All tests, from nothing installed, on Debian 12 or its like.
#
#   sh ci/test.sh           Linux (debug, asan, tsan), Windows (under Wine), and the checks
#   sh ci/test.sh --quick   Linux debug only
#
# Ends with one table, and CTest's closing lines. Exit code 0 only if everything passed.
set -u
cd "$(dirname "$0")/.." || exit 1

quick=no
case ${1:-} in
'') ;;
--quick) quick=yes ;;
*)
    echo "usage: sh ci/test.sh [--quick]" >&2
    exit 2
    ;;
esac

logs=build/logs
failed=0
mkdir -p "$logs"
: > "$logs/table"
: > "$logs/closing"

packages="gcc g++ libc6-dev cmake ninja-build pkg-config git check libuv1-dev
    libcjson-dev libcurl4-openssl-dev curl strace liburing-dev"
if [ "$quick" = no ]; then
    packages="$packages clang-14 clang-tools-14 clang-format-14 shellcheck doxygen valgrind dpkg-dev
        gcc-mingw-w64-x86-64-win32 wine64 libwine-dev"
fi
# shellcheck disable=SC2086
sh ci/packages.sh $packages || exit 1

# row NAME RESULT SECONDS DETAIL
row() {
    printf '%-34s %-7s %5s s  %s\n' "$1" "$2" "$3" "$4" >> "$logs/table"
    [ "$2" = passed ] || failed=$((failed + 1))
}

now() {
    date +%s
}

# check NAME COMMAND...: one row, its output shown only if it fails.
check() {
    name=$1
    shift
    start=$(now)
    log=$logs/$(echo "$name" | tr -c 'A-Za-z0-9\n' '-').log
    echo "== $name"
    if "$@" > "$log" 2>&1; then
        row "$name" passed $(($(now) - start)) "$(tail -n 1 "$log" | cut -c 1-60)"
    else
        cat "$log"
        row "$name" FAILED $(($(now) - start)) "see $log"
    fi
}

build() {
    cmake --preset "$1" && cmake --build --preset "$1"
}

reference() {
    cmake -S . -B build/docs -G Ninja -DPOLLUX_BUILD_DOCS=ON -DPOLLUX_BUILD_TOOLS=OFF \
        -DPOLLUX_BUILD_EXAMPLES=OFF && cmake --build build/docs --target docs
}

# suite NAME PRESET: configures, builds and tests a preset.
suite() {
    name=$1
    preset=$2
    start=$(now)
    log=$logs/$preset.log
    echo "== $name"
    if ! build "$preset" > "$log" 2>&1; then
        tail -n 60 "$log"
        row "$name" FAILED $(($(now) - start)) "it does not build; see $log"
        return
    fi
    xml=$PWD/$logs/$preset.xml
    ctest --preset "$preset" --output-junit "$xml" > "$logs/$preset-tests.log" 2>&1
    code=$?
    closing=$(grep -E '^[0-9]+% tests passed' "$logs/$preset-tests.log")
    echo "$preset: $closing" >> "$logs/closing"
    if [ "$code" -eq 0 ]; then
        row "$name" passed $(($(now) - start)) "$closing"
    else
        grep -vE 'Passed|^ +Start' "$logs/$preset-tests.log" | tail -n 200
        row "$name" FAILED $(($(now) - start)) "$closing"
    fi
    # The behaviours, for each backend that the preset has.
    sed -n 's/.*name="behavior\.\([^."]*\)\..*/\1/p' "$xml" | sort -u | while read -r backend; do
        all=$(grep -c "name=\"behavior\.$backend\." "$xml")
        good=$(grep "name=\"behavior\.$backend\." "$xml" | grep -c 'status="run"')
        printf '    %-30s %s behaviours, %s passed\n' "$backend" "$all" "$good" >> "$logs/table"
    done
}

POLLUX_FUZZ_SECONDS=5
export POLLUX_FUZZ_SECONDS
suite "Linux debug" debug
if [ "$quick" = no ]; then
    POLLUX_FUZZ_SECONDS=20 suite "Linux asan + ubsan, fuzz 60 s" asan
    POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 suite "Linux tsan" tsan
    check "cross-build Check, libuv, ..." sh ci/windows-deps.sh
    POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 suite "Windows under Wine" mingw-debug
    check "POSIX layer: Linux and Wine alike" sh ci/posix.sh
    check "POSIX layer: real programs" sh ci/posix-programs.sh
    check "Linux release" build release
    check "Windows release" build mingw-release
    check "Linux clang" sh ci/clang.sh
    check "MSVC dialect" sh ci/msvc-dialect.sh
    check "headers alone, C11 and C++17" sh ci/headers.sh
    check "valgrind" sh ci/valgrind.sh
    check "format" sh ci/format.sh
    check "shell scripts" sh ci/shell.sh
    check "API reference" reference
    check "workflow" sh ci/workflow.sh
fi

echo
cat "$logs/table"
echo
cat "$logs/closing"
if [ "$failed" -eq 0 ]; then
    echo "test.sh: everything passed"
else
    echo "test.sh: $failed of the above failed"
    exit 1
fi
