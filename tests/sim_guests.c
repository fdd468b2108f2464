/* tests/sim_guests.c - owns a run: a server, its guests, and what befalls both.
 *
 * The server's rules over seeds, with tests/sim_server.c: balance, hand-over, refusal, admission,
 * limits that change, drains and loops that die are there; here are headers of the PROXY protocol,
 * connections that become others, and receive rates. A drain finishes the listeners
 * (plx_listener_finish()), here with guests in the queue: each that has connected is served. A
 * takeover by another process cannot run in a simulation: its sockets have no duplicates
 * (PLX_ENOSYS). That is in tests/behavior_takeover*.c.
 */
#include "tests/sim_guests.h"

#include <stdio.h>
#include <string.h>

#include "platform/fault.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"

enum { LOOPS_MAX = 3 };

#define HOUR_NS (3600 * PLX_SECOND)
/* The bits of plx_sim_faults that only change when things happen: short sends and receives,
 * deferred sends, late detaches, late wakes, slow steps, and short waits. */
#define SURE_FAULTS (0x3Fu | 1u << 13)

guests_scene guests;
sim_guests_counts sim_guests_count;

static plx_loop *outside; /* Of the guests. */
static char address[PLX_ADDRESS_TEXT_MAX];
static uint32_t guests_left, loops_left;
static bool has_counted;

static bool is_ipv6(const char *name)
{
    return strncmp(name, "tcp://[::1]", 11) == 0;
}

/* The listener on [::] sees an IPv4 address in another form; the port tells it. */
guest *guests_find(const char *peer)
{
    for (uint32_t i = 0; i < guests.count; i++) {
        guest *g = &guests.guests[i];
        if (g->has_begun && g->name[0] != '\0' && is_ipv6(g->name) == is_ipv6(peer) &&
            strcmp(strrchr(g->name, ':'), strrchr(peer, ':')) == 0)
            return g;
    }
    return NULL;
}

/* --- the server ------------------------------------------------------------------------------- */

static int served_turn(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx_loop_run_turn(loop, timeout_ns);
    if (status > 0 || status == PLX_EBUSY)
        return status;
    CHECK(plx_server_loop_end(guests.server, loop, status) == 0);
    loops_left--;
    return status;
}

/* Enough for any header, unless guests may fail. */
static uint64_t header_timeout_choose(void)
{
    if (guests.weather == GUESTS_WILD)
        return (20 + chance_below(400)) * PLX_MILLISECOND;
    return (guests.weather == GUESTS_SURE ? 5 : 1) * PLX_SECOND + chance_below(PLX_SECOND);
}

static void proxy_open(void)
{
    static const char *const ipv4[] = {"10.0.0.0/8", "127.0.0.0/8"};
    static const char *const ipv6[] = {"::1/128"};
    if (one_in(4))
        return;
    guests.trusts_ipv6 = one_in(3);
    guests.header_max = one_in(2) ? PLX_PROXY_HEADER_MAX + (uint32_t)chance_below(300) : 0;
    guests.header_timeout_ns = header_timeout_choose();
    plx_conn_options conn = session_options_first(true);
    plx_proxy_options options = {
        .conn = &conn,
        .on_header = session_on_header,
        .on_refused = session_on_refused,
        .trusted = guests.trusts_ipv6 ? ipv6 : ipv4,
        .trusted_count = guests.trusts_ipv6 ? 1 : 2,
        .header_max = guests.header_max,
        .header_timeout_ns = guests.header_timeout_ns,
    };
    CHECK(plx_proxy_open(&guests.proxy, &options) == 0);
}

