/* tests/sim_stream.c - owns the streams of a run, both ends of each, and knows what must hold.
 *
 * Every byte written arrives once and in order, or the connection ends with an error. Each
 * connection closes once, and nothing is called after that. Bytes that arrived in time prevent a
 * timeout.
 */
#include "tests/sim_stream.h"

#include <string.h>

#include "backends/sim/sim.h"
#include "core/conn/conn.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_pattern.h"
#include "tests/sim_post.h"

#define WRITE_MAX  SIM_PATTERN_MAX
#define CONNECT_NS (5 * PLX_SECOND)
#define LATE_NS    (200 * PLX_MILLISECOND)

enum { SIDES = 2 };
enum { CLIENT, SERVER };

typedef struct end {
    plx_loop *loop;
    plx_conn conn;
    plx_timer timer;
    uint32_t id; /* Of its socket in the trace. */
    uint64_t written, seen, shown;
    uint64_t to_write;
    uint64_t lent, returned;
    uint64_t due_ns;                /* When the timer is to fire. */
    uint64_t show_tick;             /* The turn in which it was resumed, or drained. */
    uint64_t arrived_ns, closed_ns; /* By the trace. */
    uint64_t timeout_ns;            /* The shortest that arriving bytes put off; 0: none. */
    size_t send_low;
    uint64_t idle_ns, active_ns; /* It closes when it is idle for so long, from then on. */
    int reason;
    bool is_open, is_closed;
    bool is_paused;   /* By us. */
    bool is_to_show;  /* Resumed with unconsumed bytes, which on_data has not seen since. */
    bool is_refused;  /* A write was, and on_drain has not been called since. */
    bool was_reading; /* When it closed: else what arrived puts nothing off. */
    bool has_end;     /* The other's stream ended in order. */
    bool is_over;     /* It shut its side, after `written`, */
    bool is_cut;      /* or sending has failed. */
    bool is_ended;    /* By a call of ours that may lose bytes. */
    bool is_away;     /* On its way to another loop. */
} end;

typedef char address_text[PLX_ADDRESS_TEXT_MAX];

typedef struct streams {
    const sim_scene *scene;
    void (*on_closed)(void);
    end ends[SIM_STREAMS_MAX][SIDES];
    address_text names[SIM_STREAMS_MAX]; /* Of the clients. */
    uint32_t count;
    uint32_t clients_left, servers_left; /* Ends that have not closed yet. */
    uint64_t server_timeout_ns, server_idle_ns;
    size_t server_send_low;
    uint64_t received; /* Bytes, by all ends. */
    bool has_time;     /* No fault is on that has timeouts pass late. */
} streams;

static streams r;

static const unsigned char *pattern_at(const end *writer, uint64_t position)
{
    return sim_pattern_at((size_t)(writer - &r.ends[0][0]), position);
}

static end *other_of(const end *e)
{
    size_t index = (size_t)(e - &r.ends[0][0]);
    return &r.ends[index / SIDES][1 - index % SIDES];
}

/* --- what both ends do ----------------------------------------------------------------------- */

static void on_timer(plx_loop *loop, plx_timer timer, void *data);
static plx_conn_options options_make(end *e);

static void timer_set(end *e)
{
    uint64_t after_ns = chance_below(20) * PLX_MILLISECOND + chance_below(1000);
    e->due_ns = plx_loop_now(e->loop) + after_ns;
    CHECK(plx_timer_start(e->loop, &e->timer, after_ns, 0, on_timer, e) == 0);
}

static uint64_t tick_of(const end *e)
{
    plx_loop_stats stats;
    plx_loop_stats_get(e->loop, &stats);
    return stats.ticks;
}

/* Of its connection, be it open or not. */
static uint32_t flags_of(const end *e)
{
    const uint32_t slot = (uint32_t)e->conn.bits & (PLX__SLAB_MAX - 1);
    const plx__object *object = plx__slab_at(&e->loop->slabs[PLX__KIND_CONN], slot);
    return ((const plx__conn *)(const void *)object)->flags;
}

