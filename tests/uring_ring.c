/* tests/uring_ring.c - the life of a ring: its thread, rings that fail, and what they leave. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/hook.h"
#include "platform/os.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case uring_ring_cases[];

/* --- a thread and its ring ---------------------------------------------------------------------
 */

typedef struct owner {
    plx__thread thread;
    plx__mutex mutex;
    plx__condition changed;
    world *w;
    peer *client; /* Speaks while the ring is taken over, if it is not NULL. */
    int status;
    bool has_run;
    bool may_end;
    bool ends_first; /* Before it is gone on with what its ring held. */
} owner;

static void owner_run(void *data)
{
    owner *o = data;
    for (int i = 0; i < 3 && o->status == 0; i++)
        o->status = plx_loop_run_once(o->w->loop, 0);
    plx__mutex_lock(&o->mutex);
    o->has_run = true;
    plx__condition_signal(&o->changed);
    while (!o->may_end)
        (void)plx__condition_wait(&o->changed, &o->mutex, PLX_FOREVER);
    plx__mutex_unlock(&o->mutex);
}

/* Returns when it has taken turns; it lives on. */
static void owner_start(owner *o, world *w)
{
    *o = (owner){.w = w};
    plx__mutex_open(&o->mutex);
    plx__condition_open(&o->changed);
    ck_ok(plx__thread_start(&o->thread, owner_run, o));
    plx__mutex_lock(&o->mutex);
    while (!o->has_run)
        (void)plx__condition_wait(&o->changed, &o->mutex, PLX_FOREVER);
    plx__mutex_unlock(&o->mutex);
}

static void owner_let_end(owner *o)
{
    plx__mutex_lock(&o->mutex);
    o->may_end = true;
    plx__condition_signal(&o->changed);
    plx__mutex_unlock(&o->mutex);
}

static void owner_join(owner *o)
{
    if (!o->ends_first)
        plx__thread_join(&o->thread);
    plx__condition_close(&o->changed);
    plx__mutex_close(&o->mutex);
}

static void speak_and_let_end(enum plx__hook_step step, void *data)
{
    owner *o = data;
    if (step != PLX__HOOK_LEAVE || o->may_end)
        return;
    ck_assert_int_eq((int)plx__socket_send(o->client->socket, "lost?", 5), 5);
    owner_let_end(o);
    if (o->ends_first)
        plx__thread_join(&o->thread);
}

/* Bytes come, and the thread ends, when what its ring holds has been copied already. The kernel
 * does not receive the bytes for the thread that ends. */
static void bytes_that_come_while_a_ring_is_taken_over_are_received(world *w)
{
    enum { ROUNDS = 20 };
    for (size_t i = 0; i < ROUNDS; i++) {
        owner o;
        probe p = {.opened = 0};
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        owner_start(&o, w);
        ck_ok(o.status);
        o.client = &client;
        o.ends_first = i % 2 == 0;
        plx__hook_set(speak_and_let_end, &o);
        turn_until(w, &p.received, 5);
        plx__hook_set(NULL, NULL);
        owner_join(&o);
        ck_assert_mem_eq(p.bytes, "lost?", 5);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* A kernel that lacks deferred work has a thread's requests make progress at any time: then a
 * thread that lives keeps the loop. Others are told so, nothing is done by halves, and when it has
 * ended all goes on. */
static void without_deferred_work_a_thread_that_lives_keeps_the_loop(world *w)
{
    owner o;
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char answer[2];
    plx__fault_arm(PLX__FAULT_FEATURE, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_FEATURE), 1);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    peer client = peer_start(address);
    owner_start(&o, w);
    ck_ok(o.status);
    int before = plx__test_descriptors();
    ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_close(w->loop), PLX_EBUSY);
    ck_assert_int_eq(plx__test_descriptors(), before);
    ck_ok(plx__test_descriptor_limit(0)); /* Nobody can look whether it lives. */
    ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_EBUSY);
    ck_ok(plx__test_descriptor_limit(UINT32_MAX));
    ck_assert_uint_eq(p.closed, 0);
    owner_let_end(&o);
    owner_join(&o);
    turn_until(w, &p.opened, 1);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    ck_assert_mem_eq(answer, "hi", 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- rings that fail ---------------------------------------------------------------------------
 */

/* Somebody else has closed the ring's descriptor, and the number is another file's: the wait fails
 * once, another ring takes its place, and all that was open goes on. */
static void ring_that_fails_is_replaced(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[5];
    (void)listen_at(w, &options, address);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx__test_ring_lost());
    peer late = peer_start(address);
    ck_assert_int_eq((int)plx__socket_send(client.socket, "again", 5), 5);
    int status = 0;
    for (int i = 0; i < 3 && status == 0; i++)
        status = plx_loop_run_once(w->loop, 0);
    ck_assert_int_ne(status, 0);
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "again", 5);
    turn_until(w, &p.opened, 2);
    peer_close(&client);
    peer_close(&late);
    turn_until(w, &p.closed, 2);
}

