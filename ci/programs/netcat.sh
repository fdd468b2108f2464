# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
netcat() {
    say "netcat (the traditional one): both directions, half-close"
    unpacked netcat-traditional netcat-1.10
    built make -C "$work/netcat-traditional" linux CC="$CC" LDFLAGS= STATIC= \
        DFLAGS='-DLINUX -DTELNET -DGAPING_SECURITY_HOLE -DIP_TOS -DDEBIAN_VERSION=\"1.10\"'
    unchanged netcat-traditional
    exe=$work/netcat-traditional/nc.exe
    nc -l 127.0.0.1 "$base" < "$root/README.md" > "$work/arrived" &
    server=$!
    pids="$pids $server"
    listens "$base"
    shown sh -c "'$wine' '$exe' -q 1 127.0.0.1 $base < '$root/LICENSE' > '$work/back'"
    finish
    cmp "$work/arrived" "$root/LICENSE"
    cmp "$work/back" "$root/README.md"
    expect "as a client" "$(wc -c < "$work/arrived") $(wc -c < "$work/back")" \
        "$(wc -c < "$root/LICENSE") $(wc -c < "$root/README.md")"
    printf '  $ %s\n' "wine64 nc.exe -l -p $((base + 1)) -q 1 < LICENSE > arrived &"
    "$wine" "$exe" -l -p $((base + 1)) -q 1 < "$root/LICENSE" > "$work/arrived" \
        2> "$work/background.log" &
    server=$!
    pids="$pids $server"
    listens $((base + 1))
    shown sh -c "nc -N 127.0.0.1 $((base + 1)) < '$root/README.md' > '$work/back'"
    wait $server
    cmp "$work/arrived" "$root/README.md"
    cmp "$work/back" "$root/LICENSE"
    expect "as a server, whose peer half-closes" \
        "$(wc -c < "$work/arrived") $(wc -c < "$work/back")" \
        "$(wc -c < "$root/README.md") $(wc -c < "$root/LICENSE")"
    finish
}
