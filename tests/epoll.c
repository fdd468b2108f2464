/* tests/epoll.c - what is epoll's own: a set that goes on naming what has been closed, and changes
 * that the kernel refuses. The behaviours say the rest. */
#include <errno.h>

#include "platform/hook.h"
#include "platform/test_system.h"
#include "tests/rest.h"
#include "tests/watch_probe.h"

extern const test_case epoll_odds_cases[];

/* The child keeps the connection, which the peer goes on to write to: the set has something to say
 * of it at every wait. */
static void close_while_a_child_keeps_it(world *w, probe *p, peer *client)
{
    size_t closed = p->closed;
    ck_ok(plx__test_keeper_start());
    ck_ok(plx_conn_close(w->loop, p->conn));
    peer_send(w, client, "x", 1);
    turn_until(w, &p->closed, closed + 1);
    expect_rest(w);
}

static void count_renewals(enum plx__hook_step step, void *data)
{
    *(size_t *)data += step == PLX__HOOK_ARM;
}

/* The first is found out by what the set says, the second is taken from the set in time: the set is
 * made anew once. */
static void what_a_child_keeps_does_not_disturb_the_loop(world *w)
{
    probe first = {0};
    probe second = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&first), probe_options(&second),
                                  probe_options(&other)};
    peer clients[] = {connect_pair(w, &first, &options[0]), connect_pair(w, &second, &options[1]),
                      connect_pair(w, &other, &options[2])};
    size_t renewals = 0;
    plx__hook_set(count_renewals, &renewals);
    close_while_a_child_keeps_it(w, &first, &clients[0]);
    expect_service(w, &clients[2]);
    ck_assert_uint_eq(renewals, 1);
    plx__test_keeper_end();
    close_while_a_child_keeps_it(w, &second, &clients[1]);
    expect_service(w, &clients[2]);
    ck_assert_uint_eq(renewals, 1);
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(first.closed + second.closed, 2);
    ck_assert_uint_eq(first.received + second.received, 0);
    plx__test_keeper_end();
    for (size_t i = 0; i < 3; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

/* As above, and the place in the table and the descriptor are used again at once. */
static void what_follows_a_stale_registration_is_told_apart(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &options, address);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx__test_keeper_start());
    ck_ok(plx_conn_close(w->loop, p.conn));
    peer next = peer_start(address);
    turn_until(w, &p.opened, 2);
    peer_send(w, &client, "stale", 5);
    expect_service(w, &next);
    expect_rest(w);
    ck_assert_uint_eq(p.received, 2);
    plx__test_keeper_end();
    peer_close(&client);
    peer_close(&next);
    turn_until(w, &p.closed, 2);
}

/* The process has closed its standard input, and a set that is made anew gets that number first. */
static void new_set_may_have_the_number_zero(world *w)
{
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&gone), probe_options(&other)};
    peer clients[] = {connect_pair(w, &gone, &options[0]), connect_pair(w, &other, &options[1])};
    size_t renewals = 0;
    plx__hook_set(count_renewals, &renewals);
    ck_ok(plx__test_keeper_start());
    plx__socket_dispose(0);
    ck_ok(plx_conn_close(w->loop, gone.conn));
    peer_send(w, &clients[0], "x", 1);
    turn_until(w, &gone.closed, 1);
    expect_rest(w);
    expect_service(w, &clients[1]);
    ck_assert_uint_eq(renewals, 1);
    plx__hook_set(NULL, NULL);
    plx__test_keeper_end();
    for (size_t i = 0; i < 2; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

enum { GHOSTS = 300 }; /* More than one call of epoll_wait() brings. */

/* A child keeps many connections that close in one turn, and all of them have something to say: no
 * call brings anything else. The turn ends all the same, and the next one has another set. */
static void many_stale_registrations_do_not_hold_a_turn(world *w)
{
    static couple couples[GHOSTS];
    static plx_conn conns[GHOSTS];
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&gone), probe_options(&other)};
    peer client = connect_pair(w, &other, &options[1]);
    for (size_t i = 0; i < GHOSTS; i++) {
        couples[i] = couple_open();
        plx__socket_disown(couples[i].ours.socket);
        ck_ok(plx_conn_adopt(w->loop, &conns[i], couples[i].ours.socket, &options[0], NULL, 0));
        couples[i].ours.socket = PLX_SOCKET_NONE;
    }
    turn_until(w, &gone.opened, GHOSTS);
    ck_ok(plx__test_keeper_start());
    for (size_t i = 0; i < GHOSTS; i++)
        ck_ok(plx_conn_close(w->loop, conns[i]));
    for (size_t i = 0; i < GHOSTS; i++)
        peer_send(w, &couples[i].theirs, "x", 1);
    turn_until(w, &gone.closed, GHOSTS);
    expect_service(w, &client);
    expect_rest(w);
    plx__test_keeper_end();
    for (size_t i = 0; i < GHOSTS; i++)
        couple_close(&couples[i]);
    peer_close(&client);
    turn_until(w, &other.closed, 1);
}

