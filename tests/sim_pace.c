/* tests/sim_pace.c - slow peers, by the virtual clock: who is reset, and when. */
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_pace_cases[];

/* 100 bytes a second, so 10 ms for each. */
#define RATE     100u
#define BYTE_NS  (10 * PLX_MILLISECOND)
#define GRACE_NS (10 * PLX_SECOND)
/* What the way, and the look at the socket, may add. */
#define SLOP_NS (10 * PLX_MILLISECOND)

/* Messages are lines. */
static size_t whole_lines(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    const char *text = bytes;
    (void)loop;
    (void)conn;
    (void)p;
    while (length > 0 && text[length - 1] != '\n')
        length--;
    return length;
}

static void end_nothing(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

static void line_stage_open(stage *s)
{
    stage_open(s, (plx_sim_options){.seed = 1, .latency_ns = PLX_MICROSECOND});
    s->served.then_data = whole_lines;
    s->served.then_end = s->made.then_end = end_nothing;
    stage_listen(s, "tcp://127.0.0.1:0");
    (void)stage_connect(s);
    stage_until(s, &s->made.opened, 1);
    stage_until(s, &s->served.opened, 1);
    ck_ok(plx_conn_set_receive_rate(s->server, s->served.conn, RATE, GRACE_NS));
}

static void send(stage *s, const char *text)
{
    ck_ok(plx_conn_write(s->client, s->made.conn, text, strlen(text)));
}

/* So much time has passed when the server resets the connection. */
static void check_reset_after(stage *s, uint64_t since_ns, uint64_t duration_ns)
{
    while (s->served.closed == 0 && plx_sim_now(s->sim) < since_ns + 2 * duration_ns)
        stage_run(s, PLX_MILLISECOND);
    const uint64_t took_ns = plx_sim_now(s->sim) - since_ns;
    ck_assert_uint_ge(took_ns, duration_ns);
    ck_assert_uint_le(took_ns, duration_ns + SLOP_NS);
    ck_assert_int_eq(s->served.reason, PLX_ESLOW);
    plx_loop_stats stats;
    plx_loop_stats_get(s->server, &stats);
    ck_assert_uint_eq(stats.slow_peers, 1);
    ck_assert_uint_eq(stats.timeouts, 0);
    stage_until(s, &s->made.closed, 1);
    ck_assert_int_eq(s->made.reason, PLX_ECONNRESET);
    stage_close(s);
}

static void check_open_after(stage *s, uint64_t duration_ns)
{
    stage_run(s, duration_ns);
    ck_assert_uint_eq(s->served.closed, 0);
}

/* It has connected, and sends nothing. */
static void silent_peer_is_reset(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    check_reset_after(&s, plx_sim_now(s.sim), GRACE_NS);
}

/* Half of the rate: it takes twice as long until it is 10 s behind. */
static void peer_at_half_the_rate_is_reset(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    const uint64_t since_ns = plx_sim_now(s.sim);
    send(&s, "x"); /* The message begins. */
    for (int i = 0; i < 1900 / 2; i++) {
        stage_run(&s, 2 * BYTE_NS);
        send(&s, "x");
    }
    ck_assert_uint_eq(s.served.closed, 0);
    for (int i = 0; i < 200 && s.served.closed == 0; i++) {
        stage_run(&s, 2 * BYTE_NS);
        if (s.served.closed == 0)
            send(&s, "x");
    }
    const uint64_t took_ns = plx_sim_now(s.sim) - since_ns;
    ck_assert_uint_ge(took_ns, 2 * GRACE_NS - 4 * BYTE_NS);
    ck_assert_uint_le(took_ns, 2 * GRACE_NS + 4 * BYTE_NS);
    ck_assert_int_eq(s.served.reason, PLX_ESLOW);
    stage_close(&s);
}

/* As fast as it must: for ten minutes. A sprint at first allows no pause beyond the grace.
 */
static void peer_at_the_rate_is_not(world *w)
{
    static char sprint[4001];
    stage s;
    (void)w;
    line_stage_open(&s);
    for (int i = 0; i < 600; i++) {
        send(&s, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        check_open_after(&s, PLX_SECOND);
    }
    memset(sprint, 'x', sizeof sprint - 1);
    send(&s, sprint);
    check_reset_after(&s, plx_sim_now(s.sim), GRACE_NS);
}

/* An hour between messages is nobody's fault. The next message begins with all of the grace. */
static void peer_may_rest_between_messages(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    for (int i = 0; i < 3; i++) {
        send(&s, "beg");
        check_open_after(&s, GRACE_NS - PLX_SECOND);
        send(&s, "un\n");
        check_open_after(&s, 3600 * PLX_SECOND);
    }
    const uint64_t since_ns = plx_sim_now(s.sim);
    send(&s, "never ended");
    check_reset_after(&s, since_ns, GRACE_NS);
}

/* While reading rests, no time passes; what was used up before is not given back. */
static void pause_stops_its_clock(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    send(&s, "x");
    check_open_after(&s, 6 * PLX_SECOND);
    ck_ok(plx_conn_pause(s.server, s.served.conn));
    check_open_after(&s, 3600 * PLX_SECOND);
    ck_ok(plx_conn_resume(s.server, s.served.conn));
    check_reset_after(&s, plx_sim_now(s.sim), 4 * PLX_SECOND);
}

/* One that is finished waits for its peer's end, */
static void finished_one_is_not_judged(world *w)
{
    stage s;
    (void)w;
    for (int speaks = 0; speaks < 2; speaks++) {
        line_stage_open(&s);
        if (speaks != 0)
            send(&s, "x");
        stage_run(&s, PLX_SECOND);
        ck_ok(plx_conn_finish(s.server, s.served.conn, PLX_FOREVER));
        check_open_after(&s, 3600 * PLX_SECOND);
        stage_close(&s);
    }
}

/* and one whose peer has ended, for the program. */
static void half_closed_peer_is_not_judged(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    send(&s, "no newline");
    ck_ok(plx_conn_shutdown(s.client, s.made.conn));
    stage_until(&s, &s.served.ended, 1);
    check_open_after(&s, 3600 * PLX_SECOND);
    stage_close(&s);
}

/* As a parser does that keeps a state of its own: each byte is consumed when it comes. */
static size_t piece_by_piece(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    const char *text = bytes;
    (void)p;
    for (size_t i = 0; i < length; i++)
        ck_ok(plx_conn_set_in_message(loop, conn, text[i] != '\n'));
    return length;
}

static void program_says_when_a_message_arrives(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    s.served.then_data = piece_by_piece;
    send(&s, "whole\n");
    check_open_after(&s, 3600 * PLX_SECOND);
    send(&s, "one\ntwo"); /* The second one begins. */
    check_open_after(&s, GRACE_NS - PLX_SECOND);
    send(&s, "\nthree");
    check_open_after(&s, GRACE_NS - PLX_SECOND);
    send(&s, "x"); /* It continues, and has a second and a byte's time left. */
    check_reset_after(&s, plx_sim_now(s.sim), PLX_SECOND + BYTE_NS);
}

/* Another call begins anew, and 0 turns it off. */
static void rate_may_change(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    check_open_after(&s, GRACE_NS - PLX_SECOND);
    ck_ok(plx_conn_set_receive_rate(s.server, s.served.conn, RATE, GRACE_NS));
    check_open_after(&s, GRACE_NS - PLX_SECOND);
    ck_ok(plx_conn_set_receive_rate(s.server, s.served.conn, 0, 0));
    ck_ok(plx_conn_set_receive_rate(s.server, s.served.conn, 0, 0));
    ck_ok(plx_conn_set_in_message(s.server, s.served.conn, 1)); /* It does nothing now. */
    check_open_after(&s, 3600 * PLX_SECOND);
    ck_ok(plx_conn_set_receive_rate(s.server, s.served.conn, RATE, 1));
    check_reset_after(&s, plx_sim_now(s.sim), 1);
}

static size_t not_yet(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    (void)length;
    return 0;
}

/* What was there when the rate was set is the first message. The peer, which has sent it, may rest
 * behind it as behind any other; in the middle of it, it may not. */
static void unconsumed_input_is_a_message(world *w)
{
    (void)w;
    for (int is_whole = 0; is_whole < 2; is_whole++) {
        stage s;
        line_stage_open(&s);
        s.served.then_data = not_yet;
        send(&s, is_whole != 0 ? "whole\n" : "a part");
        stage_until(&s, &s.served.shown, 1);
        s.served.then_data = whole_lines;
        ck_ok(plx_conn_set_receive_rate(s.server, s.served.conn, RATE, GRACE_NS));
        const uint64_t since_ns = plx_sim_now(s.sim);
        ck_ok(plx_conn_resume(s.server, s.served.conn));
        stage_until(&s, &s.served.shown, 2);
        if (is_whole == 0) {
            check_reset_after(&s, since_ns, GRACE_NS);
            continue;
        }
        check_open_after(&s, 3600 * PLX_SECOND);
        stage_close(&s);
    }
}

static void bounds_of_rates(world *w)
{
    stage s;
    (void)w;
    line_stage_open(&s);
    plx_conn conn = s.served.conn;
    ck_assert_int_eq(plx_conn_set_receive_rate(s.server, conn, RATE, 0), PLX_EINVAL);
    ck_assert_int_eq(plx_conn_set_receive_rate(s.server, conn, PLX_SECOND + 1, 1), PLX_EINVAL);
    ck_ok(plx_conn_set_receive_rate(s.server, conn, PLX_SECOND, PLX_FOREVER));
    send(&s, "x");
    stage_run(&s, PLX_SECOND);
    send(&s, "y");
    check_open_after(&s, 3600 * PLX_SECOND);
    ck_ok(plx_conn_close(s.server, conn));
    ck_assert_int_eq(plx_conn_set_receive_rate(s.server, conn, RATE, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_set_in_message(s.server, conn, 1), PLX_ESTALE);
    stage_close(&s);
}

const test_case sim_pace_cases[] = {
    CASE(silent_peer_is_reset),
    CASE(peer_at_half_the_rate_is_reset),
    CASE(peer_at_the_rate_is_not),
    CASE(peer_may_rest_between_messages),
    CASE(pause_stops_its_clock),
    CASE(finished_one_is_not_judged),
    CASE(half_closed_peer_is_not_judged),
    CASE(program_says_when_a_message_arrives),
    CASE(rate_may_change),
    CASE(unconsumed_input_is_a_message),
    CASE(bounds_of_rates),
    CASES_END,
};
