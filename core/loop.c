/* core/loop.c - opening, closing, and the one place that orders a turn.
 *
 * A turn: the wait; what has arrived; timers that are due; signals; posts; what was deferred,
 * closes above all. docs/design.md draws it.
 */
#include "core/loop.h"

#include <stdlib.h>

#include "core/conn.h"
#include "core/listener.h"
#include "core/signal.h"
#include "core/timer.h"
#include "core/watch.h"
#include "platform/hook.h"

#define CONNECTIONS_MAX_DEFAULT 1048576u
#define POSTS_MAX_DEFAULT       4096u
#define POSTS_GATHER_NS         1000u
#define RECEIVE_BYTES_DEFAULT   65536u
#define POLL_COLD_MIN_DEFAULT   512u
#define POLL_COLD_AFTER_DEFAULT (300 * PLX_MILLISECOND)
#define RECEIVE_BYTES_MAX       (64u << 20)

/* So many waits in a row may fail while the loop closes, with a pause after each. */
#define CLOSE_FAILURES_MAX 100u
#define CLOSE_PAUSE_NS     (5 * PLX_MILLISECOND)

/* --- opening --------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t by_default)
{
    return value != 0 ? value : by_default;
}

/* Handles of one loop are to mean nothing to another, so each starts its generations elsewhere: at
 * multiples of a large odd number (2^32 divided by the golden ratio), which do not repeat. */
static uint32_t generation_first(void)
{
    static plx__atomic_u32 loops;
    return (plx__atomic_add(&loops, 1) + 1) * UINT32_C(2654435769);
}

static int backend_open(plx_loop *loop, const char *name, const plx__backend_config *config)
{
    if (name != NULL) {
        loop->ops = plx__backend_find(name);
        return loop->ops != NULL ? loop->ops->open(&loop->backend, config) : PLX_EBACKEND;
    }
    int status = PLX_ENOSYS;
    /* Out of memory may be a limit of one backend alone, as on memory that may be locked. */
    for (size_t i = 0; (status == PLX_ENOSYS || status == PLX_ENOMEM) && plx__backend_at(i) != NULL;
         i++) {
        loop->ops = plx__backend_at(i);
        status = loop->ops->open(&loop->backend, config);
    }
    return status;
}

static void slabs_init(plx_loop *loop, uint32_t connections_max)
{
    static const size_t sizes[PLX__KINDS] = {
        [PLX__KIND_LISTENER] = sizeof(plx__listener), [PLX__KIND_CONN] = sizeof(plx__conn),
        [PLX__KIND_TIMER] = sizeof(plx__timer),       [PLX__KIND_WATCH] = sizeof(plx__watch),
        [PLX__KIND_SIGNAL] = sizeof(plx__signal),
    };
    uint32_t generation = generation_first();
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        bool has_endpoint =
            kind == PLX__KIND_LISTENER || kind == PLX__KIND_CONN || kind == PLX__KIND_WATCH;
        plx__slab_init(&loop->slabs[kind], (enum plx__kind)kind, sizes[kind],
                       has_endpoint ? loop->ops->endpoint_bytes : 0, generation,
                       kind == PLX__KIND_CONN ? connections_max : PLX__SLAB_MAX);
    }
}

static void on_signal_pending(void *data)
{
    plx__loop_wake(data);
}

