/**
 * @file adapters/curl.h
 * Runs transfers of libcurl on a loop. Header only: link libcurl yourself.
 *
 * Needs libcurl 7.61 or newer; tested with 7.88.1 and 8.14.1.
 *
 * Use: plx_curl_open(), then curl_multi_add_handle(plx_curl_multi(curl), transfer) for each
 * transfer. The loop does the rest, and calls on_done once for each transfer that ends.
 *
 * Ownership: the adapter owns the multi handle, a watch for each socket that libcurl reports, and
 * one timer. Transfers (easy handles) are yours. Do not set CURLMOPT_SOCKETFUNCTION,
 * CURLMOPT_TIMERFUNCTION or their data, do not call curl_multi_assign(), curl_multi_perform(),
 * curl_multi_socket_action() or curl_multi_info_read(), and do not clean up the multi handle.
 *
 * Order at the end: remove and clean up your transfers, plx_curl_close(), plx_loop_close(). The
 * timer is open until plx_curl_close(), so plx_loop_run() does not return by itself before that.
 * If the loop closes first, or a forked child abandons it, call plx_curl_loop_closed() before
 * anything else of libcurl's.
 *
 * Threads: the thread that runs the loop makes all calls, libcurl's included.
 *
 * Errors: when a socket cannot be watched (PLX_ENOMEM, say), the adapter retries every 10 ms, and
 * plx_curl_status() returns the code meanwhile. The transfer waits, within the timeouts that you
 * gave it. The adapter does not report this to libcurl, which would end all transfers of the multi
 * handle; libcurl 7.88.1 was seen to crash in curl_multi_perform() after such a report.
 *
 * The trap: libcurl closes its sockets itself, and the system gives their numbers to the next ones
 * that anybody opens. libcurl reports CURL_POLL_REMOVE before it closes a socket, and the adapter
 * closes the watch within that report. So do not close libcurl's sockets yourself; a function set
 * with CURLOPT_CLOSESOCKETFUNCTION may close the one that it is called for.
 */
#ifndef POLLUX_ADAPTERS_CURL_H
#define POLLUX_ADAPTERS_CURL_H

#include <curl/curl.h>
#include <pollux/error.h>
#include <pollux/loop.h>
#include <pollux/timer.h>
#include <pollux/watch.h>

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A multi handle on a loop. Its members are private; use the functions. */
typedef struct plx_curl plx_curl;

/**
 * `transfer` has ended with `result`. It has been removed from the multi handle: clean it up, or
 * add it again. You may close the adapter here, and add or remove any transfer.
 */
typedef void (*plx_curl_done_fn)(plx_curl *curl, void *data, CURL *transfer, CURLcode result);

/** Private: how long the adapter waits before it asks the loop again. */
#define PLX__CURL_RETRY_NS (10 * PLX_MILLISECOND)

/** Private: a socket that libcurl waits for. */
typedef struct plx__curl_socket {
    struct plx__curl_socket *next;
    struct plx__curl_socket *previous;
    curl_socket_t socket;
    uint32_t interest;
    plx_watch watch; /* All zero: it could not be watched. */
} plx__curl_socket;

struct plx_curl {
    plx_loop *loop; /* NULL once the loop has closed. */
    CURLM *multi;   /* NULL once the adapter has closed. */
    plx_curl_done_fn on_done;
    void *data;
    plx_timer timer;
    plx__curl_socket *sockets;
    uint64_t due_ns;   /* When libcurl must check its timeouts; PLX_FOREVER: never. */
    int status;        /* Why a socket could not be watched; 0 if all are. */
    int is_in_libcurl; /* A call of libcurl's is on the stack, so the multi handle must stay, */
    int is_reporting;  /* or on_done is, so this structure must. */
};

/** Private: the adapter's memory lives as long as a callback that was called through it. */
static inline void plx__curl_leave(plx_curl *curl)
{
    curl->is_reporting = 0;
    if (curl->multi == NULL)
        free(curl);
}

/** Private: reports the transfers that have ended. May free the adapter. */
static inline void plx__curl_report(plx_curl *curl)
{
    CURLMsg *message;
    int left;
    curl->is_reporting = 1;
    while (curl->multi != NULL && (message = curl_multi_info_read(curl->multi, &left)) != NULL) {
        CURL *transfer = message->easy_handle;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl->is_in_libcurl = 1;
        (void)curl_multi_remove_handle(curl->multi, transfer); /* This frees `message`. */
        curl->is_in_libcurl = 0;
        curl->on_done(curl, curl->data, transfer, result);
    }
    plx__curl_leave(curl);
}