/* Reading begins anew, and so does its time; first `has_rest` is shown. */
static void resume(end *e, bool has_rest)
{
    if (has_rest || e->is_paused)
        e->active_ns = plx_sim_now(r.scene->sim);
    e->is_to_show = e->is_to_show || has_rest;
    e->is_paused = false;
    e->show_tick = tick_of(e);
    (void)plx_conn_resume(e->loop, e->conn);
}

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    end *e = data;
    (void)loop;
    (void)conn;
    (void)status;
    e->returned++;
}

static int write_some(end *e, const unsigned char *bytes, size_t length)
{
    const size_t half = length / 2;
    const plx_slice slices[] = {{bytes, half}, {bytes + half, length - half}};
    switch (chance_below(4)) {
    case 0:
        return plx_conn_writev(e->loop, e->conn, slices, 2);
    case 1: {
        int status = plx_conn_send(e->loop, e->conn, bytes, length, on_sent, e);
        e->lent += status == 0;
        return status;
    }
    default:
        return plx_conn_write(e->loop, e->conn, bytes, length);
    }
}

static void end_stream(end *e)
{
    int status;
    bool loses = true;
    if (e->is_over || e->is_ended)
        return;
    switch (chance_below(8)) {
    case 0:
        status = plx_conn_close(e->loop, e->conn);
        break;
    case 1:
        status = plx_conn_reset(e->loop, e->conn);
        break;
    case 2:
        status = plx_conn_finish(e->loop, e->conn, PLX_SECOND * (1 + chance_below(3)));
        break;
    default:
        status = plx_conn_shutdown(e->loop, e->conn);
        loses = false;
    }
    CHECK(status == 0 || status == PLX_ESTALE); /* It has failed, and on_close will say so. */
    e->is_ended = status == 0 && loses;
    e->is_over = status == 0 && !loses;
}

static void act_write(end *e)
{
    if (e->is_away)
        return;
    while (e->written < e->to_write && !e->is_over && !e->is_ended) {
        uint64_t left = e->to_write - e->written;
        size_t length = 1 + chance_below(one_in(3) ? WRITE_MAX - 1 : 500);
        length = length < left ? length : (size_t)left;
        int status = write_some(e, pattern_at(e, e->written), length);
        if (status == PLX_EPIPE)
            e->is_over = e->is_cut = true; /* Sending has failed; on_close says why. */
        e->is_refused = e->is_refused || status == PLX_ENOBUFS;
        if (status != 0)
            break;
        e->written += length;
        if (one_in(3))
            break;
    }
    if (e->written == e->to_write)
        end_stream(e);
}

static void end_closed(end *e, int reason)
{
    bool is_client = (e - &r.ends[0][0]) % SIDES == CLIENT;
    e->is_closed = true;
    e->reason = reason;
    r.clients_left -= is_client;
    r.servers_left -= !is_client;
    r.on_closed();
}

/* --- from one loop to another ---------------------------------------------------------------- */

typedef struct parcel {
    end *e;
    plx_socket socket;
    size_t length;
    unsigned char bytes[];
} parcel;

static void on_parcel(plx_loop *loop, void *data, int status)
{
    parcel *p = data;
    end *e = p->e;
    const plx_conn_options options = options_make(e);
    e->loop = loop;
    e->is_to_show = p->length > 0;
    e->show_tick = tick_of(e);
    if (status == 0)
        status = plx_conn_adopt(loop, &e->conn, p->socket, &options, p->bytes, p->length);
    if (status != 0) { /* There is no memory, or the loop closes. */
        plx_socket_close(p->socket);
        e->is_ended = true;
        end_closed(e, status);
    }
    e->is_away = false;
    plx__free(p);
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    end *e = data;
    parcel *p = plx__allocate(sizeof *p + length);
    (void)conn;
    CHECK(p != NULL && !e->is_closed);
    *p = (parcel){.e = e, .socket = socket, .length = length};
    if (length > 0)
        memcpy(p->bytes, bytes, length);
    (void)plx_timer_cancel(loop, e->timer);
    e->is_open = false;
    sim_work_count.handed_over++;
    sim_post((uint32_t)chance_below(r.scene->loop_count), on_parcel, p);
}

