# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
microsocks() {
    say "microsocks: a SOCKS5 server, a thread for each client"
    unpacked microsocks microsocks-1.0.3
    built make -C "$work/microsocks" CC="$CC"
    unchanged microsocks
    web
    background "$wine" "$work/microsocks/microsocks.exe" -i 127.0.0.1 -p "$base"
    listens "$base"
    shown curl -s --socks5 "127.0.0.1:$base" -o "$work/got" "http://127.0.0.1:$((base + 1))/file" \
        -w '  %{http_code}, %{size_download} bytes\n'
    cmp "$work/got" "$work/web/file"
    expect "3 MB through it" "$(wc -c < "$work/got")" 3000000
    eight_at_once "8 at once, by name" --socks5-hostname "127.0.0.1:$base" \
        "http://localhost:$((base + 1))/file"
    answer=$(curl -s --socks5 "127.0.0.1:$base" "http://127.0.0.1:1/" 2>&1 || echo "exit $?")
    expect "refused where nobody listens" "$answer" "exit 97"
    finish
}
