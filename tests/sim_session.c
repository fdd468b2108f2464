/* tests/sim_session.c - owns the served ends: they send back what they receive, and become others.
 *
 * Each callback is that of the form which the connection has then: `data` tells. Whatever form
 * that is, bytes are shown in order, none is lost, on_end and on_close are called once.
 */
#include <string.h>

#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_guests.h"
#include "tests/sim_pattern.h"

enum { WRITE_MAX = 64, SEND_MAX_LEAST = 2 * WRITE_MAX };

static plx_conn_options options_make(session_form *form);
static void on_tick(plx_loop *loop, plx_timer timer, void *data);

/* The guest whose connection has this form, which is the present one. */
static guest *guest_of(plx_loop *loop, void *data)
{
    session_form *form = data;
    session *e = &form->of->served;
    CHECK(form == &e->forms[e->form] && loop == e->loop);
    CHECK(e->opened == 1 && e->closed == 0 && e->gone == 0);
    return form->of;
}

static uint64_t tick_of(const session *e)
{
    plx_loop_stats stats;
    plx_loop_stats_get(e->loop, &stats);
    return stats.ticks;
}

/* --- what it does at any moment --------------------------------------------------------------- */

/* Mid-message time counts; a rate begins anew, and knows nothing of the message then. No guest that
 * keeps the rate of the run falls behind what is asked for here. */
static void rate_set(guest *g)
{
    session *e = &g->served;
    if (guests.rate == 0)
        return;
    const uint64_t rate = 1 + guests.rate / (1 + chance_below(2));
    const uint64_t grace_ns = guests.grace_ns * (1 + chance_below(3));
    int status = plx_conn_set_receive_rate(e->loop, e->conn,
                                           rate < guests.rate ? rate : guests.rate, grace_ns);
    CHECK(status == 0 || status == PLX_ESTALE);
}

static void message_note(const guest *g)
{
    if (guests.rate != 0)
        (void)plx_conn_set_in_message(g->served.loop, g->served.conn,
                                      g->served.seen % g->message != 0);
}

static void session_resume(session *e)
{
    e->is_paused = false;
    e->show_tick = tick_of(e);
    (void)plx_conn_resume(e->loop, e->conn);
}

/* What is unconsumed is the next form's. */
static void session_become(guest *g, bool has_rest)
{
    session *e = &g->served;
    if (e->form + 1 == FORMS_MAX)
        return;
    const plx_conn_options options = options_make(&e->forms[e->form + 1]);
    int status = plx_conn_become(e->loop, e->conn, &options);
    CHECK(status == 0 || status == PLX_ESTALE);
    if (status != 0)
        return;
    e->form++;
    e->is_to_show = e->is_to_show || has_rest;
    e->is_paused = e->is_paused || (options.flags & PLX_CONN_PAUSED) != 0;
    e->show_tick = tick_of(e);
    sim_guests_count.forms++;
}

/* The peer has ended, and everything has been shown. */
static void session_end(session *e)
{
    if (!e->has_end || e->is_over || plx_conn_unconsumed(e->loop, e->conn) > 0)
        return;
    int status =
        one_in(2) ? plx_conn_finish(e->loop, e->conn, 0) : plx_conn_shutdown(e->loop, e->conn);
    CHECK(status == 0 || status == PLX_ESTALE);
    e->is_over = true;
}

/* A step after it became another, or was resumed, unless reading rests. */
static void show_check(const guest *g)
{
    const session *e = &g->served;
    const bool is_exempt = e->is_paused || e->is_over || g->kind != GUEST_WHOLE ||
                           guests.weather == GUESTS_WILD || plx_conn_is_high(e->loop, e->conn) != 0;
    CHECK(!e->is_to_show || is_exempt || tick_of(e) <= e->show_tick + 1);
    CHECK(!e->is_refused || e->is_over || plx_conn_is_high(e->loop, e->conn) != 0 ||
          g->kind != GUEST_WHOLE || guests.weather == GUESTS_WILD);
}

/* Where guests wait long, less happens. */
static uint64_t tick_choose(void)
{
    return chance_below((guests.rate != 0 ? 30 : 8) * PLX_MILLISECOND);
}

