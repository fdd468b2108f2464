# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
udns() {
    say "udns: dnsget asks a name server, over UDP"
    unpacked udns udns-0.4
    (
        cd "$work/udns"
        export POLLUX_RUN="$wine" # Its configure runs what it has compiled.
        CC="$CC" built ./configure
        built make dnsget
    )
    unchanged udns
    background dnsmasq --no-daemon --no-resolv --no-hosts --bind-interfaces \
        --listen-address=127.0.0.1 --port="$base" --address=/pollux.example/192.0.2.7 \
        --mx-host=pollux.example,mail.pollux.example,5
    listens "$base"
    answer=$(shown "$wine" "$work/udns/dnsget.exe" -n 127.0.0.1 -o "port:$base" -t a \
        pollux.example | tr -d '\r')
    echo "$answer"
    expect "an address" "$(echo "$answer" | tail -n 1)" "pollux.example. A 192.0.2.7"
    answer=$(shown "$wine" "$work/udns/dnsget.exe" -n 127.0.0.1 -o "port:$base" -t mx \
        pollux.example | tr -d '\r')
    echo "$answer"
    expect "a mail exchanger" "$(echo "$answer" | tail -n 1)" \
        "pollux.example. MX 5 mail.pollux.example."
    finish
}
