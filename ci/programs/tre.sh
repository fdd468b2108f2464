# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# A library that POSIX has in the C library: with it, regex.h is there too.
tre() {
    say "TRE: regex.h, as a library"
    tre_install
    built make -C "$work/tre/tests" retest.exe
    unchanged tre
    (cd "$work/tre/tests" && shown "$wine" retest.exe < /dev/null) > "$work/got"
    tail -n 3 "$work/got"
    expect "its own tests" "$(grep -c '^All [0-9]* tests passed' "$work/got")" 1
    built "$CC" -I"$work/tre-installed/include/tre" tests/posix/patterns.c -o "$work/patterns.exe" \
        -L"$work/tre-installed/lib" -ltre
    cc tests/posix/patterns.c -o "$work/patterns"
    for pattern in '([0-9]+)[.]([0-9]+)' '^(#+) +(.*)$' '(a|b)*[[:space:]]\(([^)]+)\)' '[z-a]'; do
        "$work/patterns" "$pattern" < docs/posix.md > "$work/natively" 2>&1 || true
        "$wine" "$work/patterns.exe" "$pattern" < docs/posix.md > "$work/got" 2>&1 || true
        expect "$(wc -l < "$work/got") lines for $pattern, as natively" \
            "$(tr -d '\r' < "$work/got")" "$(cat "$work/natively")"
    done
}
