/* tests/unit_seam.c - a backend that refuses what those of this system never do.
 *
 * It is a real one with some operations replaced. Core has to cope with all that backends/backend.h
 * allows.
 */
#include <string.h>

#include "core/conn/conn.h"
#include "core/loop.h"
#include "tests/seam.h"

extern const test_case unit_seam_cases[];

static size_t attaches;

static int attach_refuses(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    (void)backend;
    (void)endpoint;
    (void)origin;
    attaches++;
    return PLX_ENOMEM;
}

static int attach_counts(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    attaches++;
    return seam_real->attach(backend, endpoint, origin);
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

/* Nothing of what was refused is left: the same sockets are taken once the backend takes them. */
static void attaching_that_fails_leaves_nothing(world *w)
{
    plx_loop *loop = seam_loop_open(w);
    probe p = {0};
    const plx_conn_options options = probe_options(&p);
    const plx_listen_options listening = {.conn = &options};
    couple c = couple_open();
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    plx_watch watch = {0};
    plx_conn conn = {0};
    attaches = 0;
    for (int is_taken = 0; is_taken < 2; is_taken++) {
        seam.attach = is_taken != 0 ? attach_counts : attach_refuses;
        int expected = is_taken != 0 ? 0 : PLX_ENOMEM;
        ck_assert_int_eq(plx_watch_open(loop, &watch, c.ours.socket, PLX_READABLE, on_ready, NULL),
                         expected);
        if (is_taken != 0)
            ck_ok(plx_watch_close(loop, watch));
        ck_assert_int_eq(plx_conn_adopt(loop, &conn, c.theirs.socket, &options, NULL, 0), expected);
        if (is_taken != 0)
            plx__socket_disown(c.theirs.socket); /* It is the loop's. */
        ck_assert_int_eq(plx_listen(loop, NULL, "tcp://127.0.0.1:0", &listening), expected);
        ck_assert_int_eq(plx_connect(loop, &conn, address, &options), expected);
        ck_assert_uint_eq(attaches, is_taken != 0 ? 8 : 4);
        for (int turns = 0; turns < 5; turns++)
            ck_ok(plx_loop_run_once(loop, 0));
    }
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_WATCH].taken, 0);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_CONN].taken, 2);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_LISTENER].taken, 1);
    ck_assert_uint_eq(stats.sockets_lost, 0); /* No number is still taken for that of another. */
    loop->ops = seam_real;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(p.closed, 2);
    plx__socket_close(listener);
    peer_close(&c.ours);
}

static int attach_refuses_adopted(plx__backend *backend, plx__endpoint *endpoint,
                                  enum plx__origin origin)
{
    return origin == PLX__ADOPTED ? PLX_EINVAL : seam_real->attach(backend, endpoint, origin);
}

/* A socket that the backend cannot use stays its owner's, and nothing else is left of it. */
static void adopting_that_is_refused_leaves_nothing(world *w)
{
    plx_loop *loop = seam_loop_open(w);
    probe p = {.opened = 0};
    const plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    plx_conn conn = {0};
    for (int is_taken = 0; is_taken < 2; is_taken++) {
        seam.attach = is_taken != 0 ? seam_real->attach : attach_refuses_adopted;
        ck_assert_int_eq(plx_conn_adopt(loop, &conn, c.ours.socket, &options, "x", 1),
                         is_taken != 0 ? 0 : PLX_EINVAL);
        ck_assert_uint_eq(loop->slabs[PLX__KIND_CONN].taken, (uint32_t)is_taken);
        ck_assert_int_eq(conn.bits != 0, is_taken);
    }
    plx__socket_disown(c.ours.socket); /* It is the loop's. */
    for (int turns = 0; turns < 5; turns++)
        ck_ok(plx_loop_run_once(loop, 0));
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    ck_assert_uint_eq(stats.sockets_lost, 0);
    ck_assert_uint_eq(stats.connections_adopted, 1);
    ck_assert_uint_eq(p.received, 1);
    loop->ops = seam_real;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(p.closed, 1);
    peer_close(&c.theirs);
}

/* --- a backend that accepts with the first bytes -----------------------------------------------
 */

static plx__completion first;