/* Without a descriptor for a new set the loop goes on with the old one, slowly, and serves; once
 * there is one it has its rest again. */
static void stale_registration_without_a_descriptor_does_not_spin(world *w)
{
    enum { TURNS = 20 };
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&gone), probe_options(&other)};
    peer clients[] = {connect_pair(w, &gone, &options[0]), connect_pair(w, &other, &options[1])};
    ck_ok(plx__test_keeper_start());
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    ck_ok(plx_conn_close(w->loop, gone.conn));
    peer_send(w, &clients[0], "x", 1);
    turn_until(w, &gone.closed, 1);
    turn_some(w); /* The stale registration is found. */
    uint64_t before = plx__clock_now();
    for (int i = 0; i < TURNS; i++)
        ck_ok(plx_loop_run_once(w->loop, PLX_SECOND));
    ck_assert_uint_ge(plx__clock_now() - before, TURNS * (5 * PLX_MILLISECOND));
    expect_service(w, &clients[1]);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 0);
    turn(w);
    expect_rest(w);
    plx__test_keeper_end();
    for (size_t i = 0; i < 2; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

enum { FILLERS_MAX = 64 };

/* Makes the number of the socket the lowest free one, as soon as that is closed. */
static size_t holes_fill(plx_socket *fillers, plx_socket socket)
{
    size_t count = 0;
    do {
        ck_assert_uint_lt(count, FILLERS_MAX);
        ck_ok(plx__socket_open(&fillers[count++], PLX__FAMILY_IPV4));
    } while (fillers[count - 1] < socket);
    plx__socket_close(fillers[--count]);
    return count;
}

/* Somebody else closes the descriptor of a connection that the set does not name, and the loop does
 * not know yet when it makes the set anew. Closing the connection does not close the set. */
static void new_set_does_not_take_a_lost_number(world *w)
{
    probe idle = {0};
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&idle), probe_options(&gone),
                                  probe_options(&other)};
    plx_socket fillers[FILLERS_MAX];
    plx_conn conn;
    couple c = couple_open();
    plx_socket lost = c.ours.socket;
    options[0].flags = PLX_CONN_PAUSED;
    plx__socket_disown(lost);
    ck_ok(plx_conn_adopt(w->loop, &conn, lost, &options[0], NULL, 0));
    turn_until(w, &idle.opened, 1);
    c.ours.socket = PLX_SOCKET_NONE;
    peer clients[] = {connect_pair(w, &gone, &options[1]), connect_pair(w, &other, &options[2])};
    ck_ok(plx__test_keeper_start());
    size_t count = holes_fill(fillers, lost);
    plx__socket_dispose(lost);
    ck_ok(plx_conn_close(w->loop, gone.conn));
    peer_send(w, &clients[0], "x", 1);
    turn_until(w, &gone.closed, 1);
    turn_some(w); /* The stale registration is found, and there is a new set. */
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &idle.closed, 1);
    expect_service(w, &clients[1]);
    plx__test_keeper_end();
    while (count > 0)
        plx__socket_close(fillers[--count]);
    couple_close(&c);
    for (size_t i = 0; i < 2; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

/* A duplicate of a closed socket is given the number that the socket had: the set still names this
 * file by this number, and it can be watched all the same. First the owner closes the socket before
 * its watch, by mistake, and then a connection is closed that is registered and not removed. */
static void file_that_comes_back_by_its_number_is_taken_over(world *w)
{
    for (int is_conn = 0; is_conn < 2; is_conn++) {
        couple c = couple_open();
        watch_probe before = {0};
        watch_probe after = {0};
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        plx_watch watch;
        plx_conn conn;
        plx_socket number = c.ours.socket;
        plx_socket twin;
        plx_socket again;
        ck_ok(plx__test_duplicate(number, &twin));
        if (is_conn != 0)
            ck_ok(plx_conn_adopt(w->loop, &conn, number, &options, NULL, 0));
        else
            ck_ok(plx_watch_open(w->loop, &watch, number, PLX_READABLE, count_ready, &before));
        turn_some(w);
        if (is_conn != 0) {
            ck_ok(plx_conn_close(w->loop, conn));
        } else {
            plx__socket_dispose(number);
            ck_ok(plx_watch_close(w->loop, watch));
        }
        turn_some(w);
        ck_ok(plx__test_duplicate(twin, &again));
        ck_assert_int_eq(again, number); /* Or this shows nothing. */
        ck_ok(plx_watch_open(w->loop, &watch, number, PLX_WRITABLE, count_ready, &after));
        turn_until(w, &after.count, 1);
        ck_assert_uint_eq(after.ready, PLX_WRITABLE);
        ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE));
        turn_some(w);
        size_t calls = after.count;
        expect_rest(w);
        ck_assert_uint_eq(after.count, calls);
        peer_send(w, &c.theirs, "x", 1);
        turn_until(w, &after.count, calls + 1);
        ck_assert_uint_eq(before.count, 0);
        ck_assert_int_eq(plx_conn_adopt(w->loop, &conn, number, &options, NULL, 0), PLX_EEXIST);
        ck_ok(plx_watch_close(w->loop, watch));
        expect_rest(w);
        plx__socket_dispose(again);
        plx__socket_dispose(twin);
        plx__fault_given(PLX__FAULT_DESCRIPTOR); /* peer_close() did not close the first. */
        peer_close(&c.theirs);
    }
}

