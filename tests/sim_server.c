/* tests/sim_server.c - owns a server, its clients, and what befalls it.
 *
 * Clients connect at times that chance chooses, ask, check the answers, and leave. Loops of the
 * server end one by one, or fail; it drains or stops amid all that, its limits change, its loops
 * are full, and the network and the system fail as sim_swarm() has it. Whatever happens: each
 * connection opens and closes once, on one loop; each socket that was accepted is served or
 * refused; and everything ends. If nothing befalls the server, every client gets every answer, and
 * the loops have as many as the policy says.
 */
#include "tests/sim_server.h"

#include <pollux/pollux.h>

#include <stdio.h>
#include <string.h>

#include "platform/fault.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_bounds.h"

enum { LOOPS_MAX = 5, CLIENTS_MAX = 48, ASKED_BYTES = 8 };

#define HOUR_NS (3600 * PLX_SECOND)

/* How long it may take until all loops know, and do what they know of: a late wake or two, or what
 * is still in the loops' queues. Slow steps take any time. */
#define SOON_NS (200 * PLX_MILLISECOND)

typedef struct client {
    plx_conn conn;
    uint32_t number;
    uint32_t left;  /* Requests that have no answer yet; it asks one at a time. */
    uint32_t asked; /* Among the bytes of a request. */
    bool has_begun, has_ended;
} client;

typedef struct served_loop {
    uint32_t started, ended, opened, closed;
    bool is_lost; /* Somebody has stopped it alone, */
    bool fails;   /* or its waits fail from now on. */
} served_loop;

typedef struct server_run {
    const sim_limits *limits;
    plx_sim *sim;
    plx_sim_faults faults;
    plx_server *server;
    plx_loop *outside; /* Of the clients. */
    char address[PLX_ADDRESS_TEXT_MAX];
    client clients[CLIENTS_MAX];
    uint32_t clients_count, clients_left;
    served_loop loops[LOOPS_MAX];
    uint32_t chosen;
    uint32_t loops_left;
    bool is_calm;    /* Nothing befalls the server. */
    bool is_limited; /* It has room for some connections only. */
    bool has_limits;
    bool has_room; /* A loop takes any number of connections. */
    sim_bounds bounds;
    uint32_t open_of[2]; /* Connections of each client, by its family: what was seen of them. */
    bool has_told;       /* It was told to drain or to stop. */
    bool drains_forever, was_stopped;
    uint64_t denied;
    uint64_t drained_ns, until_ns; /* When it was told to drain, and its deadline; or 0. */
    bool counted;
} server_run;

sim_server_counts sim_server_count;

static server_run s;

static bool is_past(uint64_t time_ns)
{
    return time_ns != 0 && s.faults.slow_steps == 0 && plx_sim_now(s.sim) > time_ns + SOON_NS;
}

/* --- the server ------------------------------------------------------------------------------- */

static int loop_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    (void)data;
    CHECK(plx_server_loop(server, index) == loop);
    s.loops[index].started++;
    plx_loop_set_data(loop, &s.loops[index]);
    return 0;
}

static void loop_ended(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    served_loop *l = plx_loop_data(loop);
    (void)server;
    (void)data;
    CHECK(l == &s.loops[index] && l->started == 1 && l->ended == 0);
    CHECK(plx_loop_connections(loop) == 0 && l->opened == l->closed);
    l->ended++;
}

static uint32_t loop_choose(plx_server *server, plx_socket socket, void *data)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    (void)server;
    (void)data;
    CHECK(plx_socket_local(socket, text, sizeof text) == 0);
    return s.chosen;
}

static int admit(plx_server *server, plx_loop *loop, plx_socket socket, void *data)
{
    (void)server;
    (void)loop;
    (void)socket;
    (void)data;
    const bool is_denied = one_in(8);
    s.denied += is_denied;
    return is_denied ? PLX_EACCES : 0;
}

/* Some say for a while that they are busy. */
static int draining(plx_loop *loop, plx_conn conn, void *data)
{
    served_loop *l = plx_loop_data(loop);
    CHECK(s.has_told && data == l && plx_conn_is_open(loop, conn));
    CHECK(!plx_conn_is_ending(loop, conn));
    return one_in(4) ? 0 : 1;
}

