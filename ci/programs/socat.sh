# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
socat() {
    say "socat: between addresses of many kinds, with select()"
    unpacked socat socat-1.7.4.4
    (
        cd "$work/socat"
        built ./configure --host=x86_64-w64-mingw32 CC="$CC"
        built make socat
    )
    unchanged socat
    exe=$work/socat/socat.exe
    file=$root/LICENSE
    # To a server's end of TCP, IPv4 and IPv6, from stdin.
    for family in 4 6; do
        address=127.0.0.1
        [ "$family" = 4 ] || address='[::1]'
        background "$wine" "$exe" -u "TCP$family-LISTEN:$base,bind=$address,reuseaddr" \
            "CREATE:$work/arrived"
        server=${pids##* }
        listens "$base"
        shown sh -c "'$wine' '$exe' -u - 'TCP$family:$address:$base' < '$file'"
        wait "$server"
        cmp "$work/arrived" "$file"
        expect "stdin, TCP$family, a file" "$(wc -c < "$work/arrived")" "$(wc -c < "$file")"
        pids=
    done
    # A native server, both ways, whose peer half-closes.
    nc -l 127.0.0.1 "$base" < "$root/README.md" > "$work/arrived" &
    server=$!
    pids="$pids $server"
    listens "$base"
    shown sh -c "'$wine' '$exe' - 'TCP:127.0.0.1:$base' < '$file' > '$work/back'"
    wait "$server"
    pids=
    cmp "$work/arrived" "$file"
    cmp "$work/back" "$root/README.md"
    expect "stdin and stdout, TCP, both ways" "$(wc -c < "$work/back")" \
        "$(wc -c < "$root/README.md")"
    # Unix-domain sockets, between two of them.
    rm -f "$work/socat.sock"
    background "$wine" "$exe" -u "UNIX-LISTEN:$work/socat.sock" "CREATE:$work/arrived"
    server=${pids##* }
    until_true test -e "$work/socat.sock"
    shown sh -c "'$wine' '$exe' -u 'OPEN:$file' 'UNIX-CONNECT:$work/socat.sock'"
    wait "$server"
    cmp "$work/arrived" "$file"
    expect "a file, UNIX, a file" "$(wc -c < "$work/arrived")" "$(wc -c < "$file")"
    pids=
    # Datagrams.
    background "$wine" "$exe" -u "UDP4-RECVFROM:$base" "CREATE:$work/arrived"
    server=${pids##* }
    until_true is_bound udp "$base"
    shown sh -c "echo 'a datagram' | '$wine' '$exe' -u - 'UDP4-SENDTO:127.0.0.1:$base'"
    wait "$server"
    expect "stdin, UDP, a file" "$(cat "$work/arrived")" "a datagram"
    pids=
    # A relay for a native client and server.
    web
    background "$wine" "$exe" "TCP-LISTEN:$base,bind=127.0.0.1" "TCP:127.0.0.1:$((base + 1))"
    listens "$base"
    shown curl -s -o "$work/got" "http://127.0.0.1:$base/file" \
        -w '  %{http_code}, %{size_download} bytes\n'
    cmp "$work/got" "$work/web/file"
    expect "TCP to TCP, 3 MB" "$(wc -c < "$work/got")" 3000000
    finish
}
