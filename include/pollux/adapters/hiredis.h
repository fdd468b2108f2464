/**
 * @file adapters/hiredis.h
 * Runs an asynchronous context of hiredis on a loop. Header only: link hiredis yourself.
 *
 * Needs hiredis 0.14 or newer; timeouts (redisAsyncSetTimeout) need 1.0. Tested with 0.14.1 and
 * 1.2.0.
 *
 * Use: redisAsyncConnect(), check `err`, plx_redis_attach(). Then set the callbacks and send
 * commands as hiredis describes it.
 *
 * Ownership: the context is yours until hiredis frees it, in redisAsyncFree(),
 * redisAsyncDisconnect() or when the connection fails. The adapter owns a watch over the context's
 * socket and a timer. They end when hiredis calls its `cleanup` hook, before it closes the socket.
 * You free nothing of the adapter's.
 *
 * Order at the end: redisAsyncFree() or redisAsyncDisconnect(), plx_loop_close(). While the context
 * lives plx_loop_run() does not return by itself. If the loop closes first, or a forked child
 * abandons it, call plx_redis_loop_closed() and then redisAsyncFree().
 *
 * Threads: the thread that runs the loop makes all calls, hiredis's included.
 *
 * Errors: while memory is short (PLX_ENOMEM, PLX_ENFILE), the adapter retries every 10 ms to change
 * what the watch asks for. hiredis has no way to be told.
 *
 * The trap: hiredis frees the context and closes the socket inside its own calls, before they
 * return: when the peer ends the connection, and after a callback that called redisAsyncFree(). The
 * adapter does not touch the context after such a call; do the same in your code. With
 * REDIS_OPT_NOAUTOFREE the context stays, but is no longer attached.
 */
#ifndef POLLUX_ADAPTERS_HIREDIS_H
#define POLLUX_ADAPTERS_HIREDIS_H

#include <hiredis/async.h>
#include <pollux/error.h>
#include <pollux/loop.h>
#include <pollux/timer.h>
#include <pollux/watch.h>

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Private: how long the adapter waits before it asks the loop again. */
#define PLX__REDIS_RETRY_NS (10 * PLX_MILLISECOND)

/** Private: what `ev.data` of the context points to. */
typedef struct plx__redis {
    plx_loop *loop;             /* NULL once the loop has closed. */
    redisAsyncContext *context; /* NULL once hiredis has called cleanup. */
    plx_watch watch;
    plx_timer timer;
    uint64_t due_ns;   /* When hiredis must check its timeouts; PLX_FOREVER: never. */
    uint32_t interest; /* What hiredis asked for. */
    int is_refused;    /* The loop had no memory for it. */
    int is_calling;    /* A call of hiredis's is on the stack, so this structure must stay. */
} plx__redis;

/** Private: sets the timer for whatever is due first. */
static inline void plx__redis_schedule(plx__redis *redis)
{
    uint64_t now_ns = plx_loop_now(redis->loop);
    uint64_t left_ns = PLX_FOREVER;
    if (redis->due_ns != PLX_FOREVER)
        left_ns = redis->due_ns > now_ns ? redis->due_ns - now_ns : 0;
    if (redis->is_refused && left_ns > PLX__REDIS_RETRY_NS)
        left_ns = PLX__REDIS_RETRY_NS;
    (void)plx_timer_restart(redis->loop, redis->timer, left_ns);
}

/** Private: asks the loop for what hiredis asked for. */
static inline void plx__redis_ask(plx__redis *redis)
{
    int status = plx_watch_set(redis->loop, redis->watch, redis->interest);
    redis->is_refused = status == PLX_ENOMEM || status == PLX_ENFILE;
    if (redis->is_refused)
        plx__redis_schedule(redis);
}

/** Private: hiredis wants something else of the socket. */
static inline void plx__redis_want(plx__redis *redis, uint32_t interest)
{
    if (interest == redis->interest)
        return;
    redis->interest = interest;
    if (redis->loop != NULL)
        plx__redis_ask(redis);
}

/** Private: the hook addRead. */
static inline void plx__redis_add_read(void *data)
{
    plx__redis *redis = (plx__redis *)data;
    plx__redis_want(redis, redis->interest | PLX_READABLE);
}

/** Private: the hook delRead. */
static inline void plx__redis_del_read(void *data)
{
    plx__redis *redis = (plx__redis *)data;
    plx__redis_want(redis, redis->interest & ~(uint32_t)PLX_READABLE);
}

/** Private: the hook addWrite. */
static inline void plx__redis_add_write(void *data)
{
    plx__redis *redis = (plx__redis *)data;
    plx__redis_want(redis, redis->interest | PLX_WRITABLE);
}

/** Private: the hook delWrite. */
static inline void plx__redis_del_write(void *data)
{
    plx__redis *redis = (plx__redis *)data;
    plx__redis_want(redis, redis->interest & ~(uint32_t)PLX_WRITABLE);
}

