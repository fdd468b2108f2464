#!/bin/sh
# tests/haproxy.sh - HAProxy in front of three servers, one of which is killed and one replaced.
#
#   sh tests/haproxy.sh POLLUX
#
# A load runs through HAProxy all the time, with PROXY headers from HAProxy to the servers. One
# server gets SIGKILL, for good; another SIGTERM, which drains it, and its successor listens at the
# same address. No request may fail: HAProxy sends those again that the killed server has not
# answered. The configuration of HAProxy is the one that docs/deploy.md shows.
#
# Prints what came of it, and ends with 0 only if all was as promised; 77: HAProxy is missing. Every
# wait is bounded.
set -u

if [ $# -ne 1 ]; then
    echo "usage: sh tests/haproxy.sh POLLUX" >&2
    exit 2
fi
pollux=$1
connections=16
PATH=$PATH:/usr/sbin
if ! command -v haproxy > /dev/null; then
    echo "haproxy: HAProxy is not installed (Debian: apt-get install haproxy)"
    exit 77
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/haproxy.XXXXXX") || exit 2
log=$scratch/haproxy.log
running=

clean_up() {
    for process in $running; do
        kill -KILL "$process" 2> /dev/null
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

failed() {
    echo "FAILED: $1"
    for file in "$scratch"/*.err "$scratch"/load.json; do
        [ ! -s "$file" ] || sed "s|^|    $(basename "$file"): |" "$file"
    done
    [ ! -s "$log" ] || tail -n 30 "$log" | sed 's/^/    haproxy: /'
    exit 1
}

# until_true WHAT COMMAND...: tries for 20 seconds.
until_true() {
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || failed "$what: not within 20 seconds"
        sleep 0.1
    done
}

# server NAME ADDRESS: starts one; `process` is its number.
server() {
    "$pollux" serve --mode http --proxy-protocol --listen "$2" --drain 10 \
        > "$scratch/$1.out" 2> "$scratch/$1.err" < /dev/null &
    process=$!
    running="$running $process"
    until_true "$1 listens at $2" grep -q '^listening on' "$scratch/$1.out"
}

address_of() {
    sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$scratch/$1.out"
}

# A request through HAProxy is answered.
answers() {
    "$pollux" load --mode http --connections 1 --duration 0.1 "tcp://127.0.0.1:$port" \
        > /dev/null 2>&1
}

# has_served SERVER COUNT: so many requests, after the line of the log that `since` names.
has_served() {
    [ "$(tail -n "+$since" "$log" | grep -c " pollux/$1 ")" -ge "$2" ]
}

log_lines() {
    wc -l < "$log" | tr -d ' '
}

number_of() {
    sed -n "s/^[[:space:]]*\"$1\":[^0-9]*\([0-9][0-9]*\).*/\1/p" "$scratch/load.json"
}

# --- three servers, and HAProxy in front --------------------------------------------------------

for name in one two three; do
    server "$name" tcp://127.0.0.1:0
    eval "process_$name=\$process"
done

# HAProxy does not tell which port it got, so it is one that was free a moment ago.
server port tcp://127.0.0.1:0
port=$(address_of port)
port=${port##*:}
kill -KILL "$process"
wait "$process" 2> /dev/null

host_of() {
    address_of "$1" | sed 's|tcp://||'
}

# The page's own configuration, with addresses of this machine.
# shellcheck disable=SC2016 # The backquotes are Markdown's.
sed -n '/^```haproxy$/,/^```$/p' "$(dirname "$0")/../docs/deploy.md" | sed -e '/^```/d' \
    -e "s/bind :80\$/bind 127.0.0.1:$port/" -e "s/10.1.0.11:8080/$(host_of one)/" \
    -e "s/10.1.0.12:8080/$(host_of two)/" -e "s/10.1.0.13:8080/$(host_of three)/" \
    > "$scratch/haproxy.cfg"
haproxy -db -f "$scratch/haproxy.cfg" > "$log" 2> "$scratch/haproxy.err" < /dev/null &
haproxy=$!
running="$running $haproxy"
until_true "HAProxy answers" answers

# --- the load, a death and a change -------------------------------------------------------------

since=$(($(log_lines) + 1))
"$pollux" load --mode http --rate 500 --connections "$connections" --duration 120 --json \
    "tcp://127.0.0.1:$port" > "$scratch/load.json" 2> "$scratch/load.err" < /dev/null &
load=$!
running="$running $load"
for name in one two three; do
    until_true "$name serves" has_served "$name" 50
done
# shellcheck disable=SC2154 # eval sets them.
kill -KILL "$process_one"
wait "$process_one" 2> /dev/null
until_true "HAProxy notices that one is dead" grep -q 'Server pollux/one is DOWN' "$log"

# shellcheck disable=SC2154
kill -TERM "$process_two"
wait "$process_two" || failed "the server that drained ended with $?"
until_true "HAProxy notices that two has drained" grep -q 'Server pollux/two is DOWN' "$log"
server successor "$(address_of two)"
successor=$process
until_true "HAProxy has the successor" grep -q 'Server pollux/two is UP' "$log"
since=$(($(log_lines) + 1))
until_true "the successor serves" has_served two 50
# What is in flight when the load ends is no concern of anybody's.
ended=$(log_lines)
kill -INT "$load" || failed "the load was over before the end"
wait "$load" || failed "the load ended with $?"
kill -TERM "$haproxy"
wait "$haproxy" 2> /dev/null

# shellcheck disable=SC2154
for process in "$successor" "$process_three"; do
    kill -TERM "$process"
    wait "$process" || failed "a server ended with $?"
done

# --- what came of it ----------------------------------------------------------------------------

# Columns of "option httplog": 4 backend/server, 6 status, 11 counters, the last of them retries.
head -n "$ended" "$log" | awk '$4 ~ /^pollux\// && $6 ~ /^[0-9-]+$/' > "$scratch/requests"
requests=$(wc -l < "$scratch/requests" | tr -d ' ')
wrong=$(awk '$6 != 200 { n++ } END { print n + 0 }' "$scratch/requests")
elsewhere=$(awk '$6 != 200 && $4 != "pollux/one" { n++ } END { print n + 0 }' "$scratch/requests")
retried=$(awk '$11 !~ /\/\+?0$/ { n++ } END { print n + 0 }' "$scratch/requests")
answered=$(number_of requests)
in_flight=$(number_of in_flight_at_end)
noticed=$(number_of count | awk '{ n += $1 } END { print n + 0 }')

echo "requests answered by HAProxy        $requests"
echo "requests answered, as the load says $answered"
echo "in flight when the load ended       $in_flight"
echo "tried again on another server       $retried"
echo "failed, of the killed server        $((wrong - elsewhere))"
echo "failed, of any other                $elsewhere"
echo "failed, as the load says            $noticed"
for name in one two successor three; do
    printf 'served by %-25s ' "$name"
    [ "$name" != one ] || { echo "(killed)" && continue; }
    sed -n 's/^requests *//p' "$scratch/$name.out"
done
[ "$answered" -gt 0 ] || failed "no request was answered"
[ "$wrong" -eq 0 ] || failed "requests failed, as HAProxy says"
[ "$noticed" -eq 0 ] || failed "requests failed, as the load says"
grep -q '^cut *0$' "$scratch/two.out" || failed "the server that drained has cut connections"
for name in two successor three; do
    grep -q '^refused_proxy *0$' "$scratch/$name.out" || failed "$name has refused PROXY headers"
done
echo "haproxy: as promised"
