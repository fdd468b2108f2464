/* core/listener.c - accepting, and what to do when that fails.
 *
 * A listener accepts unless the loop has no slot for a connection, or the process no descriptor or
 * memory. In the first case all listeners stop until a connection closes. In the second the
 * listener pauses for RETRY_NS; the connections wait in the system's queue meanwhile. If accepting
 * fails again after that, it lets go of a spare descriptor to accept one connection and close it,
 * so that those who wait learn something, and pauses again.
 *
 * An accept that fails for what is wrong with one connection is counted, and the next is tried.
 * What fails so again and again is not of one connection (a filter of system calls, a security
 * module): then the listener pauses too.
 */
#include "core/listener.h"

#include "core/conn/conn.h"
#include "core/watch.h"
#include "platform/sized.h"

#define RETRY_NS        (100 * PLX_MILLISECOND)
#define BACKLOG_DEFAULT 511u
#define REJECTS_MAX     64
#define ABORTS_MAX      16
#define PATH_MODE_MAX   0777u

/* Of accept_receive_first: for how many seconds peers may stay silent. Systems that wait for the
 * first bytes themselves are told the same. */
#define SILENCE_MAX 10

static plx__listener *listener_find(const plx_loop *loop, plx_listener listener)
{
    return (plx__listener *)(void *)plx__find(loop, PLX__KIND_LISTENER, listener.bits);
}

static plx_listener listener_handle(const plx__listener *listener)
{
    plx_listener handle = {listener->object.endpoint.token};
    return handle;
}

static bool is_open(const plx__listener *listener)
{
    return listener->object.state == PLX__OPEN;
}

/* Whether it should accept now, and does. */
static int accept_update(plx_loop *loop, plx__listener *listener)
{
    bool is_wanted = !loop->is_accepting_stopped && !plx__wheel_has(&listener->retry);
    int status = 0;
    if (is_wanted == listener->is_accepting)
        return 0;
    if (is_wanted)
        status =
            loop->ops->accept_start(loop->backend, &listener->object.endpoint, &listener->accept);
    else
        loop->ops->stop(loop->backend, &listener->object.endpoint);
    if (status == 0)
        listener->is_accepting = is_wanted;
    return status;
}

/* --- closing --------------------------------------------------------------------------------- */

static void listener_detached(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    PLX_ASSERT(listener->object.state == PLX__CLOSING || listener->is_lost);
    bool is_ours = plx__socket_map_remove(&loop->sockets, &listener->object);
    if (listener->path != NULL)
        plx__socket_path_remove(listener->path); /* Before its socket is closed. */
    listener->path = NULL;
    if (listener->is_lost || !is_ours)
        loop->host->disown(listener->object.endpoint.socket);
    else
        loop->host->close(listener->object.endpoint.socket);
    listener->object.endpoint.socket = PLX_SOCKET_NONE;
    plx__defer(loop, &listener->object);
}

static void listener_detach(plx_loop *loop, plx__listener *listener)
{
    plx__leave_background(loop, &listener->object);
    if (plx__wheel_has(&listener->retry))
        plx__wheel_remove(&loop->wheel, &listener->retry);
    if (loop->ops->detach(loop->backend, &listener->object.endpoint))
        listener_detached(loop, &listener->object);
}

static void listener_close(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    PLX_ASSERT(is_open(listener));
    listener->object.state = PLX__CLOSING;
    if (!listener->is_lost)
        listener_detach(loop, listener);
}

static void listener_lost(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    if (listener->is_lost)
        return;
    loop->stats.sockets_lost++;
    listener->is_lost = true;
    if (is_open(listener))
        listener_detach(loop, listener);
}

static void listener_deferred(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    const plx__listener before = *listener;
    PLX_ASSERT(before.object.state == PLX__CLOSING || before.is_lost);
    plx__shared_options_release(before.shared);
    plx__slab_give(&loop->slabs[PLX__KIND_LISTENER], &listener->object);
    /* Lost, and not closed since. */
    if (before.object.state == PLX__OPEN && before.on_error != NULL)
        before.on_error(loop, listener_handle(&before), before.data, PLX_EBADF);
}