static bool server_open(void)
{
    const uint32_t loops = 1 + (uint32_t)chance_below(LOOPS_MAX);
    const plx_server_options options = {
        .loops = loops,
        .dispatch = loops > 1 || one_in(2) ? PLX_DISPATCH_ROUND_ROBIN + (uint32_t)chance_below(2)
                                           : PLX_DISPATCH_INLINE,
        .on_draining = session_on_draining,
        .no_threads = 1,
    };
    plx_conn_options conn;
    const plx_listen_options listen = {.conn = &conn, .accept_receive_first = one_in(3)};
    proxy_open();
    if (guests.proxy != NULL)
        plx_proxy_conn_options(guests.proxy, &conn);
    else
        conn = session_options_first(false);
    if (plx_server_open(&guests.server, &options) != 0)
        return false;
    int status = PLX_ENOMEM;
    for (int tries = 0; status != 0 && tries < 100; tries++)
        status = plx_server_listen(guests.server, "tcp://[::]:0", &listen);
    return status == 0 && plx_server_address(guests.server, 0, address, sizeof address) == 0;
}

static void server_loops_add(void)
{
    plx_loop *loop;
    while ((loop = plx_server_loop(guests.server, loops_left)) != NULL) {
        CHECK(plx_sim_add_calls(guests.sim, loop, served_turn, plx_loop_next_timeout) == 0);
        loops_left++;
    }
}

static void server_stop(void)
{
    guests.was_stopped = true;
    plx_server_stop(guests.server);
}

/* Without a deadline, if what becomes of the guests is sure. */
static void server_drain(void)
{
    guests.may_cut = guests.weather == GUESTS_WILD && one_in(2);
    int status = plx_server_drain(
        guests.server, guests.may_cut ? chance_below(100) * PLX_MILLISECOND : PLX_FOREVER);
    CHECK(status == 0 || status == PLX_ECANCELED || status == PLX_ENOMEM);
    if (status == PLX_ENOMEM)
        server_stop();
}

static void server_end(void)
{
    if (guests.has_told)
        return;
    guests.has_told = true;
    if (guests.weather == GUESTS_WILD && one_in(2))
        server_stop();
    else
        server_drain();
}

static void on_befall(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    server_end();
}

/* --- guests ----------------------------------------------------------------------------------- */

static void on_over(void)
{
    if (--guests_left > 0)
        return;
    server_end();
    plx_loop_stop(outside);
}

static void on_start(plx_loop *loop, plx_timer timer, void *data)
{
    guest *g = data;
    char text[PLX_ADDRESS_TEXT_MAX];
    const bool by_ipv6 = guests.trusts_ipv6 != (g->kind == GUEST_STRANGER);
    (void)timer;
    (void)snprintf(text, sizeof text, "tcp://%s%s", by_ipv6 ? "[::1]" : "127.0.0.1",
                   strrchr(address, ':'));
    guest_start(g, loop, text, on_over);
}

static enum guest_kind kind_choose(void)
{
    const bool has_slow = guests.weather == GUESTS_CALM && guests.rate != 0;
    uint32_t kind =
        one_in(2) ? GUEST_WHOLE
                  : (uint32_t)chance_below(guests.proxy != NULL ? GUEST_KINDS : GUEST_UNWANTED);
    if ((kind == GUEST_SLOW && !has_slow) || (kind == GUEST_LONG && guests.header_max == 0))
        kind = GUEST_LEAVES;
    return (enum guest_kind)kind;
}

/* A slow one has one message, which takes it far too long. */
static void guest_make(guest *g, uint32_t number)
{
    g->number = number;
    g->kind = kind_choose();
    for (uint32_t i = 0; i < FORMS_MAX; i++)
        g->served.forms[i].of = g;
    g->message = 1 + (uint32_t)chance_below(300);
    g->payload = g->message * (1 + (uint32_t)chance_below(3));
    if (g->kind == GUEST_SLOW)
        g->payload = g->message = 5000;
    if (guests.proxy != NULL)
        guest_header_make(g);
    g->leaves_at = (uint32_t)chance_below(g->header_length + g->payload + 1);
}

