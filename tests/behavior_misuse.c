/* tests/behavior_misuse.c - mistakes of the programmer, and what the program says as it ends. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/child.h"

extern const test_case behavior_misuse_cases[];

/* Where the dying child's last words go. */
static char words_path[64];

static void on_abort(int number)
{
    (void)number;
    plx__test_report(CHILD_IS_GOOD);
}

/* Whether it shows all that it was shown once more, and so is on the longer way. */
static bool is_kept_first;

static size_t consume_too_much(plx_loop *loop, plx_conn conn, probe *p, const void *at,
                               size_t length)
{
    (void)loop;
    (void)conn;
    (void)at;
    return is_kept_first && p->shown == 1 ? 0 : length + 2;
}

/* In the child. */
static void misuse_and_die(world *w)
{
    probe p = {.then_data = consume_too_much};
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    w->loop = world_loop_open(w);
    ck_ok(plx_conn_adopt(w->loop, NULL, c.ours.socket, &options, NULL, 0));
    turn_until(w, &p.opened, 1);
    if (is_kept_first) {
        peer_send(w, &c.theirs, "a", 1);
        turn_until(w, &p.shown, 1);
        peer_send(w, &c.theirs, "bc", 2);
    } else {
        peer_send(w, &c.theirs, "abc", 3);
    }
    ck_assert_ptr_nonnull(freopen(words_path, "w", stderr));
    (void)setvbuf(stderr, NULL, _IONBF, 0); /* As it was. */
    (void)signal(SIGABRT, on_abort);
    turn_some(w);
    plx__test_report(1);
}

static void words_expect(const char *expected)
{
    char words[200] = "";
    FILE *file = fopen(words_path, "r");
    ck_assert_ptr_nonnull(file);
    (void)!fgets(words, sizeof words, file);
    (void)fclose(file);
    (void)remove(words_path);
    ck_assert_str_eq(words, expected);
}

static void on_data_that_returns_more_than_it_was_shown(world *w)
{
    if (!child_is_possible(w))
        return;
    for (int way = 0; way < 2; way++) {
        is_kept_first = way == 1;
        (void)snprintf(words_path, sizeof words_path, "pollux-%llx.txt",
                       (unsigned long long)plx__clock_now());
        if (child_fork())
            misuse_and_die(w);
        child_join();
        words_expect("pollux: on_data returned 5, but was shown 3\n");
    }
}

const test_case behavior_misuse_cases[] = {
    CASE(on_data_that_returns_more_than_it_was_shown),
    CASES_END,
};
