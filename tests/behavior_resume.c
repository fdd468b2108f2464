/* tests/behavior_resume.c - pausing and resuming in all places, and what on_data leaves. */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_resume_cases[];

/* What on_data does with a line, and how many lines it has taken. */
typedef struct reader {
    probe probe; /* First. */
    bool pauses, resumes, pauses_again;
    size_t lines;
    size_t answer_bytes; /* Written for each line. */
    plx_conn conn;
    size_t released;
    char rest[64];
    size_t rest_length;
} reader;

/* Takes one line, and leaves what follows it. */
static size_t take_line(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    reader *r = (reader *)(void *)p;
    const char *end = length > 0 ? memchr(bytes, '\n', length) : NULL;
    r->conn = conn;
    if (end != NULL && r->answer_bytes > 0)
        ck_ok(plx_conn_write(loop, conn, plenty(), r->answer_bytes));
    if (r->pauses)
        ck_ok(plx_conn_pause(loop, conn));
    if (r->resumes)
        ck_ok(plx_conn_resume(loop, conn));
    if (r->pauses_again)
        ck_ok(plx_conn_pause(loop, conn));
    if (end == NULL)
        return 0;
    r->lines++;
    return (size_t)(end - (const char *)bytes) + 1;
}

static void end_is_counted(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_shutdown(loop, conn));
}

static void peer_end(world *w, peer *client, probe *p)
{
    peer_close(client);
    turn_until(w, &p->closed, 1);
}

/* Three lines come at once. on_data takes one at a time, pauses for its answer, and the answer is
 * there at once: each line is shown. */
static void resume_within_on_data_shows_the_rest(world *w)
{
    for (int way = 0; way < 2; way++) {
        reader r = {.probe = {.then_data = take_line}, .pauses = way == 0, .resumes = true};
        plx_conn_options options = probe_options(&r.probe);
        peer client = connect_pair(w, &r.probe, &options);
        peer_send(w, &client, "one\ntwo\nthree\n", 14);
        turn_until(w, &r.lines, 3);
        ck_assert_mem_eq(r.probe.bytes, "one\ntwo\nthree\n", 14);
        peer_send(w, &client, "four\n", 5);
        turn_until(w, &r.lines, 4);
        peer_end(w, &client, &r.probe);
    }
}

/* A later step shows the rest, never the call itself: on_data is not entered twice. */
static size_t nested_take(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    static bool is_inside;
    ck_assert(!is_inside);
    is_inside = true;
    size_t taken = take_line(loop, conn, p, bytes, length);
    is_inside = false;
    return taken;
}

static void resume_never_calls_from_within(world *w)
{
    reader r = {.probe = {.then_data = nested_take}, .pauses = true, .resumes = true};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "a\nb\nc\nd\n", 8);
    turn_until(w, &r.lines, 4);
    peer_end(w, &client, &r.probe);
}

/* It was never paused, and has unconsumed input: resuming shows that once more. */
static void resume_of_one_that_never_paused(world *w)
{
    reader r = {.probe = {.then_data = take_line}};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "half", 4);
    turn_until(w, &r.probe.shown, 1);
    turn_some(w);
    ck_assert_uint_eq(r.probe.shown, 1);
    ck_ok(plx_conn_resume(w->loop, r.conn));
    ck_assert_uint_eq(r.probe.shown, 1);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0); /* Nobody else's wait may delay it. */
    turn_until(w, &r.probe.shown, 2);
    turn_some(w);
    ck_assert_uint_eq(r.probe.shown, 2);
    peer_send(w, &client, " a line\n", 8);
    turn_until(w, &r.lines, 1);
    ck_assert_mem_eq(r.probe.bytes, "half a line\n", 12);
    peer_end(w, &client, &r.probe);
}

/* on_data resumes each time, has never paused, and lacks bytes: it is not called for what it has
 * just seen, and the end comes. */
static void resume_for_nothing_does_not_spin(world *w)
{
    reader r = {.probe = {.then_data = take_line, .then_end = end_is_counted}, .resumes = true};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "half", 4);
    turn_until(w, &r.probe.shown, 1);
    turn_some(w);
    ck_assert_uint_eq(r.probe.shown, 1);
    peer_shutdown(&client);
    turn_until(w, &r.probe.ended, 1);
    turn_until(w, &r.probe.closed, 1);
    peer_close(&client);
}

/* The same while something waits to be sent, and after another connection was the last to be
 * called: what on_data leaves is shown, though the peer sends no more. */
