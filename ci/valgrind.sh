#!/bin/sh
# Runs behaviours of every sort under valgrind, each on each backend: no leak, no descriptor left
# open, no read of what was never written.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
# Valgrind runs a case some thirty times slower than the machine does, so none that moves megabytes.
count=0
for backend in poll poll-two-tier select epoll uring libuv; do
    for case in data_is_echoed data_comes_byte_by_byte half_close_leaves_the_other_half \
        close_all_others_that_are_ready loop_closes_with_everything_open connect_refused \
        read_while_high_goes_on drain_drives_a_producer written_and_lent_keep_their_order \
        watch_closes_itself timer_cancels_one_that_is_due posts_are_bounded \
        memory_fails_everywhere; do
        valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible \
            --errors-for-leak-kinds=definite,indirect,possible --track-fds=no --error-exitcode=9 \
            build/debug/tests/behavior --backend $backend $case
        count=$((count + 1))
    done
done
echo "valgrind: $count behaviours"
