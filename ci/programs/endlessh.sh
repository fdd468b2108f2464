# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
endlessh() {
    say "endlessh: keeps clients waiting, with poll()"
    unpacked endlessh endlessh-1.1
    built make -C "$work/endlessh" CC="$CC"
    unchanged endlessh
    background "$wine" "$work/endlessh/endlessh.exe" -v -4 -p "$base" -d 20 -l 16 -m 3
    listens "$base"
    # Five lines for each of three clients; a fourth waits until one has gone.
    cat > "$work/lines.py" << 'END'
import socket, sys
clients = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(4)]
for client in clients:
    client.settimeout(30)
for at, client in enumerate(clients):
    lines = b""
    while lines.count(b"\r\n") < 5:
        lines += client.recv(1000)
    assert not any(line.startswith(b"SSH-") for line in lines.split(b"\r\n"))
    client.close()
    print(at, "five lines")
END
    answer=$(shown python3 "$work/lines.py" "$base" | tail -n 4)
    expect "lines without an end, for three at a time" "$answer" "$(seq -f '%g five lines' 0 3)"
    until_true logged 4 CLOSE
    expect "it has logged them" "$(grep -c ACCEPT "$work/background.log")" 4
    finish
}