static const plx__completion *next_brings_first_bytes(plx__backend *backend)
{
    const plx__completion *completion = seam_real->next(backend);
    if (completion == NULL || completion->kind != PLX__ACCEPTED)
        return completion;
    first = *completion;
    first.bytes = (const unsigned char *)"first";
    first.length = 5;
    return &first;
}

static void close_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_close(loop, conn));
}

static void pause_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_pause(loop, conn));
}

/* The first bytes are shown when the connection has opened; not to one that has closed in on_open,
 * and to one that has paused there when it resumes. */
static void first_bytes_come_behind_the_opening(world *w)
{
    void (*const ways[])(plx_loop *, plx_conn, probe *) = {NULL, close_at_once, pause_at_once};
    for (int way = 0; way < 3; way++) {
        world own = {.configuration = w->configuration, .backend = w->backend};
        own.loop = seam_loop_open(w);
        seam.next = next_brings_first_bytes;
        probe p = {.then_open = ways[way]};
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(&own, &p, &options);
        turn_some(&own);
        ck_assert_uint_eq(p.received, way == 0 ? 5 : 0);
        if (way == 2) {
            ck_ok(plx_conn_resume(own.loop, p.conn));
            turn_until(&own, &p.received, 5);
        }
        if (way != 1)
            ck_assert_mem_eq(p.bytes, "first", 5);
        peer_close(&client);
        turn_until(&own, &p.closed, 1);
        ck_ok(plx_loop_close(own.loop));
    }
}

/* --- a backend that had received the end before it was stopped ---------------------------------
 */

static struct early_end {
    plx__completion completion;
    bool is_told;
    size_t starts; /* Of receiving. */
} early_end;

static const plx__completion *next_brings_the_end(plx__backend *backend)
{
    const plx__completion *completion = seam_real->next(backend);
    if (completion != NULL || early_end.is_told)
        return completion;
    early_end.is_told = true;
    return &early_end.completion;
}

static size_t take_line_and_pause(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                  size_t length)
{
    (void)p;
    ck_ok(plx_conn_pause(loop, conn));
    return (size_t)((const char *)memchr(bytes, '\n', length) + 1 - (const char *)bytes);
}

/* A connection with two lines that are unconsumed, whose end the backend has. */
static couple early_end_open(world *own, const world *w, probe *p)
{
    plx_conn_options options = probe_options(p);
    couple c = couple_open();
    *own = (world){.configuration = w->configuration, .backend = w->backend};
    options.flags = PLX_CONN_PAUSED;
    own->loop = seam_loop_open(w);
    plx__socket_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(own->loop, &p->conn, c.ours.socket, &options, "one\ntwo\n", 8));
    turn_until(own, &p->opened, 1);
    early_end = (struct early_end){
        .completion = {.endpoint = &plx__conn_find(own->loop, p->conn)->object.endpoint,
                       .kind = PLX__ENDED,
                       .status = PLX_EEOF}};
    seam.next = next_brings_the_end;
    return c;
}

/* It arrives while unconsumed bytes are about to be shown, and on_data pauses again: the end waits
 * for what is left, and for the connection to be resumed. */
static void end_waits_for_one_that_pauses_again(world *w)
{
    world own;
    probe p = {.then_data = take_line_and_pause, .then_end = close_at_once};
    couple c = early_end_open(&own, w, &p);
    for (size_t received = 4; received <= 8; received += 4) {
        ck_ok(plx_conn_resume(own.loop, p.conn));
        turn_until(&own, &p.received, received);
        turn_some(&own);
        ck_assert_uint_eq(p.received, received);
        ck_assert_uint_eq(p.ended, 0);
    }
    ck_assert(early_end.is_told);
    ck_ok(plx_conn_resume(own.loop, p.conn));
    turn_until(&own, &p.closed, 1);
    ck_assert_uint_eq(p.ended, 1);
    ck_ok(plx_loop_close(own.loop));
    peer_close(&c.theirs);
}

static size_t take_line_and_rest(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                 size_t length)
{
    size_t taken = take_line_and_pause(loop, conn, p, bytes, length);
    ck_ok(plx_conn_resume(loop, conn));
    return taken;
}

static int receive_starts(plx__backend *backend, plx__endpoint *endpoint)
{
    early_end.starts++;
    return seam_real->receive_start(backend, endpoint);
}