static void served_gone(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    uint32_t *open = data;
    (void)loop;
    (void)conn;
    CHECK(reason != PLX_ESLOW || s.bounds.ever.receive_rate != 0);
    --*open;
}

/* Whether the present limits hold for one that opens: none that was admitted under earlier ones is
 * on its way any more. */
static bool is_bound(void)
{
    return s.bounds.changed_ns == 0 || (s.has_room && is_past(s.bounds.changed_ns));
}

/* No client has more than it may. Those whose peer has gone are not known; they count all the same.
 */
static void client_check(plx_loop *loop, plx_conn conn)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    if (plx_conn_peer(loop, conn, text, sizeof text) != 0)
        return;
    const uint32_t client_max = is_bound() ? s.bounds.now.client_open_max : s.bounds.client_most;
    const uint32_t server_max = is_bound() ? s.bounds.now.server_open_max : s.bounds.server_most;
    uint32_t *open = &s.open_of[strncmp(text, "tcp://[::1]", 11) == 0];
    CHECK(s.bounds.now.deny_count == 0 || open == s.open_of || !is_bound());
    if (plx_conn_on_gone(loop, conn, served_gone, open) == 0)
        ++*open;
    CHECK(client_max == 0 || *open <= client_max);
    CHECK(server_max == 0 || s.open_of[0] + s.open_of[1] <= server_max);
}

static void served_opened(plx_loop *loop, plx_conn conn, void *data)
{
    served_loop *l = plx_loop_data(loop);
    CHECK(data == NULL && l->started == 1 && l->ended == 0);
    CHECK(s.is_limited || !is_past(s.drained_ns)); /* It listens no more. */
    CHECK(plx_conn_set_data(loop, conn, l) == 0);
    l->opened++;
    client_check(loop, conn);
}

static size_t served_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                          size_t length)
{
    CHECK(data == plx_loop_data(loop));
    const size_t whole = length - length % ASKED_BYTES;
    if (whole == 0 || plx_conn_write(loop, conn, bytes, whole) != 0)
        return 0;
    return whole;
}

static void served_closed(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    served_loop *l = plx_loop_data(loop);
    (void)conn;
    CHECK(data == l && l->ended == 0);
    CHECK(reason != PLX_ECANCELED || s.was_stopped || l->is_lost);
    l->closed++;
    CHECK(l->closed <= l->opened);
}

/* As a thread would: when its loop is over, the server is told. */
static int served_turn(plx_loop *loop, uint64_t timeout_ns)
{
    const served_loop *l = plx_loop_data(loop);
    int status = l != NULL && l->fails ? PLX_ENOMEM : plx_loop_run_turn(loop, timeout_ns);
    if (status > 0 || status == PLX_EBUSY)
        return status;
    CHECK(!is_past(s.until_ns));
    CHECK(plx_server_loop_end(s.server, loop, status) == 0);
    CHECK(plx_server_loop_end(s.server, loop, status) == 0);
    s.loops_left--;
    return status;
}

/* Also while it runs. */
static int bounds_set(void)
{
    return s.has_limits ? sim_bounds_set(&s.bounds, s.server, s.is_calm, plx_sim_now(s.sim)) : 0;
}

