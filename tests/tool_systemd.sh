#!/bin/sh
# tests/tool_systemd.sh - pollux serve with sockets of systemd, and what it tells systemd.
#
#   sh tests/tool_systemd.sh POLLUX
#
# Needs no systemd that runs: systemd-socket-activate opens the sockets, or a Python program that
# does the same where that is missing. Prints a line for each check, and ends with 0 only if none
# has failed.
set -u

if [ $# -lt 1 ]; then
    echo "usage: sh tests/tool_systemd.sh POLLUX" >&2
    exit 2
fi
. "$(dirname "$0")/tool_load.sh"
program=$1
units=$(dirname "$0")/../examples/systemd
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tool-systemd.XXXXXX") || exit 2
failures=0
running=

# Ends what is still running, by its number.
clean_up() {
    [ -z "$running" ] || kill -KILL "$running" 2>/dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

passed() {
    echo "ok: $1"
}

failed() {
    echo "FAILED: $1"
    for file in "$scratch"/*; do
        [ ! -f "$file" ] || sed "s|^|    ${file##*/}: |" "$file"
    done
    failures=$((failures + 1))
}

await() {
    tries=0
    while ! grep -q -e "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

python=$(command -v python3) || python=

# --- the units ------------------------------------------------------------------------------------

if command -v systemd-analyze >/dev/null; then
    mkdir "$scratch/units"
    cp "$units/pollux.socket" "$scratch/units/"
    case $program in
    /*) path=$program ;;
    *) path=$PWD/$program ;;
    esac
    sed "s|/usr/bin/pollux|$path|" "$units/pollux.service" >"$scratch/units/pollux.service"
    if systemd-analyze verify "$scratch/units/pollux.service" "$scratch/units/pollux.socket" \
        >"$scratch/verify" 2>&1 && [ ! -s "$scratch/verify" ]; then
        passed "systemd-analyze finds nothing wrong with the units"
    else
        failed "systemd-analyze finds nothing wrong with the units"
    fi
else
    echo "skipped: the units: no systemd-analyze"
fi

# The command of the unit, with this program, and the file of its settings as it is installed.
command=$(sed -n 's|^ExecStart=/usr/bin/pollux serve ||p' "$units/pollux.service")
if [ -z "$command" ]; then
    failed "the unit starts pollux serve"
fi

# --- its sockets ----------------------------------------------------------------------------------

# A port that the system has just given to somebody else, who has ended.
port_choose() {
    "$program" serve --listen tcp://127.0.0.1:0 --until-stdin-ends </dev/null 2>&1 |
        sed -n 's/^listening on tcp:\/\/127.0.0.1:\([0-9]*\) .*/\1/p'
}

# As systemd-socket-activate: opens the sockets, and becomes the program.
launcher='
import os, socket, sys
ports, names, arguments = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
sockets = [socket.create_server(("127.0.0.1", int(port))) for port in ports]
high = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(sockets)]
for i, one in enumerate(high):
    os.dup2(one, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=names)
os.execv(arguments[0], arguments)
'

# activate ARGUMENT...: a server with sockets of the names web and admin.
activate() {
    first=$(port_choose)
    second=$(port_choose)
    : >"$scratch/serve"
    if command -v systemd-socket-activate >/dev/null; then
        systemd-socket-activate -l "127.0.0.1:$first" -l "127.0.0.1:$second" \
            --fdname=web:admin "$program" serve "$@" >"$scratch/serve" 2>&1 </dev/null &
        running=$!
        await "$scratch/serve" 'Listening on 127.0.0.1:'"$second" || return 1
    else
        "$python" -c "$launcher" "$first,$second" web:admin "$program" serve "$@" \
            >"$scratch/serve" 2>&1 </dev/null &
        running=$!
        await "$scratch/serve" '^listening on ' || return 1
    fi
}

serve_end() {
    kill -TERM "$running"
    wait "$running"
    ended=$?
    running=
    [ "$ended" -eq 0 ]
}

# served PORT: requests are answered there.
served() {
    load_run "$scratch/load" "$program" load --mode http --connections 2 "tcp://127.0.0.1:$1" &&
        ! grep -q '^errors' "$scratch/load"
}

if command -v systemd-socket-activate >/dev/null || [ -n "$python" ]; then
    # shellcheck disable=SC2086
    if activate $command && served "$first" && serve_end &&
        [ "$(grep -c '^listening on ' "$scratch/serve")" -eq 1 ]; then
        passed "the unit's command serves at the socket of its name"
    else
        failed "the unit's command serves at the socket of its name"
    fi
    if activate --mode http --listen inherited && served "$first" && served "$second" &&
        serve_end; then
        passed "all inherited sockets are served"
    else
        failed "all inherited sockets are served"
    fi
    # Of several loops, each of which accepts.
    if activate --mode http --listen inherited:admin --loops 2 && served "$second" &&
        serve_end; then
        passed "two loops serve at an inherited socket"
    else
        failed "two loops serve at an inherited socket"
    fi
else
    echo "skipped: inherited sockets: neither systemd-socket-activate nor python3"
fi

# --- what it tells --------------------------------------------------------------------------------

# Starts the program with a NOTIFY_SOCKET, prints what comes, and ends it with SIGTERM when it has
# heard "WATCHDOG=1" three times.
listener='
import os, signal, socket, subprocess, sys
name, arguments = sys.argv[1], sys.argv[2:]
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind("\0" + name[1:] if name[0] == "@" else name)
heard.settimeout(60)
environment = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="200000")
server = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
alive = 0
while True:
    text = heard.recv(4096).decode()
    print(text, flush=True)
    alive += text == "WATCHDOG=1"
    if text == "WATCHDOG=1" and alive == 3:
        server.send_signal(signal.SIGTERM)
    if text == "STOPPING=1":
        break
sys.exit(server.wait(60))
'
if [ -n "$python" ]; then
    names=$scratch/notify
    [ "$(uname)" != Linux ] || names="$names @pollux-test-$$"
    for name in $names; do
        kind='a path'
        [ "${name#@}" = "$name" ] || kind='an abstract name'
        if "$python" -c "$listener" "$name" "$program" serve --listen tcp://127.0.0.1:0 --loops 2 \
            >"$scratch/heard" 2>&1 && [ "$(sed -n 1p "$scratch/heard")" = READY=1 ] &&
            [ "$(sed -n 2p "$scratch/heard")" = WATCHDOG=1 ] &&
            [ "$(tail -n 1 "$scratch/heard")" = STOPPING=1 ]; then
            passed "$kind: a supervisor hears that the server is ready, lives and stops"
        else
            failed "$kind: a supervisor hears that the server is ready, lives and stops"
        fi
    done
else
    echo "skipped: notifications: no python3"
fi

[ "$failures" -eq 0 ] || echo "$failures checks failed"
[ "$failures" -eq 0 ]