static void on_tick(plx_loop *loop, plx_timer timer, void *data)
{
    guest *g = data;
    session *e = &g->served;
    CHECK(e->opened == 1 && e->closed == 0);
    show_check(g);
    if (one_in(3))
        session_become(g, plx_conn_unconsumed(loop, e->conn) > 0);
    /* Between messages a byte would be due, and one that is slow would always begin anew. */
    if (one_in(4) && e->seen % g->message != 0 && g->kind != GUEST_SLOW) {
        rate_set(g);
        message_note(g);
    }
    if (!one_in(4))
        session_resume(e);
    session_end(e);
    (void)plx_timer_restart(loop, timer, tick_choose());
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void session_gone(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    guest *g = data;
    (void)conn;
    CHECK(loop == g->served.loop && g->served.closed == 1 && g->served.gone == 0);
    CHECK(reason == g->served.reason);
    g->served.gone++;
}

static void on_form_open(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = ((session_form *)data)->of;
    session *e = &g->served;
    CHECK(data == &e->forms[0] && e->opened == 0 && e->closed == 0 && e->refused == 0);
    CHECK(e->headers == (guests.proxy != NULL));
    CHECK(plx_conn_is_open(loop, conn));
    e->opened++;
    e->loop = loop;
    e->conn = conn;
    sim_guests_count.served++;
    CHECK(plx_conn_on_gone(loop, conn, session_gone, g) == 0);
    CHECK(plx_timer_start(loop, &e->timer, tick_choose(), 0, on_tick, g) == 0);
    rate_set(g);
    if (one_in(3))
        session_become(g, false); /* What came with the header is shown to that one. */
}

/* Returns how many it could send back. */
static size_t send_back(session *e, const unsigned char *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        const size_t part = length - done < WRITE_MAX ? length - done : WRITE_MAX;
        int status = plx_conn_write(e->loop, e->conn, bytes + done, part);
        if (status == PLX_EPIPE) /* Sending has failed, and on_close will tell. */
            return length;
        e->is_refused = e->is_refused || status == PLX_ENOBUFS;
        if (status != 0)
            break;
        done += part;
    }
    return done;
}

/* A guest that keeps the rate is between messages where nothing is unconsumed. */
static size_t consumed_choose(const guest *g, size_t length)
{
    const bool is_whole = guests.rate != 0 && (g->served.seen + length) % g->message == 0;
    return one_in(3) && !is_whole ? chance_below(length + 1) : length;
}

static size_t on_form_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                           size_t length)
{
    guest *g = guest_of(loop, data);
    session *e = &g->served;
    (void)conn;
    CHECK(!e->is_paused && !e->is_over && length <= SIM_PATTERN_MAX);
    CHECK(g->sent >= g->header_length + e->seen + length);
    CHECK(e->seen + length >= e->shown);
    CHECK(!e->has_end || e->seen + length == e->shown);
    CHECK(memcmp(bytes, sim_pattern_at(g->number, e->seen), length) == 0);
    e->shown = e->seen + length;
    e->is_to_show = false;
    const size_t consumed = send_back(e, bytes, consumed_choose(g, length));
    e->seen += consumed;
    message_note(g);
    if (one_in(10)) {
        e->is_paused = true;
        (void)plx_conn_pause(loop, e->conn);
    }
    if (one_in(6))
        session_become(g, consumed < length);
    return consumed;
}

static void on_form_drain(plx_loop *loop, plx_conn conn, void *data)
{
    session *e = &guest_of(loop, data)->served;
    (void)conn;
    e->is_refused = false;
    if (!e->is_paused)
        session_resume(e);
}

static void on_form_end(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = guest_of(loop, data);
    session *e = &g->served;
    (void)conn;
    CHECK(!e->has_end && !e->is_paused && !e->is_to_show && !e->is_over);
    /* Unless its own end has timed out. */
    CHECK(g->kind != GUEST_WHOLE || e->shown == g->payload ||
          (g->has_closed && guests.weather == GUESTS_WILD));
    e->has_end = true;
    if (one_in(3))
        session_become(g, plx_conn_unconsumed(loop, e->conn) > 0);
    else if (one_in(2))
        session_resume(e);
    session_end(e);
}

static void reason_check(const guest *g, int reason)
{
    CHECK(reason != PLX_ECANCELED || guests.was_stopped);
    if (reason == PLX_ESLOW)
        CHECK(guests.rate != 0 && (g->kind == GUEST_SLOW || guests.weather == GUESTS_WILD));
    guests.slow += reason == PLX_ESLOW;
    if (guests.weather == GUESTS_WILD)
        return;
    if (g->kind == GUEST_WHOLE)
        CHECK(reason == 0 && g->served.seen == g->payload && g->served.has_end + g->served.is_over);
    if (g->kind == GUEST_SLOW)
        CHECK(reason == PLX_ESLOW);
}

static void on_form_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    if (data == NULL) { /* Of a guest whose address nobody could tell. */
        CHECK(guests.nameless > 0);
        return;
    }
    guest *g = guest_of(loop, data);
    (void)conn;
    (void)plx_timer_cancel(loop, g->served.timer);
    g->served.closed++;
    g->served.reason = reason;
    reason_check(g, reason);
}

/* Options of all kinds; SEND_MAX_LEAST has room for what one write has. */
static plx_conn_options options_make(session_form *form)
{
    const size_t send_high = one_in(2) ? 1 + chance_below(200) : 0;
    const size_t send_max = 4 * send_high > SEND_MAX_LEAST ? 4 * send_high : SEND_MAX_LEAST;
    return (plx_conn_options){
        .on_open = on_form_open,
        .on_data = on_form_data,
        .on_drain = on_form_drain,
        .on_end = on_form_end,
        .on_close = on_form_close,
        .data = form,
        .idle_timeout_ns = (5 + chance_below(5)) * PLX_SECOND,
        .write_timeout_ns = one_in(2) ? 5 * PLX_SECOND : 0,
        .send_high = send_high,
        .send_max = send_high != 0 ? send_max : 0,
        .flags = (one_in(4) ? PLX_CONN_PAUSED : 0) | (one_in(4) ? PLX_CONN_READ_WHILE_HIGH : 0),
    };
}