/* --- callbacks ------------------------------------------------------------------------------- */

static void socket_note(end *e)
{
    const plx__object *object = plx__find(e->loop, PLX__KIND_CONN, e->conn.bits);
    e->id = plx__sim_find(r.scene->sim, object->endpoint.socket)->id;
}

/* What the handle of a connection that is gone named may be another's slot by now. */
static void stale_check(plx_loop *loop)
{
    const end *gone = &r.ends[chance_below(r.count)][chance_below(SIDES)];
    if (gone->is_closed && gone->loop == loop)
        CHECK(plx_conn_write(loop, gone->conn, "?", 1) == PLX_ESTALE);
}

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    CHECK(!e->is_open && !e->is_closed);
    e->loop = loop;
    e->conn = conn;
    e->is_open = true;
    e->has_end = false; /* Handed over, it is told again. */
    e->is_refused = e->is_paused = false;
    e->closed_ns = 0;
    e->active_ns = plx_sim_now(r.scene->sim);
    socket_note(e);
    timer_set(e);
    stale_check(loop);
    act_write(e);
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    end *e = data;
    end *other = other_of(e);
    (void)conn;
    CHECK(loop == e->loop && e->is_open && !e->is_closed && !e->is_paused);
    CHECK(!e->has_end || e->seen + length == e->shown); /* What was left is shown again. */
    CHECK(e->seen + length <= other->written);
    CHECK(e->seen + length >= e->shown);
    e->shown = e->seen + length;
    e->is_to_show = false;
    for (size_t done = 0; done < length;) {
        size_t part = length - done < WRITE_MAX ? length - done : WRITE_MAX;
        CHECK(memcmp((const unsigned char *)bytes + done, pattern_at(other, e->seen + done),
                     part) == 0);
        done += part;
    }
    size_t consumed = one_in(4) ? chance_below(length + 1) : length;
    e->seen += consumed;
    r.received += consumed;
    sim_work_count.bytes += consumed;
    const uint64_t wrong =
        r.scene->limits->wrong_byte; /* Somebody tries what a failure looks like. */
    CHECK(wrong == 0 || r.received < wrong);
    if (one_in(12)) {
        e->is_paused = true;
        (void)plx_conn_pause(loop, e->conn);
    }
    if (consumed < length && one_in(2)) /* What it has just seen whole it does not see again. */
        resume(e, consumed > 0 || e->is_paused);
    if (one_in(4))
        act_write(e);
    return consumed;
}

static void on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    (void)loop;
    (void)conn;
    CHECK(e->is_open && !e->is_closed);
    e->is_refused = false;
    e->show_tick = tick_of(e); /* While the queue was high nothing was shown. */
    act_write(e);
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    end *e = data;
    (void)loop;
    (void)conn;
    CHECK(e->is_open && !e->is_closed && !e->has_end && !e->is_paused && !e->is_to_show);
    e->has_end = true;
    sim_work_count.ended++;
    if (other_of(e)->is_over && !other_of(e)->is_cut)
        CHECK(e->shown == other_of(e)->written);
    if (one_in(2))
        resume(e, plx_conn_unconsumed(e->loop, e->conn) > 0);
    if (one_in(2))
        act_write(e);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    end *e = data;
    (void)conn;
    CHECK(loop == e->loop && !e->is_closed);
    end_closed(e, reason);
    if (e->is_open)
        (void)plx_timer_cancel(loop, e->timer);
    sim_work_count.reset += reason == PLX_ECONNRESET;
    sim_work_count.refused += reason == PLX_ECONNREFUSED;
    if (reason == PLX_ETIMEDOUT && e->is_open && !e->is_ended && e->was_reading) {
        sim_work_count.timed_out++;
        CHECK(e->closed_ns >= e->arrived_ns + e->timeout_ns);
    }
    if (reason == PLX_ETIMEDOUT && !e->is_open)
        CHECK(e->closed_ns >= e->active_ns + CONNECT_NS);
}

