/* core/loop.c - opening and closing, and what other threads may call. */
#include "core/loop.h"

#include <stdlib.h>
#include <string.h>

#include "core/classes.h"
#include "core/setting.h"
#include "core/shared_options.h"
#include "core/turn.h"
#include "core/wait.h"
#include "platform/sized.h"

#define CONNECTIONS_MAX_DEFAULT 1048576u
#define POSTS_MAX_DEFAULT       4096u
#define RECEIVE_BYTES_DEFAULT   65536u
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

static int backend_try(plx_loop *loop, const plx__backend_ops *ops, plx__backend_config config,
                       const plx__settings *settings)
{
    uint64_t values[PLX__SETTINGS_MAX];
    plx__settings_resolve(settings, ops, values);
    config.settings = ops->settings != NULL ? values : NULL;
    config.report = &loop->report;
    loop->report = (plx__backend_report){.due_ns = UINT64_MAX};
    loop->ops = ops;
    loop->host = ops->host;
    return ops->open(&loop->backend, &config);
}

static int backend_open(plx_loop *loop, const char *name, const plx__backend_config *config,
                        const plx__settings *settings)
{
    const plx__backend_ops *ops;
    if (name != NULL) {
        ops = plx__backend_find(name);
        return ops != NULL ? backend_try(loop, ops, *config, settings) : PLX_EBACKEND;
    }
    ops = plx__backend_here();
    if (ops != NULL)
        return backend_try(loop, ops, *config, settings);
    int status = PLX_ENOSYS;
    /* Out of memory may be a limit of one backend alone, as on memory that may be locked. */
    for (size_t i = 0;
         (status == PLX_ENOSYS || status == PLX_ENOMEM) && (ops = plx__backend_at(i)) != NULL; i++)
        status = backend_try(loop, ops, *config, settings);
    return status;
}

static void slabs_init(plx_loop *loop, uint32_t connections_max)
{
    uint32_t generation = generation_first();
    loop->classes = plx__classes;
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        const plx__class *of = plx__classes[kind];
        plx__slab_init(&loop->slabs[kind], (enum plx__kind)kind, of->bytes,
                       of->has_endpoint ? loop->ops->endpoint_bytes : 0, generation,
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
    const char *name = plx__backend_here() == NULL ? getenv("POLLUX_BACKEND") : NULL;
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static int loop_init(plx_loop *loop, const plx_loop_options *options)
{
    const char *name = backend_wanted(options);
    const plx__backend_config config = {
        .loop = loop,
        .receive_bytes = or_default(options->receive_bytes, RECEIVE_BYTES_DEFAULT),
        /* What is deferred is not counted, so with a limit for all queues there is none. */
        .may_defer = options->queued_bytes_max == 0,
        .openings = {.on_open = plx__socket_map_take, .data = &loop->sockets},
    };
    plx__settings settings;
    uint32_t connections_max = or_default(options->connections_max, CONNECTIONS_MAX_DEFAULT);
    if (config.receive_bytes > RECEIVE_BYTES_MAX || connections_max > PLX__SLAB_MAX)
        return PLX_EINVAL;
    int status = plx__settings_take(&settings, options);
    if (status == 0)
        status =
            plx__post_queue_init(&loop->posts, or_default(options->posts_max, POSTS_MAX_DEFAULT));
    if (status != 0)
        return status;
    plx__post_waiters_init(&loop->post_waiters);
    loop->cork.segment = plx__segment_take(&loop->segments);
    status = loop->cork.segment != NULL ? backend_open(loop, name, &config, &settings) : PLX_ENOMEM;
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
    loop->forks = plx__forks();
    loop->now_ns = loop->host->now();
    plx__wheel_init(&loop->wheel, loop->now_ns);
    plx__signal_listener_init(&loop->signals, on_signal_pending, loop);
    loop->host->spare_open(&loop->spare);
    slabs_init(loop, connections_max);
    return 0;
}

int plx_loop_open_sized(plx_loop **loop_out, const plx_loop_options *options, size_t options_bytes)
{
    plx_loop_options own;
    *loop_out = NULL;
    int status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status == 0)
        status = plx__forks_watch();
    if (status == 0)
        status = plx__sockets_start();
    if (status != 0)
        return status;
    plx_loop *loop = plx__allocate_zeroed(1, sizeof *loop);
    status = loop != NULL ? loop_init(loop, &own) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(loop);
        plx__sockets_end();
        return status;
    }
    *loop_out = loop;
    return 0;
}

