#!/bin/sh
# Runs a million seeds of the simulated network (tests/sim_seeds), as a user's release is built, in
# as many processes as there are processors; and a tenth of that of servers.
#
#   sh ci/nightly/sim.sh [COUNT [FROM]]    seeds FROM, FROM + 1, ...; by default each day others
#
# Exit codes: 0: every promise was kept; 1: not so, and the last lines are commands that run such
# seeds again; 2: wrong use.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
count=${1:-1000000}
days=$(($(date +%s) / 86400))
from=${2:-$((days * 1000000))}
case $count$from in
*[!0-9]*)
    script_about >&2
    exit 2
    ;;
esac
sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config check
build=build/sim
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DPOLLUX_BACKENDS=poll \
    -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_BUILD_TOOLS=OFF -DPOLLUX_BUILD_EXAMPLES=OFF \
    -DPOLLUX_TEST_CONSUMERS=OFF
cmake --build $build -j 2 --target sim_seeds

processors=$(getconf _NPROCESSORS_ONLN)
children=
trap '[ -z "$children" ] || kill $children 2> /dev/null || true' EXIT INT TERM

# seeds COUNT FROM [--servers]: ends this script if a seed fails.
seeds() {
    piece=$((($1 + processors - 1) / processors))
    number=0
    while [ "$number" -lt "$processors" ]; do
        # shellcheck disable=SC2086
        $build/tests/sim_seeds ${3:-} --from $(($2 + number * piece)) --count "$piece" \
            > "$build/seeds-$number.log" 2>&1 &
        children="$children $!"
        number=$((number + 1))
    done
    number=0
    bad=
    for child in $children; do
        wait "$child" || bad="$bad $number"
        number=$((number + 1))
    done
    children=
    cat $build/seeds-*.log
    for number in $bad; do
        tail -n 2 "$build/seeds-$number.log"
    done
    [ -z "$bad" ] || exit 1
}

seeds "$count" "$from"
seeds $(((count + 9) / 10)) "$from" --servers
echo "sim: $count seeds from $from keep every promise, and a tenth of them with servers"
