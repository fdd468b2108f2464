/* tests/sim_guest.c - owns the clients' ends: what a guest sends and when, and what it gets back.
 *
 * One that keeps the receive rate waits first, at most half of what it may fall behind, and sends
 * what makes up for the wait then; the network is not so late that the other half is used up.
 */
#include <string.h>

#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_guests.h"
#include "tests/sim_pattern.h"

/* What a piece is late at the most, by the network and the timer. */
#define LATE_NS (20 * PLX_MILLISECOND)
/* One that is slow sends a byte in so many times what a byte may take. */
enum { SLOWNESS = 10, PIECE_MAX = 512 };

static void (*over)(void);

static uint64_t payload_sent(const guest *g)
{
    return g->sent > g->header_length ? g->sent - g->header_length : 0;
}

static bool has_payload(const guest *g)
{
    return g->kind == GUEST_WHOLE || g->kind == GUEST_LEAVES || g->kind == GUEST_SLOW;
}

static uint64_t total_of(const guest *g)
{
    return g->header_length + (has_payload(g) ? g->payload : 0);
}

/* Of the rest of its message, in a run with a receive rate; else of all. */
static size_t piece_bound(const guest *g)
{
    const uint64_t left = total_of(g) - g->sent;
    uint64_t bound = left < PIECE_MAX ? left : PIECE_MAX;
    if (guests.rate != 0 && g->sent >= g->header_length) {
        const uint64_t in_message = g->message - payload_sent(g) % g->message;
        bound = bound < in_message ? bound : in_message;
    }
    if (g->kind == GUEST_LEAVES && g->leaves_at - g->sent < bound)
        bound = g->leaves_at - g->sent;
    return (size_t)bound;
}

static void piece_send(plx_loop *loop, guest *g)
{
    unsigned char bytes[PIECE_MAX];
    const size_t bound = piece_bound(g);
    size_t length = g->next < bound ? g->next : bound;
    size_t of_header = g->sent < g->header_length ? g->header_length - (size_t)g->sent : 0;
    of_header = of_header < length ? of_header : length;
    memcpy(bytes, g->header + g->sent, of_header);
    if (length > of_header)
        memcpy(bytes + of_header, sim_pattern_at(g->number, payload_sent(g)), length - of_header);
    if (length > 0 && plx_conn_write(loop, g->conn, bytes, length) == 0)
        g->sent += length;
}

/* How long it waits, and how much it sends then. */
static uint64_t pause_choose(guest *g)
{
    const bool is_paced = guests.rate != 0 && g->sent >= g->header_length;
    const uint64_t byte_ns = is_paced ? PLX_SECOND / guests.rate : 0;
    g->next = 1 + (uint32_t)chance_below(one_in(3) ? PIECE_MAX : 12);
    if (g->kind == GUEST_ENDLESS)
        return chance_below((size_t)(guests.header_timeout_ns / 4));
    if (g->kind == GUEST_SLOW && is_paced) {
        g->next = 1;
        return SLOWNESS * byte_ns;
    }
    if (!is_paced)
        return chance_below(4 * PLX_MILLISECOND);
    if (payload_sent(g) > 0 && payload_sent(g) % g->message == 0)
        return chance_below((size_t)(2 * guests.grace_ns)); /* Between messages nothing is due. */
    const uint64_t wait_ns = chance_below((size_t)(guests.grace_ns / 2));
    g->next = 1 + (uint32_t)((wait_ns + LATE_NS) / byte_ns);
    return wait_ns;
}

/* It has sent all that it is to send. */
static void guest_end(plx_loop *loop, guest *g)
{
    if (g->kind == GUEST_LEAVES)
        (void)(one_in(2) ? plx_conn_close(loop, g->conn) : plx_conn_reset(loop, g->conn));
    else if (g->kind == GUEST_WHOLE || g->kind == GUEST_CUT || g->kind == GUEST_MUTE)
        (void)plx_conn_shutdown(loop, g->conn);
}

static void on_send(plx_loop *loop, plx_timer timer, void *data)
{
    guest *g = data;
    const uint64_t end = g->kind == GUEST_LEAVES ? g->leaves_at : total_of(g);
    CHECK(g->has_opened && !g->has_closed);
    piece_send(loop, g);
    if (g->sent < end)
        (void)plx_timer_restart(loop, timer, pause_choose(g));
    else
        guest_end(loop, g);
}

static void on_opened(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = data;
    CHECK(!g->has_opened && !g->has_closed);
    g->conn = conn;
    g->has_opened = true;
    CHECK(plx_timer_start(loop, &g->timer, pause_choose(g), 0, on_send, g) == 0);
}

/* Exactly what it has sent comes back. */
static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    guest *g = data;
    (void)loop;
    (void)conn;
    CHECK(g->has_opened && !g->has_closed && has_payload(g));
    CHECK(length <= SIM_PATTERN_MAX && g->got + length <= payload_sent(g));
    CHECK(memcmp(bytes, sim_pattern_at(g->number, g->got), length) == 0);
    g->got += length;
    return length;
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    guest *g = data;
    CHECK(g->has_opened && !g->has_closed);
    if (g->kind == GUEST_WHOLE && guests.weather != GUESTS_WILD)
        CHECK(g->got == g->payload);
    (void)plx_conn_finish(loop, conn, 0);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    guest *g = data;
    (void)conn;
    CHECK(!g->has_closed);
    g->has_closed = true;
    g->reason = reason;
    if (g->has_opened)
        (void)plx_timer_cancel(loop, g->timer);
    /* That of the header counts from the connection's beginning, whatever arrives meanwhile. */
    if (g->kind == GUEST_ENDLESS && g->has_opened && guests.weather == GUESTS_CALM) {
        const uint64_t passed_ns = plx_sim_now(guests.sim) - g->began_ns;
        CHECK(passed_ns >= guests.header_timeout_ns);
        CHECK(passed_ns <= guests.header_timeout_ns + 2 * LATE_NS + PLX_SECOND / 10);
    }
    over();
}

void guest_start(guest *g, plx_loop *loop, const char *address, void (*on_over)(void))
{
    const plx_conn_options options = {
        .on_open = on_opened,
        .on_data = on_data,
        .on_end = on_end,
        .on_close = on_close,
        .data = g,
        .connect_timeout_ns = 10 * PLX_SECOND,
        .idle_timeout_ns = 10 * PLX_SECOND, /* Longer than any header may take. */
    };
    over = on_over;
    g->has_begun = true;
    g->began_ns = plx_sim_now(guests.sim);
    if (plx_connect(loop, &g->conn, address, &options) != 0) {
        CHECK(guests.weather == GUESTS_WILD);
        g->has_closed = true;
        over();
    } else if (plx_conn_local(loop, g->conn, g->name, sizeof g->name) != 0) {
        g->name[0] = '\0'; /* It has failed already. */
    }
}