/* --- closing --------------------------------------------------------------------------------- */

static void object_close(plx_loop *loop, plx__object *object)
{
    if (object->state == PLX__OPEN)
        plx__class_of(loop, object)->close(loop, object);
}

/* The backend cannot be waited for: what it has in flight counts as over, and its close ends it. */
static void object_detach(plx_loop *loop, plx__object *object)
{
    if (object->state == PLX__CLOSING && !object->is_deferred)
        plx__class_of(loop, object)->detached(loop, object);
}

/* Waits for what the backend has in flight, and for posters that are in the middle of a post. */
static void closing_wait(plx_loop *loop, uint32_t *failures)
{
    if (*failures < CLOSE_FAILURES_MAX && plx__turn_arrivals(loop, PLX_SECOND) == 0) {
        *failures = 0;
        return;
    }
    loop->host->sleep(CLOSE_PAUSE_NS);
    if (*failures < CLOSE_FAILURES_MAX && ++*failures == CLOSE_FAILURES_MAX)
        plx__objects_each(loop, object_detach);
}

/* Closes what is open, and waits for what backends still have in flight. */
static void objects_close(plx_loop *loop)
{
    uint32_t failures = 0;
    plx__objects_each(loop, object_close);
    loop->keeps_running = false;
    while (plx__turn_is_due(loop)) {
        (void)plx__turn_posts(loop, PLX_ECANCELED);
        plx__turn_deferred(loop);
        if (plx__turn_is_due(loop))
            closing_wait(loop, &failures);
    }
}

void plx__loop_free(plx_loop *loop)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++)
        plx__slab_close(&loop->slabs[kind]);
    plx__socket_map_close(&loop->sockets);
    plx__free(loop->sides);
    loop->host->spare_close(&loop->spare);
    plx__post_queue_close(&loop->posts);
    plx__post_waiters_close(&loop->post_waiters);
    if (loop->shared_last != NULL)
        plx__shared_options_release(loop->shared_last);
    plx__segment_give(&loop->segments, loop->cork.segment);
    plx__segment_pool_close(&loop->segments);
    plx__free(loop->unconsumed_spare);
    plx__free(loop);
    plx__sockets_end();
}

static void post_waiters_cancel(plx_loop *loop)
{
    plx__post waiter;
    while (plx__post_waiters_take(&loop->post_waiters, &waiter))
        waiter.run(loop, waiter.data, PLX_ECANCELED);
}

static int loop_end(plx_loop *loop)
{
    if (loop->is_in_turn || plx__is_inherited(loop))
        return PLX_EBUSY;
    if (loop->is_closing)
        return 0;
    if (loop->ops->own != NULL && loop->ops->own(loop->backend) != 0)
        return PLX_EBUSY;
    loop->is_in_turn = true; /* The callbacks that come now cannot run or close it. */
    loop->is_closing = true;
    plx__post_queue_end(&loop->posts);
    plx__post_waiters_end(&loop->post_waiters);
    objects_close(loop);
    post_waiters_cancel(loop);
    loop->is_in_turn = false;
    return 0;
}

int plx_loop_cancel(plx_loop *loop)
{
    const bool was_closing = loop->is_closing;
    int status = loop_end(loop);
    if (status != 0 || was_closing)
        return status;
    /* What backends do with their next wait: a second thread that polls closed sockets lets go of
     * them then, and their peers see the end. */
    loop->is_in_turn = true;
    (void)plx__turn_arrivals(loop, 0);
    loop->is_in_turn = false;
    return 0;
}

