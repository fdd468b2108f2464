/* tests/behavior_gone.c - who is told when a connection is gone. */
#include "tests/child.h"
#include "tests/harness.h"
#include "tests/stand.h"

extern const test_case behavior_gone_cases[];

/* What a plx_gone_fn was told, and what had been called before. */
typedef struct witness {
    probe *probe;
    size_t calls;
    size_t closed_before; /* Calls of on_close when it was called. */
    int reason;
    plx_conn conn;
    struct witness *before; /* One that must have been called. */
} witness;

static void on_gone(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    witness *told = data;
    told->calls++;
    told->closed_before = told->probe != NULL ? told->probe->closed : 0;
    told->reason = reason;
    told->conn = conn;
    ck_assert(told->before == NULL || told->before->calls == told->calls);
    ck_assert_int_eq(plx_conn_on_gone(loop, conn, on_gone, told), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_close(loop, conn), PLX_ESTALE);
}

static peer connect_witnessed(world *w, probe *p, witness *told)
{
    const plx_conn_options options = probe_options(p);
    peer client = connect_pair(w, p, &options);
    told->probe = p;
    ck_ok(plx_conn_on_gone(w->loop, p->conn, on_gone, told));
    return client;
}

static void peer_leaves(world *w, probe *p, peer *client)
{
    (void)w;
    (void)p;
    peer_close(client);
}

static void program_closes(world *w, probe *p, peer *client)
{
    ck_ok(plx_conn_close(w->loop, p->conn));
    peer_close(client);
}

static void peer_resets(world *w, probe *p, peer *client)
{
    (void)w;
    (void)p;
    peer_reset(client);
}

static void timeout_passes(world *w, probe *p, peer *client)
{
    ck_ok(plx_conn_set_timeout(w->loop, p->conn, PLX_TIMEOUT_IDLE, 1));
    turn_until(w, &p->closed, 1);
    peer_close(client);
}

/* Whatever ends it: once, after on_close, and with its reason. */
static void gone_comes_after_close(world *w)
{
    static void (*const ends[])(world *, probe *, peer *) = {peer_leaves, program_closes,
                                                             peer_resets, timeout_passes};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        probe p = {0};
        witness told = {0};
        peer client = connect_witnessed(w, &p, &told);
        turn_some(w);
        ck_assert_uint_eq(told.calls, 0);
        ends[i](w, &p, &client);
        turn_until(w, &told.calls, 1);
        ck_assert_uint_eq(told.closed_before, 1);
        ck_assert_int_eq(told.reason, p.reason);
        ck_assert_uint_eq(told.conn.bits, p.gone.bits);
        turn_some(w);
        ck_assert_uint_eq(told.calls, 1);
    }
}

/* The end of the loop is one, too; for plx_loop_close() on the case's own loop, see below. */
static void gone_comes_with_the_end_of_the_loop(world *w)
{
    probe p = {0}, q = {0};
    witness told = {0}, closed = {0};
    peer client = connect_witnessed(w, &p, &told);
    ck_ok(plx_loop_cancel(w->loop));
    ck_assert_uint_eq(told.calls, 1);
    ck_assert_uint_eq(told.closed_before, 1);
    ck_assert_int_eq(told.reason, PLX_ECANCELED);
    peer_close(&client);
    world_reopen(w, (plx_loop_options){0});
    client = connect_witnessed(w, &q, &closed);
    ck_ok(plx_loop_close(w->loop));
    ck_assert_uint_eq(closed.calls, 1);
    ck_assert_int_eq(closed.reason, PLX_ECANCELED);
    peer_close(&client);
    w->loop = NULL;
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    probe *p = data;
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length;
    plx_socket_close(socket);
    p->closed++;
}

static void gone_comes_after_release(world *w)
{
    probe p = {0};
    witness told = {.probe = &p};
    plx_conn_options options = probe_options(&p);
    options.on_release = on_release;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_on_gone(w->loop, p.conn, on_gone, &told));
    ck_ok(plx_conn_release(w->loop, p.conn));
    turn_until(w, &told.calls, 1);
    ck_assert_uint_eq(told.closed_before, 1);
    ck_assert_int_eq(told.reason, 0);
    peer_close(&client);
}