/* The same before any thread has begun to use the ring: with the first wait, and with the requests
 * before it where they are more than the ring has room for. */
static void ring_that_fails_before_its_first_wait_is_replaced(world *w)
{
    enum { LISTENERS = 6 };
    for (uint32_t is_tiny = 0; is_tiny < 2; is_tiny++) {
        probe p = {.then_data = echo_back};
        plx_conn_options options = probe_options(&p);
        char addresses[LISTENERS][PLX_ADDRESS_TEXT_MAX];
        char answer[2];
        plx__fault_arm(PLX__FAULT_ROOM, 0, is_tiny);
        world_reopen(w, (plx_loop_options){0});
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), is_tiny);
        for (int i = 0; i < LISTENERS; i++)
            (void)listen_at(w, &options, addresses[i]);
        ck_ok(plx__test_ring_lost());
        ck_assert_int_ne(plx_loop_run_once(w->loop, 0), 0);
        for (size_t i = 0; i < LISTENERS; i++) {
            peer client = peer_open(w, addresses[i]);
            peer_send(w, &client, "hi", 2);
            peer_receive(w, &client, answer, 2);
            peer_close(&client);
            turn_until(w, &p.closed, i + 1);
        }
        ck_assert_uint_eq(counter(w, wait_failures), 1);
    }
}

/* The call that waits fails from now on. The loop closes all the same. */
static void expect_closes(world *w, int os_code)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    char address[PLX_ADDRESS_TEXT_MAX];
    char byte;
    (void)listen_at(w, &options, address);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx__test_no_entering(os_code));
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, 1);
    uint64_t until = plx__clock_now() + patience();
    while (peer_try(&client, &byte, 1) == PLX_EAGAIN)
        ck_assert_uint_lt(plx__clock_now(), until);
    peer_close(&client);
    couple_close(&c);
}

static void closes_while_waiting_fails(world *w)
{
    expect_closes(w, EIO);
}

static void closes_while_the_kernel_lacks_memory(world *w)
{
    expect_closes(w, ENOMEM);
}

static void closes_while_the_kernel_says_try_again(world *w)
{
    expect_closes(w, EAGAIN);
}

/* --- the wake ----------------------------------------------------------------------------------
 */

typedef struct flood {
    world *w;
    peer *peers;
    size_t count;
    uint32_t armings;
    size_t posts;
} flood;

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

/* Whenever the wake is armed a post is made, and before each sleep more comes than the queue of
 * completions has room for, the wake among it. */
