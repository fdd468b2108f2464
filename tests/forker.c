/* tests/forker.c - see tests/forker.h. */
#include "tests/forker.h"

#include <pollux/setting.h>
#include <pollux/watch.h>
#include <stdio.h>
#include <string.h>

/* --- in the server's process ------------------------------------------------------------------ */

/* "die" has the child die, and "hang" do nothing any more; "who" is answered with the child's
 * number, "half" with nothing before the rest comes, and anything else with itself. */
static size_t conn_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    if (length == 3 && memcmp(bytes, "die", 3) == 0)
        plx__child_exit(1);
    if (length == 4 && memcmp(bytes, "hang", 4) == 0)
        plx__sleep(patience());
    if (length == 3 && memcmp(bytes, "who", 3) == 0)
        bytes = plx_loop_data(loop);
    if (length == 4 && memcmp(bytes, "half", 4) == 0)
        return 0;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    return length;
}

/* In a child. */
static int loop_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    static const char numbers[] = "n-0n-1n-2n-3";
    const forker *f = data;
    (void)server;
    plx_loop_set_data(loop, (void *)(uintptr_t)(numbers + 3 * (index % 4)));
    if (strcmp(plx_loop_backend_name(loop), f->w->backend) != 0)
        return PLX_EINVAL; /* It is not the one that the server was opened with. */
    return f->start_fails;
}

/* The orders that a case may give, in two bytes. */
enum { STARVE = 's', FEED = 'f', STOP_WITH_CHILD = 'c', KILL = 'k' };

static bool feed(plx_server *server, const forker *f, unsigned char started)
{
    plx_server_stats stats;
    plx_server_stats_get(server, &stats);
    if (stats.children_started < started)
        return false;
    (void)plx__fault_disarm(f->what);
    return true;
}

static void child_ended(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    (void)data;
    (void)number;
    plx_server_stop(plx_loop_data(loop));
}

/* Carries out an order. Whether it is done. */
static bool obey(plx_loop *loop, forker *f, const unsigned char *order)
{
    if (order[0] == KILL)
        plx__test_report(CHILD_IS_GOOD);
    if (order[0] == FEED)
        return feed(plx_loop_data(loop), f, order[1]);
    if (order[0] == STARVE)
        plx__fault_arm(f->what = PLX__FAULT_MEMORY, order[1], 1);
    else /* The server has opened its own before, and is told first. */
        ck_ok(plx_signal_open(loop, NULL, PLX_SIGNAL_CHILD, child_ended, NULL));
    return true;
}

/* An order, which is answered by a byte, or the end. */
static void channel_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                          uint32_t ready)
{
    plx_server *server = plx_loop_data(loop);
    forker *f = data;
    unsigned char order[2];
    bool is_done;
    (void)ready;
    if (plx__socket_receive(socket, order, 2) == 2) {
        is_done = obey(loop, f, order);
        ck_assert_int_eq(plx__socket_send(socket, &is_done, 1), 1);
        return;
    }
    ck_ok(plx_watch_close(loop, watch));
    if (f->drain_ns > 0)
        ck_ok(plx_server_drain(server, f->drain_ns));
    else
        plx_server_stop(server);
}

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    (void)server;
    plx_server_counts_total(counts, data);
}

/* Opens the server, with a setting if it has none and the backend has one. The text of the key is
 * gone when the children open their loops. */
static plx_server *server_open(forker *f)
{
    plx_server *server;
    plx_setting_info info;
    char key[64];
    plx_setting setting = {.key = key};
    plx_loop_options loop = world_options(f->w, (plx_loop_options){0});
    if (loop.settings_count == 0 && plx_setting_describe(loop.backend, 0, &info) == 0) {
        (void)snprintf(key, sizeof key, "%s", info.key);
        setting.value = info.by_default;
        loop.settings = &setting;
        loop.settings_count = 1;
    }
    f->options.loop = &loop;
    ck_ok(plx_server_open(&server, &f->options));
    f->options.loop = NULL;
    memset(key, 0, sizeof key);
    return server;
}

