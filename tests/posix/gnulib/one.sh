#!/bin/sh
# Builds one of gnulib's tests and runs it in an empty directory, for ci/posix-gnulib.sh:
#
#   one.sh DIRECTORY NAME COMPILER [RUNNER]
#
# DIRECTORY has "source", which is gnulib's, and "help.a". Prints NAME and "passes", "skips" (77, as
# gnulib's tests say it), "fails" or "does not build"; what the test said is in DIRECTORY/NAME.log.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 1
name=$2
if ! timeout 300 "$3" -w -std=gnu11 -D_GNU_SOURCE "-I$here" -iquote source/tests \
    -iquote source/lib "source/tests/test-$name.c" help.a -o "$name.exe" -lm -lpthread \
    > "$name.log" 2>&1; then
    echo "$name does not build"
    exit
fi
mkdir -p "$name.d"
(cd "$name.d" && exec timeout 60 ${4:+"$4"} "../$name.exe") < /dev/null >> "$name.log" 2>&1
status=$?
case $status in
0) echo "$name passes" ;;
77) echo "$name skips" ;;
*)
    echo "exit code: $status" >> "$name.log" # 124: it took longer than it may.
    echo "$name fails"
    ;;
esac
chmod -R u+w "$name.d"
rm -rf "$name.d"