static void nothing_at_the_end(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* After the end has arrived, pausing and resuming in on_data does not start another receive. */
static void one_that_has_ended_reads_no_more(world *w)
{
    world own;
    probe p = {.then_data = take_line_and_rest, .then_end = nothing_at_the_end};
    couple c = early_end_open(&own, w, &p);
    seam.receive_start = receive_starts;
    ck_ok(plx_conn_resume(own.loop, p.conn));
    turn_until(&own, &p.ended, 1);
    turn_some(&own);
    ck_assert_uint_eq(p.received, 8);
    ck_assert_uint_eq(p.ended, 1);
    ck_assert_uint_eq(early_end.starts, 0);
    ck_ok(plx_loop_close(own.loop));
    peer_close(&c.theirs);
}

/* --- a backend that has something to do now and then -------------------------------------------
 */

static void timer_nothing(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
}

static int accept_start_checks(plx__backend *backend, plx__endpoint *endpoint,
                               const plx__accept_config *config)
{
    ck_assert_uint_eq(config->silence_max, 10);
    return seam_real->accept_start(backend, endpoint, config);
}

/* No wait is longer than until then. And a peer may be silent for ten seconds. */
static void backend_that_is_due_is_waited_with(world *w)
{
    plx_loop *loop = seam_loop_open(w);
    const plx_listen_options options = {.accept_receive_first = 1};
    plx_listener listener;
    plx_timer timer;
    seam.accept_start = accept_start_checks;
    ck_ok(plx_listen(loop, &listener, "tcp://127.0.0.1:0", &options));
    uint64_t before = loop->report.due_ns;
    loop->report.due_ns = plx__clock_now() + 3600 * PLX_SECOND;
    ck_assert_uint_le(plx_loop_next_timeout(loop), 3600 * PLX_SECOND);
    ck_assert_uint_gt(plx_loop_next_timeout(loop), 1800 * PLX_SECOND);
    ck_ok(plx_timer_start(loop, &timer, PLX_SECOND, 0, timer_nothing, NULL));
    ck_assert_uint_le(plx_loop_next_timeout(loop), PLX_SECOND);
    loop->report.due_ns = 1;
    ck_assert_uint_eq(plx_loop_next_timeout(loop), 0);
    loop->report.due_ns = before;
    loop->ops = seam_real;
    ck_ok(plx_loop_close(loop));
}

/* --- a backend that takes sends and tells later ------------------------------------------------
 */

enum { PIECE = 3, TEXT = 20 };

/* One send at a time: the first PIECE bytes of it are sent at once, and told with the next turn. */
static struct in_flight {
    plx__completion completion;
    bool is_told;
    size_t starts, slices_most, sends, turns;
} flight;

static ptrdiff_t send_cannot_know(plx__backend *backend, plx__endpoint *endpoint,
                                  const plx__slice *slices, size_t count)
{
    (void)backend;
    (void)endpoint;
    (void)slices;
    (void)count;
    return 0;
}

static int send_start_in_pieces(plx__backend *backend, plx__endpoint *endpoint,
                                const plx__slice *slices, size_t count)
{
    unsigned char bytes[PIECE];
    size_t length = 0;
    (void)backend;
    ck_assert(flight.is_told); /* Nothing else is in flight. */
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = (const unsigned char *)slices[i].bytes;
        ck_assert_uint_gt(slices[i].length, 0);
        for (size_t n = 0; n < slices[i].length && length < PIECE; n++)
            bytes[length++] = from[n];
    }
    ck_assert_int_eq((int)plx__socket_send(endpoint->socket, bytes, length), (int)length);
    flight.completion =
        (plx__completion){.endpoint = endpoint, .kind = PLX__SENT, .length = length};
    flight.is_told = false;
    flight.starts++;
    flight.slices_most = count > flight.slices_most ? count : flight.slices_most;
    return 0;
}

static const plx__completion *next_tells_of_it(plx__backend *backend)
{
    const plx__completion *completion = seam_real->next(backend);
    if (completion != NULL || flight.is_told)
        return completion;
    flight.is_told = true;
    return &flight.completion;
}

static void count_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    ck_ok(status);
    ++*(size_t *)data;
}

