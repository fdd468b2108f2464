#!/bin/sh
# Builds the benchmark and runs it, from nothing installed, on Debian 12 or its like. The method is
# in docs/benchmarks.md. Half an hour; with --quick five minutes.
#
#   sh ci/bench.sh [--quick] [--work NAME,...] [--contestant NAME,...] [--rounds N] [--linux-only]
#   sh ci/bench.sh --smoke         next to nothing of everything, to see that it works
#   sh ci/bench.sh --markdown      prints the tables of the last report, for docs/benchmarks.md
#   sh ci/bench.sh --list          names works and contestants
#
# Writes build/bench/report.json and report.html. Exit code 0: all was measured; 1: something
# failed; 2: a wrong argument.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."

# Debian's own Python is the one that has Debian's packages.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

windows=yes
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    case $argument in
    --linux-only) windows=no ;;
    --markdown) exec "$python" bench/run.py --markdown build/bench/report.json ;;
    --quick | --smoke | --list) set -- "$@" "$argument" ;;
    --work | --contestant | --rounds | --out)
        if [ "$count" -eq 0 ]; then
            echo "bench.sh: $argument: something is missing" >&2
            exit 2
        fi
        set -- "$@" "$argument" "$1"
        shift
        count=$((count - 1))
        ;;
    *)
        echo "bench.sh: $argument is not understood" >&2
        script_about >&2
        exit 2
        ;;
    esac
done

packages="gcc g++ libc6-dev cmake ninja-build pkg-config strace valgrind python3 python3-matplotlib
    libcjson-dev libuv1-dev libevent-dev libev-dev libasio-dev liburing-dev"
if [ "$windows" = yes ]; then
    packages="$packages dpkg-dev gcc-mingw-w64-x86-64-win32 wine64"
fi
# shellcheck disable=SC2086
sh ci/packages.sh $packages

# build PRESET DIRECTORY BACKENDS: a build of its own, so that nobody's options are changed. The
# backends are named, so that CMake fails rather than leaves one out.
build() {
    echo "bench.sh: building $2"
    mkdir -p "$2"
    {
        cmake --preset "$1" -B "$2" "-DPOLLUX_BACKENDS=$3" -DPOLLUX_BUILD_BENCH=ON \
            -DPOLLUX_BUILD_TOOLS=ON -DPOLLUX_BUILD_EXAMPLES=OFF -DPOLLUX_BUILD_TESTS=OFF \
            -DPOLLUX_BUILD_POSIX=OFF &&
            cmake --build "$2" -j 2
    } > "$2/build.log" 2>&1 || {
        tail -n 40 "$2/build.log" >&2
        exit 1
    }
}

build release build/bench-linux 'poll;select;epoll;uring;libuv'
set -- --linux build/bench-linux/bench "$@"
if [ "$windows" = yes ]; then
    sh ci/windows-deps.sh
    build mingw-release build/bench-windows 'poll;select;iocp;libuv'
    set -- --windows build/bench-windows/bench "$@"
fi

exec "$python" bench/run.py "$@"
