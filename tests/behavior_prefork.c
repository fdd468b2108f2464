/* tests/behavior_prefork.c - servers that fork a child for each loop.
 *
 * Where there is no fork() the cases end at once.
 */
#include <string.h>

#include "tests/forker.h"

extern const test_case behavior_prefork_cases[];

/* The system chooses which child accepts, so nothing is said of their shares. */
static void children_serve_and_report(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drain_ns = PLX_FOREVER};
    peer peers[4];
    size_t count;
    if (!forker_start(w, &f))
        return;
    for (size_t i = 0; i < 4; i++)
        peers[i] = peer_open(w, f.address);
    for (size_t i = 0; i < 4; i++)
        forker_ask(w, &peers[i], "prefork", "prefork");
    ck_ok(plx__socket_shutdown(f.channel[0]));
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(peer_drain(w, &peers[i], &count), PLX_EEOF);
    hosted_peers_close(peers, 4);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.loops, 1);
    ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert_uint_eq(end.stats.children_lost, 0);
    ck_assert_uint_eq(end.loop.connections_accepted, 4);
    ck_assert_uint_eq(end.loop.received_bytes, 4 * 7);
}

static int stays_busy(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)conn;
    (void)data;
    return 1;
}

/* The parent adds up the connections that its children cut at the deadline. */
static void cuts_of_children_add_up(world *w)
{
    forker f = {
        .options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2, .on_draining = stays_busy},
        .drain_ns = PLX_MILLISECOND};
    peer peers[4];
    if (!forker_start(w, &f))
        return;
    for (size_t i = 0; i < 4; i++) {
        peers[i] = peer_open(w, f.address);
        forker_ask(w, &peers[i], "prefork", "prefork");
    }
    const uint64_t before_ns = net_now();
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    if (net_now() - before_ns < PLX_SECOND) /* Those that take longer are killed. */
        ck_assert_uint_eq(end.stats.connections_cut, 4);
    hosted_peers_close(peers, 4);
}

/* A stop lets nobody finish; the children report all the same. */
static void stop_ends_busy_children(world *w)
{
    forker f = {
        .options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1, .on_draining = stays_busy}};
    size_t count;
    if (!forker_start(w, &f))
        return;
    peer busy = peer_open(w, f.address);
    forker_ask(w, &busy, "prefork", "prefork");
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_lost, 0);
    ck_assert_uint_eq(end.loop.connections_accepted, 1);
    ck_assert_int_ne(peer_drain(w, &busy, &count), 0);
    peer_close(&busy);
}

static int admit_first(plx_server *server, plx_loop *loop, plx_socket socket, void *data)
{
    static int asked;
    (void)server;
    (void)loop;
    (void)socket;
    (void)data;
    return asked++ == 0 ? 0 : PLX_EACCES;
}

/* The parent counts the peers that a child has refused. */
static void refusals_of_a_child_are_counted(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1, .on_admit = admit_first},
                .drain_ns = PLX_FOREVER};
    size_t count;
    if (!forker_start(w, &f))
        return;
    peer admitted = peer_open(w, f.address);
    forker_ask(w, &admitted, "prefork", "prefork");
    for (int i = 0; i < 2; i++) {
        /* The reset may arrive before the connect is seen to complete. */
        peer refused = peer_start(f.address);
        while ((net_look(refused.socket, PLX_WRITABLE) & (PLX_WRITABLE | PLX_FAILED)) == 0)
            turn(w);
        expect_reset(peer_drain(w, &refused, &count));
        peer_close(&refused);
    }
    peer_close(&admitted);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.denied, 2);
    ck_assert_uint_eq(end.stats.loops_lost, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* Has the child of this connection die, and closes the peer. */
static void child_kill(world *w, peer *p)
{
    size_t count;
    peer_send(w, p, "die", 3);
    ck_assert_int_ne(peer_drain(w, p, &count), 0);
    peer_close(p);
}

/* One child, so that the next client tells: it is another, of the same number. One that has lived
 * for less than a second is started again after 100 ms or later, the next one after 200. */
static void child_that_dies_is_started_again(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}};
    uint64_t unborn_ns = plx__clock_now(); /* The next child is not older. */
    uint64_t pause_ns = 0;
    size_t count;
    if (!forker_start(w, &f))
        return;
    for (int i = 0; i < 3; i++) {
        peer deadly = peer_open(w, f.address);
        forker_ask(w, &deadly, "who", "n-0");
        const uint64_t now_ns = plx__clock_now();
        ck_assert_uint_ge(now_ns - unborn_ns, pause_ns);
        if (now_ns - unborn_ns >= PLX_SECOND / 2)
            pause_ns = 0;
        else
            pause_ns = pause_ns == 0 ? 100 * PLX_MILLISECOND : 2 * pause_ns;
        unborn_ns = now_ns;
        child_kill(w, &deadly);
    }
    peer last = peer_open(w, f.address);
    forker_ask(w, &last, "who", "n-0");
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 4);
    ck_assert_uint_eq(end.stats.children_lost, 3);
    ck_assert_int_ne(peer_drain(w, &last, &count), 0);
    peer_close(&last);
}