static void flood_at_sleep(enum plx__hook_step step, void *data)
{
    flood *f = data;
    if (step == PLX__HOOK_ARM || step == PLX__HOOK_ARMED)
        ck_ok(plx_post(f->w->loop, count_post, &f->posts));
    if (step == PLX__HOOK_ARM)
        f->armings++;
    if (step != PLX__HOOK_SLEEP)
        return;
    for (size_t i = 0; i < f->count; i++)
        (void)plx__socket_send(f->peers[i].socket, "x", 1);
    ck_ok(plx_post(f->w->loop, count_post, &f->posts));
}

/* The kernel ends the poll for the wake when the queue of completions is full. It is armed anew,
 * and a post that is made around that ends the wait as any does. */
static void wake_is_armed_anew_when_completions_overflow(world *w)
{
    enum { FLOOD = 40, WAITS = 200 };
    static peer peers[FLOOD];
    flood f = {.w = w, .peers = peers, .count = FLOOD};
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < FLOOD; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    plx__hook_set(flood_at_sleep, &f);
    for (int i = 0; i < WAITS; i++)
        ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    plx__hook_set(NULL, NULL);
    ck_assert_uint_gt(f.armings, 1);
    ck_assert_uint_ge(f.posts, WAITS);
    for (size_t i = 0; i < FLOOD; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, FLOOD);
}

/* The first time only. */
static void flood_once(enum plx__hook_step step, void *data)
{
    flood *f = data;
    f->armings += step == PLX__HOOK_ARM;
    if (step != PLX__HOOK_SLEEP || f->count == 0)
        return;
    for (size_t i = 0; i < f->count; i++)
        (void)plx__socket_send(f->peers[i].socket, "x", 1);
    ck_ok(plx_post(f->w->loop, count_post, &f->posts));
    f->count = 0;
}

/* What woke the loop before does not end the wait in which the wake is armed anew. */
static void wake_that_is_armed_anew_ends_no_wait(world *w)
{
    enum { FEW = 12 }; /* And the wake: more than the queue holds, and less than one portion. */
    static peer peers[FEW];
    flood f = {.w = w, .peers = peers, .count = FEW};
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < FEW; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    turn_some(w);
    plx__hook_set(flood_once, &f);
    do
        ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    while (p.received < FEW || f.posts == 0);
    uint64_t before = plx__clock_now();
    ck_ok(plx_loop_run_once(w->loop, 40 * PLX_MILLISECOND));
    ck_assert_uint_ge(plx__clock_now() - before, 40 * PLX_MILLISECOND);
    plx__hook_set(NULL, NULL);
    ck_assert_uint_gt(f.armings, 0);
    for (size_t i = 0; i < FEW; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, FEW);
}

/* --- what must come back -----------------------------------------------------------------------
 */

static size_t close_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    (void)p;
    (void)bytes;
    ck_ok(plx_conn_close(loop, conn));
    return length;
}

/* What so many connections say at once is received in few turns: there is a buffer for each. */
static void expect_buffers(world *w)
{
    enum { PEERS = 100, TURNS = 30 };
    static peer peers[PEERS];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    turn_some(w);
    for (size_t i = 0; i < PEERS; i++)
        ck_assert_int_eq((int)plx__socket_send(peers[i].socket, "x", 1), 1);
    uint64_t before = counter(w, ticks);
    turn_until(w, &p.received, PEERS);
    ck_assert_uint_le(counter(w, ticks), before + TURNS);
    for (size_t i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, PEERS);
}

/* Connections close with pieces that they were not shown yet, more of them than there are buffers.
 */
static void buffers_come_back_from_connections_that_close(world *w)
{
    enum { ROUNDS = 200, BULK = 100000 };
    static unsigned char bulk[BULK];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < ROUNDS; i++) {
        peer client = peer_open(w, address);
        size_t shown = p.shown;
        (void)plx__socket_send(client.socket, bulk, sizeof bulk);
        p.then_data = i % 2 == 0 ? close_on_data : NULL;
        while (p.shown == shown)
            turn(w);
        if (i % 2 == 1) /* Others than the one that was shown are held by now. */
            ck_ok(plx_conn_close(w->loop, p.conn));
        turn_until(w, &p.closed, i + 1);
        peer_close(&client);
    }
    expect_buffers(w);
}