/* The kernel has no memory for some changes: they are made when it has, and the loop does not spin
 * until then. */
static void refused_changes_are_tried_again(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (int round = 0; round < 3; round++) {
        turn_some(w);
        ck_ok(plx_conn_pause(w->loop, p.conn));
        plx__fault_arm(PLX__FAULT_REGISTER, 0, UINT32_MAX);
        expect_rest(w); /* It is still registered for reading, and nothing comes. */
        ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_REGISTER), 0);
        peer_send(w, &client, "hi", 2);
        turn_some(w);
        expect_rest(w);
        ck_ok(plx_conn_resume(w->loop, p.conn));
        plx__fault_arm(PLX__FAULT_REGISTER, 0, 5);
        while (p.received < 2 * ((size_t)round + 1)) /* Nothing but the next try ends this wait. */
            ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_REGISTER), 5);
        ck_assert_uint_eq(p.closed, 0);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A change that was refused is noted once, however often the interest changes again before it is
 * made: each wait tries it once. */
static void refused_change_is_noted_once(world *w)
{
    enum { ROUNDS = 10 };
    couple c = couple_open();
    watch_probe s = {.count = 0};
    plx_watch watch;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
    turn(w);
    plx__fault_arm(PLX__FAULT_REGISTER, 0, UINT32_MAX);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        ck_ok(plx_watch_set(w->loop, watch, i % 2 != 0 ? 0 : PLX_READABLE | PLX_WRITABLE));
        ck_ok(plx_loop_run_once(w->loop, 0));
    }
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_REGISTER), ROUNDS);
    ck_assert_uint_eq(s.count, 0);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

enum { LOST = 200 };

typedef struct failing {
    plx_watch watches[LOST];
    couple couples[LOST];
    couple fresh[LOST];
    plx_watch fresh_watches[LOST];
    watch_probe fresh_probes[LOST];
    size_t told;
} failing;

