#!/bin/sh
# Whether a program may have a function of its own by any name of the POSIX layer's, as with a C
# library in an archive; and whether posix/functions.txt is right.
#
#   sh tests/posix/names.sh COMPILER NM DIRECTORY EMULATOR
#
# DIRECTORY has the layer's libraries; an EMULATOR of '' runs programs as they are.
set -eu
compiler=$1
nm=$2
directory=$3
emulator=$4
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^[a-z]/p' posix/functions.txt > "$work/list"
cut -d' ' -f1 "$work/list" > "$work/functions"

# no_line MESSAGE: from the input.
no_line() {
    cat > "$work/lines"
    [ ! -s "$work/lines" ] || {
        echo "names: $1: $(tr '\n\t' '  ' < "$work/lines")" >&2
        exit 1
    }
}

LC_ALL=C sort -u "$work/functions" | comm -3 - "$work/functions" | no_line "functions.txt's order"
# The second column of the table of docs/posix.md.
sed -n '/^## State, header by header/,/^Types, constants/{
s/^| `[^|]*|\([^|]*\)|.*/\1/p
}' docs/posix.md |
    tr -c 'a-z0-9_' '\n' | grep . | LC_ALL=C sort > "$work/documented"
LC_ALL=C comm -3 "$work/documented" "$work/functions" |
    no_line "docs/posix.md or functions.txt lacks"
for macro in CALL NEW; do
    grep -rhoE "PLX_POSIX_$macro\([a-z0-9_]+\)" posix/include | sed 's/.*(\(.*\))/\1/' |
        grep -vx name | LC_ALL=C sort > "$work/headers.$macro"
done
sed -n 's/ plain$//p' "$work/list" | cut -d' ' -f1 > "$work/unlabelled"
grep ' ' "$work/list" | grep -v ' plain$' | cut -d' ' -f1 |
    LC_ALL=C comm -3 - "$work/headers.CALL" |
    no_line "PLX_POSIX_CALL has others than functions.txt's with a library"
grep -v ' ' "$work/list" | LC_ALL=C comm -3 - "$work/headers.NEW" |
    no_line "PLX_POSIX_NEW has others than functions.txt's without a library"

# What the libraries of mingw-w64's define. (getpagesize and mprotect are in GCC's, for its own.)
for library in msvcrt mingwex ws2_32 iphlpapi advapi32 pthread gcc; do
    "$nm" "$("$compiler" -print-file-name=lib$library.a)" 2> /dev/null
done | sed -n 's/^[0-9a-f]* [TDBRC] //p' | LC_ALL=C sort -u > "$work/system"
grep -v ' ' "$work/list" | LC_ALL=C comm -12 - "$work/system" |
    no_line "mingw-w64 has a library with that, which functions.txt does not say"

# The layer's objects, which are all that names.cmake has not made, use no public name, but those
# that are to be the program's if it has them.
"$nm" -A "$directory/libpollux-posix.a" 2> /dev/null > "$work/symbols"
sed -n 's/.* U \(__imp_\)\{0,1\}//p' "$work/symbols" | LC_ALL=C sort -u |
    LC_ALL=C comm -12 - "$work/functions" | LC_ALL=C comm -23 - "$work/unlabelled" |
    no_line "the layer calls by its public name"

# A program that has them all itself, by the headers, and the whole layer behind it.
{
    find posix/include -name '*.h' | sed 's,posix/include/,,' |
        grep -v -e '^plx_posix/' -e '^_' -e bits/ -e parallel/ -e ^conio -e ^dos | LC_ALL=C sort |
        sed 's/.*/#include <&>/'
    echo '#define OWN(name) const char own_##name[16] = "own";'
    sed 's/.*/#undef &/' "$work/functions"
} > "$work/all.h"
{
    echo '#include "all.h"'
    sed 's/.*/void own_&(void);/' "$work/functions"
    sed 's/.*/void own_&(void) {}/' "$work/functions"
    sed 's/.*/extern __typeof__(&) & __attribute__((alias("own_&")));/' "$work/functions"
} | sed '/in6addr/{
s/^void own_\(.*\)(void);/extern const char own_\1[16];/
s/^void own_\(.*\)(void) {}/const char own_\1[16] = "own";/
}' > "$work/own.c"
{
    echo '#include "all.h"'
    sed 's/.*/extern char own_&[];/' "$work/functions"
    echo 'int count, wrong;'
    echo 'static void look(const void *used, const void *own) { count++; wrong += used != own; }'
    echo 'int main(void) {'
    sed 's/.*/look((const void *)\&&, own_&);/' "$work/functions"
    echo 'printf("names: %d, wrong: %d", count, wrong); return wrong != 0; }'
} > "$work/use.c"
# The layer's own entries, which pull in all of its objects.
{
    echo '__asm__(".data;"'
    sed -n 's/.* T \(plx_posix_.*\)/".quad \1;"/p' "$work/symbols"
    echo ');'
} > "$work/layer.c"
# The same without a header.
{
    echo '__asm__(".text;"'
    sed 's/.*/".globl &; &: ret;"/' "$work/functions"
    echo '); int main(void) { return 0; }'
} > "$work/plain.c"
for source in own use layer plain; do
    "$compiler" -w -I"$work" -isystem posix/include -c "$work/$source.c" -o "$work/$source.o"
done
set -- -static -L"$directory" -lpollux-posix-names -lpollux-posix -lws2_32 -liphlpapi -ladvapi32
"$compiler" "$work/plain.o" "$work/layer.o" -o "$work/plain.exe" "$@"
"$compiler" "$work/own.o" "$work/use.o" "$work/layer.o" -o "$work/own.exe" "$@"
# shellcheck disable=SC2086
$emulator "$work/own.exe"