/** Private: lets libcurl work; `socket` is ready, or CURL_SOCKET_TIMEOUT. May free the adapter. */
static inline void plx__curl_act(plx_curl *curl, curl_socket_t socket, int flags)
{
    int running;
    curl->is_in_libcurl = 1;
    (void)curl_multi_socket_action(curl->multi, socket, flags, &running);
    curl->is_in_libcurl = 0;
    plx__curl_report(curl);
}

/** Private: the callback of the watches. */
static inline void plx__curl_on_ready(plx_loop *loop, plx_watch watch, void *data,
                                      plx_socket socket, uint32_t ready)
{
    plx_curl *curl = (plx_curl *)data;
    int flags = 0;
    (void)loop;
    if (ready == PLX_FAILED) {
        /* The watch has ended, because somebody closed the socket. libcurl will see an error. */
        for (plx__curl_socket *known = curl->sockets; known != NULL; known = known->next) {
            if (known->watch.bits == watch.bits)
                known->watch.bits = 0;
        }
    }
    if ((ready & PLX_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((ready & PLX_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    if ((ready & PLX_FAILED) != 0)
        flags |= CURL_CSELECT_ERR;
    plx__curl_act(curl, (curl_socket_t)socket, flags);
}

/** Private: sets the timer for whatever is due first. */
static inline void plx__curl_schedule(plx_curl *curl)
{
    uint64_t now_ns = plx_loop_now(curl->loop);
    uint64_t left_ns = PLX_FOREVER;
    if (curl->due_ns != PLX_FOREVER)
        left_ns = curl->due_ns > now_ns ? curl->due_ns - now_ns : 0;
    if (curl->status != 0 && left_ns > PLX__CURL_RETRY_NS)
        left_ns = PLX__CURL_RETRY_NS;
    (void)plx_timer_restart(curl->loop, curl->timer, left_ns);
}

/** Private: asks the loop for what libcurl asked for. On failure the watch is all zero. */
static inline void plx__curl_ask(plx_curl *curl, plx__curl_socket *known)
{
    if (known->watch.bits != 0) {
        if (plx_watch_set(curl->loop, known->watch, known->interest) == 0)
            return;
        (void)plx_watch_close(curl->loop, known->watch);
    }
    int status = plx_watch_open(curl->loop, &known->watch, (plx_socket)known->socket,
                                known->interest, plx__curl_on_ready, curl);
    if (status != 0) {
        known->watch.bits = 0;
        curl->status = status;
        plx__curl_schedule(curl);
    }
}

/** Private: the callback of the timer. It starts the timer anew, which never fails that way. */
static inline void plx__curl_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    plx_curl *curl = (plx_curl *)data;
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    if (curl->status != 0) {
        curl->status = 0;
        for (plx__curl_socket *known = curl->sockets; known != NULL; known = known->next) {
            if (known->watch.bits == 0)
                plx__curl_ask(curl, known);
        }
    }
    if (curl->due_ns > plx_loop_now(loop)) {
        plx__curl_schedule(curl);
        return;
    }
    curl->due_ns = PLX_FOREVER;
    plx__curl_act(curl, CURL_SOCKET_TIMEOUT, 0);
}

/** Private: libcurl is about to close the socket, or waits for it no more. */
static inline void plx__curl_forget(plx_curl *curl, plx__curl_socket *known)
{
    if (curl->loop != NULL && known->watch.bits != 0)
        (void)plx_watch_close(curl->loop, known->watch);
    if (known->next != NULL)
        known->next->previous = known->previous;
    if (known->previous != NULL)
        known->previous->next = known->next;
    else
        curl->sockets = known->next;
    free(known);
}

/** Private: searches for a socket for which libcurl passes no `assigned`. */
static inline plx__curl_socket *plx__curl_find(const plx_curl *curl, curl_socket_t socket)
{
    plx__curl_socket *known = curl->sockets;
    while (known != NULL && known->socket != socket)
        known = known->next;
    return known;
}

/** Private: remembers a socket that libcurl has not reported before. NULL without memory. */
static inline plx__curl_socket *plx__curl_learn(plx_curl *curl, curl_socket_t socket)
{
    plx__curl_socket *known = (plx__curl_socket *)calloc(1, sizeof *known);
    if (known == NULL)
        return NULL;
    known->socket = socket;
    known->next = curl->sockets;
    if (curl->sockets != NULL)
        curl->sockets->previous = known;
    curl->sockets = known;
    /* libcurl passes it as `assigned` from now on, which saves the search. */
    (void)curl_multi_assign(curl->multi, socket, known);
    return known;
}

/** Private: CURLMOPT_SOCKETFUNCTION. */
static inline int plx__curl_on_socket(CURL *transfer, curl_socket_t socket, int what, void *data,
                                      void *assigned)
{
    plx_curl *curl = (plx_curl *)data;
    plx__curl_socket *known = (plx__curl_socket *)assigned;
    (void)transfer; /* It may be one of libcurl's own. */
    if (known == NULL)
        known = plx__curl_find(curl, socket);
    if (what == CURL_POLL_REMOVE) {
        if (known != NULL)
            plx__curl_forget(curl, known);
        return 0;
    }
    if (curl->loop == NULL)
        return 0;
    if (known == NULL)
        known = plx__curl_learn(curl, socket);
    if (known == NULL)
        return 0; /* The transfer will time out, if it has a timeout. */
    known->interest = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        known->interest |= PLX_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        known->interest |= PLX_WRITABLE;
    plx__curl_ask(curl, known);
    return 0;
}

/** Private: CURLMOPT_TIMERFUNCTION. libcurl must not be called from in here, even for 0. */
static inline int plx__curl_on_timeout(CURLM *multi, long milliseconds, void *data)
{
    plx_curl *curl = (plx_curl *)data;
    (void)multi;
    if (curl->loop == NULL)
        return 0;
    curl->due_ns = PLX_FOREVER;
    if (milliseconds >= 0)
        curl->due_ns = plx_loop_now(curl->loop) + (uint64_t)milliseconds * PLX_MILLISECOND;
    plx__curl_schedule(curl);
    return 0;
}

/**
 * Makes a multi handle on the loop. `*curl_out` is the adapter, or NULL if the call fails.
 *
 * Returns 0, PLX_EINVAL without on_done, PLX_ENOMEM, or PLX_ECANCELED while the loop closes. Call
 * curl_global_init() before.
 */
PLX_NODISCARD static inline int plx_curl_open(plx_loop *loop, plx_curl **curl_out,
                                              plx_curl_done_fn on_done, void *data)
{
    *curl_out = NULL;
    if (on_done == NULL)
        return PLX_EINVAL;
    plx_curl *curl = (plx_curl *)calloc(1, sizeof *curl);
    if (curl == NULL)
        return PLX_ENOMEM;
    curl->loop = loop;
    curl->on_done = on_done;
    curl->data = data;
    curl->due_ns = PLX_FOREVER;
    int status = plx_timer_start(loop, &curl->timer, PLX_FOREVER, 0, plx__curl_on_timer, curl);
    if (status != 0) {
        free(curl);
        return status;
    }
    curl->multi = curl_multi_init();
    if (curl->multi == NULL) {
        (void)plx_timer_cancel(loop, curl->timer);
        free(curl);
        return PLX_ENOMEM;
    }
    (void)curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, plx__curl_on_socket);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, plx__curl_on_timeout);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    *curl_out = curl;
    return 0;
}

/** The multi handle, to add and remove transfers and to set options. It is the adapter's. */
static inline CURLM *plx_curl_multi(const plx_curl *curl)
{
    return curl->multi;
}

/** 0, or the code with which a socket could not be watched; the adapter is trying again. */
static inline int plx_curl_status(const plx_curl *curl)
{
    return curl->status;
}

/**
 * Tells the adapter that its loop has closed. The adapter makes no call to the loop any more, and
 * its transfers make no progress: remove them and clean them up, then call plx_curl_close().
 */
static inline void plx_curl_loop_closed(plx_curl *curl)
{
    curl->loop = NULL;
}

/**
 * Cleans up the multi handle, closes its idle connections, and frees the adapter: do not use
 * `curl` afterwards. on_done is not called any more. Transfers that are still added are not
 * cleaned up; remove them before, with curl_multi_remove_handle(), or clean them up after. NULL is
 * allowed.
 *
 * Returns 0, or PLX_EBUSY from a callback of libcurl's own, as CURLOPT_WRITEFUNCTION: libcurl
 * works on the handle then. Return an error there, and close in on_done.
 */
static inline int plx_curl_close(plx_curl *curl)
{
    if (curl == NULL)
        return 0;
    if (curl->is_in_libcurl)
        return PLX_EBUSY;
    curl->is_in_libcurl = 1;
    (void)curl_multi_cleanup(curl->multi); /* Reports the sockets of idle connections. */
    curl->multi = NULL;
    while (curl->sockets != NULL)
        plx__curl_forget(curl, curl->sockets);
    if (curl->loop != NULL)
        (void)plx_timer_cancel(curl->loop, curl->timer);
    if (!curl->is_reporting)
        free(curl);
    return 0;
}

#ifdef __cplusplus
}
#endif
#endif
