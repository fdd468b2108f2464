/**
 * @file adapters/libpq.h
 * Runs a connection of libpq, PostgreSQL's client library, on a loop: connecting, queries and
 * asynchronous notifications. Header only: link libpq yourself.
 *
 * Needs libpq 9.2 or newer; tested with 15.18 and 17.12.
 *
 * Use: PQconnectStart() or PQconnectStartParams(), plx_pq_open(), and in on_connect and later
 * PQsendQuery() and its like, each followed by plx_pq_flush(). on_result is called for each result,
 * and with NULL when the query is complete. PQconnectStart() waits for the name server; give
 * `hostaddr` if it must not.
 *
 * Ownership: from plx_pq_open() on the adapter owns the PGconn, and plx_pq_close() calls
 * PQfinish(). Results are yours: call PQclear(). The adapter also owns a watch over libpq's socket
 * and a timer. Do not call PQfinish(), PQreset(), PQresetStart(), PQconnectPoll(),
 * PQconsumeInput() or PQsetnonblocking().
 *
 * Order at the end: plx_pq_close(), plx_loop_close(). Until plx_pq_close() the timer is open, so
 * plx_loop_run() does not return by itself. If the loop closes first, or a forked child abandons
 * it, call plx_pq_loop_closed() before plx_pq_close(); a forked child calls neither, because
 * PQfinish() would end its parent's connection.
 *
 * Threads: the thread that runs the loop makes all calls, libpq's included.
 *
 * Errors: on_fail is called once, when the connection cannot be made or is lost; PQerrorMessage()
 * has libpq's words. A query that fails is a result, as always with libpq.
 *
 * COPY: copy in within on_result, by PQputCopyData() and PQputCopyEnd(). libpq offers no way to
 * wait for the rows of COPY TO STDOUT beside PQgetResult(); read them within on_result, where
 * PQgetCopyData() may block. A COPY that is not over when on_result returns fails the connection
 * with PLX_ENOSYS.
 *
 * The trap: libpq closes its socket inside its own calls. PQconnectPoll() does so when it tries the
 * next address, or retries without encryption, and opens another socket, often with the same
 * number. So the adapter closes the watch before each PQconnectPoll() and opens one after it.
 * PQconsumeInput(), PQflush() and the PQsend functions close the socket when the connection is
 * lost. The adapter checks PQsocket() after its own calls and closes the watch. It cannot check
 * after yours: call plx_pq_flush() also when a PQsend function failed, before you open anything
 * else.
 */
#ifndef POLLUX_ADAPTERS_LIBPQ_H
#define POLLUX_ADAPTERS_LIBPQ_H

#include <libpq-fe.h>
#include <pollux/error.h>
#include <pollux/loop.h>
#include <pollux/timer.h>
#include <pollux/watch.h>

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection on a loop. Its members are private; use the functions. */
typedef struct plx_pq plx_pq;

/** The connection is open: queries may be sent. */
typedef void (*plx_pq_connect_fn)(plx_pq *pq, void *data);

/**
 * A result of the query in flight, yours to PQclear(); or NULL: the query is complete, and the next
 * one may be sent.
 */
typedef void (*plx_pq_result_fn)(plx_pq *pq, void *data, PGresult *result);

/** A notification, after LISTEN. It is valid until the callback returns. */
typedef void (*plx_pq_notify_fn)(plx_pq *pq, void *data, const PGnotify *notification);

/**
 * The connection is lost or could not be made. `status` is PLX_ENOTCONN: PQerrorMessage() has the
 * reason; PLX_ETIMEDOUT: it was not made within `connect_timeout_ns`; PLX_ENOSYS for a COPY (see
 * the top of this file); or the code with which the socket could not be watched. No other callback
 * follows. Close the adapter, here or later.
 */
typedef void (*plx_pq_fail_fn)(plx_pq *pq, void *data, int status);

