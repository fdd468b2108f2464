# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
rinetd() {
    say "rinetd: forwards TCP and UDP, with select()"
    unpacked rinetd rinetd-0.73
    (
        cd "$work/rinetd"
        export POLLUX_PURE=1 # It has a Windows branch of its own.
        built ./configure --host=x86_64-w64-mingw32 CC="$CC"
        built make
    )
    unchanged rinetd
    cat > "$work/rinetd.conf" << END
127.0.0.1 $base 127.0.0.1 $((base + 1))
127.0.0.1 $((base + 2))/udp 127.0.0.1 $((base + 3))/udp
END
    background "$wine" "$work/rinetd/rinetd.exe" -f -c "$work/rinetd.conf"
    web
    listens "$base"
    until_true is_bound udp $((base + 2))
    # (A half-close it does not pass on, on Linux either: handleClose() closes both ways.)
    for one in 1 2 3 4 5; do
        shown curl -s -o "$work/got" "http://127.0.0.1:$base/file" \
            -w '  %{http_code}, %{size_download} bytes\n'
        cmp "$work/got" "$work/web/file"
    done
    expect "TCP, 3 MB five times" "$(wc -c < "$work/got")" 3000000
    python3 -c '
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    bytes, peer = server.recvfrom(2000)
    if bytes: # rinetd starts with an empty datagram, and takes an empty answer for the end.
        server.sendto(bytes.upper(), peer)
' $((base + 3)) &
    pids="$pids $!"
    until_true is_bound udp $((base + 3))
    answer=$(python3 -c '
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(10)
client.sendto(b"a datagram", ("127.0.0.1", int(sys.argv[1])))
print(client.recv(2000).decode())
' $((base + 2)))
    expect "UDP, there and back" "$answer" "A DATAGRAM"
    finish
}