static void server_run(forker *f)
{
    const plx_conn_options conn = {.on_data = conn_data};
    ending end = {0};
    const uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    if (f->options.dispatch == PLX_DISPATCH_PREFORK)
        f->options.on_start = loop_started; /* In children alone. */
    f->options.data = f;
    plx_server *server = server_open(f);
    if (f->limits != NULL)
        ck_ok(plx_server_set_limits(server, f->limits, NULL));
    ck_ok(plx_server_listen(server, "tcp://127.0.0.1:0", &(plx_listen_options){.conn = &conn}));
    ck_ok(plx_server_address(server, 0, f->address, sizeof f->address));
    plx_loop_set_data(plx_server_loop(server, 0), server);
    ck_ok(plx_watch_open(plx_server_loop(server, 0), NULL, f->channel[1], PLX_READABLE,
                         channel_ready, f));
    ck_assert_int_eq(plx__socket_send(f->channel[1], f->address, sizeof f->address),
                     sizeof f->address);
    if (f->drains_first)
        ck_ok(plx_server_drain(server, PLX_FOREVER));
    if (f->lacks)
        plx__fault_arm(f->what, f->spared, 1);
    end.status = plx_server_run(server);
    uint32_t struck = plx__fault_disarm(f->what); /* One that starves may have needed nothing. */
    ck_assert(!f->lacks || f->children_lack || struck == 1);
    end.loops = plx_server_loops(server);
    plx_server_stats_get(server, &end.stats);
    ck_ok(plx_server_count(server, on_count, &end.loop));
    ck_ok(plx_server_close(server));
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), descriptors);
    ck_assert_int_eq(plx__socket_send(f->channel[1], &end, sizeof end), sizeof end);
}

/* --- in the case ------------------------------------------------------------------------------ */

/* What the channel has, in full. */
static void channel_read(world *w, forker *f, void *bytes, size_t length)
{
    ptrdiff_t count;
    while ((count = plx__socket_receive(f->channel[0], bytes, length)) == PLX_EAGAIN)
        turn(w);
    ck_assert_int_eq(count, (ptrdiff_t)length);
}

/* The server's process drops its copy of the case's loop first. */
bool forker_start(world *w, forker *f)
{
    if (!plx__child_is_possible() || !child_may_have_threads() || net_is_sim())
        return false;
    f->w = w;
    ck_ok(plx__child_channel(f->channel));
    if (child_fork()) {
        plx_loop_abandon(w->loop);
        plx__socket_close(f->channel[0]);
        server_run(f);
        plx__test_report(CHILD_IS_GOOD);
    }
    plx__socket_close(f->channel[1]);
    channel_read(w, f, f->address, sizeof f->address);
    return true;
}

/* Whether it has done that. */
static bool ask(world *w, forker *f, unsigned char what, unsigned char number)
{
    const unsigned char bytes[2] = {what, number};
    bool is_done;
    ck_assert_int_eq(plx__socket_send(f->channel[0], bytes, 2), 2);
    channel_read(w, f, &is_done, 1);
    return is_done;
}

void forker_starve(world *w, forker *f, unsigned char spared)
{
    (void)ask(w, f, STARVE, spared);
}

void forker_feed(world *w, forker *f, unsigned char started)
{
    while (!ask(w, f, FEED, started))
        turn(w);
}

void forker_stop_with_child(world *w, forker *f)
{
    (void)ask(w, f, STOP_WITH_CHILD, 0);
}

void forker_kill(forker *f)
{
    const unsigned char bytes[2] = {KILL, 0};
    ck_assert_int_eq(plx__socket_send(f->channel[0], bytes, 2), 2);
    plx__socket_close(f->channel[0]);
}

ending forker_ending(world *w, forker *f)
{
    ending end;
    channel_read(w, f, &end, sizeof end);
    child_join();
    plx__socket_close(f->channel[0]);
    return end;
}

ending forker_end(world *w, forker *f)
{
    ck_ok(plx__socket_shutdown(f->channel[0]));
    return forker_ending(w, f);
}

void forker_ask(world *w, peer *p, const char *question, const char *answer)
{
    char bytes[64];
    const size_t length = strlen(answer);
    peer_send(w, p, question, strlen(question));
    peer_receive(w, p, bytes, length);
    ck_assert_mem_eq(bytes, answer, length);
}
