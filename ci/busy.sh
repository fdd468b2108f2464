#!/bin/sh
# Runs the suites on a busy machine: beside 16 processes that spin. Every case must pass.
#
#   sh ci/busy.sh              every suite of Linux
#   sh ci/busy.sh --windows    units and behaviours under Wine
#   sh ci/busy.sh --only REGEX [--windows]    the tests of that name
#
# Limits of time are ten times as long: they end what hangs, and judge nothing. The spinning
# processes end with this script, however it ends, and after two hours by themselves.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."

spinners=16
preset=debug
only=.
while [ $# -gt 0 ]; do
    case $1 in
    --windows) preset=mingw-debug ;;
    --only)
        only=${2:?busy.sh: --only needs a regular expression}
        shift
        ;;
    *)
        script_about
        exit 2
        ;;
    esac
    shift
done

# A build of its own, so that nobody's limits are changed.
directory=build/busy-$preset
if [ $preset = mingw-debug ]; then
    sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config dpkg-dev \
        gcc-mingw-w64-x86-64-win32 wine64
    sh ci/windows-deps.sh
    set -- -L '^(behavior|unit|unit_iocp)$'
    [ "$only" = . ] || set --
else
    sh ci/packages.sh gcc g++ libc6-dev cmake ninja-build pkg-config check libuv1-dev \
        libcjson-dev libcurl4-openssl-dev libpq-dev libhiredis-dev libc-ares-dev \
        liburing-dev curl strace
    set --
fi
cmake --preset $preset -B $directory
cmake --build $directory -j 2
find $directory -name CTestTestfile.cmake \
    -exec sed -i 's/TIMEOUT "\([0-9][0-9]*\)"/TIMEOUT "\10"/' {} +

pids=
spinners_end() {
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill $pids 2> /dev/null || true
    pids=
}
trap spinners_end EXIT
trap 'exit 1' HUP INT TERM
i=0
while [ $i -lt $spinners ]; do
    timeout --foreground 7200 sh -c 'while :; do :; done' &
    pids="$pids $!"
    i=$((i + 1))
done

code=0
POLLUX_FUZZ_SECONDS=20 POLLUX_TEST_PATIENCE=300 POLLUX_TEST_TIMEOUT=900 \
    ctest --test-dir $directory -j 4 --output-on-failure --no-tests=error -R "$only" "$@" || code=$?
alive=0
for pid in $pids; do
    ! kill -0 "$pid" 2> /dev/null || alive=$((alive + 1))
done
if [ $alive -ne $spinners ]; then
    echo "busy: only $alive of $spinners were spinning in the end"
    exit 1
fi
[ $code -eq 0 ] || exit $code
echo "busy: every suite passes beside $spinners spinning processes"
