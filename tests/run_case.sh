#!/bin/sh
# Runs a program, which ends with 0 if all is well, and prints EXPECTED among other things.
#
#   sh run_case.sh EMULATOR EXPECTED COMMAND...
#
# run_case.cmake does so where the host has no shell. CMake takes 30 ms to start, a shell 2, and
# there are thousands of cases.
set -u
emulator=$1 expected=$2
shift 2

run() {
    result=0
    output=$("$@" 2>&1) || result=$?
}

run "$@"
# All of them print something. One that has printed nothing was never started, which an emulator
# brings about once in a thousand times; there is nothing to judge yet.
if [ -z "$output" ] && [ -n "$emulator" ]; then
    echo "not started ($result); once more"
    run "$@"
fi
printf '%s\n' "$output"
if [ "$result" -ne 0 ]; then
    echo "ended with $result"
    exit 1
fi
case $output in
*"$expected"*) ;;
*)
    echo "it did not print \"$expected\""
    exit 1
    ;;
esac
