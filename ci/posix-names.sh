#!/bin/sh
# How much of what POSIX.1-2017 says that its headers have the POSIX layer's headers have: each name
# of tests/posix/standard_names.txt is used in a program that is compiled for Windows.
#
#   sh ci/posix-names.sh            compares with the table in docs/posix.md
#   sh ci/posix-names.sh --write    writes that table
#   sh ci/posix-names.sh --list     prints "HEADER NAME" for each name that is not there
#   sh ci/posix-names.sh --native   the same of this system's headers: what the check is worth
#
# Exit codes: 0: all is as the table says; 1: not so; 2: wrong use.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
names=tests/posix/standard_names.txt
page=docs/posix.md
begin='<!-- The table below is written by ci/posix-names.sh. -->'
end='<!-- The table above is written by ci/posix-names.sh. -->'
compiler='x86_64-w64-mingw32-gcc -isystem posix/include'
action=compare
case ${1:-} in
'') ;;
--write) action="write" ;;
--list) action=list ;;
--native)
    action=list
    compiler='cc'
    ;;
*)
    echo "posix-names: unexpected argument \"$1\"" >&2
    script_about >&2
    exit 2
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "HEADER KIND NAME", a line each.
grep -v '^#' "$names" | awk '{ for (i = 3; i <= NF; i++) print $1, $2, $i }' > "$work/all"

# A program for each header, in which line N of the file "name" uses name N of all.
awk -v work="$work" '
{
    file = $1
    gsub("/", "_", file)
    file = work "/" file ".c"
    if (!(file in begun)) {
        print "#include <" $1 ">" > file
        begun[file] = 1
        print $1, file > (work "/programs")
    }
    name = $3
    dot = index(name, ".")
    owner = substr(name, 1, dot - 1)
    part = substr(name, dot + 1)
    at = "#line " NR " \"name\"\n"
    use = "void plx_use_" NR "(void)"
    if ($2 == "type")
        print at "typedef " name " plx_use_" NR ";" > file
    else if ($2 == "struct" || $2 == "union")
        print at use " { (void)sizeof(" $2 " " name "); }" > file
    else if ($2 == "member")
        print at use " { (void)sizeof(((" owner " *)0)->" part "); }" > file
    else if ($2 ~ /-member$/) {
        type = substr($2, 1, index($2, "-") - 1) " " owner
        print at use " { (void)sizeof(((" type " *)0)->" part "); }" > file
    }
    else {
        guard = $2 == "constant" ? "1" : "!defined " name
        print "#if " guard "\n" at use " { (void)(" name "); }\n#endif" > file
    }
}' "$work/all"

while read -r header program; do
    # A header that is not there ends the program before it begins.
    if ! echo "#include <$header>" | $compiler -x c -E - > /dev/null 2>&1; then
        awk -v header="$header" '$1 == header { print NR }' "$work/all" >> "$work/missing"
        continue
    fi
    $compiler -std=c11 -D_XOPEN_SOURCE=700 -fsyntax-only -fmax-errors=0 -w "$program" 2>&1 |
        sed -n 's/^name:\([0-9]*\):.* error: .*/\1/p' | sort -nu >> "$work/missing"
done < "$work/programs"

awk 'NR == FNR { gone[$1] = 1; next } FNR in gone { print $1, $3 }' "$work/missing" "$work/all" \
    > "$work/list"
if [ "$action" = list ]; then
    cat "$work/list"
    exit 0
fi

# --- the table ---------------------------------------------------------------------------------

awk '
function percent(part, all) { return int(100 * part / all) " %" }
NR == FNR { gone[$1]++; names[$1] = names[$1] " `" $2 "`"; next }
!($1 in all) { headers[++count] = $1 }
{ all[$1]++; sum++ }
END {
    for (i = 1; i <= count; i++) {
        header = headers[i]
        missing += gone[header]
        if (gone[header] == all[header]) {
            absent = absent " `" header "`"
            absent_count++
        } else if (gone[header] == 0) {
            whole++
        } else {
            has = all[header] - gone[header]
            parted = parted "| `" header "` | " has " of " all[header] " | " \
                percent(has, all[header]) " |" names[header] " |\n"
            there += all[header]
            partly += gone[header]
        }
    }
    printf "%d of %d names in %d headers: %s. %d headers have all of theirs. ", sum - missing, \
        sum, count, percent(sum - missing, sum), whole
    printf "%d are not there:%s.%s\n", absent_count, absent, parted != "" ? " The others:" : ""
    if (parted != "")
        printf "\n| header | names | share | not there |\n|---|---|---|---|\n%s", parted
}' "$work/list" "$work/all" > "$work/table"

if ! grep -qxF -e "$begin" "$page" || ! grep -qxF -e "$end" "$page"; then
    echo "posix-names: $page lacks the lines between which the table stands" >&2
    exit 1
fi
awk -v begin="$begin" -v end="$end" -v table="$work/table" '
$0 == end { skips = 0 }
!skips { print }
$0 == begin {
    skips = 1
    print ""
    while ((getline line < table) > 0)
        print line
    print ""
}' "$page" > "$work/page"
summary="posix-names: $(head -n 1 "$work/table" | sed 's/\. .*//')"
if [ "$action" = write ]; then
    cp "$work/page" "$page"
elif ! diff -u "$page" "$work/page"; then
    echo "posix-names: $page differs; \"sh ci/posix-names.sh --write\" writes what is so now" >&2
    exit 1
fi
echo "$summary"