/* NULL: any that this machine can run. */
static const char *backend_wanted(const plx_loop_options *options)
{
    if (options->backend != NULL)
        return options->backend;
    const char *name = getenv("POLLUX_BACKEND");
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static int loop_init(plx_loop *loop, const plx_loop_options *options)
{
    const char *name = backend_wanted(options);
    const plx__backend_config config = {
        .receive_bytes = or_default(options->receive_bytes, RECEIVE_BYTES_DEFAULT),
        .poll_cold_min = or_default(options->poll_cold_min, POLL_COLD_MIN_DEFAULT),
        .poll_cold_after_ns = options->poll_cold_after_ns != 0 ? options->poll_cold_after_ns
                                                               : POLL_COLD_AFTER_DEFAULT,
        /* What is on credit is not counted, so with a limit for all queues there is none. */
        .may_credit = options->queued_bytes_max == 0,
        .openings = {.on_open = plx__socket_map_take, .data = &loop->sockets},
    };
    uint32_t connections_max = or_default(options->connections_max, CONNECTIONS_MAX_DEFAULT);
    if (config.receive_bytes > RECEIVE_BYTES_MAX || connections_max > PLX__SLAB_MAX)
        return PLX_EINVAL;
    int status =
        plx__post_queue_init(&loop->posts, or_default(options->posts_max, POSTS_MAX_DEFAULT));
    if (status != 0)
        return status;
    loop->cork.segment = plx__segment_take(&loop->segments);
    status = loop->cork.segment != NULL ? backend_open(loop, name, &config) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(loop->cork.segment);
        plx__post_queue_close(&loop->posts);
        return status;
    }
    loop->queued_bytes_max =
        options->queued_bytes_max != 0 ? options->queued_bytes_max : UINT64_MAX;
    loop->cork.room_next = loop->queued_bytes_max >= PLX__SEGMENT_BYTES ? PLX__SEGMENT_BYTES : 0;
    loop->keeps_running = options->keep_running != 0;
    loop->deferred_end = &loop->deferred_first;
    loop->send_retry.owner = PLX__WHEEL_SEND_RETRY;
    loop->forks = plx__forks();
    loop->now_ns = plx__clock_now();
    plx__wheel_init(&loop->wheel, loop->now_ns);
    plx__signal_listener_init(&loop->signals, on_signal_pending, loop);
    plx__spare_open(&loop->spare);
    slabs_init(loop, connections_max);
    return 0;
}

int plx_loop_open(plx_loop **loop_out, const plx_loop_options *options)
{
    static const plx_loop_options none;
    *loop_out = NULL;
    int status = plx__forks_watch();
    if (status == 0)
        status = plx__sockets_start();
    if (status != 0)
        return status;
    plx_loop *loop = plx__allocate_zeroed(1, sizeof *loop);
    status = loop != NULL ? loop_init(loop, options != NULL ? options : &none) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(loop);
        plx__sockets_end();
        return status;
    }
    *loop_out = loop;
    return 0;
}

/* --- sockets --------------------------------------------------------------------------------- */

void plx__socket_lost(plx_loop *loop, uint32_t owner)
{
    plx__object *object = plx__socket_map_owner(loop->slabs, owner);
    switch (plx__object_kind(object)) {
    case PLX__KIND_LISTENER:
        plx__listener_lost(loop, (plx__listener *)(void *)object);
        break;
    case PLX__KIND_CONN:
        plx__conn_lost(loop, (plx__conn *)(void *)object);
        break;
    case PLX__KIND_WATCH:
        plx__watch_lost(loop, (plx__watch *)(void *)object);
        break;
    default:
        PLX_ASSERT(false);
    }
}

/* --- one turn -------------------------------------------------------------------------------- */

void plx__defer(plx_loop *loop, plx__object *object)
{
    if (object->is_deferred)
        return;
    object->is_deferred = 1;
    object->next = NULL;
    *loop->deferred_end = object;
    loop->deferred_end = &object->next;
}

/* The steps of a turn return whether they may have called somebody. */
static bool timers_run(plx_loop *loop)
{
    if (!plx__wheel_advance(&loop->wheel, loop->now_ns))
        return false;
    for (plx__wheel_node *node; (node = plx__wheel_take(&loop->wheel)) != NULL;) {
        unsigned char *at = (unsigned char *)node;
        switch ((enum plx__wheel_owner)node->owner) {
        case PLX__WHEEL_TIMER:
            plx__timer_fired(loop, (plx__timer *)(void *)(at - offsetof(plx__timer, node)));
            break;
        case PLX__WHEEL_CONN:
        case PLX__WHEEL_CONN_DUE:
            plx__conn_timeout_fired(loop, (plx__conn *)(void *)(at - offsetof(plx__conn, timeout)));
            break;
        case PLX__WHEEL_LISTENER:
            plx__listener_retry(loop,
                                (plx__listener *)(void *)(at - offsetof(plx__listener, retry)));
            break;
        case PLX__WHEEL_SEND_RETRY:
            plx__conn_output_retry(loop);
            break;
        case PLX__WHEEL_SWEEP:
            plx__listener_sweep(loop,
                                (plx__listener *)(void *)(at - offsetof(plx__listener, sweep)));
            break;
        }
    }
    return true;
}

/* Those that are there when it begins, so that posts that post again do not keep the loop here. */
PLX__SLOW static bool posts_run(plx_loop *loop, int status)
{
    plx__post post;
    bool has_run = false;
    plx__post_queue_take(&loop->posts);
    while (plx__post_queue_pop(&loop->posts, &post)) {
        has_run = true;
        loop->stats.posts_run++;
        post.run(loop, post.data, status);
    }
    return has_run;
}