static void guests_open(void)
{
    const uint32_t most = guests.limits->streams < GUESTS_MAX ? guests.limits->streams : GUESTS_MAX;
    const bool is_crowd = one_in(2); /* All at once. */
    CHECK(plx_loop_open(&outside, &(plx_loop_options){.keep_running = 1}) == 0);
    CHECK(plx_sim_add(guests.sim, outside) == 0);
    guests.count = guests_left = 1 + (uint32_t)chance_below(most);
    for (uint32_t i = 0; i < guests.count; i++) {
        guest_make(&guests.guests[i], i);
        const uint64_t after_ns = is_crowd ? 0 : chance_below(40 * PLX_MILLISECOND);
        CHECK(plx_timer_start(outside, NULL, after_ns, 0, on_start, &guests.guests[i]) == 0);
    }
    if (one_in(2))
        CHECK(plx_timer_start(outside, NULL, chance_below((is_crowd ? 12 : 60) * PLX_MILLISECOND),
                              0, on_befall, NULL) == 0);
    sim_guests_count.guests += guests.count;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void on_record(void *data, const plx_sim_record *record)
{
    (void)data;
    if (guests.limits->trace != NULL)
        guests.limits->trace(guests.limits->trace_data, record);
}

static void scene_open(uint64_t seed)
{
    plx_sim_faults faults = {0};
    guests.weather = (enum guests_weather)chance_below(3);
    if (guests.weather != GUESTS_CALM)
        faults = sim_swarm(guests.limits->faults &
                           (guests.weather == GUESTS_SURE ? SURE_FAULTS : UINT32_MAX));
    /* More often than elsewhere: what fails at a beginning is told in another way each time. */
    if (faults.no_memory != 0 && one_in(2))
        faults.no_memory = 100000;
    if (guests.weather != GUESTS_SURE && one_in(2)) {
        guests.rate = 200 + chance_below(1800);
        guests.grace_ns = (120 + chance_below(300)) * PLX_MILLISECOND;
    }
    const plx_sim_options options = {
        .seed = seed,
        .latency_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        .jitter_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        /* What is in the way may not keep guests from the rate. */
        .buffer_bytes = guests.rate == 0 && one_in(3) ? (uint32_t)(8 + chance_below(64)) : 0,
        .faults = &faults,
        .on_record = on_record,
    };
    CHECK(plx_sim_open(&guests.sim, &options) == 0);
}

/* How many there are of a kind that have connected. */
static uint64_t connected(enum guest_kind kind)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < guests.count; i++)
        count += guests.guests[i].kind == kind && guests.guests[i].has_opened;
    return count;
}

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    plx_loop_stats sum;
    (void)server;
    (void)data;
    plx_server_counts_total(counts, &sum);
    const plx_loop_stats *total = &sum;
    CHECK(total->connections_open == 0);
    CHECK(total->connections_closed == total->connections_accepted + total->connections_adopted);
    CHECK(total->slow_peers == guests.slow);
    if (guests.weather != GUESTS_WILD) {
        uint64_t all = 0;
        for (uint32_t i = 0; i < guests.count; i++)
            all += guests.guests[i].has_opened;
        CHECK(total->connections_closed + connected(GUEST_LEAVES) >= all);
        CHECK(total->connections_closed <= guests.count);
        CHECK(guests.timed_out == connected(GUEST_ENDLESS));
    }
    has_counted = true;
}

static void all_check(void)
{
    CHECK(guests_left == 0 && loops_left == 0);
    for (uint32_t i = 0; i < guests.count; i++)
        session_check(&guests.guests[i]);
    CHECK(plx_server_count(guests.server, on_count, NULL) == 0);
    CHECK(has_counted);
    sim_guests_count.timed_out += guests.timed_out;
    sim_guests_count.slow += guests.slow;
}

void sim_guests_run(uint64_t seed, const sim_limits *limits)
{
    memset(&guests, 0, sizeof guests);
    guests.limits = limits;
    guests_left = loops_left = 0;
    has_counted = false;
    chance_state = (seed + 1) * UINT64_C(0xD1342543DE82EF95) | 1;
    scene_open(seed);
    if (server_open()) {
        guests_open();
        server_loops_add();
        CHECK(plx_sim_run(guests.sim, HOUR_NS) == 0);
        all_check();
        CHECK(plx_loop_close(outside) == 0);
    }
    CHECK(plx_server_close(guests.server) == 0);
    plx_proxy_close(guests.proxy);
    CHECK(plx_sim_sockets(guests.sim) == 0);
    CHECK(plx_sim_close(guests.sim) == 0);
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
}
