/* backends/readiness/poll.c - poll() on Unix, WSAPoll on Windows; in two tiers once there are
 * many sockets.
 *
 * The loop's thread polls the hot ones, which it keeps in the array; a second thread polls the cold
 * ones (cold_set.c), which only want to read and have been idle for a while: connections and
 * watches alike. One that has something to say comes back, and what it said is delivered in the
 * same turn. One that comes back soon after it went stays twice as long the next time: where most
 * are busy now and then, the cost becomes that of plain poll() and no worse. bench/notes/ has the
 * figures.
 */
#include "backends/readiness/array_poller.h"
#include "backends/readiness/cold_set.h"
#include "backends/readiness/readiness.h"
#include "backends/registry.h"
#include "platform/hook.h"

/* How often the idle ones are looked for. */
#define TICK_NS (100 * PLX_MILLISECOND)

/* The most ticks that one may be idle without becoming cold. */
#define PATIENCE_MAX 64

/* One that was cold for longer than this many times its patience has its patience reset. */
#define LONG_ABSENCE 8

/* Ticks until a second thread that could not be started is tried again. */
#define RETRY_TICKS 100

typedef struct tiered_poller {
    plx__poller hot;
    plx__cold_set *cold; /* NULL as long as nothing is cold. */
    uint32_t cold_min;
    uint8_t patience; /* Ticks, at first. */
    uint64_t tick_ns;
    uint64_t tick_ends;
    uint16_t retries; /* Ticks until the second thread may be tried again. */
    uint64_t demotions;
    uint64_t promotions;
    uint64_t failures;
} tiered_poller;

static tiered_poller *tiered_of(plx__poller *poller)
{
    return (tiered_poller *)(void *)poller;
}

static int poll_wait(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch)
{
    (void)scratch;
    return plx__poll(entries, count, timeout_ns);
}

static int tiered_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__array_wait way = {.wait = poll_wait, .reserve = NULL};
    int status = plx__array_poller_open(poller_out, sizeof(tiered_poller), &way, config);
    if (status != 0)
        return status;
    tiered_poller *tiered = tiered_of(*poller_out);
    uint64_t after_ns = config->poll_cold_after_ns;
    tiered->cold_min = config->poll_cold_min;
    tiered->tick_ns = after_ns < TICK_NS ? after_ns : TICK_NS;
    uint64_t patience = after_ns / tiered->tick_ns - 1;
    tiered->patience = (uint8_t)(patience < PATIENCE_MAX ? patience : PATIENCE_MAX);
    return 0;
}

static void tiered_close(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->cold != NULL)
        plx__cold_set_close(tiered->cold);
    plx__array_poller_close(poller);
}

static void tiered_abandon(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->cold != NULL)
        plx__cold_set_abandon(tiered->cold, poller, NULL);
    plx__array_poller_close(poller);
}

/* The thread that waited for it is another process's. */
static void on_orphaned(plx__poller *poller, plx__polled *polled)
{
    polled->is_cold = false;
    poller->elsewhere--;
    (void)plx__array_poller_set(poller, polled, polled->interest); /* Its room is still there. */
}

/* The next tick that finds idle ones starts a thread. */
static int tiered_renew(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->cold != NULL)
        plx__cold_set_abandon(tiered->cold, poller, on_orphaned);
    tiered->cold = NULL;
    return plx__array_poller_renew(poller);
}

static int tiered_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    if (polled->is_cold) {
        plx__cold_set_remove(tiered_of(poller)->cold, polled);
        polled->is_cold = false;
        poller->elsewhere--;
        if (interest == 0)
            return 0;
    } else if (polled->place.index == 0) {
        polled->patience = tiered_of(poller)->patience;
    }
    return plx__array_poller_set(poller, polled, interest);
}

/* The owner of a watched socket may close it as soon as its watch is closed, and then do something
 * else than to turn the loop. So the thread is told at once to let go of it. */
static void tiered_forget(plx__poller *poller, plx__polled *polled)
{
    const tiered_poller *tiered = tiered_of(poller);
    if (polled->is_borrowed && tiered->cold != NULL)
        plx__cold_set_settle(tiered->cold);
}

/* The second thread says that this one has something to say. */
static void on_returned(plx__poller *poller, plx__polled *polled, short revents)
{
    tiered_poller *tiered = tiered_of(poller);
    polled->is_cold = false;
    if (revents == 0) { /* It only comes back because the thread cannot wait. */
        plx__array_poller_return(poller, polled, 0);
        return;
    }
    uint32_t absence = (uint16_t)(poller->tick - polled->seen);
    if (absence > (uint32_t)LONG_ABSENCE * polled->patience)
        polled->patience = tiered->patience;
    else
        polled->patience =
            (uint8_t)(polled->patience < PATIENCE_MAX / 2 ? 2 * polled->patience : PATIENCE_MAX);
    tiered->promotions++;
    plx__array_poller_return(poller, polled, revents);
}