int plx_loop_close(plx_loop *loop)
{
    if (loop == NULL)
        return 0;
    int status = loop_end(loop);
    if (status != 0)
        return status;
    /* Another thread may have ended it: a second look costs nothing. */
    if (loop->ops->own != NULL && loop->ops->own(loop->backend) != 0)
        return PLX_EBUSY;
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

static void look_run(plx_loop *loop, void *data, int status)
{
    (void)data;
    (void)status;
    loop->stats.posts_run--; /* It is no post of the user's. */
}

void plx__room_look(plx_loop *loop)
{
    const plx__post look = {.run = look_run};
    if (plx__post_queue_push(&loop->posts, look) == 0)
        plx__loop_wake(loop);
}

int plx_post_notify(plx_loop *loop, plx_post_fn on_room, void *data)
{
    const plx__post waiter = {.run = on_room, .data = data};
    if (on_room == NULL)
        return PLX_EINVAL;
    if (plx__is_inherited(loop)) /* A thread of the parent may have had the list at the fork. */
        return PLX_EBUSY;
    int status = plx__post_waiters_add(&loop->post_waiters, waiter);
    if (status == 0)
        plx__room_look(loop);
    return status;
}

uint64_t plx_loop_next_timeout(plx_loop *loop)
{
    return plx__wait_timeout(loop, loop->host->now(), PLX_FOREVER);
}

uint64_t plx_loop_now(const plx_loop *loop)
{
    return loop->now_ns;
}

void plx_loop_stats_get_sized(const plx_loop *loop, plx_loop_stats *stats_out, size_t stats_bytes)
{
    plx_loop_stats stats = loop->stats;
    stats.completions += stats.receives;
    stats.connections_open = loop->slabs[PLX__KIND_CONN].taken;
    stats.wait_failures += loop->report.wait_failures;
    plx__sized_give(stats_out, stats_bytes, &stats, sizeof stats);
}

const char *plx_loop_counter_name(const plx_loop *loop, size_t index)
{
    const char *const *names = loop->ops->counters;
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (i == index)
            return names[i];
    }
    return NULL;
}

int plx_loop_counter(const plx_loop *loop, const char *name, uint64_t *value_out)
{
    const char *one;
    *value_out = 0;
    for (size_t i = 0; (one = plx_loop_counter_name(loop, i)) != NULL; i++) {
        if (strcmp(one, name) == 0) {
            *value_out = loop->report.values[i];
            return 0;
        }
    }
    return PLX_EINVAL;
}

int plx_loop_is_in_turn(const plx_loop *loop)
{
    return loop->is_in_turn;
}

uint32_t plx_loop_connections(const plx_loop *loop)
{
    return plx__atomic_load_relaxed(&loop->connections);
}

void *plx_loop_data(const plx_loop *loop)
{
    return loop->data;
}

void plx_loop_set_data(plx_loop *loop, void *data)
{
    loop->data = data;
}

static int conns_visit(plx_loop *loop, plx_each_conn_fn visit, void *data)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_CONN];
    const uint32_t end = slab->count; /* Each visit may open another one, for ever. */
    int result = 0;
    for (uint32_t slot = 0; slot < end && result == 0; slot++) {
        const plx__object *object = plx__slab_at(slab, slot);
        if (object->state == PLX__OPEN)
            result = visit(loop, (plx_conn){object->endpoint.token}, data);
        if (plx__is_inherited(loop)) /* `visit` has forked. */
            return PLX_EBUSY;
    }
    return result;
}

int plx_loop_each_conn(plx_loop *loop, plx_each_conn_fn visit, void *data)
{
    if (visit == NULL)
        return PLX_EINVAL;
    if (plx__is_inherited(loop))
        return PLX_EBUSY;
    const bool was_in_turn = loop->is_in_turn;
    plx__time_look(loop);
    loop->is_in_turn = true; /* As in other callbacks, the loop cannot be run or closed. */
    int result = conns_visit(loop, visit, data);
    loop->is_in_turn = was_in_turn;
    return result;
}

const char *plx_loop_backend_name(const plx_loop *loop)
{
    return loop->ops->name;
}