static void listener_drop(plx_loop *loop, plx__object *object)
{
    const plx__listener *listener = (plx__listener *)(void *)object;
    (void)loop;
    plx__socket_path_forget(listener->path);
    plx__socket_drop(loop, object->endpoint.socket, listener->is_lost);
    plx__shared_options_release(listener->shared);
}

int plx_listener_set_background(plx_loop *loop, plx_listener listener, int is_background)
{
    const plx__listener *found = listener_find(loop, listener);
    if (found != NULL && found->is_lost)
        return 0; /* What on_error is about to tell keeps the loop running. */
    return plx__set_background(loop, PLX__KIND_LISTENER, listener.bits, is_background != 0);
}

int plx_listener_close(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    listener_close(loop, &found->object);
    return 0;
}

/* --- accepting ------------------------------------------------------------------------------- */

static void listener_pause(plx_loop *loop, plx__listener *listener, int status)
{
    if (plx__wheel_has(&listener->retry))
        return; /* A backend may bring what it had accepted before it was stopped. */
    plx__wheel_add(&loop->wheel, &listener->retry, plx__deadline(loop, RETRY_NS));
    listener->aborts = 0;
    loop->stats.accept_pauses++;
    (void)accept_update(loop, listener);
    if (listener->on_error != NULL)
        listener->on_error(loop, listener_handle(listener), listener->data, status);
}

/* The next of those who wait: the backend may have accepted it already. */
static int waiting_accept(plx_loop *loop, plx__listener *listener, plx_socket *socket_out)
{
    plx__endpoint *endpoint = &listener->object.endpoint;
    int status = PLX_EAGAIN;
    if (loop->ops->accept_held != NULL)
        status = loop->ops->accept_held(loop->backend, endpoint, socket_out);
    return status == PLX_EAGAIN ? loop->host->accept(endpoint->socket, socket_out) : status;
}

static void spare_open(plx_loop *loop)
{
    loop->host->spare_open(&loop->spare);
    if (loop->spare.descriptor != PLX_SOCKET_NONE)
        plx__socket_map_take(&loop->sockets, loop->spare.descriptor);
}

/* Lets go of the spare descriptor to turn away who waits. */
static void listener_reject(plx_loop *loop, plx__listener *listener)
{
    for (int i = 0; i < REJECTS_MAX && loop->spare.descriptor != PLX_SOCKET_NONE; i++) {
        plx_socket socket;
        loop->host->spare_close(&loop->spare);
        int status = waiting_accept(loop, listener, &socket);
        if (status == 0) {
            loop->stats.accepts_rejected++;
            loop->host->close(socket);
        }
        spare_open(loop);
        if (status != 0)
            return;
    }
}

/* Whether only one connection is concerned, as far as one can know; it is counted. A firewall may
 * refuse one (accept(2): EPERM), and so may a security module refuse all. */
static bool accept_aborted(plx_loop *loop, plx__listener *listener, int status)
{
    if (status != PLX_ECONNABORTED && status != PLX_EACCES)
        return false;
    loop->stats.accepts_aborted++;
    return ++listener->aborts < ABORTS_MAX;
}

static void accept_failed(plx_loop *loop, plx__listener *listener, int status)
{
    if (status == PLX_EBADF || status == PLX_ENOTSOCK) {
        listener_lost(loop, &listener->object);
        return;
    }
    if ((status == PLX_EMFILE || status == PLX_ENFILE) && listener->has_retried)
        listener_reject(loop, listener);
    listener_pause(loop, listener, status);
}

/* There is no slot or no memory for a connection. */
PLX__SLOW static void accepted_reject(plx_loop *loop, plx__listener *listener, plx_socket accepted,
                                      int status)
{
    loop->host->close(accepted);
    loop->stats.accepts_rejected++;
    if (status == PLX_ENOMEM && is_open(listener))
        listener_pause(loop, listener, status);
}

