/* bench/pollux.c - Pollux as a contestant, once for each backend that is compiled in and runs here.
 *
 * Idle timeouts are on, and watermarks stand as they do by default: what a server would have. None
 * of the others is given the like.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pollux.h>

#include "bench/compute.h"
#include "bench/contestant.h"
#include "bench/http.h"

#define IDLE_TIMEOUT_NS (60 * PLX_SECOND)
#define PLAIN_POLL      "poll-plain" /* The poll backend without an idle set. */

static plx_loop_options loop_options(void)
{
    static const plx_setting plain[] = {{"idle_set", PLX_OFF}};
    plx_loop_options options = {.backend = bench_self.engine};
    if (strcmp(bench_self.name, PLAIN_POLL) == 0) {
        options.settings = plain;
        options.settings_count = 1;
    }
    return options;
}

static plx_loop *loop_open(void)
{
    plx_loop *loop;
    const plx_loop_options options = loop_options();
    int status = plx_loop_open(&loop, &options);
    if (status != 0)
        bench_fail(plx_error_text(status));
    return loop;
}

/* --- serving --------------------------------------------------------------------------------- */

static size_t on_request(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                         size_t length)
{
    size_t end;
    size_t requests = bench_http_scan(bytes, length, &end);
    (void)data;
    if (requests > 0 && plx_conn_send(loop, conn, bench_responses, requests * BENCH_RESPONSE_BYTES,
                                      NULL, NULL) != 0)
        return 0; /* Shown again when the queue has drained. */
    bench_count.requests += requests;
    return end;
}

static size_t on_echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    if (plx_conn_write(loop, conn, bytes, length) != 0)
        return 0;
    bench_count.echoed_bytes += length;
    return length;
}

static void serve(enum bench_mode mode)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    plx_loop *loop = loop_open();
    const plx_conn_options conn = {.on_data = mode == BENCH_ECHO ? on_echo : on_request,
                                   .idle_timeout_ns = IDLE_TIMEOUT_NS};
    const plx_listen_options options = {.conn = &conn, .backlog = BENCH_BACKLOG};
    int status = plx_listen(loop, &listener, "tcp://127.0.0.1:0", &options);
    if (status == 0)
        status = plx_listener_address(loop, listener, address, sizeof address);
    if (status == 0) {
        bench_ready((unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10));
        status = plx_loop_run(loop);
    }
    bench_fail(plx_error_text(status));
}

/* --- servers of several loops ---------------------------------------------------------------- */

static void server_serve(plx_server_options *server_options, const plx_conn_options *conn)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_server *server;
    const plx_loop_options loop = loop_options();
    const plx_listen_options options = {.conn = conn, .backlog = BENCH_BACKLOG};
    server_options->loop = &loop;
    int status = plx_server_open(&server, server_options);
    if (status == 0)
        status = plx_server_listen(server, "tcp://127.0.0.1:0", &options);
    if (status == 0)
        status = plx_server_address(server, 0, address, sizeof address);
    if (status == 0) {
        bench_ready((unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10));
        status = plx_server_run(server);
    }
    bench_fail(plx_error_text(status));
}

/* One loop accepts, and hands each connection to another one on a thread of its own. */
static void hand(enum bench_mode mode)
{
    plx_server_options options = {.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN};
    const plx_conn_options conn = {.on_data = mode == BENCH_ECHO ? on_echo : on_request,
                                   .idle_timeout_ns = IDLE_TIMEOUT_NS};
    server_serve(&options, &conn);
}

static int on_loop_start(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    (void)server;
    (void)data;
    plx_loop_set_data(loop, &bench_loop_count[index]);
    return 0;
}

static size_t on_request_to_compute(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                                    size_t length)
{
    const uint64_t *steps = data;
    bench_loop_counter *count = plx_loop_data(loop);
    size_t end;
    size_t requests = bench_http_scan(bytes, length, &end);
    bench_compute(requests * *steps);
    if (requests > 0 && plx_conn_send(loop, conn, bench_responses, requests * BENCH_RESPONSE_BYTES,
                                      NULL, NULL) != 0)
        return 0;
    count->requests += requests;
    return end;
}

/* As a server is by default. With one loop there is no other thread. */
static void loops(uint32_t count, uint64_t steps)
{
    plx_server_options options = {.loops = count, .on_start = on_loop_start};
    const plx_conn_options conn = {
        .on_data = on_request_to_compute, .data = &steps, .idle_timeout_ns = IDLE_TIMEOUT_NS};
    server_serve(&options, &conn);
}

/* --- timers ---------------------------------------------------------------------------------- */

static plx_loop *timers_loop;
static plx_timer *timers;

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    bench_timer_fired();
}

static bool timers_open(size_t count)
{
    timers_loop = loop_open();
    timers = calloc(count, sizeof *timers);
    return timers != NULL;
}

static void timers_turn(void)
{
    if (plx_loop_run_once(timers_loop, 0) != 0)
        bench_fail("the loop does not turn");
}

static void timer_start(size_t index, uint32_t timeout_ms)
{
    if (plx_timer_start(timers_loop, &timers[index], timeout_ms * PLX_MILLISECOND, 0, on_fire,
                        NULL) != 0)
        bench_fail("a timer does not start");
}

static void timer_restart(size_t index, uint32_t timeout_ms)
{
    (void)plx_timer_restart(timers_loop, timers[index], timeout_ms * PLX_MILLISECOND);
}

static void timer_cancel(size_t index)
{
    (void)plx_timer_cancel(timers_loop, timers[index]);
}

static void (*inside_work)(void *data);

static void on_inside(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)status;
    inside_work(data);
}

/* Outside of a turn each call would look at the clock. */
static void timers_inside(void (*work)(void *data), void *data)
{
    inside_work = work;
    if (plx_post(timers_loop, on_inside, data) != 0)
        bench_fail("the loop takes no post");
    timers_turn();
}

static void timers_update(void)
{
}

static const bench_timer_ops timer_ops = {timers_open,  timers_update, timer_start,  timer_restart,
                                          timer_cancel, timers_turn,   timers_inside};

/* --- posts ----------------------------------------------------------------------------------- */

static plx_loop *posts_loop;

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)data;
    (void)status;
    if (!bench_post_ran())
        plx_loop_stop(loop);
}

static bool posts_open(void)
{
    posts_loop = loop_open();
    return true;
}

static bool post(void)
{
    return plx_post(posts_loop, on_post, NULL) == 0;
}

/* There may be no post yet when the loop starts, and it must not end for that. */
static void on_never(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    bench_fail("posts do not arrive");
}

static void posts_run(void)
{
    if (plx_timer_start(posts_loop, NULL, 60 * PLX_SECOND, 0, on_never, NULL) != 0 ||
        plx_loop_run(posts_loop) != 0)
        bench_fail("the loop does not run");
}

static const bench_post_ops post_ops = {posts_open, post, posts_run};

/* --- variants -------------------------------------------------------------------------------- */

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    const bench_variant variant = {.group = "pollux",
                                   .serve = serve,
                                   .hand = hand,
                                   .loops = loops,
                                   .timers = &timer_ops,
                                   .posts = &post_ops};
    *variant_out = variant;
    for (size_t i = 0; plx_backend_name(i) != NULL; i++) {
        const char *name = plx_backend_name(i);
        if (plx_backend_probe(name) != 0)
            continue;
        variant_out->name = name;
        variant_out->engine = name;
        if (index-- == 0)
            return true;
        variant_out->name = PLAIN_POLL;
        if (strcmp(name, "poll") == 0 && index-- == 0)
            return true;
    }
    return false;
}