/** Private: takes the hooks from the context. */
static inline void plx__redis_unhook(redisAsyncContext *context)
{
    context->ev.data = NULL;
    context->ev.addRead = NULL;
    context->ev.delRead = NULL;
    context->ev.addWrite = NULL;
    context->ev.delWrite = NULL;
    context->ev.cleanup = NULL;
#if HIREDIS_MAJOR >= 1
    context->ev.scheduleTimer = NULL;
#endif
}

/** Private: the hook cleanup. hiredis closes the socket after this. */
static inline void plx__redis_cleanup(void *data)
{
    plx__redis *redis = (plx__redis *)data;
    plx__redis_unhook(redis->context);
    redis->context = NULL;
    if (redis->loop != NULL) {
        (void)plx_watch_close(redis->loop, redis->watch);
        (void)plx_timer_cancel(redis->loop, redis->timer);
    }
    if (!redis->is_calling)
        free(redis);
}

/** Private: a call of hiredis's has returned, which may have freed the context. */
static inline void plx__redis_leave(plx__redis *redis)
{
    redis->is_calling = 0;
    if (redis->context == NULL)
        free(redis);
}

/** Private: the callback of the watch. */
static inline void plx__redis_on_ready(plx_loop *loop, plx_watch watch, void *data,
                                       plx_socket socket, uint32_t ready)
{
    plx__redis *redis = (plx__redis *)data;
    (void)loop;
    (void)watch;
    (void)socket;
    redis->is_calling = 1;
    /* PLX_FAILED alone: somebody closed the socket. hiredis gets an error when it reads. */
    if ((ready & PLX_READABLE) != 0 || ready == PLX_FAILED)
        redisAsyncHandleRead(redis->context);
    if (redis->context != NULL && (ready & PLX_WRITABLE) != 0)
        redisAsyncHandleWrite(redis->context);
    plx__redis_leave(redis);
}

/** Private: the callback of the timer. It starts the timer anew, which never fails that way. */
static inline void plx__redis_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    plx__redis *redis = (plx__redis *)data;
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    if (redis->is_refused)
        plx__redis_ask(redis);
#if HIREDIS_MAJOR >= 1
    if (redis->due_ns <= plx_loop_now(loop)) {
        redis->due_ns = PLX_FOREVER;
        redis->is_calling = 1;
        redisAsyncHandleTimeout(redis->context);
        plx__redis_leave(redis);
        return;
    }
#endif
    plx__redis_schedule(redis);
}

#if HIREDIS_MAJOR >= 1
/** Private: the hook scheduleTimer. */
static inline void plx__redis_set_timer(void *data, struct timeval after)
{
    plx__redis *redis = (plx__redis *)data;
    if (redis->loop == NULL)
        return;
    redis->due_ns = plx_loop_now(redis->loop) + (uint64_t)after.tv_sec * PLX_SECOND +
                    (uint64_t)after.tv_usec * PLX_MICROSECOND;
    plx__redis_schedule(redis);
}
#endif

/**
 * Attaches the context to the loop. Callbacks may be set and commands sent before or after.
 *
 * Returns 0, PLX_EINVAL for a context with an error, PLX_EEXIST for one that is attached already,
 * PLX_ENOMEM, or as plx_watch_open() does. On failure the context stays as it was: free it with
 * redisAsyncFree().
 */
PLX_NODISCARD static inline int plx_redis_attach(plx_loop *loop, redisAsyncContext *context)
{
    if (context->err != 0)
        return PLX_EINVAL;
    if (context->ev.data != NULL)
        return PLX_EEXIST;
    plx__redis *redis = (plx__redis *)calloc(1, sizeof *redis);
    if (redis == NULL)
        return PLX_ENOMEM;
    redis->loop = loop;
    redis->context = context;
    redis->due_ns = PLX_FOREVER;
    redis->interest = PLX_WRITABLE; /* So that hiredis learns how the connect ended. */
    int status = plx_timer_start(loop, &redis->timer, PLX_FOREVER, 0, plx__redis_on_timer, redis);
    if (status == 0) {
        status = plx_watch_open(loop, &redis->watch, (plx_socket)context->c.fd, redis->interest,
                                plx__redis_on_ready, redis);
        if (status != 0)
            (void)plx_timer_cancel(loop, redis->timer);
    }
    if (status != 0) {
        free(redis);
        return status;
    }
    context->ev.data = redis;
    context->ev.addRead = plx__redis_add_read;
    context->ev.delRead = plx__redis_del_read;
    context->ev.addWrite = plx__redis_add_write;
    context->ev.delWrite = plx__redis_del_write;
    context->ev.cleanup = plx__redis_cleanup;
#if HIREDIS_MAJOR >= 1
    context->ev.scheduleTimer = plx__redis_set_timer;
#endif
    return 0;
}

/**
 * Tells the adapter that its loop has closed. The adapter makes no call to the loop any more, and
 * commands make no progress; redisAsyncFree() ends them. A context that is not attached is allowed.
 */
static inline void plx_redis_loop_closed(redisAsyncContext *context)
{
    plx__redis *redis = (plx__redis *)context->ev.data;
    if (redis != NULL)
        redis->loop = NULL;
}

#ifdef __cplusplus
}
#endif
#endif