static void resume_within_on_data_while_the_queue_waits(world *w)
{
    reader r = {.probe = {.then_data = take_line}, .pauses = true, .resumes = true};
    probe other = {.then_data = echo_back};
    plx_conn_options options = probe_options(&r.probe);
    plx_conn_options other_options = probe_options(&other);
    char answer_of_other;
    options.send_high = options.send_max = PLENTY;
    peer client = connect_pair(w, &r.probe, &options);
    peer busy = connect_pair(w, &other, &other_options);
    ck_ok(plx_conn_write(w->loop, r.probe.conn, plenty(), PLENTY));
    turn_some(w);
    ck_assert_uint_gt(plx_conn_queued(w->loop, r.probe.conn), 0);
    peer_send(w, &busy, "x", 1);
    peer_receive(w, &busy, &answer_of_other, 1);
    peer_send(w, &client, "one\ntwo\nthree\n", 14);
    turn_until(w, &r.lines, 3);
    ck_assert_uint_gt(plx_conn_queued(w->loop, r.probe.conn), 0);
    peer_end(w, &client, &r.probe);
    peer_end(w, &busy, &other);
}

/* The last call counts: paused after it was resumed, it stays so until somebody else resumes it. */
static void pause_after_resume_within_on_data(world *w)
{
    reader r = {.probe = {.then_data = take_line}, .resumes = true, .pauses_again = true};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "one\ntwo\n", 8);
    turn_until(w, &r.lines, 1);
    turn_some(w);
    ck_assert_uint_eq(r.probe.shown, 1);
    ck_ok(plx_conn_resume(w->loop, r.conn));
    turn_until(w, &r.lines, 2);
    ck_ok(plx_conn_close(w->loop, r.conn));
    peer_end(w, &client, &r.probe);
}

/* The answer to a line makes the queue high. Resumed by the user, reading rests until the queue has
 * drained, and then the rest is shown. */
static void resume_waits_for_the_queue(world *w)
{
    enum { ANSWER = 1 << 20 };
    reader r = {
        .probe = {.then_data = take_line}, .pauses = true, .resumes = true, .answer_bytes = ANSWER};
    plx_conn_options options = probe_options(&r.probe);
    options.send_high = 1000;
    options.send_max = 4 * ANSWER;
    peer client = connect_pair(w, &r.probe, &options);
    while (plx_conn_write(w->loop, r.probe.conn, plenty(), ANSWER) == 0)
        turn(w); /* The system may take more. */
    ck_assert_int_eq(plx_conn_is_high(w->loop, r.probe.conn), 1);
    ck_ok(plx_conn_resume(w->loop, r.probe.conn));
    peer_send(w, &client, "one\ntwo\nthree\n", 14);
    turn_some(w);
    ck_assert_uint_eq(r.lines, 0);
    static unsigned char sink[65536];
    uint64_t until = net_now() + patience();
    while (r.lines < 3) {
        ck_assert_uint_lt(net_now(), until);
        (void)peer_try(&client, sink, sizeof sink);
        turn(w);
    }
    peer_end(w, &client, &r.probe);
}

/* The end has come while lines wait: it is told when all of them have been shown. */
static void end_comes_behind_lines_that_wait(world *w)
{
    reader r = {.probe = {.then_data = take_line, .then_end = end_is_counted}, .pauses = true};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "one\ntwo\nthree\nfour\n", 19);
    peer_shutdown(&client);
    turn_until(w, &r.lines, 1);
    turn_some(w);
    ck_assert_uint_eq(r.lines, 1);
    r.resumes = true;
    ck_ok(plx_conn_resume(w->loop, r.conn));
    turn_until(w, &r.probe.ended, 1);
    ck_assert_uint_eq(r.lines, 4);
    ck_assert_mem_eq(r.probe.bytes, "one\ntwo\nthree\nfour\n", 19);
    turn_until(w, &r.probe.closed, 1);
    peer_close(&client);
}

/* More than the limit came with one receive. What waits to be shown again is not "never consumed".
 */
static void rest_that_is_shown_again_is_within_the_limit(world *w)
{
    reader r = {.probe = {.then_data = take_line}, .pauses = true, .resumes = true};
    plx_conn_options options = probe_options(&r.probe);
    options.receive_limit = 4;
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "one\ntwo\nthree\nfour\n", 19);
    turn_until(w, &r.lines, 4);
    ck_assert_uint_eq(r.probe.closed, 0);
    r.pauses = r.resumes = false;
    peer_send(w, &client, "five5", 5);
    turn_until(w, &r.probe.closed, 1);
    ck_assert_int_eq(r.probe.reason, PLX_EMSGSIZE);
    peer_close(&client);
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    reader *r = data;
    (void)loop;
    (void)conn;
    ck_assert_uint_le(length, sizeof r->rest);
    if (length > 0)
        memcpy(r->rest, bytes, length);
    r->rest_length = length;
    r->released++;
    plx_socket_close(socket);
}

