/* tests/behavior_suspend.c - a process that is suspended (SIGSTOP) for longer than the timeouts of
 * its connections, and continues (SIGCONT).
 *
 * What arrives meanwhile is served, as it is when a callback is slow (tests/behavior_late.c). The
 * suspended process is a child of the case. Where there is no fork() the cases end at once.
 */
#include "tests/child.h"

extern const test_case behavior_suspend_cases[];

#define TIMEOUT_NS (400 * PLX_MILLISECOND)

/* --- in the child ----------------------------------------------------------------------------- */

/* Answers the first byte. Closes the connection for the second one, so that no timeout runs then.
 */
static size_t answer_or_close(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    if (p->received > 0)
        ck_ok(plx_conn_close(loop, conn));
    else
        ck_ok(plx_conn_write(loop, conn, bytes, length));
    return length;
}

static size_t suspend_oneself(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    plx__test_suspend();
    return length;
}

static void conn_adopt(const world *w, couple *c, const plx_conn_options *options)
{
    net_disown(c->ours.socket);
    ck_ok(plx_conn_adopt(w->loop, NULL, c->ours.socket, options, NULL, 0));
}

/* Runs a loop of its own until the connection is closed, and reports how that ended. */
static void child_serve(world *w, couple *talking, couple *other)
{
    probe p = {.then_data = answer_or_close};
    probe suspender = {.then_data = suspend_oneself};
    plx_conn_options options = probe_options(&p);
    plx_conn_options other_options = probe_options(&suspender);
    options.read_timeout_ns = options.idle_timeout_ns = TIMEOUT_NS;
    plx_loop_abandon(w->loop);
    w->loop = world_loop_open(w);
    conn_adopt(w, talking, &options);
    conn_adopt(w, other, &other_options);
    while (p.closed == 0)
        ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    bool is_good = p.received == 2 && counter(w, timeouts) == 0;
    plx__test_report(is_good ? CHILD_IS_GOOD : CHILD_WAS_STRUCK);
}

/* --- in the case ------------------------------------------------------------------------------ */

static void spin(uint64_t duration_ns)
{
    for (uint64_t until = net_now() + duration_ns; net_now() < until;)
        continue;
}

/* Nothing may fail while the child is suspended: nobody would continue it. False if the machine was
 * so busy that the timeout may have passed before the second byte was sent. */
static bool suspension_tried(world *w, bool in_callback)
{
    char answer;
    couple talking = couple_open();
    couple other = couple_open();
    uint64_t since = net_now(); /* Each timeout of the child begins later. */
    peer_send(w, &talking.theirs, "1", 1);
    if (child_fork())
        child_serve(w, &talking, &other);
    peer_close(&talking.ours);
    peer_close(&other.ours);
    peer_receive(w, &talking.theirs, &answer, 1);
    if (in_callback)
        (void)net_send(other.theirs.socket, "x", 1);
    bool is_suspended = plx__test_fork_suspend(in_callback);
    ptrdiff_t sent = net_send(talking.theirs.socket, "2", 1);
    bool was_in_time = net_now() - since < TIMEOUT_NS;
    spin(TIMEOUT_NS);
    if (is_suspended)
        plx__test_fork_continue();
    int result = plx__test_fork_join();
    couple_close(&talking);
    couple_close(&other);
    if (was_in_time) {
        ck_assert(is_suspended);
        ck_assert_int_eq((int)sent, 1);
        ck_assert_int_eq(result, CHILD_IS_GOOD);
    }
    return was_in_time;
}

/* The child waits. The system may end the wait of a suspended process before it looks at the
 * sockets (signal(7): epoll_wait() fails with EINTR). */
static void suspended_wait_lets_nobody_time_out(world *w)
{
    if (!child_is_possible(w))
        return;
    while (!suspension_tried(w, false))
        continue; /* The watchdog ends this. */
}

/* The child runs a callback, so only its next wait can learn of the second byte. */
static void suspended_callback_lets_nobody_time_out(world *w)
{
    if (!child_is_possible(w))
        return;
    while (!suspension_tried(w, true))
        continue; /* The watchdog ends this. */
}

/* clang-format off: a case is a line of its own, for tests/CMakeLists.txt. */
const test_case behavior_suspend_cases[] = {
    CASE(suspended_wait_lets_nobody_time_out),
    CASE(suspended_callback_lets_nobody_time_out),
    CASES_END,
};
