/* tests/sim_work.c - owns a run: its loops, the listener and the weather, and how all that ends.
 *
 * Everything comes to an end: no wake is lost, no loop is deaf, none spins. Nothing leaks.
 */
#include "tests/sim_work.h"

#include <string.h>

#include "platform/fault.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_post.h"
#include "tests/sim_stream.h"

#define HOUR_NS    (3600 * PLX_SECOND)
#define TURNS_EACH 4u /* More turns than this for each thing that happens is spinning. */

typedef struct run {
    sim_scene scene;
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    uint64_t records;
    bool is_ending; /* The listener closes: there are no clients any more. */
} run;

const sim_limits sim_limits_all = {
    .streams = SIM_STREAMS_MAX, .bytes = 200000, .faults = UINT32_MAX};
sim_work_counts sim_work_count;

static run r;

/* --- the end of all ends --------------------------------------------------------------------- */

static void listener_end(plx_loop *loop, void *data, int status)
{
    (void)data;
    if (status == 0)
        (void)plx_listener_close(loop, r.listener);
}

static void on_closed(void)
{
    if (sim_streams_clients() > 0)
        return;
    if (!r.is_ending)
        sim_post(0, listener_end, NULL);
    r.is_ending = true;
    if (sim_streams_servers() == 0)
        sim_posts_stop();
}

/* --- the weather ----------------------------------------------------------------------------- */

static void on_weather(plx_loop *loop, plx_timer timer, void *data);

static void weather_set(plx_loop *loop)
{
    plx_timer timer;
    CHECK(plx_timer_start(loop, &timer, chance_below(300) * PLX_MILLISECOND, 0, on_weather, NULL) ==
          0);
    CHECK(plx_timer_set_background(loop, timer, 1) == 0);
}

static plx_loop *any_loop(void)
{
    return r.scene.loops[chance_below(r.scene.loop_count)];
}

/* Cuts the network, or a link, for a while now and then. */
static void on_weather(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    if (one_in(2)) {
        plx_sim_cut(r.scene.sim, one_in(6));
    } else {
        const plx_loop *one = any_loop();
        CHECK(plx_sim_cut_between(r.scene.sim, one, any_loop(), one_in(4)) == 0);
    }
    weather_set(loop);
}

/* --- a run ----------------------------------------------------------------------------------- */

static void on_record(void *data, const plx_sim_record *record)
{
    (void)data;
    r.records++;
    sim_streams_record(record);
    if (r.scene.limits->trace != NULL)
        r.scene.limits->trace(r.scene.limits->trace_data, record);
}

static void scene_open(uint64_t seed, const sim_limits *limits)
{
    sim_scene *scene = &r.scene;
    scene->limits = limits;
    scene->faults = sim_swarm(limits->faults);
    const plx_sim_options options = {
        .seed = seed,
        .latency_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        .jitter_ns = 1 + chance_below(5 * PLX_MILLISECOND),
        .bytes_per_second = one_in(2) ? 100000 + chance_below(100000000) : 0,
        .buffer_bytes = one_in(2) ? (uint32_t)(1 + chance_below(5000)) : 0,
        .backlog_max = one_in(4) ? 1 : 0,
        .faults = &scene->faults,
        .on_record = on_record,
    };
    CHECK(plx_sim_open(&scene->sim, &options) == 0);
    scene->loop_count = 1 + (uint32_t)chance_below(SIM_LOOPS_MAX);
}

static void loops_open(void)
{
    for (uint32_t i = 0; i < r.scene.loop_count; i++) {
        const plx_loop_options options = {
            .keep_running = 1,
            .receive_bytes = one_in(2) ? (uint32_t)(1 + chance_below(5000)) : 0,
            .queued_bytes_max = one_in(3) ? 20000 + chance_below(100000) : 0,
            .posts_max = one_in(3) ? 1 + (uint32_t)chance_below(4) : 0,
        };
        CHECK(plx_loop_open(&r.scene.loops[i], &options) == 0);
        CHECK(plx_sim_add_calls(r.scene.sim, r.scene.loops[i], sim_post_turn,
                                plx_loop_next_timeout) == 0);
    }
}

/* Descriptors and memory may lack. */
static bool server_open(void)
{
    const plx_conn_options conn = sim_streams_accept();
    const plx_listen_options options = {.conn = &conn, .accept_receive_first = one_in(4)};
    plx_loop *loop = r.scene.loops[0];
    for (int tries = 0; tries < 100; tries++) {
        if (plx_listen(loop, &r.listener, "tcp://127.0.0.1:0", &options) == 0)
            return plx_listener_address(loop, r.listener, r.address, sizeof r.address) == 0;
    }
    return false;
}

static void all_check(void)
{
    uint64_t ticks = 0, open = 0, happened = r.records + sim_posts_acts();
    for (uint32_t i = 0; i < r.scene.loop_count; i++) {
        plx_loop_stats stats;
        plx_loop_stats_get(r.scene.loops[i], &stats);
        ticks += stats.ticks;
        happened += stats.timers_fired + stats.posts_run;
        open += stats.connections_open;
    }
    /* One may have been accepted in the turn in which all others had closed. */
    CHECK(open <= sim_streams_clients() + sim_streams_servers());
    CHECK(ticks < 1000 + happened * TURNS_EACH);
    sim_streams_check();
}

static void scene_close(void)
{
    r.is_ending = true;
    sim_posts_quiet();
    for (uint32_t i = 0; i < r.scene.loop_count; i++)
        CHECK(plx_loop_close(r.scene.loops[i]) == 0);
    sim_streams_closed_check();
    sim_posts_end();
    CHECK(plx_sim_sockets(r.scene.sim) == 0);
    CHECK(plx_sim_close(r.scene.sim) == 0);
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
}

/* With buffers of some bytes and many losses, streams take hours. Where none arrive for an hour,
 * all is stuck. */
static void scene_run(void)
{
    uint64_t bytes;
    int status;
    do {
        bytes = sim_work_count.bytes;
        status = plx_sim_run(r.scene.sim, HOUR_NS);
    } while (status == PLX_ETIMEDOUT && sim_work_count.bytes > bytes);
    CHECK(status == 0);
}

void sim_work_run(uint64_t seed, const sim_limits *limits)
{
    memset(&r, 0, sizeof r);
    chance_state = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    scene_open(seed, limits);
    sim_posts_begin(&r.scene);
    sim_streams_begin(&r.scene, on_closed);
    loops_open();
    if (server_open())
        sim_streams_connect(r.address);
    if (sim_streams_clients() > 0) {
        weather_set(r.scene.loops[0]);
        scene_run();
        all_check();
    }
    sim_work_count.acts += sim_posts_acts();
    sim_work_count.records += r.records;
    scene_close();
}
