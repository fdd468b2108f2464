/* tests/behavior_pace.c - peers that send more slowly than they must. tests/sim_pace.c has what
 * depends on the clock. */
#include "core/loop.h"
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

/* What has arrived in time counts, though the loop was busy meanwhile. */
static void what_arrived_in_time_counts(world *w)
{
    char echo[4];
    uint64_t grace_ns = 20 * PLX_MILLISECOND;
    probe p = {.then_open = set_rate, .then_data = fours, .more = &grace_ns};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "time", 4);
    w->loop->host->sleep(2 * grace_ns);
    peer_receive(w, &client, echo, 4);
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
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
    CASE(only_one_in_a_message_is_reset),
    CASE(silent_one_is_reset),
    CASE(what_arrived_in_time_counts),
    CASE(rate_changes_nothing_else),
    CASE(rate_needs_memory),
    CASES_END,
};