/* While posts come faster than turns: a loop that takes them as they come fights with the posters
 * for each line of the cache, at twice the cost for all (bench/notes/ has figures). So they get
 * a moment from one batch to the next, most of which the wait has used already. */
static void posts_gather(const plx_loop *loop)
{
    while (plx__clock_now() - loop->posts_ran_ns < POSTS_GATHER_NS)
        plx__pause();
}

/* What was deferred before now; what these defer in their turn comes in the next one. */
PLX__SLOW static void deferred_run(plx_loop *loop)
{
    plx__object *object = loop->deferred_first;
    loop->deferred_first = NULL;
    loop->deferred_end = &loop->deferred_first;
    for (plx__object *next; object != NULL; object = next) {
        next = object->next;
        object->is_deferred = 0;
        switch (plx__object_kind(object)) {
        case PLX__KIND_CONN:
            plx__conn_deferred(loop, (plx__conn *)(void *)object);
            break;
        case PLX__KIND_LISTENER:
            plx__listener_deferred(loop, (plx__listener *)(void *)object);
            break;
        case PLX__KIND_WATCH:
            plx__watch_deferred(loop, (plx__watch *)(void *)object);
            break;
        default:
            PLX_ASSERT(false);
        }
    }
    plx__conn_output_feed(loop);
}

static void detached_deliver(plx_loop *loop, plx__object *object)
{
    switch (plx__object_kind(object)) {
    case PLX__KIND_CONN:
        plx__conn_detached(loop, (plx__conn *)(void *)object);
        break;
    case PLX__KIND_LISTENER:
        plx__listener_detached(loop, (plx__listener *)(void *)object);
        break;
    case PLX__KIND_WATCH:
        plx__watch_detached(loop, (plx__watch *)(void *)object);
        break;
    default:
        PLX_ASSERT(false);
    }
}

PLX__SLOW static void completion_deliver(plx_loop *loop, const plx__completion *completion)
{
    plx__object *object = (plx__object *)(void *)completion->endpoint;
    PLX_ASSERT(object->state == PLX__OPEN || completion->kind == PLX__DETACHED);
    loop->stats.completions++;
    switch (completion->kind) {
    case PLX__ENDED:
        plx__conn_stream_ended(loop, (plx__conn *)(void *)object, completion->status);
        break;
    case PLX__UNSENT:
        plx__conn_unsent(loop, (plx__conn *)(void *)object, completion);
        break;
    case PLX__SENT:
        plx__conn_sent(loop, (plx__conn *)(void *)object, completion);
        break;
    case PLX__ACCEPTED:
        plx__listener_accepted(loop, (plx__listener *)(void *)object, completion);
        break;
    case PLX__CONNECTED:
        plx__conn_connected(loop, (plx__conn *)(void *)object, completion->status);
        break;
    case PLX__READY:
        plx__watch_ready(loop, (plx__watch *)(void *)object, completion);
        break;
    case PLX__RELEASED:
        plx__conn_released(loop, (plx__conn *)(void *)object);
        break;
    case PLX__DETACHED:
        detached_deliver(loop, object);
        break;
    default:
        PLX_ASSERT(false);
    }
}

/* Whether anything could still call back. */
static bool is_alive(plx_loop *loop)
{
    if (loop->keeps_running)
        return true;
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        if (loop->slabs[kind].taken > 0)
            return true;
    }
    return !plx__post_queue_is_empty(&loop->posts);
}

uint64_t plx__wait_timeout(plx_loop *loop, uint64_t now_ns, uint64_t timeout_ns)
{
    uint64_t next_ns = plx__wheel_next_ns(&loop->wheel);
    if (loop->deferred_first != NULL || plx__atomic_load(&loop->is_stopped) ||
        plx__signals_are_due(loop) || !plx__post_queue_is_empty(&loop->posts))
        return 0;
    if (next_ns == UINT64_MAX)
        return timeout_ns;
    uint64_t until = next_ns > now_ns ? next_ns - now_ns : 0;
    return until < timeout_ns ? until : timeout_ns;
}