/* False when there is none and none can be started now. */
static bool cold_is_there(tiered_poller *tiered)
{
    if (tiered->cold != NULL)
        return true;
    if (tiered->retries > 0) {
        tiered->retries--;
        return false;
    }
    if (plx__cold_set_open(&tiered->cold, &tiered->hot.wake, &tiered->hot.openings) == 0)
        return true;
    tiered->cold = NULL;
    tiered->failures++;
    tiered->retries = RETRY_TICKS;
    return false;
}

/* The thread polls for reading alone, and a listener that is idle may be busy soon. */
static bool is_only_to_read(const plx__polled *polled)
{
    return polled->operations == PLX__OPERATION_RECEIVE ||
           polled->operations == PLX__OPERATION_WATCH_READ;
}

/* Moves those that have been idle for longer than their patience to the second thread. */
static void idle_demote(tiered_poller *tiered)
{
    plx__poller *hot = &tiered->hot;
    for (uint32_t i = hot->count; --i > 0;) {
        plx__polled *polled = hot->polled[i];
        if ((uint16_t)(hot->tick - polled->seen) <= polled->patience || !is_only_to_read(polled))
            continue;
        if (!cold_is_there(tiered))
            return;
        (void)plx__array_poller_set(hot, polled, 0);
        if (plx__cold_set_add(tiered->cold, polled) != 0) {
            (void)plx__array_poller_set(hot, polled,
                                        polled->interest); /* Its room is still there. */
            tiered->failures++;
            return;
        }
        polled->is_cold = true;
        hot->elsewhere++;
        tiered->demotions++;
    }
}

/* Once a tick. */
static void tick(tiered_poller *tiered)
{
    plx__poller *hot = &tiered->hot;
    hot->tick++;
    if (hot->count + hot->elsewhere > tiered->cold_min) {
        idle_demote(tiered);
    } else if (tiered->cold != NULL && hot->elsewhere == 0) {
        plx__cold_set_close(tiered->cold);
        tiered->cold = NULL;
    }
}

/* The second thread's wait failed, and all that it waited for are back. It is as if no thread could
 * be started. */
PLX__SLOW static void cold_give_up(tiered_poller *tiered)
{
    plx__cold_set_close(tiered->cold);
    tiered->cold = NULL;
    tiered->failures++;
    tiered->retries = RETRY_TICKS;
}

/* With as many sockets as two tiers are for. */
PLX__SLOW static int tiers_wait(plx__poller *poller, uint64_t timeout_ns)
{
    tiered_poller *tiered = tiered_of(poller);
    uint64_t now = plx__clock_now();
    plx__hook(PLX__HOOK_PREPARE);
    if (now >= tiered->tick_ends) {
        tiered->tick_ends = now + tiered->tick_ns;
        tick(tiered);
    }
    if (tiered->cold == NULL)
        return plx__array_poller_wait(poller, timeout_ns);
    plx__cold_set_settle(tiered->cold);
    int status = plx__array_poller_wait(poller, timeout_ns);
    if (!plx__cold_set_take(tiered->cold, poller, on_returned))
        cold_give_up(tiered);
    return status;
}

static int tiered_wait(plx__poller *poller, uint64_t timeout_ns)
{
    const tiered_poller *tiered = tiered_of(poller);
    bool is_small = poller->count <= tiered->cold_min && tiered->cold == NULL;
    return is_small ? plx__array_poller_wait(poller, timeout_ns) : tiers_wait(poller, timeout_ns);
}

static void tiered_count(const plx__poller *poller, plx_loop_stats *stats)
{
    const tiered_poller *tiered = (const tiered_poller *)(const void *)poller;
    plx__array_poller_count(poller, stats);
    stats->poll_cold = poller->elsewhere;
    stats->poll_demotions = tiered->demotions;
    stats->poll_promotions = tiered->promotions;
    stats->poll_cold_failures = tiered->failures;
}

static int poll_open(plx__backend **backend_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {
        .open = tiered_open,
        .close = tiered_close,
        .abandon = tiered_abandon,
        .renew = tiered_renew,
        .set = tiered_set,
        .forget = tiered_forget,
        .wait = tiered_wait,
        .collect = plx__array_poller_collect,
        .wake = plx__array_poller_wake,
        .count = tiered_count,
    };
    return plx__readiness_open(backend_out, config, &ops);
}

const plx__backend_ops plx__poll_backend = PLX__READINESS_BACKEND("poll", poll_open);
