/* core/listen.c - how a listener is opened: by an address, or of a socket that listens already.
 *
 * The options become those of its socket, of its connections, and of how it accepts. listener.c has
 * what it does then.
 */
#include "core/listener.h"
#include "core/watch.h"
#include "platform/sized.h"

#define BACKLOG_DEFAULT 511u
#define PATH_MODE_MAX   0777u

/* Of accept_receive_first: for how many seconds peers may stay silent. Systems that wait for the
 * first bytes themselves are told the same. */
#define SILENCE_MAX 10

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
        /* Elsewhere than on Windows there is no such thing, and on_peer is asked later. */
        if (status == 0 && options->conditional_accept != 0)
            (void)plx__accept_condition_prepare(socket);
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
    *listener = (plx__listener){.object = *object,
                                .path = path,
                                .retry.kind = PLX__DEADLINE_LISTENER_RETRY,
                                .condition.listener = PLX_SOCKET_NONE};
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
    listener->on_accept = options->on_accept;
    listener->on_peer = options->on_peer;
    listener->data = options->data;
    listener->accept.receive_first = options->accept_receive_first != 0;
    listener->accept.is_shared = options->shared != 0;
    listener->accept.silence_max = SILENCE_MAX;
    return plx__listener_update(loop, listener);
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
    if (options->conditional_accept != 0)
        plx__listener_condition_open(*listener_out);
    status = listener_start(loop, *listener_out, options, shared);
    if (status != 0)
        plx__listener_close(loop, &(*listener_out)->object);
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

static int options_take(const plx_loop *loop, taken_options *taken,
                        const plx_listen_options *options, size_t options_bytes, size_t conn_bytes)
{
    int status = plx__sized_take(&taken->listen, sizeof taken->listen, options, options_bytes);
    if (status == 0)
        status = plx__sized_take(&taken->conn, sizeof taken->conn, taken->listen.conn, conn_bytes);
    taken->listen.conn = &taken->conn;
    if (status == 0 && taken->listen.conditional_accept != 0 && taken->listen.on_peer == NULL)
        status = PLX_EINVAL;
    if (!loop->ops->asks_conditions)
        taken->listen.conditional_accept = 0;
    if (status == 0 && taken->listen.shared != 0 && !loop->ops->shares_listeners)
        return PLX_ENOSYS;
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
    status = options_take(loop, &taken, options, options_bytes, conn_bytes);
    if (status == 0)
        status = address_options_check(&taken.listen, &parsed);
    if (status == 0)
        status = plx__shared_options_open(&shared, &taken.conn);
    if (status != 0)
        return status;
    status = listen_start(loop, &listener, &parsed, &taken.listen, shared);
    plx__shared_options_release(shared);
    if (status == 0 && listener_out != NULL)
        *listener_out = plx__listener_handle(listener);
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
    int status = options_take(loop, &taken, options, options_bytes, conn_bytes);
    if (status == 0)
        status = plx__shared_options_open(&shared, &taken.conn);
    if (status != 0)
        return status;
    status = adopt_start(loop, &listener, socket, &taken.listen, shared);
    plx__shared_options_release(shared);
    if (status == 0 && listener_out != NULL)
        *listener_out = plx__listener_handle(listener);
    return status;
}

int plx_listener_duplicate(const plx_loop *loop, plx_listener listener, plx_socket *socket_out)
{
    const plx__listener *found =
        (const plx__listener *)(const void *)plx__find(loop, PLX__KIND_LISTENER, listener.bits);
    *socket_out = PLX_SOCKET_NONE;
    if (found == NULL)
        return PLX_ESTALE;
    if (found->is_lost)
        return PLX_EBADF;
    if (loop->host != &plx__system_host)
        return PLX_ENOSYS;
    return plx__socket_duplicate(found->object.endpoint.socket, socket_out);
}