void plx__listener_accepted(plx_loop *loop, plx__listener *listener,
                            const plx__completion *completion)
{
    if (completion->status != 0) {
        if (!accept_aborted(loop, listener, completion->status))
            accept_failed(loop, listener, completion->status);
        return;
    }
    listener->has_retried = false;
    listener->aborts = 0;
    int status = plx__conn_accepted(loop, completion, listener->shared, listener->conn_data);
    if (status != 0)
        accepted_reject(loop, listener, completion->accepted, status);
}

/* Starting may fail for want of what accepting fails for: the next retry tries that too. */
static void accept_restart(plx_loop *loop, plx__listener *listener)
{
    int status = accept_update(loop, listener);
    if (status != 0)
        accept_failed(loop, listener, status);
}

static void on_retry(plx_loop *loop, plx__wheel_node *node)
{
    plx__listener *listener =
        (plx__listener *)(void *)((unsigned char *)node - offsetof(plx__listener, retry));
    listener->has_retried = true;
    if (loop->spare.descriptor == PLX_SOCKET_NONE)
        spare_open(loop);
    accept_restart(loop, listener);
}

static void listeners_stop(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_LISTENER];
    if (loop->is_accepting_stopped)
        return;
    loop->is_accepting_stopped = true;
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__listener *listener = (plx__listener *)(void *)plx__slab_at(slab, slot);
        if (is_open(listener) && !listener->is_lost)
            (void)accept_update(loop, listener); /* Stopping does not fail. */
    }
}

static void listeners_resume(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_LISTENER];
    loop->is_accepting_stopped = false;
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__listener *listener = (plx__listener *)(void *)plx__slab_at(slab, slot);
        if (is_open(listener) && !listener->is_lost)
            accept_restart(loop, listener);
    }
}