/* Shown at the end of the turn; what was resumed there, at the end of the next one. When sending
 * fails while the queue is high, nobody is told that it is not high any more. */
static void show_check(const end *e, bool is_high)
{
    const bool is_exempt = is_high || e->is_paused || e->is_ended || e->is_away ||
                           (flags_of(e) & (PLX__CONN_OUTPUT_DEAD | PLX__CONN_CLOSED)) != 0;
    CHECK(!e->is_to_show || is_exempt || tick_of(e) <= e->show_tick + 1);
}

static void on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    end *e = data;
    const uint64_t now_ns = plx_loop_now(loop);
    (void)timer;
    CHECK(e->is_open && !e->is_closed);
    CHECK(now_ns >= e->due_ns && (now_ns <= e->due_ns + PLX_MILLISECOND || !r.has_time));
    bool is_high = plx_conn_is_high(e->loop, e->conn) != 0;
    show_check(e, is_high);
    resume(e, plx_conn_unconsumed(e->loop, e->conn) > 0);
    CHECK(!is_high || e->is_refused || plx_conn_queued(e->loop, e->conn) > e->send_low);
    bool was_told = !e->is_refused || is_high;
    act_write(e);
    if (!plx_conn_is_open(e->loop, e->conn))
        return; /* It has ended. */
    CHECK(was_told || e->is_over || e->is_ended || e->is_away);
    bool may_move = !e->is_over && !e->is_ended;
    if (may_move && one_in(30) && plx_conn_release(e->loop, e->conn) == 0)
        e->is_away = true;
    timer_set(e);
}

/* A connection that a listener has accepted: it is whose client has that name. */
static void on_accept(plx_loop *loop, plx_conn conn, void *data)
{
    address_text peer;
    (void)data;
    CHECK(plx_conn_peer(loop, conn, peer, sizeof peer) == 0);
    for (uint32_t i = 0; i < r.count; i++) {
        end *e = &r.ends[i][SERVER];
        if (strcmp(r.names[i], peer) != 0)
            continue;
        CHECK(plx_conn_set_data(loop, conn, e) == 0);
        e->timeout_ns = r.server_timeout_ns;
        e->idle_ns = r.server_idle_ns;
        e->send_low = r.server_send_low;
        r.servers_left++;
        on_open(loop, conn, e);
        return;
    }
    const bool is_known = false; /* A connection that nobody has made. */
    CHECK(is_known);
}

/* --- a run ----------------------------------------------------------------------------------- */

static plx_conn_options options_make(end *e)
{
    plx_conn_options options = {
        .on_open = on_open,
        .on_data = on_data,
        .on_drain = on_drain,
        .on_end = on_end,
        .on_close = on_close,
        .on_release = on_release,
        .data = e,
        .connect_timeout_ns = CONNECT_NS,
        .idle_timeout_ns = one_in(3) ? 50 * PLX_MILLISECOND : 20 * PLX_SECOND,
        .read_timeout_ns = one_in(3) ? 40 * PLX_MILLISECOND : 0,
        .send_high = one_in(2) ? 1 + chance_below(40000) : 0,
        .receive_limit = 64u << 20,
    };
    uint64_t timeout_ns = options.idle_timeout_ns;
    if (options.read_timeout_ns != 0 && options.read_timeout_ns < timeout_ns)
        timeout_ns = options.read_timeout_ns;
    const size_t send_low = (options.send_high != 0 ? options.send_high : 262144) / 4;
    if (e != NULL) {
        e->send_low = send_low;
        e->timeout_ns = timeout_ns;
        e->idle_ns = options.idle_timeout_ns;
    } else {
        r.server_send_low = send_low;
        r.server_timeout_ns = timeout_ns;
        r.server_idle_ns = options.idle_timeout_ns;
    }
    return options;
}

