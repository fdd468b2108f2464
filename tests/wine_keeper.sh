#!/bin/sh
# wine_keeper.sh start EMULATOR PROGRAM FILE: starts the keeper, and returns when it is up.
# wine_keeper.sh stop  EMULATOR PROGRAM FILE: has it end, by taking its file away.
set -eu
emulator=$2
program=$3
file=$4
rm -f "$file"
[ "$1" = start ] || exit 0
# All three streams elsewhere: CTest waits for all that hold its pipe, Wine's services included.
"$emulator" "$program" "$file" < /dev/null > /dev/null 2>&1 &
tries=0
until [ -e "$file" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || exit 1
    sleep 0.1
done