/** What a connection does. You may close the adapter in each of its callbacks. */
typedef struct plx_pq_options {
    plx_pq_connect_fn on_connect; /**< May be NULL. */
    plx_pq_result_fn on_result;   /**< NULL: results are dropped. */
    plx_pq_notify_fn on_notify;   /**< NULL: notifications are dropped. */
    plx_pq_fail_fn on_fail;       /**< May not be NULL. */
    void *data;                   /**< Handed to each callback. */
    uint64_t connect_timeout_ns;  /**< 0: 30 s. libpq's own connect_timeout has no effect here. */
} plx_pq_options;

struct plx_pq {
    plx_loop *loop; /* NULL once the loop has closed. */
    PGconn *conn;   /* NULL once the adapter has closed. */
    plx_pq_options options;
    plx_timer timer;
    plx_watch watch;
    int socket;       /* The number that is watched; -1: none. */
    int is_connected; /* Until then the timer is the connect timeout. */
    int is_waiting;   /* A query is not complete. */
    int is_failed;    /* on_fail was called, or is about to be, */
    int status;       /* with this. */
    int is_calling;   /* A callback is on the stack, so this structure must stay. */
};

/** Private: the adapter's memory lives as long as a callback that was called through it. */
static inline void plx__pq_leave(plx_pq *pq)
{
    pq->is_calling = 0;
    if (pq->conn == NULL)
        free(pq);
}

/** Private: closes the watch, if there is one. */
static inline void plx__pq_unwatch(plx_pq *pq)
{
    if (pq->loop != NULL && pq->socket >= 0)
        (void)plx_watch_close(pq->loop, pq->watch);
    pq->socket = -1;
}

/** Private: notes the failure. The timer or plx__pq_tell() calls on_fail. */
static inline void plx__pq_fail(plx_pq *pq, int status)
{
    plx__pq_unwatch(pq);
    if (pq->is_failed)
        return;
    pq->is_failed = 1;
    pq->status = status;
    (void)plx_timer_restart(pq->loop, pq->timer, 0);
}

/** Private: calls on_fail, if there is a failure that was not reported yet. */
static inline void plx__pq_tell(plx_pq *pq)
{
    int status = pq->status;
    if (pq->conn == NULL || status == 0)
        return;
    pq->status = 0;
    (void)plx_timer_restart(pq->loop, pq->timer, PLX_FOREVER);
    pq->options.on_fail(pq, pq->options.data, status);
}

static inline void plx__pq_on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                                    uint32_t ready);

/** Private: has the socket that libpq has now watched for `interest`. 0 or a code. */
static inline int plx__pq_watch(plx_pq *pq, uint32_t interest)
{
    int socket = PQsocket(pq->conn);
    if (socket >= 0 && socket == pq->socket) {
        int status = plx_watch_set(pq->loop, pq->watch, interest);
        if (status != PLX_ESTALE)
            return status;
    }
    plx__pq_unwatch(pq);
    if (socket < 0)
        return PLX_ENOTCONN;
    int status =
        plx_watch_open(pq->loop, &pq->watch, (plx_socket)socket, interest, plx__pq_on_ready, pq);
    if (status == 0)
        pq->socket = socket;
    return status;
}

/** Private: sends what libpq has queued, and waits for room if the system does not take all. */
static inline void plx__pq_send(plx_pq *pq)
{
    uint32_t interest = PLX_READABLE;
    int left = PQflush(pq->conn);
    if (left < 0) {
        plx__pq_fail(pq, PLX_ENOTCONN);
        return;
    }
    if (left > 0)
        interest |= PLX_WRITABLE;
    int status = plx__pq_watch(pq, interest);
    if (status != 0)
        plx__pq_fail(pq, status);
}

/** Private: notices that libpq, or somebody, has closed the socket. */
static inline void plx__pq_look(plx_pq *pq)
{
    if (pq->conn != NULL && PQsocket(pq->conn) != pq->socket)
        plx__pq_fail(pq, PLX_ENOTCONN);
}