/* The first to be told closes all others and opens as many new ones, which get their places. */
static void fail_once(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                      uint32_t ready)
{
    failing *f = data;
    (void)watch;
    (void)socket;
    ck_assert_uint_eq(ready, PLX_FAILED);
    if (f->told++ > 0)
        return;
    for (size_t i = 0; i < LOST; i++)
        (void)plx_watch_close(loop, f->watches[i]);
    for (size_t i = 0; i < LOST; i++)
        ck_ok(plx_watch_open(loop, &f->fresh_watches[i], f->fresh[i].ours.socket, PLX_READABLE,
                             count_ready, &f->fresh_probes[i]));
}

/* More changes fail than are told at a time, and the rest of those concerned are closed meanwhile:
 * whoever gets their places is told nothing of it. */
static void failure_is_told_to_nobody_else(world *w)
{
    static failing f;
    for (size_t i = 0; i < LOST; i++) {
        f.fresh[i] = couple_open();
        f.couples[i] = couple_open();
        ck_ok(plx_watch_open(w->loop, &f.watches[i], f.couples[i].ours.socket, PLX_READABLE,
                             fail_once, &f));
    }
    turn(w);
    for (size_t i = 0; i < LOST; i++) {
        peer_close(&f.couples[i].ours);
        ck_ok(plx_watch_set(w->loop, f.watches[i], PLX_READABLE | PLX_WRITABLE));
    }
    turn_until(w, &f.told, 1);
    turn_some(w);
    ck_assert_uint_eq(f.told, 1);
    for (size_t i = 0; i < LOST; i++) {
        ck_assert_uint_eq(f.fresh_probes[i].count, 0);
        ck_ok(plx_watch_close(w->loop, f.fresh_watches[i]));
        couple_close(&f.fresh[i]);
        couple_close(&f.couples[i]);
    }
}

enum { BURST = 130 }; /* More than are taken at a time, and fewer than one call brings. */

typedef struct burst {
    plx_loop *loop;
    couple couples[BURST];
    plx_watch watches[BURST];
    watch_probe probes[BURST];
    size_t posts;
} burst;

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

/* The first thing that the set names is the wake, which is nobody's event. */
static void post_and_send(enum plx__hook_step step, void *data)
{
    burst *b = data;
    if (step != PLX__HOOK_SLEEP)
        return;
    ck_ok(plx_post(b->loop, count_post, &b->posts));
    for (size_t i = 0; i < BURST; i++)
        ck_assert_int_eq((int)plx__socket_send(b->couples[i].theirs.socket, "x", 1), 1);
}

/* What one call brings is told in one turn, whatever of it is nobody's event. */
static void wake_puts_nothing_off(world *w)
{
    static burst b;
    b.loop = w->loop;
    for (size_t i = 0; i < BURST; i++) {
        b.couples[i] = couple_open();
        ck_ok(plx_watch_open(w->loop, &b.watches[i], b.couples[i].ours.socket, PLX_READABLE,
                             count_ready, &b.probes[i]));
    }
    turn_some(w);
    plx__hook_set(post_and_send, &b);
    ck_ok(plx_loop_run_once(w->loop, patience()));
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(b.posts, 1);
    for (size_t i = 0; i < BURST; i++) {
        ck_assert_uint_eq(b.probes[i].count, 1);
        ck_ok(plx_watch_close(w->loop, b.watches[i]));
        couple_close(&b.couples[i]);
    }
}

/* The system names nothing as ready, so the wait has to know that there is something to tell. */
static void failure_ends_a_wait_without_end(world *w)
{
    watch_probe lost = {.count = 0};
    plx_watch watch;
    couple c = couple_open();
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &lost));
    turn(w);
    peer_close(&c.ours);
    ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE | PLX_WRITABLE));
    while (lost.count == 0)
        ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    ck_assert_uint_eq(lost.ready, PLX_FAILED);
    ck_assert_int_eq(plx_watch_close(w->loop, watch), PLX_ESTALE); /* The loop has closed it. */
    couple_close(&c);
}

/* A change that the kernel has taken does not cut the wait that follows; nor is the set made anew
 * for it. */
