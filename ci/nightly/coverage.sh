#!/bin/sh
# Measures which lines the fuzzer of the API reaches, on each backend by itself.
#
#   sh ci/nightly/coverage.sh [SECONDS]             540 seconds a backend, two at a time: 30 minutes
#   sh ci/nightly/coverage.sh --backend NAME [SECONDS]    this one alone
#   sh ci/nightly/coverage.sh --lines FILE NAME     the lines of a file that the last run on the
#                                                   backend has not reached
#   sh ci/nightly/coverage.sh --suites              what all suites reach together; judges nothing
#
# Prints the share of lines of the loop, which is core/ without what the fuzzer has no calls for,
# and of the backend's own files. Servers and PROXY connections have the seeds of ci/nightly/sim.sh,
# PROXY headers the fuzzer tests/fuzz_proxy.c; sockets from other processes, notify.c and
# address_prefix.c have the suites. Exit codes: 0: each is 90 % or more; 1: not so, or the fuzzer
# found something; 2: wrong use.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."

least=90
seconds=540
backends='poll poll-two-tier select epoll uring libuv'
left_out='^core/(server/|handover/|proxy|notify|address_prefix)'
suites=no
build=build/coverage

wrong() {
    echo "coverage.sh: $*; --help tells more" >&2
    exit 2
}

# data BACKEND: where a run leaves its counts, below the directory that libgcov is told.
data() {
    echo "$PWD/$build/fuzz/$1"
}

# own BACKEND: a regular expression for the names of the backend's files.
own() {
    case $1 in
    poll*) echo '^backends/readiness/(poll|array_poller|idle_set|readiness)[.]' ;;
    select) echo '^backends/readiness/(select|array_poller|readiness)[.]' ;;
    uring) echo '^backends/uring' ;;
    *) echo "^backends/readiness/($1|readiness)[.]" ;;
    esac
}

# covered DIRECTORY OPTION...: gcovr on the counts in a directory.
covered() {
    directory=$1
    shift
    gcovr -r . --gcov-executable gcov --exclude-directories '.*CompilerIdC' "$@" "$directory"
}

# share FILE REGEX: how many percent of the lines of these files, from gcovr's table.
share() {
    awk -F , -v names="$2" -v out="$left_out" '$1 ~ names && $1 !~ out { all += $2; reached += $3 }
        END { printf "%.1f", int(1000 * reached / (all + (all == 0))) / 10 }' "$1"
}

while [ $# -gt 0 ]; do
    case $1 in
    --suites) suites=yes ;;
    --backend)
        [ $# -ge 2 ] || wrong "--backend needs a name"
        case " $backends " in
        *" $2 "*) backends=$2 ;;
        *) wrong "there is no backend \"$2\" here, but: $backends" ;;
        esac
        shift
        ;;
    --lines)
        [ $# -ge 3 ] || wrong "--lines needs a file and a backend"
        [ -d "$(data "$3")" ] || wrong "there is no run on \"$3\" yet"
        covered "$(data "$3")" -f "$2\$" | tail -n 5
        exit 0
        ;;
    *[!0-9]* | '') wrong "\"$1\" is no number of seconds" ;;
    *) seconds=$1 ;;
    esac
    shift
done

sh ci/packages.sh gcc g++ libc6-dev cmake ninja-build pkg-config check libuv1-dev libcjson-dev \
    libcurl4-openssl-dev liburing-dev curl strace gcovr
cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
    -DPOLLUX_BACKENDS=all -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_TEST_CONSUMERS=OFF \
    '-DCMAKE_C_FLAGS=-O0 --coverage -fprofile-update=atomic -DPLX_COVERAGE'

if [ $suites = yes ]; then
    cmake --build $build -j 2
    find $build -name '*.gcda' -delete
    rm -rf $build/fuzz
    ctest --test-dir $build -j 6 --output-on-failure --no-tests=error
    covered $build -f core/ -f backends/ -f platform/
    exit 0
fi

cmake --build $build -j 2 --target fuzz_api

# fuzz BACKEND: runs the fuzzer.
fuzz() {
    directory=$(data "$1")
    rm -rf "$directory"
    mkdir -p "$directory"
    GCOV_PREFIX=$directory $build/tests/fuzz_api --backend "$1" --seconds "$seconds" \
        > "$directory/log" 2>&1
}

# count BACKEND: makes a table of that. One at a time: gcov writes into the present directory.
count() {
    directory=$(data "$1")
    # Without those that earlier runs have left below fuzz/: their copies would double with each.
    (cd $build && find . -path ./fuzz -prune -o -name '*.gcno' -print | tar -c -T -) |
        tar -x -C "$directory$PWD/$build"
    covered "$directory" -f core/ -f backends/ --csv "$directory/lines.csv"
}

bad=0
finished=
# await BACKEND PROCESS
await() {
    if ! wait "$2"; then
        cat "$(data "$1")/log"
        echo "coverage: the fuzzer failed on $1"
        bad=1
    else
        tail -n 1 "$(data "$1")/log"
        finished="$finished $1"
    fi
}

# shellcheck disable=SC2086
set -- $backends
while [ $# -gt 0 ]; do
    fuzz "$1" &
    first=$!
    if [ $# -ge 2 ]; then
        fuzz "$2" &
        second=$!
        await "$1" $first
        shift
        await "$1" $second
    else
        await "$1" $first
    fi
    shift
done

for backend in $finished; do
    count "$backend"
done
printf '%-16s %8s %8s\n' backend 'loop %' 'own %'
for backend in $finished; do
    lines=$(data "$backend")/lines.csv
    core=$(share "$lines" '^core/')
    of_backend=$(share "$lines" "$(own "$backend")")
    printf '%-16s %8s %8s\n' "$backend" "$core" "$of_backend"
    awk -v a="$core" -v b="$of_backend" -v c=$least 'BEGIN { exit a < c || b < c }' || bad=1
done
if [ $bad -ne 0 ]; then
    echo "coverage: below $least %, or the fuzzer failed"
    exit 1
fi
echo "coverage: in $seconds s the fuzzer reaches $least % of the loop and of each backend"
