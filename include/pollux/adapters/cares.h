/**
 * @file adapters/cares.h
 * Runs a channel of c-ares, which resolves names, on a loop. Header only: link c-ares yourself.
 *
 * Needs c-ares 1.16 or newer; tested with 1.18.1 and 1.34.9. Its <ares.h> does not compile as
 * strict ISO C: on glibc compile with -std=gnu11, or define _DEFAULT_SOURCE before the first
 * header.
 *
 * Use: plx_ares_open(), then ares_getaddrinfo(plx_ares_channel(ares), ...) and its like. The
 * callbacks of the queries are called by the loop, or by c-ares within your own call when the
 * answer needs no server.
 *
 * Ownership: the adapter owns the channel, a watch for each socket that c-ares reports, and one
 * timer. Do not call ares_destroy(), ares_process(), ares_process_fd() or ares_fds().
 *
 * Order at the end: plx_ares_close(), plx_loop_close(). The timer is open until plx_ares_close(),
 * so plx_loop_run() does not return by itself before that. If the loop closes first, or a forked
 * child abandons it, call plx_ares_loop_closed() before anything else of c-ares's.
 *
 * Threads: the thread that runs the loop makes all calls, c-ares's included.
 *
 * Errors: when a socket cannot be watched (PLX_ENOMEM, say), the adapter retries whenever its timer
 * fires, at least once a second. c-ares has no way to be told; the query times out if no retry
 * succeeds.
 *
 * The trap: c-ares closes its sockets itself, and the system gives their numbers to the next ones
 * that anybody opens. It reports a socket with neither readable nor writable before it closes it,
 * and the adapter closes the watch within that report. Do not close c-ares's sockets yourself.
 */
#ifndef POLLUX_ADAPTERS_CARES_H
#define POLLUX_ADAPTERS_CARES_H

#include <ares.h>
#include <pollux/error.h>
#include <pollux/loop.h>
#include <pollux/timer.h>
#include <pollux/watch.h>

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A channel on a loop. Its members are private; use the functions. */
typedef struct plx_ares plx_ares;

/** Private: a socket that c-ares waits for. */
typedef struct plx__ares_socket {
    struct plx__ares_socket *next;
    ares_socket_t socket;
    uint32_t interest;
    plx_watch watch; /* All zero: it could not be watched. */
} plx__ares_socket;

struct plx_ares {
    plx_loop *loop; /* NULL once the loop has closed. */
    ares_channel channel;
    plx_timer timer;
    plx__ares_socket *sockets;
    int is_in_cares; /* The adapter called c-ares, which may be calling back. */
    int is_closed;   /* The channel is to be destroyed when c-ares has returned. */
};

static inline void plx__ares_act(plx_ares *ares, ares_socket_t readable, ares_socket_t writable);

/** Private: the callback of the watches. */
static inline void plx__ares_on_ready(plx_loop *loop, plx_watch watch, void *data,
                                      plx_socket socket, uint32_t ready)
{
    plx_ares *ares = (plx_ares *)data;
    (void)loop;
    if (ready == PLX_FAILED) {
        /* Somebody closed the socket; its number may be another one's. The query times out. */
        for (plx__ares_socket *known = ares->sockets; known != NULL; known = known->next) {
            if (known->watch.bits == watch.bits)
                known->watch.bits = 0;
        }
        return;
    }
    plx__ares_act(ares, (ready & PLX_READABLE) != 0 ? (ares_socket_t)socket : ARES_SOCKET_BAD,
                  (ready & PLX_WRITABLE) != 0 ? (ares_socket_t)socket : ARES_SOCKET_BAD);
}

/** Private: asks the loop for what c-ares asked for. On failure the watch is all zero. */
static inline void plx__ares_watch(plx_ares *ares, plx__ares_socket *known)
{
    if (known->watch.bits != 0) {
        if (plx_watch_set(ares->loop, known->watch, known->interest) == 0)
            return;
        (void)plx_watch_close(ares->loop, known->watch);
    }
    if (plx_watch_open(ares->loop, &known->watch, (plx_socket)known->socket, known->interest,
                       plx__ares_on_ready, ares) != 0)
        known->watch.bits = 0;
}

/** Private: c-ares is about to close this socket, which `*link` points to. */
static inline void plx__ares_forget(plx_ares *ares, plx__ares_socket **link)
{
    plx__ares_socket *known = *link;
    *link = known->next;
    if (ares->loop != NULL && known->watch.bits != 0)
        (void)plx_watch_close(ares->loop, known->watch);
    free(known);
}

/** Private: ares_options.sock_state_cb. */
static inline void plx__ares_on_socket(void *data, ares_socket_t socket, int readable, int writable)
{
    plx_ares *ares = (plx_ares *)data;
    plx__ares_socket **link = &ares->sockets;
    while (*link != NULL && (*link)->socket != socket)
        link = &(*link)->next;
    if (!readable && !writable) {
        if (*link != NULL)
            plx__ares_forget(ares, link);
        return;
    }
    if (ares->loop == NULL)
        return;
    if (*link == NULL) {
        plx__ares_socket *made = (plx__ares_socket *)calloc(1, sizeof *made);
        if (made == NULL)
            return; /* The query will time out. */
        made->socket = socket;
        *link = made;
    }
    (*link)->interest =
        (readable ? (uint32_t)PLX_READABLE : 0) | (writable ? (uint32_t)PLX_WRITABLE : 0);
    plx__ares_watch(ares, *link);
    /* The query that the socket is for has no timeout yet. In the next turn it has one. */
    if (!ares->is_in_cares)
        (void)plx_timer_restart(ares->loop, ares->timer, 0);
}

