/* tests/behavior_drain.c - the end of a server in order, and what it counts. */
#include <string.h>

#include "tests/hosted.h"

extern const test_case behavior_drain_cases[];

static uint64_t cut(hosted *h)
{
    plx_server_stats stats;
    plx_server_stats_get(h->server, &stats);
    return stats.connections_cut;
}

/* Nobody asks for anything: all are told the end, and the server is over. */
static void drain_finishes_idle_connections(world *w)
{
    hosted h = {0};
    peer peers[6];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 3}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 6);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    ck_ok(plx_server_drain(h.server, 0)); /* It has begun: no deadline all the same. */
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
        ck_assert_uint_eq(dropped, 0);
        peer_close(&peers[i]);
    }
    hosted_until(w, &h, closed, 6);
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(cut(&h), 0);
    ck_assert_uint_eq(hosted_count(&h, cancelled), 0);
    ck_assert_int_eq(plx_server_drain(h.server, 0), PLX_ECANCELED); /* It has ended. */
    hosted_close(w, &h);
}

/* A loop with room for one: who is accepted and waits for room opens during the drain, is asked,
 * and is told the end as well. */
static void drain_serves_who_waits_for_room(world *w)
{
    hosted h = {.is_asked = true};
    peer peers[2];
    size_t dropped;
    hosted_full_open(w, &h, peers);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
        peer_close(&peers[i]);
    }
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(hosted_count(&h, opened), 2);
    ck_assert_uint_ge(hosted_count(&h, asked), 2);
    ck_assert_uint_eq(cut(&h), 0);
    hosted_close(w, &h);
}

/* A loop that does nothing until it is let go. */
typedef struct brake {
    plx__atomic_u32 is_on, is_released;
} brake;

static void brake_run(plx_loop *loop, void *data, int status)
{
    brake *b = data;
    uint64_t until = plx__clock_now() + patience();
    (void)loop;
    (void)status;
    plx__atomic_store(&b->is_on, 1);
    while (plx__atomic_load(&b->is_released) == 0 && plx__clock_now() < until)
        plx__thread_yield();
}

static bool brake_is_on(void *data)
{
    brake *b = data;
    return plx__atomic_load(&b->is_on) != 0;
}

static void brake_put(plx_loop *loop, brake *b)
{
    if (!net_is_sim()) /* There no loop runs while the case does not turn. */
        ck_ok(plx_post(loop, brake_run, b));
}

static void until_braked(world *w, brake *b)
{
    if (!net_is_sim())
        turn_until_true(w, brake_is_on, b);
}

/* Clients connect when the drain has begun, and the listener has not closed: they are accepted, and
 * only then do the loops that serve look whether they have anybody left. */
static void drain_opens_who_waits_in_the_queue(world *w)
{
    hosted h = {0};
    peer peers[8];
    brake before = {0}, amid = {0};
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){0});
    brake_put(plx_server_loop(h.server, 1), &before);
    hosted_run(&h);
    until_braked(w, &before);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    brake_put(plx_server_loop(h.server, 1), &amid); /* In one turn with the drain. */
    plx__atomic_store(&before.is_released, 1);
    until_braked(w, &amid);
    for (size_t i = 0; i < 8; i++)
        peers[i] = net_is_sim() ? peer_start(h.address) : peer_open(w, h.address);
    turn_some(w); /* The loop that serves must not end now. */
    plx__atomic_store(&amid.is_released, 1);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
        peer_close(&peers[i]);
    }
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(hosted_count(&h, opened), 8);
    ck_assert_uint_eq(hosted_stat(&h, refused), 0);
    hosted_close(w, &h);
}

/* A request has arrived by half when the drain begins: it is answered, and then the end comes. */
static void request_in_flight_is_answered(world *w)
{
    hosted h = {.least = 8};
    peer peers[2];
    char answer[8];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 2);
    hosted_ask(w, &peers[0], "complete");
    peer_send(w, &peers[0], "half", 4);
    peer_send(w, &peers[1], "half", 4);
    /* It is there when the other one's end is: both loops have looked by then. */
    uint32_t received = hosted_count(&h, received);
    turn_some(w);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    turn_some(w);
    for (size_t i = 0; i < 2; i++) {
        peer_send(w, &peers[i], "over", 4);
        peer_receive(w, &peers[i], answer, 8);
        ck_assert_mem_eq(answer, "halfover", 8);
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
    }
    ck_assert_uint_eq(hosted_count(&h, received), received + 16);
    hosted_peers_close(peers, 2);
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(cut(&h), 0);
    hosted_close(w, &h);
}

/* A thousand clients have asked for half of something each when the drain begins: all are answered
 * before its deadline, and then told the end. */