/* What is written, copied and lent, goes in its order, and each byte counts once. */
static void sends_that_are_told_of_later_keep_their_order(world *w)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    world own = {.configuration = w->configuration, .backend = w->backend};
    plx_loop_stats stats;
    size_t given_back = 0;
    char got[TEXT];
    own.loop = seam_loop_open(w);
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(&own, &p, &options);
    flight = (struct in_flight){.is_told = true};
    seam.send = send_cannot_know;
    seam.send_start = send_start_in_pieces;
    seam.next = next_tells_of_it;
    ck_ok(plx_conn_write(own.loop, p.conn, text, 4));
    ck_ok(plx_conn_send(own.loop, p.conn, text + 4, 7, count_sent, &given_back));
    ck_ok(plx_conn_write(own.loop, p.conn, text + 11, TEXT - 11));
    ck_assert_uint_eq(plx_conn_queued(own.loop, p.conn), TEXT);
    ck_ok(plx_conn_shutdown(own.loop, p.conn));
    peer_receive(&own, &client, got, TEXT);
    ck_assert_mem_eq(got, text, TEXT);
    size_t count;
    ck_assert_int_eq(peer_drain(&own, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(given_back, 1);
    ck_assert_uint_eq(flight.starts, (TEXT + PIECE - 1) / PIECE);
    ck_assert_uint_gt(flight.slices_most, 1);
    plx_loop_stats_get(own.loop, &stats);
    ck_assert_uint_eq(stats.sends, flight.starts);
    ck_assert_uint_eq(stats.sent_bytes, TEXT);
    ck_assert_uint_eq(stats.queued_bytes, 0);
    ck_assert_uint_eq(stats.queued_bytes_peak, TEXT);
    peer_close(&client);
    turn_until(&own, &p.closed, 1);
    ck_ok(plx_loop_close(own.loop));
}

static ptrdiff_t send_cannot_know_at_first(plx__backend *backend, plx__endpoint *endpoint,
                                           const plx__slice *slices, size_t count)
{
    return flight.sends++ == 0 ? 0 : seam_real->send(backend, endpoint, slices, count);
}

static const plx__completion *next_tells_some_turns_later(plx__backend *backend)
{
    const plx__completion *completion = seam_real->next(backend);
    if (completion != NULL || flight.is_told || ++flight.turns < 4)
        return completion;
    flight.turns = 0;
    flight.is_told = true;
    return &flight.completion;
}

/* Corking a connection whose queue is being sent does not send it again. */
static void cork_of_what_is_in_flight_sends_nothing(world *w)
{
    world own = {.configuration = w->configuration, .backend = w->backend};
    char got[6];
    size_t count;
    own.loop = seam_loop_open(w);
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(&own, &p, &options);
    flight = (struct in_flight){.is_told = true};
    seam.send = send_cannot_know_at_first;
    seam.send_start = send_start_in_pieces;
    seam.next = next_tells_some_turns_later;
    ck_ok(plx_conn_write(own.loop, p.conn, "abcdef", 6));
    ck_ok(plx_conn_cork(own.loop, p.conn));
    ck_ok(plx_conn_shutdown(own.loop, p.conn));
    peer_receive(&own, &client, got, 6);
    ck_assert_mem_eq(got, "abcdef", 6);
    ck_assert_int_eq(peer_drain(&own, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, 0);
    peer_close(&client);
    turn_until(&own, &p.closed, 1);
    ck_ok(plx_loop_close(own.loop));
}

static ptrdiff_t send_is_counted(plx__backend *backend, plx__endpoint *endpoint,
                                 const plx__slice *slices, size_t count)
{
    ptrdiff_t sent = seam_real->send(backend, endpoint, slices, count);
    flight.sends += sent > 0;
    return sent;
}

/* A socket that has become writable is no send: only calls that took bytes count. */
static void sends_are_counted_when_they_take_bytes(world *w)
{
    enum { BYTES = 8 << 20 };
    world own = {.configuration = w->configuration, .backend = w->backend};
    plx_loop_stats stats;
    size_t count;
    own.loop = seam_loop_open(w);
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = BYTES;
    peer client = connect_pair(&own, &p, &options);
    flight = (struct in_flight){.is_told = true};
    seam.send = send_is_counted;
    ck_ok(plx_conn_write(own.loop, p.conn, plenty(), BYTES));
    ck_assert_uint_gt(plx_conn_queued(own.loop, p.conn), 0);
    ck_ok(plx_conn_shutdown(own.loop, p.conn));
    ck_assert_int_eq(peer_drain(&own, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, BYTES);
    plx_loop_stats_get(own.loop, &stats);
    ck_assert_uint_eq(stats.sends, flight.sends);
    ck_assert_uint_eq(stats.sent_bytes, BYTES);
    peer_close(&client);
    turn_until(&own, &p.closed, 1);
    ck_ok(plx_loop_close(own.loop));
}

/* --- the limit of all queues -------------------------------------------------------------------
 */

static int send_start_never_ends(plx__backend *backend, plx__endpoint *endpoint,
                                 const plx__slice *slices, size_t count)
{
    (void)backend;
    (void)endpoint;
    (void)slices;
    (void)count;
    return 0;
}

static plx_conn conn_of(plx_loop *loop, couple *c, probe *p)
{
    plx_conn conn;
    const plx_conn_options options = probe_options(p);
    *c = couple_open();
    ck_ok(plx_conn_adopt(loop, &conn, c->ours.socket, &options, NULL, 0));
    plx__socket_disown(c->ours.socket); /* It is the loop's. */
    return conn;
}

static const unsigned char many_bytes[40000];

static size_t write_too_much(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    (void)p;
    (void)bytes;
    ck_assert_int_eq(plx_conn_write(loop, conn, many_bytes, 5001), PLX_ENOBUFS);
    return length;
}

/* One whose write was refused for the loop's limit, in a callback, is told when three quarters of
 * it are in use, and not while there is a byte more. */
static void refused_ones_are_told_at_three_quarters(world *w)
{
    for (size_t more = 0; more < 2; more++) {
        world own = {.configuration = w->configuration, .backend = w->backend};
        plx_loop_options limits = world_options(w, (plx_loop_options){.queued_bytes_max = 40000});
        probe probes[3] = {[2] = {.then_data = write_too_much}};
        plx_conn conns[3];
        couple couples[3];
        ck_ok(plx_loop_open(&own.loop, &limits));
        seam_put(own.loop);
        seam.send = send_cannot_know;
        seam.send_start = send_start_never_ends;
        for (int i = 0; i < 3; i++)
            conns[i] = conn_of(own.loop, &couples[i], &probes[i]);
        turn_until(&own, &probes[2].opened, 1);
        ck_ok(plx_conn_write(own.loop, conns[0], many_bytes, 30000 + more));
        ck_ok(plx_conn_write(own.loop, conns[1], many_bytes, 5000 - more));
        peer_send(&own, &couples[2].theirs, "?", 1);
        turn_until(&own, &probes[2].received, 1);
        ck_assert_uint_eq(probes[2].drained, 0);
        ck_ok(plx_conn_close(own.loop, conns[1]));
        turn_until(&own, &probes[1].closed, 1);
        turn_some(&own);
        ck_assert_uint_eq(probes[2].drained, more == 0 ? 1 : 0);
        ck_assert_int_eq(plx_conn_is_high(own.loop, conns[2]), (int)more);
        ck_ok(plx_conn_close(own.loop, conns[2]));
        turn_until(&own, &probes[2].closed, 1);
        ck_assert_uint_eq(own.loop->starved, 0); /* Nobody waits any more to be told. */
        own.loop->ops = seam_real;
        ck_ok(plx_loop_close(own.loop));
        for (int i = 0; i < 3; i++)
            peer_close(&couples[i].theirs);
    }
}

const test_case unit_seam_cases[] = {
    CASE(backend_that_is_due_is_waited_with),
    CASE(refused_ones_are_told_at_three_quarters),
    CASE(sends_that_are_told_of_later_keep_their_order),
    CASE(cork_of_what_is_in_flight_sends_nothing),
    CASE(sends_are_counted_when_they_take_bytes),
    CASE(adopting_that_is_refused_leaves_nothing),
    CASE(end_waits_for_one_that_pauses_again),
    CASE(one_that_has_ended_reads_no_more),
    CASE(first_bytes_come_behind_the_opening),
    CASE(attaching_that_fails_leaves_nothing),
    CASES_END,
};
