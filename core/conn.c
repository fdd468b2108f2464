/* core/conn.c - the life of a connection.
 *
 * CONNECTING, then open, then closing, then gone. Closing is done in two steps: plx__conn_close()
 * takes the socket from the backend and closes it, so that nothing happens any more; the next
 * deferred step gives back what was lent, calls on_close and frees the slot. Between the
 * two a backend that still has operations in flight is waited for.
 */
#include "core/conn.h"

#include "core/listener.h"

void plx__conn_no_delay_set(plx_socket socket, const plx__profile *profile)
{
    /* It fails on sockets that are not TCP, which have no delay to turn off. */
    if ((profile->options.flags & PLX_CONN_DELAY) == 0)
        (void)plx__socket_set(socket, PLX__SOCKET_NO_DELAY, 1);
}

int plx__conn_take(plx_loop *loop, plx__conn **conn_out, plx_socket socket, plx__profile *profile,
                   void *data)
{
    plx__object *object;
    plx__slab *slab = &loop->slabs[PLX__KIND_CONN];
    int status = plx__slab_take(slab, &object);
    if (status != 0)
        return status;
    plx__conn *conn = (plx__conn *)(void *)object;
    object->endpoint.socket = socket;
    status = plx__socket_claim(loop, object);
    if (status == 0) {
        status = loop->ops->attach(loop->backend, &object->endpoint);
        if (status != 0)
            (void)plx__socket_map_remove(&loop->sockets, object);
    }
    if (status != 0) {
        plx__slab_give(slab, object);
        return status;
    }
    if (slab->taken >= slab->max)
        plx__listeners_stop(loop);
    profile->references++;
    conn->profile = profile;
    conn->data = data;
    conn->received_ns = loop->now_ns;
    if ((profile->options.flags & PLX_CONN_PAUSED) != 0)
        conn->flags |= PLX__CONN_PAUSED_USER;
    if (profile->options.send_max < PLX__SEGMENT_BYTES)
        conn->flags |= PLX__CONN_NO_CORK;
    *conn_out = conn;
    return 0;
}

static void conn_opened(plx_loop *loop, plx__conn *conn)
{
    if (conn->profile->options.on_open != NULL) {
        plx__conn_cork(loop, conn);
        conn->profile->options.on_open(loop, plx__conn_handle(conn), conn->data);
        plx__conn_uncork(loop, conn);
    }
    if (plx__conn_is_open(conn))
        plx__conn_input_settle(loop, conn);
    /* Reading arms the timeouts. One that starts paused has some too. */
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_RECEIVING) == 0)
        plx__conn_timeout_arm(loop, conn);
    if (plx__conn_is_open(conn))
        plx__conn_output_start(loop, conn);
}

int plx__conn_accepted(plx_loop *loop, const plx__completion *completion, plx__profile *profile,
                       void *data)
{
    plx__conn *conn;
    int status = plx__conn_take(loop, &conn, completion->accepted, profile, data);
    if (status != 0)
        return status;
    loop->stats.connections_accepted++;
    conn_opened(loop, conn);
    if (completion->length > 0 && plx__conn_is_open(conn))
        plx__conn_received(loop, conn, completion);
    return 0;
}

static int connect_start(plx_loop *loop, plx__conn **conn_out, const plx__address *address,
                         plx__profile *profile, void *data)
{
    plx_socket socket;
    int status = plx__socket_open(&socket, address->family);
    if (status != 0)
        return status;
    plx__conn_no_delay_set(socket, profile);
    status = plx__conn_take(loop, conn_out, socket, profile, data);
    if (status != 0) {
        plx__socket_close(socket);
        return status;
    }
    (*conn_out)->flags |= PLX__CONN_CONNECTING;
    return 0;
}

