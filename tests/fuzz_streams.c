/* tests/fuzz_streams.c - owns the streams, both ends of each. */
#include "tests/fuzz_streams.h"

#include <string.h>

#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"

/* A prime, so that no lost or repeated piece of a likely size leaves the pattern as it was. */
#define PERIOD     65521u
#define LENGTH_MAX 65536u

enum { STREAMS = 12, SIDES = 2 };

enum end_kind { END_GONE, END_PLAIN, END_CONN };

typedef struct end {
    enum end_kind kind;
    plx_socket socket; /* Of a plain end. */
    plx_loop *loop;    /* Of a connection. */
    plx_conn conn;
    plx_conn_options options;
    uint64_t written; /* How many bytes the other end has to get, */
    uint64_t seen;    /* how many of the other end's it was shown, */
    uint64_t read;    /* and how many of those it consumed. */
    bool is_shut;     /* It ended its stream in order, after `written`. */
    bool is_cut;      /* It may have lost some of `written`. */
    bool has_end;     /* It saw the other end's stream end in order. */
    bool is_closing;  /* By a call of ours: any prefix may have arrived. */
    bool is_releasing;
    bool is_finishing; /* Whatever comes is discarded. */
    uint64_t lent, returned;
} end;

static end ends[STREAMS][SIDES];
static plx_loop *const *all_loops;
static const uint64_t *queued_bytes_max;
static size_t loop_count;
static int depth;
static unsigned char pattern_bytes[PERIOD + LENGTH_MAX];

fuzz_streams_counts fuzz_streams_count;

static void pattern_make(void)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < PERIOD; i++) {
        state = state * 1664525u + 1013904223u;
        pattern_bytes[i] = (unsigned char)(state >> 24);
    }
    for (size_t i = PERIOD; i < sizeof pattern_bytes; i++)
        pattern_bytes[i] = pattern_bytes[i - PERIOD];
}

static end *other_of(const end *e)
{
    size_t index = (size_t)(e - &ends[0][0]);
    return &ends[index / SIDES][1 - index % SIDES];
}

/* The two directions of a stream have other patterns. */
static const unsigned char *pattern_at(const end *writer, uint64_t position)
{
    size_t side = (size_t)(writer - &ends[0][0]) % SIDES;
    return pattern_bytes + (position + side * 4099) % PERIOD;
}

/* Whether what the other end has sent may not come, whole or in part: see
 * plx__test_loses_sends(). */
static bool may_lack_bytes(const end *e)
{
    return e->is_shut && plx__test_loses_sends();
}

/* The bytes that the end is shown, from the first that it has not consumed. */
static void input_check(end *e, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    CHECK(e->read + length >= e->seen); /* What was shown before is shown again. */
    CHECK(e->read + length <= other_of(e)->written);
    for (size_t done = 0; done < length && !may_lack_bytes(e);) {
        size_t piece = length - done < LENGTH_MAX ? length - done : LENGTH_MAX;
        CHECK(memcmp(at + done, pattern_at(other_of(e), e->read + done), piece) == 0);
        done += piece;
    }
    if (e->read + length > e->seen) {
        fuzz_streams_count.bytes += e->read + length - e->seen;
        e->seen = e->read + length;
    }
}

/* A connection that has closed for a reason which on_close is about to tell. */
static bool is_stale(const end *e)
{
    return e->kind == END_CONN && plx_conn_data(e->loop, e->conn) == NULL;
}

/* The other end's stream has ended in order, so all of it must have come, unless that end was
 * dropped amid it. */
static void end_check(end *e)
{
    const end *from = other_of(e);
    CHECK(!e->has_end);
    e->has_end = true;
    /* Without an on_end the loop shuts a connection's side when the other side has ended. */
    bool is_whole = from->is_shut || from->options.on_end == NULL;
    bool is_cut =
        from->is_closing || from->is_cut || is_stale(from) || may_lack_bytes(e) || e->is_finishing;
    CHECK(is_whole || is_cut);
    if (is_whole && !is_cut) {
        CHECK(e->seen == from->written);
        fuzz_streams_count.ended_whole++;
    }
}

static void some_calls(plx_loop *loop)
{
    if (depth > 0 || one_in(2))
        return;
    depth++;
    for (size_t i = chance_below(4); i > 0; i--)
        fuzz_streams_call(loop, 0);
    depth--;
}

static void conn_write(end *e);