static void thousand_requests_in_flight_are_answered(world *w)
{
    enum { CLIENTS = 1000 };
    static peer peers[CLIENTS];
    hosted h = {.least = 8};
    char answer[8];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = peer_start(h.address);
        if ((i + 1) % 100 == 0)
            hosted_until(w, &h, opened, (uint32_t)i + 1);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        peer_send(w, &peers[i], "half", 4);
    const uint64_t until = net_now() + patience();
    while (hosted_total(w, &h).received_bytes < 4 * CLIENTS)
        ck_assert_uint_lt(net_now(), until);
    ck_ok(plx_server_drain(h.server, patience()));
    turn_some(w);
    for (size_t i = 0; i < CLIENTS; i++)
        peer_send(w, &peers[i], "over", 4);
    for (size_t i = 0; i < CLIENTS; i++) {
        peer_receive(w, &peers[i], answer, 8);
        ck_assert_mem_eq(answer, "halfover", 8);
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
        ck_assert_uint_eq(dropped, 0);
        peer_close(&peers[i]);
    }
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(cut(&h), 0);
    ck_assert_uint_eq(hosted_count(&h, received), 8 * CLIENTS);
    hosted_close(w, &h);
}

/* Those that say that they are busy are asked again, go on, and are reset at the deadline. */
static void deadline_cuts_what_is_busy(world *w)
{
    hosted h = {.is_asked = true, .is_busy = 1};
    peer peers[4];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    ck_ok(plx_server_drain(h.server, 300 * PLX_MILLISECOND));
    hosted_until(w, &h, asked, 4);
    hosted_ask(w, &peers[0], "still there?");
    for (size_t i = 0; i < 4; i++)
        expect_reset(peer_drain(w, &peers[i], &dropped));
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(cut(&h), 4);
    hosted_peers_close(peers, 4);
    hosted_close(w, &h);
}

/* A peer has received everything and the end, but does not close its side. At the deadline the
 * server closes that connection, and does not count it as cut. */
static void deadline_closes_who_waits_for_its_peer(world *w)
{
    hosted h = {.is_asked = true};
    peer peers[2];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 2);
    hosted_ask(w, &peers[0], "and I stay");
    ck_ok(plx_server_drain(h.server, 300 * PLX_MILLISECOND));
    hosted_until(w, &h, closed, 2);
    ck_ok(hosted_wait(w, &h));
    /* On a busy machine the deadline may pass before the server has asked them. */
    bool are_told = hosted_count(&h, asked) == 2;
    ck_assert_uint_eq(cut(&h), are_told ? 0 : 2);
    for (size_t i = 0; i < 2 && are_told; i++)
        ck_assert_int_eq(peer_drain(w, &peers[i], &dropped), PLX_EEOF);
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

/* With every policy of threads: whoever connects after the drain has begun is refused, at each of
 * two addresses. */
static void draining_server_accepts_no_more(world *w)
{
    for (uint32_t dispatch = PLX_DISPATCH_ROUND_ROBIN; dispatch <= PLX_DISPATCH_SHARED;
         dispatch++) {
        hosted h = {.is_asked = true, .is_busy = 1};
        char other[PLX_ADDRESS_TEXT_MAX];
        peer one;
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = dispatch},
                         (plx_loop_options){0}));
        if (hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}) == PLX_ENOSYS) {
            ck_ok(plx_server_close(h.server));
            continue;
        }
        memcpy(other, h.address, sizeof other);
        ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}));
        hosted_run(&h);
        hosted_peers_open(w, &h, &one, 1);
        ck_ok(plx_server_drain(h.server, PLX_FOREVER));
        hosted_until(w, &h, asked, 1);
        turn_some(w); /* The other loop may not have begun. */
        hosted_until_refused(w, h.address);
        hosted_until_refused(w, other);
        peer_close(&one);
        ck_ok(hosted_wait(w, &h));
        hosted_close(w, &h);
    }
}

/* A server that is drained before it runs ends when it runs. */
static void drain_may_come_before_the_run(world *w)
{
    hosted h = {0};
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    hosted_run(&h);
    ck_ok(hosted_wait(w, &h));
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), hosted_count(&h, started));
}

/* --- counting --------------------------------------------------------------------------------- */

typedef struct counted {
    plx__atomic_u32 calls;
    plx_loop_stats total;
    uint32_t loops;
    uint64_t open_of_each;
} counted;

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    counted *c = data;
    plx_loop_stats one;
    ck_assert_int_eq(plx_server_close(server), PLX_EBUSY); /* In a callback of its own. */
    plx_server_counts_total(counts, &c->total);
    c->loops = plx_server_counts_loops(counts);
    c->open_of_each = 0;
    for (uint32_t i = 0; plx_server_counts_get(counts, i, &one) == 0; i++)
        c->open_of_each += one.connections_open;
    (void)plx__atomic_add(&c->calls, 1);
}

static bool has_been_called(void *data)
{
    counted *c = data;
    return plx__atomic_load(&c->calls) > 0;
}

static counted count_now(world *w, hosted *h)
{
    counted c = {0};
    ck_ok(plx_server_count(h->server, on_count, &c));
    turn_until_true(w, has_been_called, &c);
    return c;
}

