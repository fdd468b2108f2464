#!/bin/sh
# wine_keeper.sh start EMULATOR PROGRAM FILE: starts the keeper, and returns when it is up.
# wine_keeper.sh stop  EMULATOR PROGRAM FILE: has it end, by taking its file away. Fails if it has
# ended before: then Wine's server has died under the tests, and those that it served hang or fail.
set -eu
emulator=$2
program=$3
file=$4
if [ "$1" = stop ]; then
    rm "$file"
    kill -0 "$(cat "$file.process")" 2> /dev/null && exit 0
    echo "Wine's server has died. It said:"
    cat "$file.log"
    exit 1
fi
rm -f "$file"
# All three streams elsewhere: CTest waits for all that hold its pipe, Wine's services included.
"$emulator" "$program" "$file" < /dev/null > "$file.log" 2>&1 &
echo $! > "$file.process"
tries=0
until [ -e "$file" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || exit 1
    sleep 0.1
done