static bool server_open(void)
{
    const plx_loop_options loop = {.connections_max = one_in(4) ? 1 + (uint32_t)chance_below(4) : 0,
                                   .posts_max = one_in(3) ? 1 + (uint32_t)chance_below(3) : 0};
    const uint32_t loops = 1 + (uint32_t)chance_below(LOOPS_MAX);
    uint32_t dispatch = PLX_DISPATCH_ROUND_ROBIN + (uint32_t)chance_below(3);
    if (loops == 1 && one_in(2))
        dispatch = PLX_DISPATCH_INLINE;
    const plx_server_options options = {
        .loops = loops,
        .dispatch = dispatch,
        .loop = &loop,
        .on_start = loop_started,
        .on_end = loop_ended,
        .on_choose = dispatch == PLX_DISPATCH_CHOSEN ? loop_choose : NULL,
        .on_draining = one_in(2) ? draining : NULL,
        .on_admit = !s.is_calm && one_in(3) ? admit : NULL,
        .no_threads = 1,
    };
    const plx_conn_options conn = {
        .on_open = served_opened,
        .on_data = served_data,
        .on_close = served_closed,
        .idle_timeout_ns = 60 * PLX_SECOND,
    };
    const plx_listen_options listen = {.conn = &conn, .accept_receive_first = one_in(3)};
    s.has_limits = one_in(2);
    s.has_room = loop.connections_max == 0;
    s.is_limited = !s.has_room || s.has_limits;
    if (plx_server_open(&s.server, &options) != 0 || bounds_set() != 0)
        return false;
    int status = PLX_ENOMEM;
    for (int tries = 0; status != 0 && tries < 100; tries++)
        status = plx_server_listen(s.server, "tcp://[::]:0", &listen);
    return status == 0 && plx_server_address(s.server, 0, s.address, sizeof s.address) == 0;
}

static void server_loops_add(void)
{
    plx_loop *loop;
    while ((loop = plx_server_loop(s.server, s.loops_left)) != NULL) {
        CHECK(plx_sim_add_calls(s.sim, loop, served_turn, plx_loop_next_timeout) == 0);
        s.loops_left++;
    }
}

/* --- clients ---------------------------------------------------------------------------------- */

static void server_end(bool drains)
{
    s.has_told = true;
    if (!drains) {
        s.was_stopped = true;
        plx_server_stop(s.server);
        sim_server_count.stops++;
        return;
    }
    s.drains_forever = one_in(2);
    uint64_t deadline_ns = s.drains_forever ? PLX_FOREVER : chance_below(100) * PLX_MILLISECOND;
    s.drained_ns = plx_sim_now(s.sim);
    s.until_ns = s.drains_forever ? 0 : s.drained_ns + deadline_ns;
    int status = plx_server_drain(s.server, deadline_ns);
    CHECK(status == 0 || status == PLX_ECANCELED || status == PLX_ENOMEM);
    sim_server_count.drains++;
    if (status != PLX_ENOMEM)
        return;
    s.was_stopped = true;
    plx_server_stop(s.server);
}

/* The last one to end turns out the light. */
static void client_over(void)
{
    if (--s.clients_left > 0)
        return;
    if (!s.has_told)
        server_end(one_in(2));
    plx_loop_stop(s.outside);
}

static void client_ask(plx_loop *loop, client *c)
{
    unsigned char request[ASKED_BYTES];
    memset(request, (int)(c->number + c->left), sizeof request);
    c->asked = 0;
    if (plx_conn_write(loop, c->conn, request, sizeof request) != 0)
        (void)plx_conn_close(loop, c->conn);
}

static void client_opened(plx_loop *loop, plx_conn conn, void *data)
{
    client *c = data;
    c->conn = conn;
    c->has_begun = true;
    client_ask(loop, c);
}

static size_t client_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                          size_t length)
{
    client *c = data;
    const unsigned char *answer = bytes;
    CHECK(c->has_begun && !c->has_ended && c->left > 0);
    for (size_t i = 0; i < length; i++)
        CHECK(answer[i] == (unsigned char)(c->number + c->left));
    c->asked += (uint32_t)length;
    CHECK(c->asked <= ASKED_BYTES);
    if (c->asked < ASKED_BYTES)
        return length;
    sim_server_count.answered++;
    if (--c->left > 0)
        client_ask(loop, c);
    else if (one_in(2))
        (void)plx_conn_finish(loop, conn, 0);
    else
        (void)plx_conn_close(loop, conn);
    return length;
}

static void client_closed(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    client *c = data;
    (void)loop;
    (void)conn;
    (void)reason;
    CHECK(!c->has_ended);
    c->has_ended = true;
    CHECK(c->left == 0 || !s.is_calm);
    client_over();
}