static void changes_do_not_cut_a_wait(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t renewals = 0;
    plx__hook_set(count_renewals, &renewals);
    for (int round = 0; round < 3; round++) {
        turn_some(w);
        ck_ok(plx_conn_pause(w->loop, p.conn)); /* This changes what the set is asked for. */
        uint64_t before = plx__clock_now();
        ck_ok(plx_loop_run_once(w->loop, 40 * PLX_MILLISECOND));
        ck_assert_uint_ge(plx__clock_now() - before, 40 * PLX_MILLISECOND);
        ck_ok(plx_conn_resume(w->loop, p.conn));
    }
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(renewals, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A wait of less than a millisecond is not rounded up to one where the kernel can do better: one of
 * many ends in time, however busy the machine is. None is early. */
static void short_waits_are_short(world *w)
{
    const uint64_t wanted = PLX_MILLISECOND / 5;
    uint64_t until = plx__clock_now() + patience();
    uint64_t shortest = UINT64_MAX;
    turn_some(w);
    while (shortest > PLX_MILLISECOND * 9 / 10) {
        uint64_t before = plx__clock_now();
        ck_assert_msg(before < until, "the shortest takes %u us", (unsigned)(shortest / 1000));
        ck_ok(plx_loop_run_once(w->loop, wanted));
        uint64_t took = plx__clock_now() - before;
        ck_assert_uint_ge(took, wanted);
        shortest = took < shortest ? took : shortest;
    }
}

/* An older system has no call for waits of less than a millisecond, and a filter may know none: it
 * is asked once, and waits are longer, and no failure. */
static void expect_coarse_waits(world *w, bool is_forbidden)
{
    int status = plx__test_no_fine_waits(is_forbidden);
    ck_assert(status == 0 || status == PLX_ENOSYS);
    for (int round = 0; round < 3; round++) {
        uint64_t before = plx_loop_now(w->loop);
        ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND / 5));
        ck_assert_uint_ge(plx_loop_now(w->loop) - before, PLX_MILLISECOND / 5);
    }
    ck_assert_uint_eq(counter(w, wait_failures), 0);
}

static void system_without_fine_waits(world *w)
{
    expect_coarse_waits(w, false);
}

static void filter_that_knows_no_fine_waits(world *w)
{
    expect_coarse_waits(w, true);
}

static void errno_spoil(enum plx__hook_step step, void *data)
{
    if (step != PLX__HOOK_SLEEP)
        return;
    errno = EPERM; /* Of some call before. */
    ++*(size_t *)data;
}

/* A wait that brings nothing has not failed, whatever errno says, and is not made a second time. */
static void wait_for_nothing_is_no_failure(world *w)
{
    size_t sleeps = 0;
    turn_some(w);
    plx__hook_set(errno_spoil, &sleeps);
    for (size_t round = 1; round <= 3; round++) {
        ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND));
        ck_assert_uint_eq(sleeps, 2 * round - 1);
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(sleeps, 2 * round);
    }
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(counter(w, wait_failures), 0);
}

static const test_case epoll_cases[] = {
    CASE(wait_for_nothing_is_no_failure),
    CASE(short_waits_are_short),
    CASE_ALONE(system_without_fine_waits),
    CASE_ALONE(filter_that_knows_no_fine_waits),
    CASE(changes_do_not_cut_a_wait),
    CASE(what_a_child_keeps_does_not_disturb_the_loop),
    CASE(new_set_may_have_the_number_zero),
    CASE(what_follows_a_stale_registration_is_told_apart),
    CASE(many_stale_registrations_do_not_hold_a_turn),
    CASE(stale_registration_without_a_descriptor_does_not_spin),
    CASE(new_set_does_not_take_a_lost_number),
    CASE(file_that_comes_back_by_its_number_is_taken_over),
    CASE(refused_changes_are_tried_again),
    CASE(refused_change_is_noted_once),
    CASE(wake_puts_nothing_off),
    CASE(failure_is_told_to_nobody_else),
    CASE(failure_ends_a_wait_without_end),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {epoll_cases, epoll_odds_cases, NULL};
    return suite_main(argc, argv, groups, true);
}