static size_t take_and_release(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    size_t taken = take_line(loop, conn, p, bytes, length);
    ck_ok(plx_conn_release(loop, conn));
    ck_ok(plx_conn_resume(loop, conn)); /* Of no effect: it is on its way out. */
    return taken;
}

/* Paused, resumed and released in one on_data: what is left leaves with the socket, and is not
 * shown here. */
static void resume_and_release_within_on_data(world *w)
{
    reader r = {.probe = {.then_data = take_and_release}, .pauses = true, .resumes = true};
    plx_conn_options options = probe_options(&r.probe);
    options.on_release = on_release;
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "one\ntwo\n", 8);
    turn_until(w, &r.released, 1);
    ck_assert_uint_eq(r.probe.shown, 1);
    ck_assert_uint_eq(r.rest_length, 4);
    ck_assert_mem_eq(r.rest, "two\n", 4);
    peer_close(&client);
}

/* Bytes that come with an adopted socket are shown like others. */
static void resume_of_an_adopted_connection(world *w)
{
    for (int way = 0; way < 3; way++) {
        reader r = {.probe = {.then_data = take_line}, .pauses = way != 2, .resumes = true};
        couple c = couple_open();
        plx_conn conn;
        plx_conn_options options = probe_options(&r.probe);
        options.flags = way == 1 ? PLX_CONN_PAUSED : 0;
        net_disown(c.ours.socket);
        ck_ok(plx_conn_adopt(w->loop, &conn, c.ours.socket, &options, "one\ntwo\nthree\n", 14));
        c.ours.socket = PLX_SOCKET_NONE;
        if (way == 1) {
            turn_until(w, &r.probe.opened, 1);
            turn_some(w);
            ck_assert_uint_eq(r.probe.shown, 0);
            ck_ok(plx_conn_resume(w->loop, conn));
        }
        turn_until(w, &r.lines, 3);
        ck_assert_mem_eq(r.probe.bytes, "one\ntwo\nthree\n", 14);
        peer_end(w, &c.theirs, &r.probe);
    }
}

typedef struct late {
    reader *reader;
    size_t fired;
} late;

static void resume_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    late *l = data;
    (void)timer;
    ck_ok(plx_conn_resume(loop, l->reader->conn));
    l->fired++;
}

static size_t take_and_arm(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    size_t taken = take_line(loop, conn, p, bytes, length);
    if (p->more != NULL)
        ck_ok(plx_timer_start(loop, NULL, 0, 0, resume_on_fire, p->more));
    return taken;
}

/* Paused in on_data, resumed by a timer that may fire in the very turn: nothing is lost, and the
 * end, which may have come in that turn, too, is told. */
static void resume_in_the_turn_of_the_pause(world *w)
{
    for (int round = 0; round < 20; round++) {
        late l = {0};
        reader r = {.probe = {.then_data = take_and_arm, .then_end = end_is_counted, .more = &l},
                    .pauses = true};
        l.reader = &r;
        plx_conn_options options = probe_options(&r.probe);
        peer client = connect_pair(w, &r.probe, &options);
        peer_send(w, &client, "one\ntwo\n", round % 2 == 0 ? 4 : 8);
        peer_shutdown(&client);
        turn_until(w, &r.probe.ended, 1);
        ck_assert_uint_eq(r.lines, round % 2 == 0 ? 1 : 2);
        turn_until(w, &r.probe.closed, 1);
        peer_close(&client);
    }
}

static void resume_on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)data;
    ck_ok(status);
    ck_ok(plx_conn_resume(loop, conn));
}

static size_t take_and_lend(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    ck_ok(plx_conn_send(loop, conn, "*", 1, resume_on_sent, p));
    return take_line(loop, conn, p, bytes, length);
}

/* Resumed in another callback of its own, at the very end of a turn: what waits is shown first,
 * though the end of the stream has come, too. */
static void resume_at_the_end_of_a_turn(world *w)
{
    for (int round = 0; round < 20; round++) {
        reader r = {.probe = {.then_data = take_and_lend, .then_end = end_is_counted},
                    .pauses = true};
        plx_conn_options options = probe_options(&r.probe);
        peer client = connect_pair(w, &r.probe, &options);
        peer_send(w, &client, "one\ntwo\nthree\n", 14);
        peer_shutdown(&client);
        turn_until(w, &r.probe.ended, 1);
        ck_assert_uint_eq(r.lines, 3);
        ck_assert_mem_eq(r.probe.bytes, "one\ntwo\nthree\n", 14);
        turn_until(w, &r.probe.closed, 1);
        peer_close(&client);
    }
}

static size_t take_and_lend_once(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                 size_t length)
{
    return p->shown == 1 ? take_and_lend(loop, conn, p, bytes, length)
                         : take_line(loop, conn, p, bytes, length);
}

