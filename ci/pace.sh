#!/bin/sh
# `. ci/pace.sh`, then pace_measure; pace_allows where a budget is judged. Budgets of time are those
# of a machine that starts 1,000 processes a second, one after the other, for that is most of what
# suites do. A slower machine has more time: up to three times as much.

# Sets pace: how many hundredths of a budget this machine has.
pace_measure() {
    pace_start=$(date +%s%N)
    pace_count=0
    while [ $pace_count -lt 1000 ]; do
        /bin/true
        pace_count=$((pace_count + 1))
    done
    pace=$((($(date +%s%N) - pace_start) / 10000000))
    [ $pace -ge 100 ] || pace=100
    [ $pace -le 300 ] || pace=300
}

# pace_allows SECONDS BUDGET: whether that is within the budget. A machine that others use too may
# have become slower since it was measured (177 to 219 within an hour, measured): then it is
# measured once more, and the larger figure counts from then on.
pace_allows() {
    [ "$1" -gt $(($2 * pace / 100)) ] || return 0
    pace_before=$pace
    pace_measure
    [ "$pace" -ge "$pace_before" ] || pace=$pace_before
    [ "$1" -le $(($2 * pace / 100)) ]
}
