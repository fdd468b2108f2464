#!/bin/sh
# Functions for scripts that run checks as the rows of a table: `. ci/table.sh`, then table_open.
#
# A row is passed, FAILED, or "not run" with the reason: a command that cannot run here exits with
# 77 and says why on its last line. POLLUX_STRICT=1 makes "not run", and more seconds than a row's
# budget, failures. A slower machine than that of the budgets has more (ci/pace.sh).

. ci/pace.sh

now() {
    date +%s
}

# table_open FILE: begins an empty table.
table_open() {
    table=$1
    table_start=$(now)
    table_failed=0
    table_skipped=0
    table_over=0
    table_strict=${POLLUX_STRICT:-0}
    pace_measure
    mkdir -p "$(dirname "$table")"
    : > "$table"
    good='' bad='' dull='' plain=''
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
        escape=$(printf '\033')
        good="${escape}[32m" bad="${escape}[31m" dull="${escape}[33m" plain="${escape}[0m"
    fi
}

# progress TEXT: a line with the time since table_open.
progress() {
    seconds=$(($(now) - table_start))
    printf '[%3d:%02d] %s\n' $((seconds / 60)) $((seconds % 60)) "$1"
}

# row NAME RESULT SECONDS BUDGET DETAIL: RESULT is passed, FAILED or "not run"; BUDGET may be '-'.
row() {
    over=
    allowed=-
    if [ "$4" != - ]; then
        pace_allows "$3" "$4" || {
            table_over=$((table_over + 1))
            over=' OVER BUDGET;'
        }
        allowed=$(($4 * pace / 100))
    fi
    colour=$good
    case $2 in
    passed) ;;
    FAILED)
        table_failed=$((table_failed + 1))
        colour=$bad
        ;;
    *)
        table_skipped=$((table_skipped + 1))
        colour=$dull
        ;;
    esac
    printf '%-36s %s%-7s%s %5s of %5s s %s %s\n' "$1" "$colour" "$2" "$plain" "$3" "$allowed" \
        "$over" "$5" >> "$table"
    progress "$1: $2, $3 s$over $5"
}

# note TEXT: a line of the table that is no row.
note() {
    printf '    %s\n' "$1" >> "$table"
}

# judge NAME BUDGET START CODE LOG: the row of a command that has ended.
judge() {
    judged=$(($(now) - $3))
    case $4 in
    0) row "$1" passed $judged "$2" "$(tail -n 1 "$5" | cut -c 1-90)" ;;
    77) row "$1" 'not run' $judged "$2" "$(tail -n 1 "$5" | cut -c 1-120)" ;;
    *)
        tail -n 300 "$5"
        row "$1" FAILED $judged "$2" "exit code $4; see $5"
        ;;
    esac
}

# check NAME BUDGET LOG COMMAND...: one row; the command's output is shown only if it fails.
check() {
    check_name=$1 check_budget=$2 check_log=$3
    shift 3
    check_start=$(now)
    progress "$check_name"
    code=0
    "$@" > "$check_log" 2>&1 < /dev/null || code=$?
    judge "$check_name" "$check_budget" "$check_start" "$code" "$check_log"
}

# table_close NAME BUDGET: prints the table and a verdict; 0 if nothing failed.
table_close() {
    whole=$(($(now) - table_start))
    whole_over=
    pace_allows "$whole" "$2" || whole_over=': OVER BUDGET'
    whole_allowed=$(($2 * pace / 100))
    [ "$pace" -eq 100 ] || note "budgets: $pace % of what they are, for this machine is slower"
    echo
    cat "$table"
    echo
    verdict=0
    [ "$table_failed" -eq 0 ] || verdict=1
    if [ "$table_strict" = 1 ] && [ "$table_skipped$table_over$whole_over" != 00 ]; then
        verdict=1
    fi
    summary="$table_failed failed, $table_skipped not run, $table_over over budget"
    summary="$summary, $whole of $whole_allowed s$whole_over"
    if [ $verdict -eq 0 ] && [ "$table_skipped" -eq 0 ]; then
        echo "$1: everything passed ($summary)"
    elif [ $verdict -eq 0 ]; then
        echo "$1: what ran has passed ($summary)"
    else
        echo "$1: failed ($summary)"
    fi
    return $verdict
}