/* What a callback of the connection itself writes leaves together when it returns. */
static void own_writes(end *e)
{
    depth++;
    for (size_t i = one_in(3) ? 1 + chance_below(3) : 0; i > 0 && !e->is_closing; i--)
        conn_write(e);
    depth--;
}

/* --- a connection's callbacks ------------------------------------------------------------------
 */

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    CHECK(e->kind == END_CONN && e->conn.bits == conn.bits);
    own_writes(e);
    some_calls(loop);
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    end *e = data;
    CHECK(e->kind == END_CONN && e->conn.bits == conn.bits);
    CHECK(length > 0 && !e->is_finishing);
    CHECK(!e->has_end || e->read + length == e->seen); /* After the end nothing is new. */
    input_check(e, bytes, length);
    own_writes(e);
    some_calls(loop);
    size_t consumed = one_in(4) ? chance_below(length + 1) : length;
    if (e->kind == END_CONN)
        e->read += consumed;
    return consumed;
}

static void on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    CHECK(e->kind == END_CONN && !e->is_finishing);
    fuzz_streams_count.drains++;
    if (e->options.send_low != 0)
        CHECK(plx_conn_queued(loop, conn) <= e->options.send_low);
    own_writes(e);
    some_calls(loop);
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    CHECK(e->kind == END_CONN && !e->is_finishing);
    end_check(e);
    some_calls(loop);
    if (e->kind == END_CONN && !e->is_releasing && one_in(2)) {
        (void)plx_conn_shutdown(loop, conn);
        e->is_shut = true;
    }
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    end *e = data;
    CHECK(e->kind == END_CONN && e->conn.bits == conn.bits);
    CHECK(e->lent == e->returned);
    e->kind = END_GONE;
    if (reason != 0) {
        e->is_cut = true;
    } else if (!e->is_closing) {
        /* Both sides ended in order. Without an on_end the loop has shut ours. */
        e->is_shut = true;
        if (!e->has_end)
            end_check(e);
    }
    some_calls(loop);
}

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    end *e = data;
    (void)conn;
    e->returned++;
    CHECK(status == 0 || e->is_closing || e->kind == END_CONN);
    some_calls(loop);
}

static void adopt(end *e, plx_socket socket, const void *bytes, size_t length);

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    end *e = data;
    CHECK(e->kind == END_CONN && e->conn.bits == conn.bits);
    CHECK(e->lent == e->returned);
    CHECK(plx_conn_queued(loop, conn) == 0);
    if (length > 0)
        input_check(e, bytes, length);
    else
        CHECK(e->seen == e->read);
    fuzz_streams_count.handed_over++;
    e->kind = END_GONE;
    e->has_end = false; /* Who gets the socket meets the end again. */
    if (one_in(2))
        adopt(e, socket, bytes, length);
    if (e->kind == END_GONE) {
        e->kind = END_PLAIN;
        e->socket = socket;
        e->read += length;
    }
    some_calls(loop);
}

/* --- beginning ---------------------------------------------------------------------------------
 */

static uint64_t any_timeout(void)
{
    static const uint64_t timeouts[] = {PLX_MILLISECOND, 50 * PLX_MILLISECOND, PLX_SECOND};
    return one_in(8) ? timeouts[chance_below(3)] : 0;
}

/* Queues that fill soon, most of the time. */
static plx_conn_options any_options(end *e)
{
    plx_conn_options options = {
        .on_open = one_in(4) ? NULL : on_open,
        .on_data = on_data,
        .on_drain = on_drain,
        .on_end = one_in(3) ? NULL : on_end,
        .on_close = on_close,
        .on_release = on_release,
        .data = e,
        .idle_timeout_ns = any_timeout(),
        .read_timeout_ns = any_timeout(),
        .write_timeout_ns = any_timeout(),
        .receive_limit = one_in(4) ? 1 + chance_below(100000) : 0,
        .flags = one_in(4) ? (uint32_t)chance_below(8) : 0,
    };
    if (!one_in(4)) {
        options.send_high = 1 + chance_below(100000);
        options.send_low = one_in(2) ? 1 + chance_below(options.send_high) : 0;
        options.send_max = options.send_high + chance_below(100000);
    }
    return options;
}

