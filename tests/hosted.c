/* tests/hosted.c - see tests/hosted.h. */
#include "tests/hosted.h"

#include <stdlib.h>
#include <string.h>

#ifdef _MSC_VER
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif

/* The loop that this thread has said it runs. */
static THREAD_LOCAL const hosted_loop *own;

static void add(plx__atomic_u32 *counter, uint32_t value)
{
    (void)plx__atomic_add(counter, value);
}

/* The loop that a callback is called for. */
static hosted_loop *at(plx_loop *loop)
{
    hosted_loop *l = plx_loop_data(loop);
    if (!net_is_sim() && own != l)
        add(&l->strays, 1);
    return l;
}

/* A connection's data is the loop that opened it, from then on. */
static void conn_opened(plx_loop *loop, plx_conn conn, void *data)
{
    hosted_loop *l = at(loop);
    (void)data;
    ck_ok(plx_conn_set_data(loop, conn, l));
    add(&l->opened, 1);
}

static size_t conn_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    hosted_loop *l = at(loop);
    add(&l->strays, l != data);
    add(&l->strays, plx_server_close(l->hosted->server) != PLX_EBUSY); /* In a callback. */
    if (length < l->hosted->least)
        return 0;
    add(&l->received, (uint32_t)length);
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

static void conn_closed(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    hosted_loop *l = at(loop);
    (void)conn;
    add(&l->strays, l != data);
    add(&l->cancelled, reason == PLX_ECANCELED);
    add(&l->closed, 1);
}

static int loop_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    hosted *h = data;
    hosted_loop *l = &h->loops[index];
    own = l;
    plx_loop_set_data(loop, l);
    add(&l->strays, plx_server_loop(server, index) != loop);
    add(&l->strays, plx_server_close(server) != PLX_EBUSY);
    add(&l->started, 1);
    return index + 1 == plx_server_loops(server) ? h->start_fails : 0;
}

static void loop_ended(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    hosted *h = data;
    hosted_loop *l = at(loop);
    add(&l->strays, plx_server_close(server) != PLX_EBUSY);
    add(&l->strays, l != &h->loops[index] || plx_loop_connections(loop) != 0);
    add(&l->ended, 1);
}

static uint32_t loop_choose(plx_server *server, plx_socket socket, void *data)
{
    const hosted *h = data;
    char peer_address[PLX_ADDRESS_TEXT_MAX];
    if (plx_socket_peer(socket, peer_address, sizeof peer_address) != 0 ||
        strncmp(peer_address, "tcp://127.0.0.1:", 16) != 0)
        plx_server_stop(server);
    return h->chosen;
}

static int on_admit(plx_server *server, plx_loop *loop, plx_socket socket, void *data)
{
    hosted *h = data;
    char text[PLX_ADDRESS_TEXT_MAX];
    if (plx_socket_peer(socket, text, sizeof text) != 0 || plx_server_loops(server) == 0 ||
        plx_loop_backend_name(loop) == NULL)
        return PLX_EINVAL;
    return plx__atomic_add(&h->admissions, 1) % 2 == 0 ? 0 : PLX_EACCES;
}

static int on_draining(plx_loop *loop, plx_conn conn, void *data)
{
    hosted_loop *l = at(loop);
    (void)conn;
    add(&l->strays, l != data);
    add(&l->asked, 1);
    return l->hosted->is_busy;
}

int hosted_try(world *w, hosted *h, plx_server_options options, plx_loop_options loop)
{
    loop = world_options(w, loop);
    options.loop = &loop;
    options.on_start = loop_started;
    options.on_end = loop_ended;
    options.on_choose = options.dispatch == PLX_DISPATCH_CHOSEN ? loop_choose : NULL;
    options.on_draining = h->is_asked ? on_draining : NULL;
    options.on_admit = h->admits_half ? on_admit : NULL;
    options.no_threads = net_is_sim();
    options.data = h;
    for (uint32_t i = 0; i < HOSTED_LOOPS; i++) {
        h->loops[i].hosted = h;
        h->loops[i].index = i;
    }
    int status = plx_server_open(&h->server, &options);
    if (status == 0 && h->limits != NULL)
        ck_ok(plx_server_set_limits(h->server, h->limits, NULL));
    return status;
}

plx_conn_options hosted_conn(void)
{
    return (plx_conn_options){
        .on_open = conn_opened, .on_data = conn_data, .on_close = conn_closed};
}

int hosted_listen(hosted *h, const char *address, plx_listen_options options)
{
    const plx_conn_options conn = hosted_conn();
    options.conn = &conn;
    int status = plx_server_listen(h->server, address, &options);
    return status == 0 ? plx_server_address(h->server, 0, h->address, sizeof h->address) : status;
}

void hosted_open(world *w, hosted *h, plx_server_options options, plx_loop_options loop)
{
    ck_ok(hosted_try(w, h, options, loop));
    ck_ok(hosted_listen(h, "tcp://127.0.0.1:0", (plx_listen_options){0}));
}

static void server_run(void *data)
{
    hosted *h = data;
    const uint32_t processors = plx__processors_allowed();
    h->status = plx_server_run(h->server);
    add(&h->loops[0].strays, plx__processors_allowed() != processors);
    plx__atomic_store(&h->is_over, 1);
}

/* The one that a simulation runs. */
static hosted *simulated;