/* With posts that wait already nobody needs to wake it, or to be told that it sleeps. */
static int backend_wait(plx_loop *loop, uint64_t timeout_ns)
{
    if (!plx__post_queue_is_empty(&loop->posts)) {
        int status = loop->ops->wait(loop->backend, 0);
        posts_gather(loop);
        return status;
    }
    /* First this, then a look at what others may have left: they look the other way round. */
    plx__atomic_store(&loop->is_sleeping, 1);
    plx__hook(PLX__HOOK_TOLD);
    timeout_ns = plx__wait_timeout(loop, loop->now_ns, timeout_ns);
    plx__hook(PLX__HOOK_LOOKED);
    int status = loop->ops->wait(loop->backend, timeout_ns);
    if (plx__atomic_exchange(&loop->is_sleeping, 0) == 0)
        loop->stats.wakes++;
    return status;
}

/* Waits and delivers what has arrived. */
static int completions_run(plx_loop *loop, uint64_t timeout_ns)
{
    int status = backend_wait(loop, timeout_ns);
    loop->now_ns = loop->turn_ns = plx__clock_now();
    if (status != 0)
        status = plx__wait_failed(loop, status, timeout_ns);
    /* A wait that failed may have brought something all the same. Only who is not to run the loop
     * must not deliver it. */
    if (status != 0 && !loop->is_closing)
        return status;
    const plx__completion *(*next)(plx__backend *) = loop->ops->next;
    plx__backend *backend = loop->backend;
    for (const plx__completion *one; (one = next(backend)) != NULL;) {
        if (one->kind == PLX__RECEIVED) /* Most are, and are counted as `receives`. */
            plx__conn_received(loop, (plx__conn *)(void *)one->endpoint, one);
        else
            completion_deliver(loop, one);
    }
    return status;
}

/* The order is a promise; docs/design.md says why it is this one. */
static int turn_run(plx_loop *loop, uint64_t timeout_ns)
{
    loop->is_in_turn = true;
    loop->stats.ticks++;
    int status = completions_run(loop, timeout_ns);
    loop->now_ns = plx__clock_now();
    bool has_fired = timers_run(loop);
    bool has_heard = plx__signals_are_due(loop);
    if (has_heard)
        plx__signals_deliver(loop);
    bool has_posted = !plx__post_queue_is_empty(&loop->posts) && posts_run(loop, 0);
    bool has_deferred = loop->deferred_first != NULL || loop->starved > 0;
    if (has_deferred)
        deferred_run(loop);
    if (has_fired || has_heard || has_posted || has_deferred)
        loop->now_ns = plx__clock_now(); /* For the next wait: what was called took time. */
    if (has_posted)
        loop->posts_ran_ns = loop->now_ns;
    if (loop->now_ns - loop->turn_ns >= PLX__TURN_LONG_NS)
        plx__conn_timeouts_catch_up(loop);
    loop->is_in_turn = false;
    return status;
}

/* The wait or the run that a stop was to end has ended. Whoever reads what the stopping thread has
 * written before its stop sees it: the exchange reads what plx_loop_stop() has stored. */
static void stop_consume(plx_loop *loop)
{
    if (plx__atomic_load(&loop->is_stopped) != 0)
        (void)plx__atomic_exchange(&loop->is_stopped, 0);
}

int plx_loop_run_once(plx_loop *loop, uint64_t timeout_ns)
{
    if (loop->is_in_turn || plx__is_inherited(loop))
        return PLX_EBUSY;
    loop->now_ns = plx__clock_now(); /* Who knows how long ago the last turn was. */
    int status = turn_run(loop, timeout_ns);
    stop_consume(loop);
    return status;
}

int plx_loop_run(plx_loop *loop)
{
    if (loop->is_in_turn)
        return PLX_EBUSY;
    int status = 0;
    loop->now_ns = plx__clock_now();
    /* A child has no part in a stop that was meant for its parent. */
    while (!plx__is_inherited(loop) && status == 0 && !plx__atomic_load(&loop->is_stopped) &&
           is_alive(loop))
        status = turn_run(loop, PLX_FOREVER);
    if (plx__is_inherited(loop))
        return PLX_EBUSY;
    if (status == 0)
        stop_consume(loop);
    return status;
}

/* --- closing --------------------------------------------------------------------------------- */

static void object_close(plx_loop *loop, plx__object *object)
{
    switch (plx__object_kind(object)) {
    case PLX__KIND_LISTENER:
        plx__listener_close(loop, (plx__listener *)(void *)object);
        break;
    case PLX__KIND_CONN:
        plx__conn_close(loop, (plx__conn *)(void *)object, PLX_ECANCELED);
        break;
    case PLX__KIND_TIMER:
        plx__timer_close(loop, (plx__timer *)(void *)object);
        break;
    case PLX__KIND_WATCH:
        plx__watch_close(loop, (plx__watch *)(void *)object);
        break;
    case PLX__KIND_SIGNAL:
        plx__signal_close(loop, (plx__signal *)(void *)object);
        break;
    default:
        PLX_ASSERT(false);
    }
}

