# shellcheck shell=sh
# tests/tool_load.sh - a load that is answered, for scripts that run the program pollux. They source
# it.

# load_run OUTPUT COMMAND...: runs the load until a request is answered, with "--duration" and more
# seconds each time: in a few tenths none may be on a busy machine. Leaves its report in OUTPUT and
# the last duration in $seconds; its exit code is the load's.
load_run() {
    load_output=$1
    shift
    for seconds in 0.3 3 30; do
        load_code=0
        "$@" --duration "$seconds" >"$load_output" 2>&1 || load_code=$?
        grep -q 'no request was answered' "$load_output" || break
    done
    return "$load_code"
}