/* Makes the end a connection of one of the loops; it stays as it is if that fails. */
static void adopt(end *e, plx_socket socket, const void *bytes, size_t length)
{
    plx_loop *loop = all_loops[chance_below(loop_count)];
    plx_conn_options options = any_options(e);
    if (loop == NULL)
        return;
    if (plx_conn_adopt(loop, &e->conn, socket, &options, bytes, length) != 0)
        return;
    e->kind = END_CONN;
    e->loop = loop;
    e->options = options;
    e->is_releasing = e->is_finishing = false;
}

static void stream_begin(end *first, uint64_t calls)
{
    plx_socket couple[2];
    int small = (int)(one_in(4) ? 0 : 1024 + chance_below(20000));
    if (!fuzz_couple_open(couple, small, calls))
        return;
    fuzz_streams_count.streams++;
    for (int i = 0; i < 2; i++) {
        first[i] = (end){.kind = END_PLAIN, .socket = couple[i]};
        /* As what comes from elsewhere; a plain end counts as nobody's either. */
        plx__socket_disown(couple[i]);
        adopt(&first[i], couple[i], NULL, 0);
    }
}

/* --- calls -------------------------------------------------------------------------------------
 */

static size_t any_length(void)
{
    static const size_t lengths[] = {1, 2, 100, 4096, 4097, 16384, 16385, LENGTH_MAX};
    return lengths[chance_below(sizeof lengths / sizeof lengths[0])];
}

/* Whether no queue could ever hold so much. */
static bool is_too_long(const end *e, size_t length)
{
    for (size_t i = 0; i < loop_count; i++) {
        if (all_loops[i] == e->loop && queued_bytes_max[i] != 0 && length > queued_bytes_max[i])
            return true;
    }
    return length > e->options.send_max;
}

/* In one piece, or in three. */
static int any_write(const end *e, const unsigned char *bytes, size_t length)
{
    plx_slice slices[3];
    if (!one_in(4))
        return plx_conn_write(e->loop, e->conn, bytes, length);
    size_t first = chance_below(length + 1);
    size_t second = chance_below(length - first + 1);
    slices[0] = (plx_slice){bytes, first};
    slices[1] = (plx_slice){bytes + first, second};
    slices[2] = (plx_slice){bytes + first + second, length - first - second};
    return plx_conn_writev(e->loop, e->conn, slices, 3);
}

static void conn_write(end *e)
{
    size_t length = any_length();
    const unsigned char *bytes = pattern_at(e, e->written);
    bool is_sent = one_in(3);
    plx_sent_fn then = one_in(2) ? on_sent : NULL; /* The pattern lives forever. */
    if (e->is_shut)
        return; /* It would be refused. */
    /* Before: the callbacks of the other end may come from within a loop's later call only. */
    int status = is_sent ? plx_conn_send(e->loop, e->conn, bytes, length, then, e)
                         : any_write(e, bytes, length);
    if (status != 0) {
        /* PLX_ESTALE: it has closed, and on_close is to come. */
        CHECK(status == PLX_ENOBUFS || status == PLX_EPIPE || status == PLX_ENOMEM ||
              status == PLX_ESTALE || (status == PLX_EMSGSIZE && is_too_long(e, length)));
        if (status == PLX_ENOMEM &&
            is_stale(e)) { /* It closes because a part of this is on its way. */
            e->is_cut = true;
            e->written += length;
        }
        return;
    }
    e->written += length;
    e->lent += is_sent && then != NULL;
    size_t queued = plx_conn_queued(e->loop, e->conn);
    if (e->options.send_max != 0)
        CHECK(queued <= e->options.send_max);
    /* Within a callback what it wrote is counted before the system was asked to take it. */
    if (depth == 0 && e->options.send_high != 0 && queued > e->options.send_high) {
        CHECK(plx_conn_is_high(e->loop, e->conn) == 1);
        fuzz_streams_count.high++;
    }
}

/* Some, which a cork may gather. Who forgets to uncork lets the loop do it. */
static void conn_writes(end *e)
{
    bool is_corked = one_in(3) && plx_conn_cork(e->loop, e->conn) == 0;
    for (size_t i = 1 + chance_below(4); i > 0; i--)
        conn_write(e);
    if (is_corked && !one_in(8))
        (void)plx_conn_uncork(e->loop, e->conn);
}