/* --- how it begins ---------------------------------------------------------------------------- */

static guest *guest_at(const plx_loop *loop, plx_conn conn)
{
    char peer[PLX_ADDRESS_TEXT_MAX];
    guest *g = plx_conn_peer(loop, conn, peer, sizeof peer) == 0 ? guests_find(peer) : NULL;
    guests.nameless += g == NULL;
    return g;
}

/* Without a header. */
static void on_accepted(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = guest_at(loop, conn);
    CHECK(data == NULL);
    if (g == NULL) {
        (void)plx_conn_reset(loop, conn);
        return;
    }
    CHECK(plx_conn_set_data(loop, conn, &g->served.forms[0]) == 0);
    on_form_open(loop, conn, &g->served.forms[0]);
}

plx_conn_options session_options_first(bool has_headers)
{
    plx_conn_options options = options_make(NULL);
    options.flags &= ~(uint32_t)PLX_CONN_PAUSED; /* is_paused is about a form that has begun. */
    if (!has_headers)
        options.on_open = on_accepted;
    return options;
}

int session_on_header(plx_loop *loop, plx_conn conn, void **data, const plx_proxy_header *header)
{
    guest *g = guest_at(loop, conn);
    CHECK(*data == NULL && !plx_conn_is_open(loop, conn));
    if (g == NULL)
        return PLX_EACCES;
    session *e = &g->served;
    CHECK(g->kind <= GUEST_UNWANTED && e->headers == 0 && e->opened == 0 && e->refused == 0);
    CHECK(g->sent >= g->header_length || g->kind == GUEST_LEAVES);
    guest_header_check(g, header);
    e->headers++;
    sim_guests_count.headers++;
    *data = &e->forms[0];
    return g->kind == GUEST_UNWANTED ? PLX_EACCES : 0;
}

static int refusal_of(enum guest_kind kind)
{
    return kind == GUEST_STRANGER ? PLX_EACCES : (kind == GUEST_LONG ? PLX_EMSGSIZE : PLX_EPROTO);
}

/* Only the first reasons tell whose it was. */
void session_on_refused(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    CHECK(data == NULL && !plx_conn_is_open(loop, conn));
    sim_guests_count.refused++;
    guests.timed_out += reason == PLX_ETIMEDOUT;
    if (reason != PLX_EACCES && reason != PLX_EPROTO && reason != PLX_EMSGSIZE) {
        CHECK(reason != PLX_ECANCELED || guests.was_stopped);
        return;
    }
    guest *g = guest_at(loop, conn);
    if (g == NULL)
        return;
    session *e = &g->served;
    CHECK(e->opened == 0 && e->headers == 0 && e->refused == 0);
    CHECK(reason == refusal_of(g->kind));
    CHECK(g->kind >= GUEST_STRANGER || (g->kind == GUEST_LEAVES && reason == PLX_EPROTO) ||
          guests.weather == GUESTS_WILD);
    e->refused++;
    e->reason = reason;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* It is busy until it has everything. */
int session_on_draining(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = guest_of(loop, data);
    CHECK(guests.has_told && plx_conn_is_open(loop, conn) && !plx_conn_is_ending(loop, conn));
    if (g->kind != GUEST_WHOLE || g->served.seen < g->payload)
        return 1;
    g->served.is_over = true;
    return 0;
}

void session_check(const guest *g)
{
    const session *e = &g->served;
    const bool is_sure = guests.weather != GUESTS_WILD && g->has_opened;
    CHECK(e->opened == e->closed && e->opened == e->gone && e->opened + e->refused <= 1);
    CHECK(e->headers == (guests.proxy != NULL ? e->opened : 0) || g->kind == GUEST_UNWANTED);
    if (is_sure && g->kind == GUEST_WHOLE)
        CHECK(e->opened == 1 && g->got == g->payload && g->reason == 0);
    if (is_sure && g->kind == GUEST_UNWANTED)
        CHECK(e->headers == 1 && e->opened == 0 && e->refused == 0);
    if (is_sure && g->kind >= GUEST_STRANGER && g->kind != GUEST_ENDLESS && g->kind != GUEST_MUTE)
        CHECK(e->refused == 1);
    /* Either it has everything, or somebody was told of an error. */
    if (g->kind == GUEST_WHOLE && g->has_opened && g->reason == 0 && e->opened == 1 &&
        e->reason == 0 && !guests.may_cut)
        CHECK(e->seen == g->payload && g->got == g->payload);
}
