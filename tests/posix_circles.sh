#!/bin/sh
# Whether the folders of the POSIX layer call and include downwards only, so that there is no circle
# between them. Circles between the files of one folder are allowed.
#
#   sh tests/posix_circles.sh NM OBJECTS
#
# OBJECTS is a file with the paths of the layer's objects, one a line. What counts is which object
# uses a symbol that another defines; and which header a source includes.
set -eu
nm=$1
objects=$2
cd "$(dirname "$0")/.."

# The lowest first. What the layer has of platform/ is below all of its folders.
folders='platform base data fd signal wait io pipe socket files'
folders="$folders stdio time locale process system names"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The objects with folder/file in front. names.cmake writes the jumps; programs call those alone.
# CMake counts the precompiled header as an object.
sed -n -e '/\.gch$/d' -e '\,/pollux_posix\.dir/\(\./\)*jumps/,d' \
    -e 's,^.*/pollux_posix\.dir/.*\(platform/.*\)\.[a-z]*$,\1 &,p;t' \
    -e 's,^.*/pollux_posix\.dir/\(\./\)*\(.*\)\.[a-z]*$,\2 &,p' "$objects" > "$work/objects"

# "U file symbol" for a use, "D file symbol" for a definition. GCC's own copies of addresses
# (.refptr.*) are in each object that uses them. One nm for all: there are hundreds.
sed 's/^[^ ]* //' "$work/objects" | tr '\n' '\000' | xargs -0 "$nm" -g -A > "$work/nm"
awk 'NR == FNR {
        file[substr($0, index($0, " ") + 1)] = substr($0, 1, index($0, " ") - 1)
        next
    }
    {
        object = $0
        sub(/:[^:]*$/, "", object)
        count = split(substr($0, length(object) + 2), words, " ")
        if (count >= 2 && words[count] !~ /^\.refptr\./)
            print (words[count - 1] == "U" ? "U" : "D"), file[object], words[count]
    }' "$work/objects" "$work/nm" > "$work/symbols"

# "I file header": only what is outside posix/include/, which programs have, is a folder's.
find posix -name '*.[ch]' ! -path 'posix/include/*' | LC_ALL=C sort | tr '\n' '\000' |
    xargs -0 grep -H '^ *# *include "posix/' |
    sed -n 's,^posix/\([^:]*\):.*"\(posix/.*\)"$,\1 \2,p' |
    awk '$2 !~ /^posix\/include\// { sub(/^posix\//, "", $2); print "I", $1, $2 }' \
        > "$work/includes"

awk -v folders="$folders" '
    function rank(file,    parts) {
        split(file, parts, "/")
        if (!(parts[1] in floor)) {
            print "circles: " file ": its folder is not in the list of tests/posix_circles.sh"
            floor[parts[1]] = 0
            wrong++
        }
        used[parts[1]] = 1
        return floor[parts[1]]
    }
    function look(user, owner, what) {
        below = rank(owner)
        above = rank(user)
        if (above == below)
            return
        between++
        if (below > above) {
            print "circles: " user " points up to " owner ": " what
            wrong++
        }
    }
    BEGIN {
        count = split(folders, names, " ")
        for (i = 1; i <= count; i++)
            floor[names[i]] = i
    }
    { files[$2] = 1 }
    $1 == "D" { owner_of[$3] = $2 }
    $1 == "U" { uses[++uses_count] = $2 " " $3 }
    $1 == "I" { look($2, $3, "an include"); includes++ }
    END {
        for (i = 1; i <= uses_count; i++) {
            split(uses[i], use, " ")
            if (use[2] in owner_of)
                look(use[1], owner_of[use[2]], use[2])
        }
        for (i = 1; i <= count; i++) {
            if (!(names[i] in used)) {
                print "circles: nothing is in the folder " names[i] ", which is in the list"
                wrong++
            }
        }
        print "circles: " between + 0 " uses between folders, " wrong + 0 " wrong"
        exit wrong + 0 > 0 || uses_count + 0 == 0 || includes + 0 == 0
    }' "$work/symbols" "$work/includes"