static void close_note(end *e, uint64_t time_ns)
{
    e->closed_ns = time_ns;
    e->was_reading =
        (flags_of(e) & (PLX__CONN_PAUSED_USER | PLX__CONN_PAUSED_HIGH | PLX__CONN_RELEASING)) == 0;
    if (r.has_time && e->is_open && !e->is_ended && !e->is_away)
        CHECK(time_ns <= e->active_ns + e->idle_ns + LATE_NS);
}

static bool is_activity(const char *name)
{
    return strcmp(name, "send") == 0 || strcmp(name, "receive") == 0;
}

void sim_streams_record(const plx_sim_record *record)
{
    for (uint32_t i = 0; i < r.count * SIDES && record->endpoint != 0; i++) {
        end *e = &r.ends[i / SIDES][i % SIDES];
        if (e->id != record->endpoint)
            continue;
        if (strcmp(record->name, "arrive") == 0 && record->value > 0 && e->closed_ns == 0)
            e->arrived_ns = record->time_ns;
        else if (strcmp(record->name, "detach") == 0)
            close_note(e, record->time_ns);
        else if (is_activity(record->name))
            e->active_ns = record->time_ns;
        break;
    }
}

plx_conn_options sim_streams_accept(void)
{
    plx_conn_options options = options_make(NULL);
    options.on_open = on_accept;
    return options;
}

void sim_streams_connect(const char *address)
{
    const sim_scene *scene = r.scene;
    uint32_t wanted = 1 + (uint32_t)chance_below(scene->limits->streams);
    for (; r.count < wanted; r.count++) {
        end *e = &r.ends[r.count][CLIENT];
        const plx_conn_options options = options_make(e);
        e->loop = scene->loops[chance_below(scene->loop_count)];
        e->to_write = chance_below(one_in(2) ? 2000 : scene->limits->bytes);
        r.ends[r.count][SERVER].to_write = chance_below(one_in(2) ? 2000 : scene->limits->bytes);
        if (plx_connect(e->loop, &e->conn, address, &options) != 0)
            break;
        e->active_ns = plx_sim_now(scene->sim);
        socket_note(e);
        CHECK(plx_conn_local(e->loop, e->conn, r.names[r.count], sizeof(address_text)) == 0);
        r.clients_left++;
    }
    sim_work_count.streams += r.count;
}

/* Either all of it arrived, or somebody was told of an error, or ended it before. */
static void direction_check(const end *from, const end *to)
{
    /* One may have been accepted in the turn in which all others had closed, and be open. */
    CHECK(from->lent == from->returned || !from->is_closed);
    CHECK(to->shown <= from->written);
    if (from->is_ended || to->is_ended || from->reason != 0 || to->reason != 0 ||
        !from->is_closed || !to->is_closed)
        return;
    CHECK(to->shown == from->written);
}

void sim_streams_closed_check(void)
{
    for (uint32_t i = 0; i < r.count; i++) {
        CHECK(r.ends[i][CLIENT].lent == r.ends[i][CLIENT].returned);
        CHECK(r.ends[i][SERVER].lent == r.ends[i][SERVER].returned);
    }
}

void sim_streams_check(void)
{
    for (uint32_t i = 0; i < r.count; i++) {
        direction_check(&r.ends[i][CLIENT], &r.ends[i][SERVER]);
        direction_check(&r.ends[i][SERVER], &r.ends[i][CLIENT]);
    }
}

uint32_t sim_streams_clients(void)
{
    return r.clients_left;
}

uint32_t sim_streams_servers(void)
{
    return r.servers_left;
}

void sim_streams_begin(const sim_scene *scene, void (*on_closed)(void))
{
    memset(&r, 0, sizeof r);
    r.scene = scene;
    r.on_closed = on_closed;
    r.has_time = scene->faults.slow_steps == 0 && scene->faults.no_buffers == 0;
}