/* The same, and the peer resets before the next turn: what it had sent is shown all the same. Wine
 * may tell the reset as an end. */
static void reset_comes_behind_what_was_resumed(world *w)
{
    for (int round = 0; round < 20; round++) {
        reader r = {.probe = {.then_data = take_and_lend_once}, .pauses = true};
        plx_conn_options options = probe_options(&r.probe);
        peer client = connect_pair(w, &r.probe, &options);
        peer_send(w, &client, "one\ntwo\n", 8);
        turn_until(w, &r.lines, 1);
        peer_reset(&client);
        turn_until(w, &r.lines, 2);
        ck_ok(plx_conn_resume(w->loop, r.conn));
        turn_until(w, &r.probe.closed, 1);
    }
}

static void end_is_nothing(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* The peer has ended in order amid a line, and then resets. Sending fails, and as nothing more can
 * arrive the connection closes: half a line, which was left, is not shown for ever. */
static void write_fails_behind_the_end(world *w)
{
    reader r = {.probe = {.then_data = take_line, .then_end = end_is_nothing}};
    plx_conn_options options = probe_options(&r.probe);
    peer client = connect_pair(w, &r.probe, &options);
    peer_send(w, &client, "half", 4);
    peer_shutdown(&client);
    turn_until(w, &r.probe.ended, 1);
    peer_reset(&client);
    uint64_t until = net_now() + patience();
    while (r.probe.closed == 0) {
        ck_assert_uint_lt(net_now(), until);
        int status = plx_conn_write(w->loop, r.probe.conn, "*", 1);
        ck_assert(status == 0 || status == PLX_EPIPE || status == PLX_ESTALE);
        turn(w);
    }
    ck_assert_int_eq(r.probe.reason, PLX_ECONNRESET);
}

static void end_and_resume(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_assert_uint_eq(plx_conn_unconsumed(loop, conn), 4);
    ck_ok(plx_conn_resume(loop, conn));
}

static size_t take_all_behind_the_end(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                      size_t length)
{
    if (p->ended == 0)
        return 0;
    ck_assert_uint_eq(length, 4);
    ck_assert_mem_eq(bytes, "half", 4);
    ck_ok(plx_conn_write(loop, conn, "taken", 5));
    ck_ok(plx_conn_shutdown(loop, conn));
    return length;
}

/* The last line lacks its newline. It is shown once more if on_end asks for it, and can be
 * answered. */
static void resume_within_on_end_shows_the_rest(world *w)
{
    probe p = {.then_data = take_all_behind_the_end, .then_end = end_and_resume};
    char got[5];
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "half", 4);
    turn_until(w, &p.shown, 1);
    peer_shutdown(&client);
    peer_receive(w, &client, got, sizeof got);
    ck_assert_mem_eq(got, "taken", 5);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(p.shown, 2);
    ck_assert_uint_eq(p.ended, 1);
    peer_close(&client);
}

/* clang-format off: a case is a line of its own, for tests/CMakeLists.txt. */
static size_t close_without_memory(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                   size_t length)
{
    (void)p;
    (void)bytes;
    (void)length;
    ck_ok(plx_conn_close(loop, conn));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    return 0;
}

static void count_memory_asked_for(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    *(uint32_t *)p->more = plx__fault_disarm(PLX__FAULT_MEMORY);
}

/* What on_data leaves when it closes the connection is nobody's: it takes no memory to keep it. */
static void what_a_closed_one_leaves_is_not_kept(world *w)
{
    uint32_t asked = UINT32_MAX;
    probe p = {
        .then_data = close_without_memory, .then_close = count_memory_asked_for, .more = &asked};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(asked, 0);
    peer_close(&client);
}

const test_case behavior_resume_cases[] = {
    CASE(resume_within_on_data_shows_the_rest),
    CASE(resume_never_calls_from_within),
    CASE(resume_of_one_that_never_paused),
    CASE(resume_for_nothing_does_not_spin),
    CASE(resume_within_on_data_while_the_queue_waits),
    CASE(pause_after_resume_within_on_data),
    CASE(resume_waits_for_the_queue),
    CASE(end_comes_behind_lines_that_wait),
    CASE(rest_that_is_shown_again_is_within_the_limit),
    CASE(resume_and_release_within_on_data),
    CASE(resume_of_an_adopted_connection),
    CASE(resume_in_the_turn_of_the_pause),
    CASE(resume_at_the_end_of_a_turn),
    CASE(reset_comes_behind_what_was_resumed),
    CASE(write_fails_behind_the_end),
    CASE(resume_within_on_end_shows_the_rest),
    CASE(what_a_closed_one_leaves_is_not_kept),
    CASES_END,
};