/* Connections that the kernel has accepted are closed with their listener, and with the loop. */
static void accepted_sockets_are_closed_with_their_listener(world *w)
{
    enum { PEERS = 100, ROUNDS = 5 };
    static peer peers[PEERS];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    turn_some(w);
    for (int round = 0; round < ROUNDS; round++) {
        int before = plx__test_descriptors();
        plx_loop *loop = world_loop_open(w);
        plx_listen_options listen = {.conn = &options};
        plx_listener listener;
        char address[PLX_ADDRESS_TEXT_MAX];
        ck_ok(plx_listen(loop, &listener, "tcp://127.0.0.1:0", &listen));
        ck_ok(plx_listener_address(loop, listener, address, sizeof address));
        ck_ok(plx_loop_run_once(loop, 0));
        for (int i = 0; i < PEERS; i++)
            peers[i] = peer_start(address);
        if (round > 0)
            ck_ok(plx_loop_run_once(loop, 0)); /* 64 are delivered, and the others held. */
        if (round > 1)
            ck_ok(plx_listener_close(loop, listener));
        if (round > 2)
            ck_ok(plx_loop_run_once(loop, 0));
        ck_ok(plx_loop_close(loop));
        for (int i = 0; i < PEERS; i++)
            peer_close(&peers[i]);
        ck_assert_int_eq(plx__test_descriptors(), before);
    }
    ck_assert_uint_eq(p.closed, p.opened);
}

/* --- limits ------------------------------------------------------------------------------------
 */

/* Where no backend was named, one that has no memory is passed over. */
static void another_backend_takes_the_place_of_one_without_memory(world *w)
{
    enum { ALLOCATIONS = 8 };
    uint32_t others = 0;
    (void)w;
    ck_assert_int_eq(unsetenv("POLLUX_BACKEND"), 0);
    for (uint32_t i = 0; i < ALLOCATIONS; i++) {
        plx_loop *loop;
        plx__fault_arm(PLX__FAULT_MEMORY, i, 1);
        int status = plx_loop_open(&loop, NULL);
        (void)plx__fault_disarm(PLX__FAULT_MEMORY);
        if (status == 0)
            others += strcmp(plx_loop_backend_name(loop), plx_backend_default()) != 0;
        else
            ck_assert_int_eq(status, PLX_ENOMEM);
        ck_ok(plx_loop_close(loop));
    }
    ck_assert_uint_gt(others, 0);
}

/* Some kernels count a ring as locked memory. Those that do refuse it, with words for it. */
static void limit_of_locked_memory_is_told(world *w)
{
    plx_loop *loop;
    ck_ok(plx__test_memory_lock_limit(4096));
    int status = plx_loop_open(&loop, &(plx_loop_options){.backend = w->backend});
    ck_assert(status == 0 || status == PLX_ENOMEM);
    ck_ok(plx_loop_close(loop));
    ck_assert_ptr_nonnull(strstr(plx_backend_needs(w->backend), "RLIMIT_MEMLOCK"));
    ck_ok(plx_loop_open(&loop, &(plx_loop_options){.backend = "poll"}));
    ck_ok(plx_loop_close(loop));
}

/* --- restarts ----------------------------------------------------------------------------------
 */

typedef struct server {
    const char *backend;
    char address[PLX_ADDRESS_TEXT_MAX];
} server;