/* Clients of two children, the older one's first; or the server ends, where the system gives all to
 * one child, as it may. */
static bool peers_of_two(world *w, forker *f, peer peers[2])
{
    char numbers[2][3];
    peers[0] = peer_open(w, f->address);
    peer_send(w, &peers[0], "who", 3);
    peer_receive(w, &peers[0], numbers[0], 3);
    for (int i = 0; i < 50; i++) {
        peers[1] = peer_open(w, f->address);
        peer_send(w, &peers[1], "who", 3);
        peer_receive(w, &peers[1], numbers[1], 3);
        const int order = memcmp(numbers[0], numbers[1], 3);
        if (order > 0) {
            const peer younger = peers[0];
            peers[0] = peers[1];
            peers[1] = younger;
        }
        if (order != 0)
            return true;
        peer_close(&peers[1]);
    }
    peer_close(&peers[0]);
    (void)forker_end(w, f);
    return false;
}

/* A child that was restarted once is not restarted a second time, nor is the one that lives. */
static void restarted_child_is_the_only_one(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}};
    if (!forker_start(w, &f))
        return;
    peer deadly = peer_open(w, f.address);
    child_kill(w, &deadly);
    peer last = peer_open(w, f.address);
    forker_ask(w, &last, "still there", "still there");
    forker_feed(w, &f, 3);
    turn_for(w, 500 * PLX_MILLISECOND);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 3);
    peer_close(&last);
}

/* A client of the only child. */
static peer served_by_it(world *w, const forker *f)
{
    peer p = peer_open(w, f->address);
    forker_ask(w, &p, "who", "n-0");
    return p;
}

/* Another child of its number serves now; then the server ends. */
static ending served_by_the_next(world *w, forker *f)
{
    peer later = served_by_it(w, f);
    ending end = forker_end(w, f);
    peer_close(&later);
    ck_assert_int_eq(end.status, 0);
    return end;
}

/* One that has lived for a second is started again without a pause. */
static void child_that_has_lived_is_started_again(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}};
    if (!forker_start(w, &f))
        return;
    peer deadly = served_by_it(w, &f);
    turn_for(w, 1100 * PLX_MILLISECOND);
    child_kill(w, &deadly);
    ending end = served_by_the_next(w, &f);
    ck_assert_uint_eq(end.stats.children_started, 2);
}

/* A child has died a moment ago, and would be started again in 100 ms: the drain that has begun
 * meanwhile waits for the other child as if nothing had happened. */
static void drain_outlasts_a_restart(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drain_ns = PLX_FOREVER};
    size_t count;
    peer peers[2]; /* One that is busy, and a deadly one. */
    if (!forker_start(w, &f) || !peers_of_two(w, &f, peers))
        return;
    peer_send(w, &peers[0], "half", 4);
    const uint64_t before_ns = net_now();
    child_kill(w, &peers[1]);
    ck_ok(plx__socket_shutdown(f.channel[0]));
    hosted_until_refused(w, f.address);
    const bool is_in_time = net_now() - before_ns < 100 * PLX_MILLISECOND;
    turn_for(w, 400 * PLX_MILLISECOND);
    forker_ask(w, &peers[0], "!", "half!");
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF);
    peer_close(&peers[0]);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    if (is_in_time) /* Else it was started again before the drain began. */
        ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* The only child has died a moment ago: there is nothing to wait for. */
static void drain_without_children_ends(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}, .drain_ns = PLX_FOREVER};
    if (!forker_start(w, &f))
        return;
    peer deadly = peer_open(w, f.address);
    child_kill(w, &deadly);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
}

/* Told before it runs: the children that are forked then know. */
static void drain_may_come_before_the_fork(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drains_first = true};
    if (!forker_start(w, &f))
        return;
    ending end = forker_ending(w, &f);
    ck_assert_int_eq(end.status, 0);
}

static void failed_start_ends_all(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 3},
                .start_fails = PLX_EACCES};
    if (!forker_start(w, &f))
        return;
    ending end = forker_ending(w, &f);
    ck_assert_int_eq(end.status, PLX_EACCES);
}

/* The parent has died: its children drain, and nobody listens any more. */
static void orphans_end(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}};
    peer peers[2];
    size_t count;
    if (!forker_start(w, &f))
        return;
    for (size_t i = 0; i < 2; i++) {
        peers[i] = peer_open(w, f.address);
        forker_ask(w, &peers[i], "who is there", "who is there");
    }
    forker_kill(&f);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(peer_drain(w, &peers[i], &count), PLX_EEOF);
        peer_close(&peers[i]);
    }
    hosted_until_refused(w, f.address);
    child_join();
}

/* Each child sees by itself that its parent has died: a younger one that is busy does not hide it
 * from an older one. */
