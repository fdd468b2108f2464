/* tests/behavior_pace.c - peers that send more slowly than they must. tests/sim_pace.c has what
 * depends on the clock. */
#include "tests/harness.h"

extern const test_case behavior_pace_cases[];

/* A message is four bytes. */
static size_t fours(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)p;
    return plx_conn_write(loop, conn, bytes, length - length % 4) == 0 ? length - length % 4 : 0;
}

static void set_rate(plx_loop *loop, plx_conn conn, probe *p)
{
    const uint64_t *grace_ns = p->more;
    ck_ok(plx_conn_set_receive_rate(loop, conn, 1000, *grace_ns));
}

/* One of two has sent a whole message, and waits; the other one stops in the middle. */
static void only_one_in_a_message_is_reset(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX], echo[4];
    uint64_t grace_ns = 50 * PLX_MILLISECOND;
    size_t dropped;
    probe p = {.then_open = set_rate, .then_data = fours, .more = &grace_ns};
    const plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &options, address);
    peer good = peer_open(w, address);
    peer_send(w, &good, "good", 4);
    peer_receive(w, &good, echo, 4);
    peer slow = peer_open(w, address);
    peer_send(w, &slow, "slow.", 5);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ESLOW);
    ck_assert_uint_eq(counter(w, slow_peers), 1);
    expect_reset(peer_drain(w, &slow, &dropped));
    peer_send(w, &good, "well", 4);
    peer_receive(w, &good, echo, 4);
    peer_close(&slow);
    peer_close(&good);
    turn_until(w, &p.closed, 2);
}

/* It has never sent a byte. */
static void silent_one_is_reset(world *w)
{
    uint64_t grace_ns = PLX_MILLISECOND;
    size_t dropped;
    probe p = {.then_open = set_rate, .more = &grace_ns};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ESLOW);
    expect_reset(peer_drain(w, &client, &dropped));
    peer_close(&client);
}

enum { FEW = 10, MANY = 400 }; /* More than one wait collects. */

typedef struct crowd {
    probe probe; /* Of those that have a rate. */
    peer peers[MANY];
    plx_conn conns[MANY];
    size_t count;
} crowd;

static void conn_note(plx_loop *loop, plx_conn conn, probe *p)
{
    crowd *c = p->more;
    (void)loop;
    c->conns[c->probe.opened - 1] = conn;
}

/* All get a rate, and speak, while this callback takes longer than the grace. */
static size_t speak_and_spin(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    crowd *c = p->more;
    (void)conn;
    (void)bytes;
    for (size_t i = 0; i < c->count; i++) {
        ck_ok(plx_conn_set_receive_rate(loop, c->conns[i], 1000, PLX_MILLISECOND));
        ck_assert_int_eq(net_send(c->peers[i].socket, "time", 4), 4);
    }
    for (uint64_t until = net_now() + 5 * PLX_MILLISECOND; net_now() < until;)
        continue;
    return length;
}

/* What has arrived counts, though the loop gets to it late: because a callback took long, and
 * because more was ready than one wait collects. */
static void what_has_arrived_counts(world *w)
{
    static const size_t counts[] = {FEW, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        static crowd c;
        char address[PLX_ADDRESS_TEXT_MAX];
        probe slow = {.then_data = speak_and_spin, .more = &c};
        const plx_conn_options slow_options = probe_options(&slow);
        c = (crowd){.probe = {.then_open = conn_note, .more = &c}, .count = counts[i]};
        const plx_conn_options options = probe_options(&c.probe);
        (void)listen_at(w, &options, address);
        for (size_t n = 0; n < c.count; n++) {
            c.peers[n] = peer_open(w, address);
            turn_until(w, &c.probe.opened, n + 1);
        }
        peer client = connect_pair(w, &slow, &slow_options);
        peer_send(w, &client, "x", 1);
        turn_until(w, &c.probe.received, 4 * c.count);
        ck_assert_uint_eq(c.probe.closed, 0);
        for (size_t n = 0; n < c.count; n++)
            peer_close(&c.peers[n]);
        peer_close(&client);
        turn_until(w, &c.probe.closed, c.count);
        turn_until(w, &slow.closed, 1);
    }
}

/* Everything is as without a rate, and goes with the connection, whenever that ends. */
static void rate_changes_nothing_else(world *w)
{
    unsigned char bytes[4000], echo[4000];
    uint64_t grace_ns = 3600 * PLX_SECOND;
    probe p = {.then_open = set_rate, .then_data = fours, .more = &grace_ns};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    pattern_fill(bytes, sizeof bytes, 0);
    for (int i = 0; i < 5; i++) {
        peer_send(w, &client, bytes, sizeof bytes);
        peer_receive(w, &client, echo, sizeof echo);
        pattern_check(echo, sizeof echo, 0);
        ck_ok(plx_conn_pause(w->loop, p.conn));
        turn(w);
        ck_ok(plx_conn_resume(w->loop, p.conn));
    }
    peer_send(w, &client, "x", 1);
    turn_some(w);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_int_eq(p.reason, PLX_ECANCELED);
    peer_close(&client);
}

/* With nothing changed: the old rate stays. */
static void rate_needs_memory(world *w)
{
    uint64_t grace_ns = 20 * PLX_MILLISECOND;
    probe p = {0};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (uint32_t first = 0; first < 2; first++) { /* The table, and its own. */
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        ck_assert_int_eq(plx_conn_set_receive_rate(w->loop, p.conn, 1, 1), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    p.more = &grace_ns;
    set_rate(w->loop, p.conn, &p);
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

const test_case behavior_pace_cases[] = {
    CASE(only_one_in_a_message_is_reset), CASE(silent_one_is_reset), CASE(what_has_arrived_counts),
    CASE(rate_changes_nothing_else),      CASE(rate_needs_memory),   CASES_END,
};