/**
 * Sets the timer by the timeouts of the channel's queries. Call it after you have started a query.
 * If you do not, c-ares may notice a timeout up to a second late, because while the channel has a
 * socket open the adapter checks once a second.
 */
static inline void plx_ares_update(plx_ares *ares)
{
    struct timeval second, left;
    uint64_t timeout_ns = PLX_FOREVER;
    if (ares->loop == NULL || ares->is_in_cares)
        return;
    second.tv_sec = 1;
    second.tv_usec = 0;
    const struct timeval *found =
        ares_timeout(ares->channel, ares->sockets != NULL ? &second : NULL, &left);
    if (found != NULL)
        timeout_ns =
            (uint64_t)found->tv_sec * PLX_SECOND + (uint64_t)found->tv_usec * PLX_MICROSECOND;
    (void)plx_timer_restart(ares->loop, ares->timer, timeout_ns);
}

/** Private: ends the queries that are left with ARES_EDESTRUCTION, and frees the adapter. */
static inline void plx__ares_destroy(plx_ares *ares)
{
    ares->is_closed = 1;
    ares->is_in_cares = 1; /* The queries' callbacks may call plx_ares_close(). */
    ares_destroy(ares->channel);
    while (ares->sockets != NULL)
        plx__ares_forget(ares, &ares->sockets);
    if (ares->loop != NULL)
        (void)plx_timer_cancel(ares->loop, ares->timer);
    free(ares);
}

/** Private: lets c-ares work. May free the adapter. */
static inline void plx__ares_act(plx_ares *ares, ares_socket_t readable, ares_socket_t writable)
{
    ares->is_in_cares = 1;
    ares_process_fd(ares->channel, readable, writable);
    ares->is_in_cares = 0;
    if (ares->is_closed)
        plx__ares_destroy(ares);
    else
        plx_ares_update(ares);
}

/** Private: the callback of the timer. It starts the timer anew, which never fails that way. */
static inline void plx__ares_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    plx_ares *ares = (plx_ares *)data;
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    for (plx__ares_socket *known = ares->sockets; known != NULL; known = known->next) {
        if (known->watch.bits == 0)
            plx__ares_watch(ares, known);
    }
    plx__ares_act(ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* For the timeouts. */
}

/**
 * Makes a channel on the loop. `options` and `mask` are those of ares_init_options(), without
 * ARES_OPT_SOCK_STATE_CB and ARES_OPT_EVENT_THREAD; NULL and 0 are allowed. `*ares_out` is the
 * adapter, or NULL if the call fails.
 *
 * Returns 0, PLX_EINVAL for those two or when c-ares refuses the options, PLX_ENOMEM, or
 * PLX_ECANCELED while the loop closes. Call ares_library_init() before.
 */
PLX_NODISCARD static inline int plx_ares_open(plx_loop *loop, plx_ares **ares_out,
                                              const struct ares_options *options, int mask)
{
    struct ares_options mine;
    *ares_out = NULL;
    if ((mask & ARES_OPT_SOCK_STATE_CB) != 0 || (options == NULL && mask != 0))
        return PLX_EINVAL;
#ifdef ARES_OPT_EVENT_THREAD
    if ((mask & ARES_OPT_EVENT_THREAD) != 0)
        return PLX_EINVAL;
#endif
    plx_ares *ares = (plx_ares *)calloc(1, sizeof *ares);
    if (ares == NULL)
        return PLX_ENOMEM;
    memset(&mine, 0, sizeof mine);
    if (options != NULL)
        mine = *options;
    mine.sock_state_cb = plx__ares_on_socket;
    mine.sock_state_cb_data = ares;
    ares->loop = loop;
    int status = plx_timer_start(loop, &ares->timer, PLX_FOREVER, 0, plx__ares_on_timer, ares);
    if (status == 0) {
        int code = ares_init_options(&ares->channel, &mine, mask | ARES_OPT_SOCK_STATE_CB);
        if (code != ARES_SUCCESS) {
            (void)plx_timer_cancel(loop, ares->timer);
            status = code == ARES_ENOMEM ? PLX_ENOMEM : PLX_EINVAL;
        }
    }
    if (status != 0) {
        free(ares);
        return status;
    }
    *ares_out = ares;
    return 0;
}

/** The channel, to start queries and to set servers. It is the adapter's. */
static inline ares_channel plx_ares_channel(const plx_ares *ares)
{
    return ares->channel;
}

/**
 * Tells the adapter that its loop has closed. The adapter makes no call to the loop any more, and
 * the queries make no progress; plx_ares_close() ends them.
 */
static inline void plx_ares_loop_closed(plx_ares *ares)
{
    ares->loop = NULL;
}

/**
 * Destroys the channel and frees the adapter: do not use `ares` afterwards. c-ares calls the
 * callback of each query that is left with ARES_EDESTRUCTION, before this returns. NULL is allowed.
 *
 * You may call it in a query's callback that the loop called. The channel then lives until c-ares
 * returns to the adapter: c-ares still delivers the answers that it has read, and ends the other
 * queries with ARES_EDESTRUCTION. Do not call it in a callback that c-ares calls within your own
 * ares_ call, because c-ares goes on using the channel there.
 */
static inline void plx_ares_close(plx_ares *ares)
{
    if (ares == NULL)
        return;
    if (ares->is_in_cares)
        ares->is_closed = 1;
    else
        plx__ares_destroy(ares);
}

#ifdef __cplusplus
}
#endif
#endif
