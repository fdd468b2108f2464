#!/bin/sh
# Looks for circles between the files of a library: file A calls B, and B, by any way, A.
#
#   sh tests/circles.sh NM [--within FOLDER]... OBJECT...
#
# The objects are those that CMake makes: .../LIBRARY.dir/FOLDER/FILE.c.o. Within a FOLDER that is
# named, files may call each other as they like; folders must not.
#
# Exit codes: 0: no circle; 1: there are some, and their files are printed; 2: wrong use.
set -u
nm=${1:-}
[ $# -eq 0 ] || shift
within=
while [ "${1:-}" = --within ] && [ $# -ge 2 ]; do
    within="$within $2"
    shift 2
done
if [ -z "$nm" ] || [ $# -eq 0 ]; then
    echo "circles.sh: usage: circles.sh NM [--within FOLDER]... OBJECT..." >&2
    exit 2
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# One line "FILE needs|has SYMBOL" for each symbol of each object.
"$nm" -A "$@" | awk '
    {
        file = $1
        sub(/:[0-9a-f]*$/, "", file)
        sub(/^.*\.dir\//, "", file)
        sub(/^\.\//, "", file)
        sub(/\.(o|obj)$/, "", file)
    }
    $(NF - 1) == "U" { print file, "needs", $NF; next }
    $(NF - 1) ~ /^[A-TV-Z]$/ { print file, "has", $NF }' > "$work/symbols"
if ! grep -q ' has ' "$work/symbols"; then
    echo "circles.sh: $nm finds no symbols in $1 and the others" >&2
    exit 2
fi

# Pairs "USER USED", each a file, or a folder whose files may do as they like.
awk -v within="$within" '
    function room(file, i) {
        for (i = 1; i <= folders; i++)
            if (index(file, folder[i] "/") == 1)
                return folder[i] "/"
        return file
    }
    BEGIN { folders = split(within, folder, " ") }
    NR == FNR { if ($2 == "has") owner[$3] = room($1); next }
    $2 == "needs" && ($3 in owner) && owner[$3] != room($1) { print room($1), owner[$3] }
    ' "$work/symbols" "$work/symbols" | sort -u > "$work/pairs"

if ! tsort "$work/pairs" > /dev/null 2> "$work/circles"; then
    echo "circles.sh: these call each other in a circle:"
    sed -n 's/^tsort: //p' "$work/circles" | grep -v 'contains a loop'
    exit 1
fi