int plx_connect(plx_loop *loop, plx_conn *conn_out, const char *address,
                const plx_conn_options *options)
{
    plx__address parsed;
    plx__profile *profile;
    plx__conn *conn;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    plx__time_look(loop);
    int status = plx__address_parse(&parsed, address);
    if (status != 0)
        return status;
    status = plx__profile_share(loop, &profile, options);
    if (status != 0)
        return status;
    status = connect_start(loop, &conn, &parsed, profile, options != NULL ? options->data : NULL);
    plx__profile_give(profile);
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

/* Where it fails the peer is told of an end instead: a socket that never connected, say, or one of
 * the Unix domain, which knows no reset. */
static void reset_on_close(plx__conn *conn)
{
    (void)plx__socket_set(conn->object.endpoint.socket, PLX__SOCKET_RESET_ON_CLOSE, 1);
}

void plx__conn_close(plx_loop *loop, plx__conn *conn, int reason)
{
    PLX_ASSERT(plx__conn_is_open(conn));
    conn->object.state = PLX__CLOSING;
    conn->flags |= PLX__CONN_CLOSED;
    conn->reason = reason;
    if (plx__conn_is_lost(reason)) {
        conn->flags |= PLX__CONN_LOST;
        loop->stats.sockets_lost++;
    }
    plx__conn_timeout_disarm(loop, conn);
    bool was_corked = plx__conn_output_abandon(loop, conn);
    bool is_ours = (conn->flags & PLX__CONN_LOST) == 0;
    if (reason != 0 && is_ours && (was_corked || plx__conn_output_is_cut(loop, conn)))
        reset_on_close(conn);
    if (loop->ops->detach(loop->backend, &conn->object.endpoint)) {
        plx__conn_detached(loop, conn);
        return;
    }
    conn->flags |= PLX__CONN_DETACHING;
}

void plx__conn_fail(plx_loop *loop, plx__conn *conn, int reason)
{
    if (!plx__conn_is_lost(reason))
        reset_on_close(conn);
    plx__conn_close(loop, conn, reason);
}

void plx__conn_lost(plx_loop *loop, plx__conn *conn)
{
    if (plx__conn_is_open(conn))
        plx__conn_close(loop, conn, PLX_EBADF);
    else
        conn->flags |= PLX__CONN_LOST; /* The backend still has it. */
}

void plx__conn_detached(plx_loop *loop, plx__conn *conn)
{
    PLX_ASSERT(conn->object.state == PLX__CLOSING);
    conn->flags &= ~(uint32_t)PLX__CONN_DETACHING;
    bool is_ours = plx__socket_map_remove(&loop->sockets, &conn->object);
    if ((conn->flags & PLX__CONN_LOST) != 0 || !is_ours)
        plx__socket_disown(conn->object.endpoint.socket);
    else
        plx__socket_close(conn->object.endpoint.socket);
    conn->object.endpoint.socket = PLX_SOCKET_NONE;
    plx__defer(loop, &conn->object);
}

static void slot_give(plx_loop *loop, plx__conn *conn)
{
    plx__profile_give(conn->profile);
    plx__slab_give(&loop->slabs[PLX__KIND_CONN], &conn->object);
    if (loop->is_accepting_stopped)
        plx__listeners_resume(loop);
}

void plx__conn_untake(plx_loop *loop, plx__conn *conn)
{
    bool is_free = loop->ops->detach(loop->backend, &conn->object.endpoint);
    PLX_ASSERT(is_free);
    (void)is_free;
    (void)plx__socket_map_remove(&loop->sockets, &conn->object);
    slot_give(loop, conn);
}

/* The last of it. */
static void conn_free(plx_loop *loop, plx__conn *conn)
{
    plx_close_fn on_close = conn->profile->options.on_close;
    if ((conn->flags & PLX__CONN_RELEASED) == 0)
        plx__conn_input_drop(loop, conn);
    plx__conn_output_drop(loop, conn);
    plx__conn_output_give_back(loop, conn);
    loop->stats.connections_closed++;
    if ((conn->flags & PLX__CONN_RELEASED) != 0)
        plx__conn_hand_out(loop, conn);
    else if (on_close != NULL)
        on_close(loop, plx__conn_handle(conn), conn->data, conn->reason);
    slot_give(loop, conn);
}

void plx__conn_deferred(plx_loop *loop, plx__conn *conn)
{
    /* What on_sent resumes is shown in the next step. */
    bool is_to_show = (conn->flags & PLX__CONN_SHOW_KEPT) != 0;
    plx__conn_input_rest(conn);
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_ADOPTED) != 0) {
        conn->flags &= ~(uint32_t)PLX__CONN_ADOPTED;
        plx__conn_connected(loop, conn, 0);
    }
    if (plx__conn_is_open(conn))
        plx__conn_output_give_back(loop, conn);
    if (plx__conn_is_open(conn) && is_to_show)
        plx__conn_input_show_kept(loop, conn);
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_RELEASING) != 0)
        plx__conn_leave(loop, conn);
    /* One that has closed just now comes in the next step. */
    if (!plx__conn_is_open(conn) && !conn->object.is_deferred &&
        (conn->flags & PLX__CONN_DETACHING) == 0)
        conn_free(loop, conn);
}

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

void *plx_conn_data(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    return found != NULL ? found->data : NULL;
}

int plx_conn_set_data(plx_loop *loop, plx_conn conn, void *data)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    found->data = data;
    return 0;
}

int plx_conn_peer(const plx_loop *loop, plx_conn conn, char *text, size_t size)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    int status = plx__socket_peer(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}

int plx_conn_local(const plx_loop *loop, plx_conn conn, char *text, size_t size)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    int status = plx__socket_name(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}