/* In the order in which they were registered. */
static void several_are_told_in_order(world *w)
{
    enum { WITNESSES = 5 };
    probe p = {0};
    witness told[WITNESSES] = {{0}};
    peer client = connect_witnessed(w, &p, &told[0]);
    for (size_t i = 1; i < WITNESSES; i++) {
        told[i].before = &told[i - 1];
        ck_ok(plx_conn_on_gone(w->loop, p.conn, on_gone, &told[i]));
    }
    peer_close(&client);
    turn_until(w, &told[WITNESSES - 1].calls, 1);
    for (size_t i = 0; i < WITNESSES; i++)
        ck_assert_uint_eq(told[i].calls, 1);
}

/* Slots are used again: who comes next has nobody, and nobody hears of it. */
static void next_one_in_the_slot_has_nobody(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {0};
    witness told = {.probe = &p};
    const plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &options, address);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx_conn_on_gone(w->loop, p.conn, on_gone, &told));
    peer_close(&client);
    turn_until(w, &told.calls, 1);
    for (size_t i = 2; i < 6; i++) {
        client = peer_open(w, address);
        turn_until(w, &p.opened, i);
        peer_close(&client);
        turn_until(w, &p.closed, i);
    }
    turn_some(w);
    ck_assert_uint_eq(told.calls, 1);
}

enum { CROWD = 300 }; /* More than a chunk of slots holds. */

static void on_gone_of_all(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    size_t *calls = data;
    (void)loop;
    (void)conn;
    (void)reason;
    ++*calls;
}

/* The table grows while some have entries in it, and the one that connects is told of, too. */
static void crowd_is_told_of(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conns[CROWD];
    size_t calls = 0;
    plx_socket listening = socket_listening(address);
    for (size_t i = 0; i < CROWD; i++) {
        ck_ok(plx_connect(w->loop, &conns[i], address, NULL));
        if (i % 3 != 0 && plx_conn_on_gone(w->loop, conns[i], on_gone_of_all, &calls) != 0)
            calls++; /* It has failed already. */
    }
    for (size_t i = 0; i < CROWD; i++)
        (void)plx_conn_close(w->loop, conns[i]);
    turn_until(w, &calls, CROWD - CROWD / 3);
    turn_some(w);
    ck_assert_uint_eq(calls, CROWD - CROWD / 3);
    net_close(listening);
}

static void without_memory_nobody_is_registered(world *w)
{
    probe p = {0};
    witness told = {.probe = &p};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (uint32_t first = 0; first < 2; first++) { /* For itself, and for the table. */
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        ck_assert_int_eq(plx_conn_on_gone(w->loop, p.conn, on_gone, &told), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    ck_assert_int_eq(plx_conn_on_gone(w->loop, p.conn, NULL, &told), PLX_EINVAL);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    turn_some(w);
    ck_assert_uint_eq(told.calls, 0);
    ck_assert_int_eq(plx_conn_on_gone(w->loop, p.conn, on_gone, &told), PLX_ESTALE);
}

/* A child that drops its copy tells nobody, and holds nothing of it; the parent continues. */
static void child_that_drops_it_tells_nobody(world *w)
{
    probe p = {0};
    witness told = {0};
    if (!child_is_possible(w))
        return;
    ck_ok(plx_loop_close(w->loop));
    holdings before = holdings_now();
    w->loop = world_loop_open(w);
    peer client = connect_witnessed(w, &p, &told);
    ck_ok(plx_conn_set_receive_rate(w->loop, p.conn, 1, 3600 * PLX_SECOND));
    if (child_fork()) {
        ck_assert_int_eq(plx_conn_on_gone(w->loop, p.conn, on_gone, &told), PLX_ESTALE);
        plx_loop_abandon(w->loop);
        ck_assert_uint_eq(told.calls, 0);
        ck_assert_uint_le(holdings_now().memory, before.memory + 4); /* Of a second thread. */
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    peer_close(&client);
    turn_until(w, &told.calls, 1);
}

const test_case behavior_gone_cases[] = {
    CASE(gone_comes_after_close),
    CASE(gone_comes_with_the_end_of_the_loop),
    CASE(gone_comes_after_release),
    CASE(several_are_told_in_order),
    CASE(next_one_in_the_slot_has_nobody),
    CASE(crowd_is_told_of),
    CASE(without_memory_nobody_is_registered),
    CASE(child_that_drops_it_tells_nobody),
    CASES_END,
};
