/* tools/serve_counters.c - see tools/serve_counters.h.
 *
 * A timer on each loop copies the loop's counters and those of its service, because only the loop's
 * own thread may read them. Whoever watches reads the copies, and never waits for a loop: one that
 * hangs is seen to hang. Each sample has its own time, so a rate is exact although timers are late.
 */
#include "tools/serve_counters.h"

#define INTERVAL_NS (PLX_SECOND / 2)
#define SAMPLES     3u /* The newest, and two before it: a second at least lies between the ends. */

struct serve_counter_slot {
    serve_counters *counters;
    uint32_t loop;
    serve_sample samples[SAMPLES]; /* The newest first; under the mutex. */
};

static serve_sample sample_of(serve_counters *c, uint32_t index, plx_loop *loop)
{
    plx_loop_stats stats;
    service_counts counts;
    plx_loop_stats_get(loop, &stats);
    c->service->counts(c->states[index], &counts);
    return (serve_sample){
        .time_ns = plx__clock_now(),
        .open = stats.connections_open + plx__atomic_load(&c->handled),
        .connections = stats.connections_accepted + stats.connections_adopted +
                       (c->is_handled ? stats.accepts_taken : 0),
        .requests = counts.requests,
        .received_bytes = stats.received_bytes,
        .sent_bytes = stats.sent_bytes,
        .timeouts = stats.timeouts,
        .queued_bytes = stats.queued_bytes,
    };
}

static void on_tick(plx_loop *loop, plx_timer timer, void *data)
{
    serve_counter_slot *slot = data;
    serve_counters *c = slot->counters;
    const serve_sample sample = sample_of(c, slot->loop, loop);
    (void)timer;
    plx__mutex_lock(&c->mutex);
    for (uint32_t i = SAMPLES - 1; i > 0; i--)
        slot->samples[i] = slot->samples[i - 1];
    slot->samples[0] = sample;
    plx__mutex_unlock(&c->mutex);
}

/* All samples are of now at first, so that no rate is of the time before. */
static int slot_open(serve_counters *c, uint32_t index)
{
    serve_counter_slot *slot = &c->slots[index];
    plx_loop *loop = plx_server_loop(c->server, index);
    slot->counters = c;
    slot->loop = index;
    for (uint32_t i = 0; i < SAMPLES; i++)
        slot->samples[i] = sample_of(c, index, loop);
    return plx_timer_start(loop, NULL, INTERVAL_NS, INTERVAL_NS, on_tick, slot);
}

int serve_counters_open(serve_counters *c)
{
    int status = 0;
    c->slots = plx__allocate_zeroed(c->loops, sizeof *c->slots);
    if (c->slots == NULL)
        return PLX_ENOMEM;
    plx__mutex_open(&c->mutex);
    for (uint32_t i = 0; i < c->loops && status == 0; i++)
        status = slot_open(c, i);
    return status;
}

void serve_counters_close(serve_counters *c)
{
    if (c->slots == NULL)
        return;
    plx__mutex_close(&c->mutex);
    plx__free(c->slots);
    c->slots = NULL;
}

void serve_counters_read(serve_counters *c, uint32_t loop, serve_sample *now_out,
                         serve_sample *before_out)
{
    const serve_counter_slot *slot = &c->slots[loop];
    plx__mutex_lock(&c->mutex);
    *now_out = slot->samples[0];
    *before_out = slot->samples[SAMPLES - 1];
    plx__mutex_unlock(&c->mutex);
}

double serve_counters_rate(const serve_sample *now, const serve_sample *before, uint64_t grown)
{
    const uint64_t time_ns = now->time_ns - before->time_ns;
    return time_ns > 0 ? (double)grown * (double)PLX_SECOND / (double)time_ns : 0.0;
}

bool serve_counters_is_late(const serve_sample *now)
{
    return plx__clock_now() - now->time_ns > 2 * PLX_SECOND;
}
