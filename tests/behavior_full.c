/* tests/behavior_full.c - servers whose loops have no room, or that lack memory or descriptors:
 * clients wait, another loop takes them, or they are told. */
#include <string.h>

#include "tests/hosted.h"

extern const test_case behavior_full_cases[];

/* Two loops with room for one connection each: the third client waits until there is room. */
static void full_loops_let_clients_wait(world *w)
{
    hosted h = {0};
    peer peers[3];
    plx_server_stats stats;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){.connections_max = 1});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 2);
    peers[2] = peer_open(w, h.address); /* In the system's queue, or held. */
    peer_send(w, &peers[2], "wait", 4);
    hosted_until_full(w, &h);
    ck_assert_uint_eq(hosted_count(&h, opened), 2);
    hosted_ask(w, &peers[0], "a"); /* The others are served meanwhile. */
    peer_close(&peers[1]);
    hosted_until(w, &h, opened, 3);
    char answer[4];
    peer_receive(w, &peers[2], answer, 4);
    ck_assert_mem_eq(answer, "wait", 4);
    plx_server_stats_get(h.server, &stats);
    ck_assert_uint_eq(stats.refused, 0);
    peer_close(&peers[0]);
    peer_close(&peers[2]);
    hosted_close(w, &h);
}

/* The loop that accepts is not told when there is room, and looks: not more often than each 10 ms.
 */
static void full_server_looks_seldom(world *w)
{
    hosted h = {0};
    peer peers[2];
    hosted_full_open(w, &h, peers);
    const uint64_t before_ns = net_now();
    const uint64_t before = hosted_total(w, &h).timers_fired;
    turn_for(w, 200 * PLX_MILLISECOND);
    const uint64_t fired = hosted_total(w, &h).timers_fired - before;
    const uint64_t looks = (net_now() - before_ns) / (10 * PLX_MILLISECOND);
    ck_assert_uint_le(fired, looks + 2);
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

/* Clients that wait while all loops are full are told when the server ends. */
static void who_waits_at_the_end_is_refused(world *w)
{
    hosted h = {0};
    peer peers[2];
    size_t dropped;
    hosted_full_open(w, &h, peers);
    plx_server_stop(h.server);
    ck_ok(hosted_wait(w, &h));
    hosted_close(w, &h);
    (void)peer_drain(w, &peers[1], &dropped);
    hosted_peers_close(peers, 2);
}

/* A loop that is busy, and has no room when it is done. */
typedef struct filler {
    hosted *hosted;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__atomic_u32 is_on;
    int status;
} filler;

static void fill_amid(plx_loop *loop, void *data, int status)
{
    filler *f = data;
    plx_conn conn;
    uint64_t until = plx__clock_now() + patience();
    plx__atomic_store(&f->is_on, 1);
    while (hosted_stat(f->hosted, handed_over) == 0 && plx__clock_now() < until)
        plx__thread_yield();
    f->status = status == 0 ? plx_connect(loop, &conn, f->address, NULL) : status;
}

static bool is_filling(void *data)
{
    filler *f = data;
    return plx__atomic_load(&f->is_on) != 0;
}

/* A socket is on its way to a loop that fills up before it takes it: another loop has room. */
static void full_loop_passes_it_on(world *w)
{
    hosted h = {0};
    filler f = {.hosted = &h};
    peer p;
    if (net_is_sim())
        return; /* It has no threads. */
    plx_socket elsewhere = socket_listening(f.address);
    hosted_open(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){.connections_max = 1});
    ck_ok(plx_post(plx_server_loop(h.server, 0), fill_amid, &f));
    hosted_run(&h);
    turn_until_true(w, is_filling, &f);
    hosted_peers_open(w, &h, &p, 1);
    ck_ok(f.status);
    ck_assert_uint_eq(plx__atomic_load(&h.loops[1].opened), 1);
    hosted_ask(w, &p, "the second one");
    hosted_until_stat(w, &h, handed_on, 1);
    ck_assert_uint_eq(hosted_stat(&h, refused), 0);
    peer_close(&p);
    hosted_close(w, &h);
    net_close(elsewhere);
}

