/* core/conn/conn.c - the life of a connection as its user sees it: opening, and the last step.
 *
 * CONNECTING, then open, then closing, then gone. life.c has the slot and the socket; here is what
 * they mean to the user, in on_open and on_close.
 */
#include "core/conn/conn.h"

#include "platform/sized.h"

static void conn_opened(plx_loop *loop, plx__conn *conn)
{
    if (conn->shared->options.on_open != NULL) {
        plx__conn_cork(loop, conn);
        conn->shared->options.on_open(loop, plx__conn_handle(conn), conn->data);
        plx__conn_uncork(loop, conn);
    }
    if (plx__conn_is_open(conn))
        plx__conn_input_update(loop, conn);
    if (conn->flags == PLX__CONN_PLAIN && plx__send_queue_is_empty(&conn->queue))
        return; /* Most read, and have written nothing that waits. */
    /* Reading arms those of reading alone. One that starts paused has some, and so has what waits
     * to be sent. */
    if (plx__conn_is_open(conn))
        plx__conn_timeout_arm(loop, conn);
    if (plx__conn_is_open(conn))
        plx__conn_output_start(loop, conn);
}

int plx__conn_accepted(plx_loop *loop, const plx__completion *completion,
                       plx__shared_options *shared, void *data)
{
    plx__conn *conn;
    int status = plx__conn_take(loop, &conn, completion->accepted, PLX__MADE, shared, data);
    if (status != 0)
        return status;
    loop->stats.connections_accepted++;
    conn_opened(loop, conn);
    if (completion->length > 0 && plx__conn_is_open(conn))
        plx__conn_received_slowly(loop, conn, completion);
    return 0;
}

static int connect_start(plx_loop *loop, plx__conn **conn_out, const plx__address *address,
                         plx__shared_options *shared, void *data)
{
    plx_socket socket;
    int status = loop->host->open(&socket, address->family);
    if (status != 0)
        return status;
    plx__conn_no_delay_set(loop, socket, shared);
    status = plx__conn_take(loop, conn_out, socket, PLX__MADE, shared, data);
    if (status != 0) {
        loop->host->close(socket);
        return status;
    }
    (*conn_out)->flags |= PLX__CONN_CONNECTING;
    return 0;
}

int plx_connect_sized(plx_loop *loop, plx_conn *conn_out, const char *address,
                      const plx_conn_options *options, size_t options_bytes)
{
    plx_conn_options own;
    plx__address parsed;
    plx__shared_options *shared;
    plx__conn *conn;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    plx__time_look(loop);
    int status = plx__address_parse(&parsed, address);
    if (status != 0)
        return status;
    status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status == 0)
        status = plx__shared_options_find(loop, &shared, &own);
    if (status != 0)
        return status;
    status = connect_start(loop, &conn, &parsed, shared, own.data);
    plx__shared_options_release(shared);
    if (status != 0)
        return status;
    loop->stats.connections_started++;
    if (conn_out != NULL)
        *conn_out = plx__conn_handle(conn);
    status = loop->ops->connect(loop->backend, &conn->object.endpoint, &parsed);
    if (status != 0)
        plx__conn_close(loop, conn, status); /* An outcome like any other: told by on_close. */
    else
        plx__conn_timeout_arm(loop, conn);
    return 0;
}

void plx__conn_connected(plx_loop *loop, plx__conn *conn, int status)
{
    PLX_ASSERT((conn->flags & PLX__CONN_CONNECTING) != 0);
    if (status != 0) {
        plx__conn_close(loop, conn, status);
        return;
    }
    conn->flags &= ~(uint32_t)PLX__CONN_CONNECTING;
    conn->received_ns = conn->sent_ns = loop->now_ns;
    plx__conn_timeout_disarm(loop, conn);
    conn_opened(loop, conn);
}

/* Drops what was not sent or not consumed, and calls on_sent for what was lent. */
PLX__SLOW static void conn_rest_drop(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_RELEASED) == 0)
        plx__conn_input_drop(loop, conn);
    plx__conn_output_drop(loop, conn);
    plx__conn_output_give_back(loop, conn);
}

/* Whether something is left of what came or was written; not of most. */
static bool has_rest(const plx__conn *conn)
{
    return conn->unconsumed != NULL || !plx__segment_list_is_empty(&conn->sent) ||
           !plx__send_queue_is_empty(&conn->queue) ||
           (conn->flags & (PLX__CONN_STARVED | PLX__CONN_SEND_LATER)) != 0;
}

/* It has an entry in the side table. */
PLX__SLOW static void conn_side_end(plx_loop *loop, plx__conn *conn, bool is_told)
{
    plx__conn_pace_end(loop, conn);
    plx__side_end(loop, conn, is_told);
}