static void client_start(plx_loop *loop, plx_timer timer, void *data)
{
    const plx_conn_options options = {
        .on_open = client_opened,
        .on_data = client_data,
        .on_close = client_closed,
        .data = data,
        .connect_timeout_ns = 10 * PLX_SECOND,
        .idle_timeout_ns = 60 * PLX_SECOND,
    };
    (void)timer;
    /* Two clients, as the limits see them. */
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)snprintf(address, sizeof address, "tcp://%s%s", one_in(2) ? "127.0.0.1" : "[::1]",
                   strrchr(s.address, ':'));
    if (plx_connect(loop, NULL, address, &options) != 0)
        client_over();
}

/* A loop that serves ends, or its waits fail; or the one that accepts ends, and the server does. */
static void loop_lose(void)
{
    const uint32_t serving = plx_server_loops(s.server);
    plx_loop *acceptor = plx_server_loop(s.server, serving);
    if (acceptor != NULL && one_in(8)) {
        s.has_told = s.was_stopped = true;
        plx_loop_stop(acceptor);
        return;
    }
    const uint32_t index = (uint32_t)chance_below(serving);
    s.loops[index].is_lost = true;
    s.loops[index].fails = one_in(2);
    plx_loop_stop(plx_server_loop(s.server, index));
    sim_server_count.lost++;
}

/* Something befalls it from a thread of its own. */
static void befall(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    if (s.has_told)
        return;
    if (s.is_calm || (s.has_limits && one_in(3))) {
        (void)bounds_set();
    } else if (one_in(2)) {
        loop_lose();
    } else {
        server_end(one_in(2));
    }
}