/* Connects while nobody gets memory, until the server has refused that. */
static peer refused_for_want(world *w, hosted *h)
{
    peer p;
    plx__address address;
    size_t dropped;
    ck_ok(plx__address_parse(&address, h->address));
    ck_ok(net_open(&p.socket, address.family));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    int status = net_connect(p.socket, &address);
    ck_assert(status == 0 || status == PLX_EAGAIN);
    hosted_until_stat(w, h, refused, 1);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_MEMORY), 0);
    expect_reset(peer_drain(w, &p, &dropped));
    return p;
}

/* All loops are full, and there is no memory to hold what has been accepted: the client is told. */
static void client_is_refused_who_cannot_be_held(world *w)
{
    hosted h = {0};
    peer peers[2];
    if (net_is_sim())
        return; /* Its network would lack memory, too; sim_memory.c has what is like this. */
    hosted_open(w, &h, (plx_server_options){.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){.connections_max = 1});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 1);
    peers[1] = refused_for_want(w, &h);
    hosted_ask(w, &peers[0], "and I?");
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

/* There is no memory to count the client with. */
static void client_is_refused_who_cannot_be_counted(world *w)
{
    const plx_server_limits limits = {.client_open_max = 10};
    hosted h = {.limits = &limits};
    peer p;
    if (net_is_sim())
        return; /* As above. */
    hosted_open(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_until(w, &h, started, 1);
    p = refused_for_want(w, &h);
    peer_close(&p);
    hosted_peers_open(w, &h, &p, 1);
    hosted_ask(w, &p, "now?");
    peer_close(&p);
    hosted_close(w, &h);
}

/* Three loops that lack memory: each is asked once, and the client told. Then there is memory. */
static void connection_that_no_loop_can_take_is_refused(world *w)
{
    hosted h = {0};
    if (net_is_sim())
        return; /* As above. */
    hosted_open(w, &h, (plx_server_options){.loops = 3, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){0});
    hosted_run(&h);
    hosted_until(w, &h, started, 3);
    peer p = refused_for_want(w, &h);
    /* Each is counted when the next loop may have the socket already. */
    hosted_until_stat(w, &h, handed_over, 1);
    hosted_until_stat(w, &h, handed_on, 2);
    turn_some(w);
    ck_assert_uint_eq(hosted_stat(&h, handed_over), 1);
    ck_assert_uint_eq(hosted_stat(&h, handed_on), 2);
    peer_close(&p);
    hosted_peers_open(w, &h, &p, 1);
    hosted_ask(w, &p, "and now?");
    peer_close(&p);
    hosted_close(w, &h);
}

static void on_want(plx_loop *loop, plx_listener listener, void *data, int status)
{
    plx__atomic_u32 *told = data;
    (void)loop;
    (void)listener;
    (void)status;
    (void)plx__atomic_add(told, 1);
}

static bool is_told(void *data)
{
    plx__atomic_u32 *told = data;
    return plx__atomic_load(told) > 0;
}

/* A listener that lacks descriptors calls the user's on_error with the user's data, also where the
 * server puts callbacks of its own in between. Then it accepts again. */
static void want_of_a_listener_is_told(world *w)
{
    static const uint32_t policies[] = {PLX_DISPATCH_INLINE, PLX_DISPATCH_ROUND_ROBIN};
    for (size_t i = 0; i < 2; i++) {
        hosted h = {0};
        peer p;
        plx__address address;
        plx__atomic_u32 told = {0};
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1, .dispatch = policies[i]},
                         (plx_loop_options){0}));
        ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0",
                            (plx_listen_options){.on_error = on_want, .data = &told}));
        ck_ok(plx__address_parse(&address, h.address));
        ck_ok(net_open(&p.socket, address.family));
        hosted_run(&h);
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
        int status = net_connect(p.socket, &address);
        ck_assert(status == 0 || status == PLX_EAGAIN);
        turn_until_true(w, is_told, &told);
        ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 0);
        peer_close(&p);
        hosted_peers_open(w, &h, &p, 1);
        peer_close(&p);
        hosted_close(w, &h);
    }
}

const test_case behavior_full_cases[] = {
    CASE(full_loops_let_clients_wait),
    CASE(full_server_looks_seldom),
    CASE(who_waits_at_the_end_is_refused),
    CASE(full_loop_passes_it_on),
    CASE(client_is_refused_who_cannot_be_held),
    CASE(client_is_refused_who_cannot_be_counted),
    CASE(connection_that_no_loop_can_take_is_refused),
    CASE(want_of_a_listener_is_told),
    CASES_END,
};