static void orphans_end_alone(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 3}};
    peer peers[2]; /* An idle one, and one that is busy. */
    size_t count;
    if (!forker_start(w, &f) || !peers_of_two(w, &f, peers))
        return;
    peer_send(w, &peers[1], "half", 4);
    forker_kill(&f);
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF);
    forker_ask(w, &peers[1], "!", "half!");
    ck_assert_int_eq(peer_drain(w, &peers[1], &count), PLX_EEOF);
    hosted_peers_close(peers, 2);
    child_join();
}

/* A child is in a callback that does not return: it is killed some seconds after the deadline. */
static void child_that_hangs_is_killed(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1},
                .drain_ns = PLX_MILLISECOND};
    size_t count;
    if (!forker_start(w, &f))
        return;
    peer p = served_by_it(w, &f);
    peer_send(w, &p, "hang", 4);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_lost, 1);
    ck_assert_int_ne(peer_drain(w, &p, &count), 0);
    peer_close(&p);
}

/* --- want ------------------------------------------------------------------------------------- */

/* What the first children need is not there: the run ends with the reason. */
static void want_at_the_start_ends_the_run(world *w)
{
    static const struct {
        enum plx__fault_kind what;
        uint32_t spared;
        int status;
        uint32_t started;
    } wants[] = {
        {PLX__FAULT_DESCRIPTOR, 0, PLX_EMFILE, 0}, /* The duplicate of the listening socket, */
        {PLX__FAULT_DESCRIPTOR, 1, PLX_EMFILE, 0}, /* the channel, */
        {PLX__FAULT_THREAD, 0, PLX_ELIMIT, 0},     /* the process; */
        {PLX__FAULT_MEMORY, 0, PLX_ENOMEM, 0},     /* the signal of a child's end; */
        {PLX__FAULT_MEMORY, 2, PLX_ENOMEM, 1},     /* in the child, its loop. */
    };
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1},
                    .lacks = true,
                    .what = wants[i].what,
                    .spared = wants[i].spared,
                    .children_lack = wants[i].started > 0};
        if (!forker_start(w, &f))
            return;
        ending end = forker_ending(w, &f);
        ck_assert_int_eq(end.status, wants[i].status);
        ck_assert_uint_eq(end.stats.children_started, wants[i].started);
    }
}

/* When fork() fails for a restart, the server tries again later. */
static void want_of_a_later_child_passes(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1},
                .lacks = true,
                .what = PLX__FAULT_THREAD,
                .spared = 1};
    if (!forker_start(w, &f))
        return;
    peer deadly = served_by_it(w, &f);
    child_kill(w, &deadly);
    ending end = served_by_the_next(w, &f);
    ck_assert_uint_eq(end.stats.children_started, 2);
}

/* A later child that lacks memory for its loop fails, and another one is started. */
static void later_child_may_fail(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}};
    if (!forker_start(w, &f))
        return;
    peer deadly = served_by_it(w, &f);
    forker_starve(w, &f, 2); /* The two are for the timer. */
    child_kill(w, &deadly);
    forker_feed(w, &f, 3);
    ending end = served_by_the_next(w, &f);
    ck_assert_uint_ge(end.stats.children_started, 3);
}

/* Without memory for the timer, the child is started again at once. */
static void restart_needs_no_memory(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}};
    if (!forker_start(w, &f))
        return;
    peer deadly = served_by_it(w, &f);
    forker_starve(w, &f, 0);
    child_kill(w, &deadly);
    ending end = served_by_the_next(w, &f);
    /* Or 3: one that has lived for a second needs no timer, and the next child lacks the memory. */
    ck_assert_uint_ge(end.stats.children_started, 2);
    ck_assert_uint_le(end.stats.children_started, 3);
}

/* The server is stopped when a child is due to be started again: none is. */
static void stop_outlasts_a_restart(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}};
    if (!forker_start(w, &f))
        return;
    peer deadly = peer_open(w, f.address);
    forker_stop_with_child(w, &f);
    forker_starve(w, &f, 0); /* So that it is due at once. */
    child_kill(w, &deadly);
    ending end = forker_ending(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert_uint_eq(end.stats.children_lost, 1);
}

const test_case behavior_prefork_cases[] = {
    CASE(children_serve_and_report),
    CASE(cuts_of_children_add_up),
    CASE(stop_ends_busy_children),
    CASE(refusals_of_a_child_are_counted),
    CASE(child_that_dies_is_started_again),
    CASE(restarted_child_is_the_only_one),
    CASE(child_that_has_lived_is_started_again),
    CASE(drain_outlasts_a_restart),
    CASE(drain_without_children_ends),
    CASE(drain_may_come_before_the_fork),
    CASE(failed_start_ends_all),
    CASE(want_at_the_start_ends_the_run),
    CASE(want_of_a_later_child_passes),
    CASE(restart_needs_no_memory),
    CASE(stop_outlasts_a_restart),
    CASE(orphans_end),
    CASE(orphans_end_alone),
    CASE(child_that_hangs_is_killed),
    CASE(later_child_may_fail),
    CASES_END,
};