static void clients_open(void)
{
    CHECK(plx_loop_open(&s.outside, &(plx_loop_options){.keep_running = 1}) == 0);
    CHECK(plx_sim_add(s.sim, s.outside) == 0);
    s.clients_count =
        1 + (uint32_t)chance_below(s.limits->streams < CLIENTS_MAX / 3 ? 3 * s.limits->streams
                                                                       : CLIENTS_MAX);
    s.clients_left = s.clients_count;
    for (uint32_t i = 0; i < s.clients_count; i++) {
        s.clients[i].number = i;
        s.clients[i].left = 1 + (uint32_t)chance_below(6);
        CHECK(plx_timer_start(s.outside, NULL, chance_below(100) * PLX_MILLISECOND, 0, client_start,
                              &s.clients[i]) == 0);
    }
    for (size_t events = s.is_calm && !s.has_limits ? 0 : chance_below(4); events > 0; events--)
        CHECK(plx_timer_start(s.outside, NULL, chance_below(150) * PLX_MILLISECOND, 0, befall,
                              NULL) == 0);
    sim_server_count.clients += s.clients_count;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void on_record(void *data, const plx_sim_record *record)
{
    (void)data;
    if (s.limits->trace != NULL)
        s.limits->trace(s.limits->trace_data, record);
}

static void scene_open(uint64_t seed)
{
    s.is_calm = one_in(3);
    if (!s.is_calm)
        s.faults = sim_swarm(s.limits->faults);
    const plx_sim_options options = {
        .seed = seed,
        .latency_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        .jitter_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        .buffer_bytes = one_in(3) ? (uint32_t)(1 + chance_below(64)) : 0,
        .faults = &s.faults,
        .on_record = on_record,
    };
    CHECK(plx_sim_open(&s.sim, &options) == 0);
    s.chosen = (uint32_t)chance_below(2 * LOOPS_MAX);
}

/* With nothing else going on, each loop had as many as its policy gives it. */
static void balance_check(void)
{
    const uint32_t loops = plx_server_loops(s.server);
    uint32_t most = 0, least = UINT32_MAX, all = 0;
    for (uint32_t i = 0; i < loops; i++) {
        uint32_t opened = s.loops[i].opened;
        most = opened > most ? opened : most;
        least = opened < least ? opened : least;
        all += opened;
    }
    CHECK(all == s.clients_count);
    if (s.is_limited)
        return;
    if (plx_server_dispatch(s.server) == PLX_DISPATCH_ROUND_ROBIN)
        CHECK(most - least <= 1);
    if (plx_server_dispatch(s.server) == PLX_DISPATCH_CHOSEN)
        CHECK(s.loops[s.chosen % loops].opened == all);
}

/* What was refused was over a limit, and who has left is forgotten, unless the rate may yet matter.
 * Returns how many the limits have refused. */
static uint64_t limits_check(const plx_server_stats *stats)
{
    const plx_server_limits *bounds = &s.bounds.ever;
    CHECK(bounds->client_open_max != 0 || stats->refused_client_open == 0);
    CHECK(bounds->client_rate != 0 || stats->refused_client_rate == 0);
    CHECK(bounds->open_max_action == PLX_LIMIT_REFUSE || stats->refused_server_open == 0);
    CHECK(bounds->rate_action == PLX_LIMIT_REFUSE || stats->refused_server_rate == 0);
    CHECK(!s.is_calm || stats->refused_address == 0);
    CHECK(bounds->receive_rate != 0 || stats->slow_peers == 0);
    CHECK(stats->clients <= (bounds->client_rate != 0 ? 2 : 0));
    CHECK(s.open_of[0] == 0 && s.open_of[1] == 0);
    sim_server_count.slow += stats->slow_peers;
    sim_server_count.paused += stats->limit_pauses;
    const uint64_t over = stats->refused_address + stats->refused_client_open +
                          stats->refused_client_rate + stats->refused_server_open +
                          stats->refused_server_rate;
    sim_server_count.over += over;
    return over;
}

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    plx_server_stats stats;
    (void)data;
    plx_server_stats_get(server, &stats);
    plx_loop_stats sum, one;
    const plx_loop_stats *total = &sum;
    plx_server_counts_total(counts, &sum);
    CHECK(plx_server_counts_get(counts, plx_server_counts_loops(counts), &one) == PLX_EINVAL);
    CHECK(total->connections_open == 0);
    CHECK(total->connections_closed == total->connections_accepted + total->connections_adopted);
    /* Each socket that was accepted was served or refused. */
    const uint64_t over = limits_check(&stats);
    CHECK(total->accepts_taken + total->accepts_refused ==
          total->connections_adopted + stats.refused + stats.denied + over);
    CHECK(s.has_limits || total->accepts_taken == total->connections_adopted + stats.refused);
    CHECK(!s.is_calm || (stats.refused == 0 && stats.loops_lost == 0));
    CHECK(!s.is_calm || s.is_limited || stats.handed_on == 0);
    CHECK(!s.drains_forever || s.was_stopped || stats.connections_cut == 0);
    CHECK(stats.denied == s.denied && (s.has_limits || total->accepts_refused == s.denied));
    CHECK(stats.slow_peers == total->slow_peers);
    sim_server_count.refused += stats.refused;
    sim_server_count.handed_on += stats.handed_on;
    sim_server_count.cut += stats.connections_cut;
    s.counted = true;
}

static void all_check(void)
{
    CHECK(s.clients_left == 0);
    CHECK(s.loops_left == 0);
    for (uint32_t i = 0; i < LOOPS_MAX; i++) {
        CHECK(s.loops[i].started == s.loops[i].ended);
        CHECK(s.loops[i].opened == s.loops[i].closed);
    }
    CHECK(plx_server_count(s.server, on_count, NULL) == 0);
    CHECK(s.counted);
    if (s.is_calm)
        balance_check();
    for (uint32_t i = 0; i < s.clients_count; i++)
        sim_server_count.ended += s.clients[i].left == 0;
}

void sim_server_run(uint64_t seed, const sim_limits *limits)
{
    memset(&s, 0, sizeof s);
    s.limits = limits;
    chance_state = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    scene_open(seed);
    if (server_open()) {
        clients_open();
        server_loops_add();
        CHECK(plx_sim_run(s.sim, HOUR_NS) == 0);
        all_check();
        CHECK(plx_loop_close(s.outside) == 0);
    }
    CHECK(plx_server_close(s.server) == 0);
    CHECK(plx_sim_sockets(s.sim) == 0);
    CHECK(plx_sim_close(s.sim) == 0);
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
}