/** Private: whether the result says that a COPY has begun. */
static inline int plx__pq_is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/** Private: hands out the results that are complete. */
static inline void plx__pq_results(plx_pq *pq)
{
    int was_copy = 0;
    while (pq->conn != NULL && !PQisBusy(pq->conn)) {
        PGresult *result = PQgetResult(pq->conn);
        plx__pq_look(pq); /* What cannot be understood makes libpq close it. */
        if (result == NULL && !pq->is_waiting)
            return;
        pq->is_waiting = result != NULL;
        if (result != NULL && was_copy && plx__pq_is_copy(result)) {
            PQclear(result); /* libpq would return it again and again. */
            plx__pq_fail(pq, PLX_ENOSYS);
            return;
        }
        was_copy = result != NULL && plx__pq_is_copy(result);
        if (pq->options.on_result != NULL)
            pq->options.on_result(pq, pq->options.data, result);
        else
            PQclear(result);
    }
}

/** Private: hands out the notifications that have arrived. */
static inline void plx__pq_notifications(plx_pq *pq)
{
    PGnotify *notification;
    while (pq->conn != NULL && (notification = PQnotifies(pq->conn)) != NULL) {
        plx__pq_look(pq);
        if (pq->options.on_notify != NULL)
            pq->options.on_notify(pq, pq->options.data, notification);
        PQfreemem(notification);
    }
}

/** Private: hands out what libpq has read, the failure last. May free the adapter. */
static inline void plx__pq_deliver(plx_pq *pq)
{
    pq->is_calling = 1;
    if (pq->is_connected) {
        plx__pq_results(pq);
        plx__pq_notifications(pq);
        plx__pq_look(pq);
    }
    plx__pq_tell(pq);
    plx__pq_leave(pq);
}

/** Private: continues connecting. libpq may close its socket here, and open another. */
static inline void plx__pq_connect(plx_pq *pq)
{
    int status = 0;
    plx__pq_unwatch(pq);
    switch (PQconnectPoll(pq->conn)) {
    case PGRES_POLLING_READING:
        status = plx__pq_watch(pq, PLX_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        status = plx__pq_watch(pq, PLX_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        pq->is_connected = PQsetnonblocking(pq->conn, 1) == 0;
        status = pq->is_connected ? plx__pq_watch(pq, PLX_READABLE) : PLX_ENOMEM;
        (void)plx_timer_restart(pq->loop, pq->timer, PLX_FOREVER);
        break;
    default:
        status = PLX_ENOTCONN;
        break;
    }
    pq->is_calling = 1;
    if (status != 0)
        plx__pq_fail(pq, status);
    else if (pq->is_connected && pq->options.on_connect != NULL)
        pq->options.on_connect(pq, pq->options.data);
    plx__pq_tell(pq);
    plx__pq_leave(pq);
}

/** Private: the callback of the watch. */
static inline void plx__pq_on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                                    uint32_t ready)
{
    plx_pq *pq = (plx_pq *)data;
    (void)loop;
    (void)watch;
    (void)socket;
    if (ready == PLX_FAILED)
        pq->socket = -1; /* The watch has ended, because somebody closed the socket. */
    if (!pq->is_connected) {
        plx__pq_connect(pq);
        return;
    }
    if (ready == PLX_FAILED || PQconsumeInput(pq->conn) == 0)
        plx__pq_fail(pq, PLX_ENOTCONN);
    else
        plx__pq_send(pq); /* The server may read again now that its own output was read. */
    plx__pq_deliver(pq);
}

/** Private: the callback of the timer. It starts the timer anew, which never fails that way. */
static inline void plx__pq_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    plx_pq *pq = (plx_pq *)data;
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    if (!pq->is_connected)
        plx__pq_fail(pq, PLX_ETIMEDOUT); /* If it has not failed already. */
    plx__pq_deliver(pq);
}