static size_t serve_echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                         size_t length)
{
    (void)data;
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

/* In a process of its own, until that is killed. */
static void serve(void *data)
{
    const server *s = data;
    plx_loop *loop;
    const plx_loop_options options = {.backend = s->backend};
    const plx_listen_options listen = {.conn = &(plx_conn_options){.on_data = serve_echo}};
    int status = plx_loop_open(&loop, &options);
    if (status == 0)
        status = plx_listen(loop, NULL, s->address, &listen);
    if (status == 0)
        status = plx_loop_run(loop);
    (void)status; /* Whatever it is, the case finds nobody to answer. */
}

/* Whether the server has answered, or there is none yet. */
static bool is_answered(const char *address)
{
    plx__address parsed;
    peer client;
    char answer;
    ck_ok(plx__address_parse(&parsed, address));
    ck_ok(plx__socket_open(&client.socket, parsed.family));
    int status = plx__socket_connect(client.socket, &parsed);
    if (status == PLX_EAGAIN) {
        plx__poll_entry entry = {.fd = client.socket, .events = PLX__POLL_WRITE};
        (void)plx__poll(&entry, 1, patience());
        status = plx__socket_connect_result(client.socket);
    }
    if (status == 0 && plx__socket_send(client.socket, "?", 1) == 1) {
        plx__poll_entry entry = {.fd = client.socket, .events = PLX__POLL_READ};
        (void)plx__poll(&entry, 1, patience());
        status = peer_try(&client, &answer, 1) == 1 ? 0 : PLX_EEOF;
    }
    peer_close(&client);
    return status == 0;
}

/* A server that is killed leaves its address for some ms, or more on a busy machine: the next one
 * gets it all the same, most often with the first call. */
static void expect_restarts(world *w, const char *address)
{
    enum { ROUNDS = 10 };
    int at_once = 0;
    server s = {.backend = w->backend};
    plx_listener listener;
    ck_ok(plx_listen(w->loop, &listener, address, NULL));
    ck_ok(plx_listener_address(w->loop, listener, s.address, sizeof s.address));
    ck_ok(plx_listener_close(w->loop, listener));
    for (int i = 0; i < ROUNDS; i++) {
        int process = plx__test_process_start(serve, &s);
        uint64_t until = plx__clock_now() + patience();
        ck_assert_int_gt(process, 0);
        while (!is_answered(s.address))
            ck_assert_uint_lt(plx__clock_now(), until);
        plx__test_process_kill(process);
        int status = plx_listen(w->loop, &listener, s.address, NULL);
        at_once += status == 0;
        while (status == PLX_EADDRINUSE && plx__clock_now() < until)
            status = plx_listen(w->loop, &listener, s.address, NULL);
        ck_ok(status);
        ck_ok(plx_listener_close(w->loop, listener));
    }
    ck_assert_int_gt(at_once, ROUNDS / 2);
}

static void listens_at_the_port_of_a_killed_process(world *w)
{
    expect_restarts(w, "tcp://127.0.0.1:0");
}

static void listens_at_the_path_of_a_killed_process(world *w)
{
    char address[64];
    (void)snprintf(address, sizeof address, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    expect_restarts(w, address);
}

const test_case uring_ring_cases[] = {
    CASE(bytes_that_come_while_a_ring_is_taken_over_are_received),
    CASE(without_deferred_work_a_thread_that_lives_keeps_the_loop),
    CASE(ring_that_fails_is_replaced),
    CASE(ring_that_fails_before_its_first_wait_is_replaced),
    CASE_ALONE(closes_while_waiting_fails),
    CASE_ALONE(closes_while_the_kernel_lacks_memory),
    CASE_ALONE(closes_while_the_kernel_says_try_again),
    CASE(wake_is_armed_anew_when_completions_overflow),
    CASE(wake_that_is_armed_anew_ends_no_wait),
    CASE(buffers_come_back_from_connections_that_close),
    CASE(accepted_sockets_are_closed_with_their_listener),
    CASE(another_backend_takes_the_place_of_one_without_memory),
    CASE_ALONE(limit_of_locked_memory_is_told),
    CASE(listens_at_the_port_of_a_killed_process),
    CASE(listens_at_the_path_of_a_killed_process),
    CASES_END,
};