static void conn_finish(end *e)
{
    static const uint64_t lingers[] = {0, 1, 50 * PLX_MILLISECOND, PLX_FOREVER};
    /* One that is not open yet is closed. */
    e->is_closing = !is_stale(e) && plx_conn_is_open(e->loop, e->conn) == 0;
    int status = plx_conn_finish(e->loop, e->conn, lingers[chance_below(4)]);
    CHECK(status == 0 || status == PLX_ESTALE || (status == PLX_EPIPE && e->is_releasing));
    if (status != 0)
        return;
    e->is_shut = e->is_finishing = true;
    CHECK(plx_conn_unconsumed(e->loop, e->conn) == 0);
    CHECK(plx_conn_is_high(e->loop, e->conn) == 0);
}

static void conn_call(end *e)
{
    int status;
    if (e->is_closing)
        return;
    switch (chance_below(17)) {
    case 16:
        if (one_in(8))
            conn_finish(e);
        break;
    case 0:
        (void)plx_conn_pause(e->loop, e->conn);
        break;
    case 1:
    case 2:
    case 3:
        (void)plx_conn_resume(e->loop, e->conn);
        break;
    case 4:
        if (one_in(8)) {
            e->is_closing = true;
            (void)(one_in(2) ? plx_conn_close(e->loop, e->conn) : plx_conn_reset(e->loop, e->conn));
        }
        break;
    case 5:
        if (one_in(3) && !e->is_releasing) {
            (void)plx_conn_shutdown(e->loop, e->conn);
            e->is_shut = true;
        }
        break;
    case 6:
        status = plx_conn_release(e->loop, e->conn);
        CHECK(status == 0 || status == PLX_EPIPE || status == PLX_ENOTCONN || status == PLX_ESTALE);
        e->is_releasing = e->is_releasing || status == 0;
        break;
    default:
        conn_writes(e);
        break;
    }
}

static void plain_receive(end *e)
{
    static unsigned char bytes[LENGTH_MAX];
    ptrdiff_t got = plx__socket_receive(e->socket, bytes, any_length());
    if (got > 0) {
        input_check(e, bytes, (size_t)got);
        e->read += (size_t)got;
    } else if (got == 0 && !e->has_end) {
        end_check(e);
    } else if (got < 0 && got != PLX_EAGAIN) {
        e->is_cut = true;
    }
}

static void plain_send(end *e)
{
    ptrdiff_t sent =
        e->is_shut ? 0 : plx__socket_send(e->socket, pattern_at(e, e->written), any_length());
    if (sent > 0)
        e->written += (uint64_t)sent;
    else if (sent < 0)
        e->is_cut = true;
}

static void plain_close(end *e)
{
    e->is_closing = true;
    e->kind = END_GONE;
    plx_socket_close(e->socket);
}

static void plain_call(end *e)
{
    plx_socket socket = e->socket;
    switch (chance_below(12)) {
    case 0:
        if (one_in(8))
            plain_close(e);
        break;
    case 1:
        if (one_in(4) && !e->is_shut) {
            (void)plx__socket_shutdown(e->socket);
            e->is_shut = true;
        }
        break;
    case 2:
        /* A connection that was shut cannot be told that it was: it would write on. */
        if (!e->is_shut && !e->has_end)
            adopt(e, socket, NULL, 0);
        break;
    case 3:
    case 4:
    case 5:
        plain_send(e);
        break;
    default:
        for (size_t i = 1 + chance_below(4); i > 0; i--)
            plain_receive(e);
        break;
    }
}

void fuzz_streams_call(plx_loop *loop, uint64_t calls)
{
    end *stream = ends[chance_below(STREAMS)];
    end *e = &stream[chance_below(SIDES)];
    if (stream[0].kind == END_GONE && stream[1].kind == END_GONE)
        stream_begin(stream, calls);
    else if (e->kind == END_CONN && (loop == NULL || e->loop == loop))
        conn_call(e);
    else if (e->kind == END_PLAIN)
        plain_call(e);
}

void fuzz_streams_open(plx_loop *const *loops, const uint64_t *queued_max, size_t count)
{
    queued_bytes_max = queued_max;
    if (pattern_bytes[1] == 0)
        pattern_make();
    memset(ends, 0, sizeof ends);
    all_loops = loops;
    loop_count = count;
}

void fuzz_streams_close(void)
{
    for (int i = 0; i < STREAMS; i++) {
        for (int side = 0; side < SIDES; side++) {
            end *e = &ends[i][side];
            CHECK(e->kind != END_CONN);
            CHECK(e->lent == e->returned);
            if (e->kind == END_PLAIN) {
                for (int more = 0; more < 100; more++)
                    plain_receive(e);
                plain_close(e);
            }
        }
    }
}