/* As a thread would: when the loop is over, the server is told. */
static int simulated_turn(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx_loop_run_turn(loop, timeout_ns);
    if (status > 0)
        return status;
    ck_ok(plx_server_loop_end(simulated->server, loop, status));
    if (--simulated->running == 0)
        plx__atomic_store(&simulated->is_over, 1);
    return status;
}

void hosted_run(hosted *h)
{
    plx_loop *loop;
    if (!net_is_sim()) {
        ck_ok(plx__thread_start(&h->thread, server_run, h));
        return;
    }
    simulated = h;
    while ((loop = plx_server_loop(h->server, h->running)) != NULL) {
        net_sim_add(loop, simulated_turn);
        h->running++;
    }
}

static bool is_over(void *data)
{
    hosted *h = data;
    return plx__atomic_load(&h->is_over) != 0;
}

int hosted_wait(world *w, hosted *h)
{
    turn_until_true(w, is_over, h);
    return h->status;
}

void hosted_close(world *w, hosted *h)
{
    plx_server_stop(h->server);
    (void)hosted_wait(w, h);
    if (!net_is_sim())
        plx__thread_join(&h->thread);
    ck_ok(plx_server_close(h->server));
    ck_assert_uint_eq(hosted_count(h, strays), 0);
    ck_assert_uint_eq(hosted_count(h, opened), hosted_count(h, closed));
}

void hosted_ask(world *w, peer *p, const char *question)
{
    char answer[64];
    const size_t length = strlen(question);
    ck_assert_uint_le(length, sizeof answer);
    peer_send(w, p, question, length);
    peer_receive(w, p, answer, length);
    ck_assert_mem_eq(answer, question, length);
}

uint32_t hosted_sum(hosted *h, size_t offset)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < HOSTED_LOOPS; i++)
        sum += plx__atomic_load((plx__atomic_u32 *)(void *)((char *)&h->loops[i] + offset));
    return sum;
}

typedef struct sum_wait {
    hosted *hosted;
    size_t offset;
    uint32_t wanted;
} sum_wait;

static bool has_reached(void *data)
{
    const sum_wait *wait = data;
    return hosted_sum(wait->hosted, wait->offset) >= wait->wanted;
}

void hosted_until_at(world *w, hosted *h, size_t offset, uint32_t wanted)
{
    sum_wait wait = {h, offset, wanted};
    turn_until_true(w, has_reached, &wait);
}

void hosted_peers_open(world *w, hosted *h, peer *peers, size_t count)
{
    const uint32_t before = hosted_count(h, opened);
    for (size_t i = 0; i < count; i++) {
        peers[i] = peer_open(w, h->address);
        hosted_until(w, h, opened, before + (uint32_t)i + 1);
    }
}

void hosted_full_open(world *w, hosted *h, peer peers[2])
{
    hosted_open(w, h, (plx_server_options){.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){.connections_max = 1});
    hosted_run(h);
    hosted_peers_open(w, h, peers, 1);
    peers[1] = peer_open(w, h->address);
    hosted_until_full(w, h);
}

void hosted_peers_close(peer *peers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        peer_close(&peers[i]);
}

/* What connecting to it comes to. */
static int connect_result(world *w, const plx__address *address)
{
    peer late;
    ck_ok(net_open(&late.socket, address->family));
    int status = net_connect(late.socket, address);
    while (status == PLX_EAGAIN) {
        turn(w);
        if ((net_look(late.socket, PLX_WRITABLE) & (PLX_WRITABLE | PLX_FAILED)) != 0)
            status = net_connect_result(late.socket);
    }
    peer_close(&late);
    return status;
}

void hosted_until_refused(world *w, const char *address)
{
    plx__address to;
    int status = 0;
    ck_ok(plx__address_parse(&to, address));
    /* One that has connected a moment before the socket is closed is reset. */
    for (int tries = 0; (status == 0 || status == PLX_ECONNRESET) && tries < 1000; tries++) {
        status = connect_result(w, &to);
        turn_some(w); /* Else the server, which may fork for each, never sees its queue empty. */
    }
    ck_assert_int_eq(status, PLX_ECONNREFUSED);
}

uint64_t hosted_stat_at(hosted *h, size_t offset)
{
    plx_server_stats stats;
    uint64_t value;
    plx_server_stats_get(h->server, &stats);
    memcpy(&value, (const char *)&stats + offset, sizeof value);
    return value;
}

static bool has_stat(void *data)
{
    const sum_wait *wait = data;
    return hosted_stat_at(wait->hosted, wait->offset) >= wait->wanted;
}

void hosted_until_stat_at(world *w, hosted *h, size_t offset, uint64_t wanted)
{
    sum_wait wait = {h, offset, (uint32_t)wanted};
    turn_until_true(w, has_stat, &wait);
}

typedef struct totals {
    plx__atomic_u32 are_there;
    plx_loop_stats all;
} totals;

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    totals *t = data;
    (void)server;
    plx_server_counts_total(counts, &t->all);
    plx__atomic_store(&t->are_there, 1);
}

static bool are_there(void *data)
{
    totals *t = data;
    return plx__atomic_load(&t->are_there) != 0;
}

plx_loop_stats hosted_total(world *w, hosted *h)
{
    totals t = {0};
    ck_ok(plx_server_count(h->server, on_count, &t));
    turn_until_true(w, are_there, &t);
    return t.all;
}

void hosted_until_full(world *w, hosted *h)
{
    hosted_until_stat(w, h, accept_pauses, 1);
}