/* The backend cannot be waited for: what it has in flight counts as over, and its close ends it. */
static void objects_detach(plx_loop *loop)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        const plx__slab *slab = &loop->slabs[kind];
        for (uint32_t slot = 0; slot < slab->count; slot++) {
            plx__object *object = plx__slab_at(slab, slot);
            if (object->state == PLX__CLOSING && !object->is_deferred)
                detached_deliver(loop, object);
        }
    }
}

/* Waits for what the backend has in flight, and for posters that are in the middle of a post. */
static void closing_wait(plx_loop *loop, uint32_t *failures)
{
    if (*failures < CLOSE_FAILURES_MAX && completions_run(loop, PLX_SECOND) == 0) {
        *failures = 0;
        return;
    }
    plx__sleep(CLOSE_PAUSE_NS);
    if (*failures < CLOSE_FAILURES_MAX && ++*failures == CLOSE_FAILURES_MAX)
        objects_detach(loop);
}

/* Closes what is open, and waits for what backends still have in flight. */
static void objects_close(plx_loop *loop)
{
    uint32_t failures = 0;
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        const plx__slab *slab = &loop->slabs[kind];
        for (uint32_t slot = 0; slot < slab->count; slot++) {
            plx__object *object = plx__slab_at(slab, slot);
            if (object->state == PLX__OPEN)
                object_close(loop, object);
        }
    }
    loop->keeps_running = false;
    while (is_alive(loop)) {
        (void)posts_run(loop, PLX_ECANCELED);
        deferred_run(loop);
        if (is_alive(loop))
            closing_wait(loop, &failures);
    }
}

void plx__loop_free(plx_loop *loop)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++)
        plx__slab_close(&loop->slabs[kind]);
    plx__socket_map_close(&loop->sockets);
    plx__spare_close(&loop->spare);
    plx__post_queue_close(&loop->posts);
    if (loop->profile_last != NULL)
        plx__profile_give(loop->profile_last);
    plx__segment_give(&loop->segments, loop->cork.segment);
    plx__segment_pool_close(&loop->segments);
    plx__free(loop->kept_spare);
    plx__free(loop);
    plx__sockets_end();
}

int plx_loop_close(plx_loop *loop)
{
    if (loop == NULL)
        return 0;
    if (loop->is_in_turn || plx__is_inherited(loop))
        return PLX_EBUSY;
    if (loop->ops->own != NULL && loop->ops->own(loop->backend) != 0)
        return PLX_EBUSY;
    loop->is_in_turn = true; /* The callbacks that come now cannot run or close it. */
    loop->is_closing = true;
    plx__post_queue_end(&loop->posts);
    objects_close(loop);
    loop->ops->close(loop->backend); /* Before the slabs: it may still look at endpoints. */
    plx__loop_free(loop);
    return 0;
}

/* --- from other threads, and small things ---------------------------------------------------- */

void plx__loop_wake(plx_loop *loop)
{
    if (plx__atomic_load(&loop->is_sleeping) != 0 &&
        plx__atomic_exchange(&loop->is_sleeping, 0) != 0)
        loop->ops->wake(loop->backend);
}

void plx_loop_stop(plx_loop *loop)
{
    plx__atomic_store(&loop->is_stopped, 1);
    plx__loop_wake(loop);
}

int plx_post(plx_loop *loop, plx_post_fn run, void *data)
{
    const plx__post post = {.run = run, .data = data};
    if (run == NULL)
        return PLX_EINVAL;
    int status = plx__post_queue_push(&loop->posts, post);
    if (status == 0)
        plx__loop_wake(loop);
    return status;
}

uint64_t plx_loop_next_timeout(plx_loop *loop)
{
    return plx__wait_timeout(loop, plx__clock_now(), PLX_FOREVER);
}

uint64_t plx_loop_now(const plx_loop *loop)
{
    return loop->now_ns;
}

void plx_loop_stats_get(const plx_loop *loop, plx_loop_stats *stats_out)
{
    *stats_out = loop->stats;
    stats_out->completions += stats_out->receives;
    stats_out->connections_open = loop->slabs[PLX__KIND_CONN].taken;
    if (loop->ops->count != NULL)
        loop->ops->count(loop->backend, stats_out);
}

const char *plx_loop_backend_name(const plx_loop *loop)
{
    return loop->ops->name;
}