static void listeners_event(plx_loop *loop, enum plx__event event)
{
    if (event == PLX__SLOTS_GONE)
        listeners_stop(loop);
    else if (event == PLX__SLOTS_LEFT)
        listeners_resume(loop);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Accepted sockets get these from their listener, which saves a call for each. */
static int accepted_set(const plx__host *host, plx_socket socket, const plx_listen_options *options,
                        const plx__shared_options *shared)
{
    int status = 0;
    if ((shared->options.flags & PLX_CONN_DELAY) == 0)
        status = host->set(socket, PLX__SOCKET_NO_DELAY, 1);
    if (status == 0 && options->accept_receive_first != 0)
        /* Not every system knows it; without it connections come earlier, and that is all. */
        (void)host->set(socket, PLX__SOCKET_DEFER_ACCEPT, SILENCE_MAX);
    return status;
}

static int socket_bind(const plx__host *host, plx_socket socket, const plx__address *address,
                       const plx_listen_options *options, const plx__shared_options *shared)
{
    int status = host->set(socket, PLX__SOCKET_LISTEN_ALONE, 1);
    if (status == 0 && options->reuse_port != 0)
        status = host->set(socket, PLX__SOCKET_SHARE_PORT, 1);
    if (status == 0 && address->family == PLX__FAMILY_IPV6)
        status = host->set(socket, PLX__SOCKET_ONLY_IPV6, options->only_ipv6 != 0);
    if (status == 0)
        status = accepted_set(host, socket, options, shared);
    if (status == 0)
        status = host->bind(socket, address);
    return status;
}

/* Unix-domain sockets have none of those options, and most have a file. */
static int socket_bind_unix(const plx__host *host, plx_socket socket, const plx__address *address,
                            uint32_t backlog, uint32_t mode, plx__socket_path **path_out)
{
    if (plx__address_path(address) != NULL)
        return host->path_listen(socket, address, backlog, mode, path_out);
    int status = host->bind(socket, address);
    return status == 0 ? host->listen(socket, backlog) : status;
}

static int socket_listen(const plx__host *host, plx_socket *socket_out, plx__socket_path **path_out,
                         const plx__address *address, const plx_listen_options *options,
                         const plx__shared_options *shared)
{
    plx_socket socket;
    uint32_t backlog = options->backlog != 0 ? options->backlog : BACKLOG_DEFAULT;
    int status = host->open(&socket, address->family);
    *path_out = NULL;
    if (status != 0)
        return status;
    if (address->family == PLX__FAMILY_UNIX) {
        status = socket_bind_unix(host, socket, address, backlog, options->path_mode, path_out);
    } else {
        uint64_t since = host->now();
        do {
            status = socket_bind(host, socket, address, options, shared);
        } while (status == PLX_EADDRINUSE && host->address_retry(since));
        if (status == 0)
            status = host->listen(socket, backlog);
    }
    if (status != 0) {
        host->close(socket);
        return status;
    }
    *socket_out = socket;
    return 0;
}

/* Takes a slot and gives it the socket and its file, which stay the caller's on failure. */
static int listener_take(plx_loop *loop, plx__listener **listener_out, plx_socket socket,
                         plx__socket_path *path, enum plx__origin origin)
{
    plx__object *object;
    plx__slab *slab = &loop->slabs[PLX__KIND_LISTENER];
    int status = plx__slab_take(slab, &object);
    if (status != 0)
        return status;
    plx__listener *listener = (plx__listener *)(void *)object;
    object->endpoint.socket = socket;
    *listener = (plx__listener){.object = *object, .path = path, .retry.fired = on_retry};
    status = plx__socket_claim(loop, object);
    if (status == 0)
        status = loop->ops->attach(loop->backend, &object->endpoint, origin);
    if (status != 0) {
        (void)plx__socket_map_remove(&loop->sockets, object);
        plx__slab_give(slab, object);
        return status;
    }
    *listener_out = listener;
    return 0;
}

/* Gives the listener what the options say, and has it accept. */
static int listener_start(plx_loop *loop, plx__listener *listener,
                          const plx_listen_options *options, plx__shared_options *shared)
{
    shared->references++;
    listener->shared = shared;
    listener->conn_data = options->conn->data;
    listener->on_error = options->on_error;
    listener->data = options->data;
    listener->accept.receive_first = options->accept_receive_first != 0;
    listener->accept.silence_max = SILENCE_MAX;
    return accept_update(loop, listener);
}

static int listen_start(plx_loop *loop, plx__listener **listener_out, const plx__address *address,
                        const plx_listen_options *options, plx__shared_options *shared)
{
    plx_socket socket;
    plx__socket_path *path;
    int status = socket_listen(loop->host, &socket, &path, address, options, shared);
    if (status != 0)
        return status;
    status = listener_take(loop, listener_out, socket, path, PLX__MADE);
    if (status != 0) {
        if (path != NULL)
            plx__socket_path_remove(path);
        loop->host->close(socket);
        return status;
    }
    status = listener_start(loop, *listener_out, options, shared);
    if (status != 0)
        listener_close(loop, &(*listener_out)->object);
    return status;
}

/* Those that are about the address. */
static int address_options_check(const plx_listen_options *options, const plx__address *address)
{
    if (options->reuse_port != 0 && address->family == PLX__FAMILY_UNIX)
        return PLX_EINVAL;
    if (options->path_mode == 0)
        return 0;
    return plx__address_path(address) != NULL && options->path_mode <= PATH_MODE_MAX ? 0
                                                                                     : PLX_EINVAL;
}

/* A caller's options, with all that this library has. `listen.conn` is `conn`. */
typedef struct taken_options {
    plx_listen_options listen;
    plx_conn_options conn;
} taken_options;

static int options_take(taken_options *taken, const plx_listen_options *options,
                        size_t options_bytes, size_t conn_bytes)
{
    int status = plx__sized_take(&taken->listen, sizeof taken->listen, options, options_bytes);
    if (status == 0)
        status = plx__sized_take(&taken->conn, sizeof taken->conn, taken->listen.conn, conn_bytes);
    taken->listen.conn = &taken->conn;
    return status;
}

int plx_listen_sized(plx_loop *loop, plx_listener *listener_out, const char *address,
                     const plx_listen_options *options, size_t options_bytes, size_t conn_bytes)
{
    taken_options taken;
    plx__address parsed;
    plx__shared_options *shared;
    plx__listener *listener = NULL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    int status = plx__address_parse(&parsed, address);
    if (status != 0)
        return status;
    status = options_take(&taken, options, options_bytes, conn_bytes);
    if (status == 0)
        status = address_options_check(&taken.listen, &parsed);
    if (status == 0)
        status = plx__shared_options_open(&shared, &taken.conn);
    if (status != 0)
        return status;
    status = listen_start(loop, &listener, &parsed, &taken.listen, shared);
    plx__shared_options_release(shared);
    if (status == 0 && listener_out != NULL)
        *listener_out = listener_handle(listener);
    return status;
}

/* --- sockets that listen already ------------------------------------------------------------- */

/* It has not accepted anything: the backend has nothing of it in flight. The socket stays open. */
static void listener_untake(plx_loop *loop, plx__listener *listener)
{
    plx__endpoint *endpoint = &listener->object.endpoint;
    bool is_free = loop->ops->release(loop->backend, endpoint);
    is_free = loop->ops->detach(loop->backend, endpoint) && is_free;
    PLX_ASSERT(is_free);
    (void)is_free;
    (void)plx__socket_map_remove(&loop->sockets, &listener->object);
    if (listener->shared != NULL)
        plx__shared_options_release(listener->shared);
    plx__slab_give(&loop->slabs[PLX__KIND_LISTENER], &listener->object);
}

/* The socket is the loop's from here on, if this returns 0. */
static int adopted_take(plx_loop *loop, plx__listener **listener_out, plx_socket socket,
                        const plx_listen_options *options, plx__shared_options *shared)
{
    plx__address name;
    int status = loop->host->name(socket, &name);
    if (status == 0)
        status = listener_take(loop, listener_out, socket, NULL, PLX__ADOPTED);
    if (status != 0)
        return status;
    if (name.family != PLX__FAMILY_UNIX)
        status = accepted_set(loop->host, socket, options, shared);
    if (status == 0)
        status = listener_start(loop, *listener_out, options, shared);
    if (status != 0)
        listener_untake(loop, *listener_out);
    return status;
}

static int adopt_start(plx_loop *loop, plx__listener **listener_out, plx_socket socket,
                       const plx_listen_options *options, plx__shared_options *shared)
{
    if (plx__watch_is_over(loop, socket))
        return PLX_EEXIST;
    int status = loop->host->adopt_listening(socket);
    if (status != 0)
        return status;
    status = adopted_take(loop, listener_out, socket, options, shared);
    if (status != 0)
        loop->host->disown(socket);
    return status;
}

int plx_listen_adopt_sized(plx_loop *loop, plx_listener *listener_out, plx_socket socket,
                           const plx_listen_options *options, size_t options_bytes,
                           size_t conn_bytes)
{
    taken_options taken;
    plx__shared_options *shared;
    plx__listener *listener = NULL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    int status = options_take(&taken, options, options_bytes, conn_bytes);
    if (status == 0)
        status = plx__shared_options_open(&shared, &taken.conn);
    if (status != 0)
        return status;
    status = adopt_start(loop, &listener, socket, &taken.listen, shared);
    plx__shared_options_release(shared);
    if (status == 0 && listener_out != NULL)
        *listener_out = listener_handle(listener);
    return status;
}

int plx_listener_address(const plx_loop *loop, plx_listener listener, char *text, size_t size)
{
    const plx__listener *found = listener_find(loop, listener);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    if (found->is_lost)
        return PLX_EBADF;
    int status = loop->host->name(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}

const plx__class plx__listener_class = {
    .bytes = sizeof(plx__listener),
    .has_endpoint = true,
    .close = listener_close,
    .lost = listener_lost,
    .detached = listener_detached,
    .deferred = listener_deferred,
    .drop = listener_drop,
    .on_event = listeners_event,
};