/* The last of it. */
static void conn_free(plx_loop *loop, plx__conn *conn)
{
    if (has_rest(conn))
        conn_rest_drop(loop, conn);
    loop->stats.connections_closed++;
    plx_close_fn on_close = conn->shared->options.on_close;
    if ((conn->flags & PLX__CONN_RELEASED) != 0)
        plx__conn_hand_out(loop, conn);
    else if (on_close != NULL)
        on_close(loop, plx__conn_handle(conn), conn->data, conn->reason);
    if (conn->object.has_side)
        conn_side_end(loop, conn, true);
    plx__conn_slot_give(loop, conn);
}

/* What an open one waits for. If that closes it, its last step is in the next deferred step. */
static void conn_deferred_open(plx_loop *loop, plx__conn *conn)
{
    /* What on_sent resumes is shown in the next step. */
    bool is_to_show = (conn->flags & PLX__CONN_SHOW_UNCONSUMED) != 0;
    plx__conn_input_rest(conn);
    if (conn->corks > 0)
        plx__conn_gather_end(loop, conn);
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_ADOPTED) != 0) {
        conn->flags &= ~(uint32_t)PLX__CONN_ADOPTED;
        plx__conn_connected(loop, conn, 0);
    }
    if (plx__conn_is_open(conn))
        plx__conn_output_give_back(loop, conn);
    if (plx__conn_is_open(conn) && is_to_show)
        plx__conn_input_show_unconsumed(loop, conn);
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_RELEASING) != 0)
        plx__conn_leave(loop, conn);
}

static void conn_deferred(plx_loop *loop, plx__object *object)
{
    plx__conn *conn = (plx__conn *)(void *)object;
    if (plx__conn_is_open(conn))
        conn_deferred_open(loop, conn);
    else if ((conn->flags & PLX__CONN_DETACHING) == 0)
        conn_free(loop, conn);
}

static void segments_drop(plx_loop *loop, plx__segment_list *list)
{
    for (plx__segment *segment; (segment = plx__segment_list_take(list)) != NULL;)
        plx__segment_give(&loop->segments, segment);
}

static void conn_drop(plx_loop *loop, plx__object *object)
{
    plx__conn *conn = (plx__conn *)(void *)object;
    plx__socket_drop(loop, object->endpoint.socket, (conn->flags & PLX__CONN_LOST) != 0);
    plx__free(conn->unconsumed);
    segments_drop(loop, &conn->queue.list);
    segments_drop(loop, &conn->sent);
    if (conn->object.has_side)
        conn_side_end(loop, conn, false);
    plx__shared_options_release(conn->shared);
}

static void conn_close(plx_loop *loop, plx__object *object)
{
    plx__conn_close(loop, (plx__conn *)(void *)object, PLX_ECANCELED);
}

static void conn_lost(plx_loop *loop, plx__object *object)
{
    plx__conn *conn = (plx__conn *)(void *)object;
    if (plx__conn_is_open(conn))
        plx__conn_close(loop, conn, PLX_EBADF);
    else
        conn->flags |= PLX__CONN_LOST; /* The backend still has it. */
}

static void conn_detached(plx_loop *loop, plx__object *object)
{
    plx__conn_detached(loop, (plx__conn *)(void *)object);
}

static void conns_event(plx_loop *loop, enum plx__event event)
{
    if (event == PLX__STEP_OVER)
        plx__conn_output_feed(loop);
    else if (event == PLX__TURN_WAS_LONG)
        plx__conn_timeouts_catch_up(loop);
}

const plx__class plx__conn_class = {
    .bytes = sizeof(plx__conn),
    .has_endpoint = true,
    .close = conn_close,
    .lost = conn_lost,
    .detached = conn_detached,
    .released = plx__conn_released,
    .deferred = conn_deferred,
    .drop = conn_drop,
    .on_event = conns_event,
};

int plx_conn_close(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__conn_close(loop, found, 0);
    return 0;
}

int plx_conn_reset(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__conn_fail(loop, found, 0);
    return 0;
}

int plx_address_check(const char *address)
{
    plx__address parsed;
    return plx__address_parse(&parsed, address);
}

int plx_conn_is_open(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    return found != NULL && (found->flags & (PLX__CONN_CONNECTING | PLX__CONN_STAGED)) == 0;
}

int plx_conn_is_ending(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    return found != NULL && (found->flags & PLX__CONN_SHUT_WANTED) != 0;
}

void *plx_conn_data(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    return found != NULL && (found->flags & PLX__CONN_STAGED) == 0 ? found->data : NULL;
}

int plx_conn_set_data(plx_loop *loop, plx_conn conn, void *data)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_STAGED) != 0)
        return PLX_ENOTCONN;
    found->data = data;
    return 0;
}

int plx_conn_peer(const plx_loop *loop, plx_conn conn, char *text, size_t size)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    int status = loop->host->peer(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}

int plx_conn_local(const plx_loop *loop, plx_conn conn, char *text, size_t size)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    int status = loop->host->name(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}