/**
 * Takes over a connection that PQconnectStart() has begun, or one that is open. on_connect is
 * called once it is open, not from within this call; it is not called for one that was open before.
 * `*pq_out` is the adapter, or NULL if the call fails; then the connection stays yours.
 *
 * Returns 0, PLX_EINVAL without on_fail, PLX_ENOTCONN for a connection that is CONNECTION_BAD
 * (PQerrorMessage() has the reason), PLX_ENOMEM, or as plx_watch_open() does. `options` is read
 * during the call only.
 */
PLX_NODISCARD static inline int plx_pq_open(plx_loop *loop, plx_pq **pq_out, PGconn *conn,
                                            const plx_pq_options *options)
{
    *pq_out = NULL;
    if (options->on_fail == NULL)
        return PLX_EINVAL;
    plx_pq *pq = (plx_pq *)calloc(1, sizeof *pq);
    if (pq == NULL)
        return PLX_ENOMEM;
    pq->loop = loop;
    pq->conn = conn;
    pq->options = *options;
    pq->socket = -1;
    pq->is_connected = PQstatus(conn) == CONNECTION_OK;
    uint64_t timeout_ns = PLX_FOREVER;
    if (!pq->is_connected)
        timeout_ns =
            options->connect_timeout_ns != 0 ? options->connect_timeout_ns : 30 * PLX_SECOND;
    int status = plx_timer_start(loop, &pq->timer, timeout_ns, 0, plx__pq_on_timer, pq);
    if (status == 0) {
        /* libpq wants PQconnectPoll() to be called first when the socket is writable. */
        status = plx__pq_watch(pq, pq->is_connected ? PLX_READABLE : PLX_WRITABLE);
        if (status == 0 && pq->is_connected && PQsetnonblocking(conn, 1) != 0)
            status = PLX_ENOMEM;
        if (status != 0) {
            plx__pq_unwatch(pq);
            (void)plx_timer_cancel(loop, pq->timer);
        }
    }
    if (status != 0) {
        free(pq);
        return status;
    }
    *pq_out = pq;
    return 0;
}

/** The connection, for all that libpq offers but what the top of this file names. */
static inline PGconn *plx_pq_conn(const plx_pq *pq)
{
    return pq->conn;
}

/**
 * Sends what libpq has queued, and waits for the answer. Call it after each PQsend function and
 * any other call that makes libpq send. No callback is called from within this call.
 *
 * Returns 0, or PLX_ENOTCONN before on_connect and when the connection is lost; on_fail was
 * or will be called.
 */
static inline int plx_pq_flush(plx_pq *pq)
{
    if (pq->loop == NULL || !pq->is_connected || pq->is_failed)
        return PLX_ENOTCONN;
    if (PQtransactionStatus(pq->conn) == PQTRANS_ACTIVE)
        pq->is_waiting = 1;
    plx__pq_send(pq);
    if (pq->is_failed)
        return PLX_ENOTCONN;
    /* While it sent, libpq may have read what the socket will not be readable for again. */
    if (pq->is_waiting && !PQisBusy(pq->conn))
        (void)plx_timer_restart(pq->loop, pq->timer, 0);
    return 0;
}

/**
 * Tells the adapter that its loop has closed. The adapter makes no call to the loop any more, calls
 * no callback, and the connection makes no progress; call plx_pq_close().
 */
static inline void plx_pq_loop_closed(plx_pq *pq)
{
    pq->loop = NULL;
    pq->socket = -1;
}

/**
 * Closes the watch, ends the connection by PQfinish(), and frees the adapter: do not use `pq`
 * afterwards. No callback follows, not even for queries in flight. NULL is allowed. Any
 * callback may call it.
 */
static inline void plx_pq_close(plx_pq *pq)
{
    if (pq == NULL)
        return;
    plx__pq_unwatch(pq);
    if (pq->loop != NULL)
        (void)plx_timer_cancel(pq->loop, pq->timer);
    PQfinish(pq->conn);
    pq->conn = NULL;
    if (!pq->is_calling)
        free(pq);
}

#ifdef __cplusplus
}
#endif
#endif