static void counters_of_all_loops_add_up(world *w)
{
    hosted h = {0};
    peer peers[6];
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 6);
    for (size_t i = 0; i < 6; i++)
        hosted_ask(w, &peers[i], "count me");
    counted c = count_now(w, &h);
    ck_assert_uint_eq(c.loops, 3); /* Two serve, and one accepts. */
    ck_assert_uint_eq(c.total.connections_open, 6);
    ck_assert_uint_eq(c.open_of_each, 6);
    ck_assert_uint_eq(c.total.accepts_taken, 6);
    ck_assert_uint_eq(c.total.connections_adopted, 6);
    ck_assert_uint_eq(c.total.received_bytes, 48);
    ck_assert_uint_eq(c.total.sent_bytes, 48);
    hosted_peers_close(peers, 6);
    hosted_until(w, &h, closed, 6);
    hosted_close(w, &h);
}

/* A loop that has ended counts as it ended, also when all have. */
static void ended_loops_are_counted(world *w)
{
    hosted h = {0};
    peer peers[4];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    plx_server_stop(h.server);
    ck_ok(hosted_wait(w, &h));
    counted c = {0};
    int status = PLX_ENOMEM;
    for (uint32_t first = 0; status == PLX_ENOMEM; first++) { /* Each allocation fails once. */
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        status = plx_server_count(h.server, on_count, &c);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), status == PLX_ENOMEM);
        ck_assert_uint_eq(plx__atomic_load(&c.calls), status == 0);
    }
    ck_ok(status);
    ck_assert_uint_eq(c.total.connections_closed, 4);
    ck_assert_uint_eq(c.total.connections_adopted, 4);
    hosted_close(w, &h);
    for (size_t i = 0; i < 4; i++)
        (void)peer_drain(w, &peers[i], &dropped);
    hosted_peers_close(peers, 4);
}

/* --- want ------------------------------------------------------------------------------------- */

/* Each allocation fails once, and each thread: nothing is left behind, and the next try succeeds.
 */
static void opening_survives_want(world *w)
{
    static const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (size_t k = 0; k < 2; k++) {
        int status = -1;
        for (uint32_t first = 0; status != 0; first++) {
            hosted h = {0};
            ck_assert_uint_lt(first, 2000);
            plx__fault_arm(kinds[k], first, 1);
            status = hosted_try(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
            if (status == 0)
                status = hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0});
            bool has_struck = plx__fault_disarm(kinds[k]) > 0;
            ck_ok(plx_server_close(h.server));
            if (!has_struck)
                ck_ok(status);
            else if (status == 0)
                status = -1; /* It does without, as for a spare descriptor. */
        }
    }
}

static void threads_that_do_not_start_end_the_server(world *w)
{
    for (uint32_t first = 0; first < 2; first++) {
        hosted h = {0};
        hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
        plx__fault_arm(PLX__FAULT_THREAD, first, 1);
        ck_assert_int_eq(plx_server_run(h.server), net_is_sim() ? PLX_EINVAL : PLX_ELIMIT);
        (void)plx__fault_disarm(PLX__FAULT_THREAD);
        if (!net_is_sim())
            ck_assert_int_eq(plx_server_run(h.server), PLX_ECANCELED);
        ck_ok(plx_server_close(h.server));
        ck_assert_uint_eq(hosted_count(&h, started), hosted_count(&h, ended));
    }
}

static void on_nothing(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
}

/* The loop that is to be told has a full queue, and there is no memory to wait for room: the drain
 * has not begun, and returns the code. The next one does. */
static void drain_without_memory_has_not_begun(world *w)
{
    hosted h = {0};
    size_t posts = 0;
    hosted_open(w, &h, (plx_server_options){.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){.posts_max = 2});
    while (plx_post(plx_server_loop(h.server, 1), on_nothing, NULL) == 0)
        ck_assert_uint_lt(posts++, 100);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ck_assert_int_eq(plx_server_drain(h.server, PLX_FOREVER), PLX_ENOMEM);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_MEMORY), 0);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    hosted_run(&h);
    ck_ok(hosted_wait(w, &h));
    hosted_close(w, &h);
}

const test_case behavior_drain_cases[] = {
    CASE(drain_finishes_idle_connections),
    CASE(drain_serves_who_waits_for_room),
    CASE(drain_opens_who_waits_in_the_queue),
    CASE(request_in_flight_is_answered),
    CASE(thousand_requests_in_flight_are_answered),
    CASE(deadline_cuts_what_is_busy),
    CASE(deadline_closes_who_waits_for_its_peer),
    CASE(draining_server_accepts_no_more),
    CASE(drain_may_come_before_the_run),
    CASE(counters_of_all_loops_add_up),
    CASE(ended_loops_are_counted),
    CASE(opening_survives_want),
    CASE(drain_without_memory_has_not_begun),
    CASE(threads_that_do_not_start_end_the_server),
    CASES_END,
};
