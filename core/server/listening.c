/* core/server/listening.c - a listener of a server, on each loop that the policy has accept. */
#include "core/server/server.h"

#include <stdio.h>
#include <string.h>

#include "platform/child.h"
#include "platform/sized.h"

/* --- on which loops --------------------------------------------------------------------------- */

static bool listens_everywhere(const plx_server *server)
{
    return plx__dispatch_is_everywhere(server->options.dispatch);
}

/* What listeners accept goes through the inbox of a loop. */
static bool goes_by_inbox(const plx_server *server)
{
    return plx__dispatch_hands_over(server->options.dispatch) || server->limits != NULL;
}

static uint32_t handles_count(const plx_server *server)
{
    return listens_everywhere(server) ? server->workers_count : 1;
}

/* Handle 0 is that of the loop that accepts for others, if there is one. */
static plx_loop *listening_loop(const plx_server *server, uint32_t handle)
{
    const bool has_acceptor = server->loops_count > server->workers_count;
    return server->workers[has_acceptor ? server->workers_count : handle].loop;
}

/* The handle that the listeners have on the worker's loop. False: they have none there. */
static bool handle_find(const plx_server *server, const plx__worker *worker, uint32_t *handle_out)
{
    *handle_out = listens_everywhere(server) ? worker->index : 0;
    return listening_loop(server, *handle_out) == worker->loop;
}

/* The parent of forked children: it has never accepted, and starts no child any more. */
static void parents_end(plx__server_listener *of, plx_loop *loop, plx_listener listener)
{
    (void)plx_listener_close(loop, listener);
    plx__socket_dispose(of->duplicate);
    of->duplicate = PLX_SOCKET_NONE;
}

/* What waits while the listeners pause is for whoever has the socket then, if somebody has. */
static void listener_end(const plx_server *server, const plx__worker *worker, plx_listener listener)
{
    if (server->keeps_files && (server->is_holding || worker->holding.is_holding))
        (void)plx_listener_close(worker->loop, listener);
    else
        (void)plx_listener_finish(worker->loop, listener);
}

void plx__listening_end(plx_server *server, const plx__worker *worker)
{
    uint32_t handle;
    if (!handle_find(server, worker, &handle))
        return;
    for (uint32_t i = 0; i < server->listeners_count; i++) {
        plx_listener listener = server->listeners[i]->handles[handle];
        if (server->keeps_files)
            (void)plx_listener_keep_file(worker->loop, listener);
        if (server->is_parent)
            parents_end(server->listeners[i], worker->loop, listener);
        else
            listener_end(server, worker, listener);
    }
}

bool plx__listening_is_over(const plx_server *server, const plx__worker *worker)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    uint32_t handle;
    if (!handle_find(server, worker, &handle))
        return true;
    for (uint32_t i = 0; i < server->listeners_count; i++) {
        plx_listener listener = server->listeners[i]->handles[handle];
        if (plx_listener_address(worker->loop, listener, address, sizeof address) != PLX_ESTALE)
            return false;
    }
    return true;
}

/* Loops cannot share one, or have one each: the system does not distribute connections among such
 * sockets, and the socket file belongs to one listener. */
static bool is_of_one_loop(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void on_listener_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    const plx__server_listener *of = data;
    if (of->options.on_error != NULL)
        of->options.on_error(loop, listener, of->options.data, status);
}

static int on_listener_peer(void *data, const char *peer, const char *local)
{
    const plx__server_listener *of = data;
    return of->options.on_peer(of->options.data, peer, local);
}

static void listener_free(plx__server_listener *of)
{
    plx__socket_dispose(of->duplicate);
    plx__free(of->handles);
    plx__free(of);
}

static int listener_new(plx_server *server, plx__server_listener **of_out,
                        const plx_listen_options *options, size_t options_bytes, size_t conn_bytes)
{
    plx__server_listener *of = plx__allocate_zeroed(1, sizeof *of);
    *of_out = NULL;
    if (of == NULL)
        return PLX_ENOMEM;
    of->server = server;
    of->duplicate = PLX_SOCKET_NONE;
    of->handles = plx__allocate_zeroed(handles_count(server), sizeof *of->handles);
    int status = of->handles != NULL ? 0 : PLX_ENOMEM;
    if (status == 0)
        status = plx__sized_take(&of->options, sizeof of->options, options, options_bytes);
    if (status == 0)
        status = plx__sized_take(&of->conn, sizeof of->conn, of->options.conn, conn_bytes);
    if (of->options.on_accept != NULL)
        status = PLX_EINVAL;
    of->options.conn = &of->conn;
    of->conn.flags |= PLX_CONN_ACCEPTED; /* For those that a worker adopts; else of no effect. */
    if (status != 0) {
        listener_free(of);
        return status;
    }
    *of_out = of;
    return 0;
}

/* The options of the listener on a loop. */
static plx_listen_options loop_options(const plx_server *server, plx__server_listener *of)
{
    plx_listen_options options = of->options;
    if (goes_by_inbox(server))
        options.on_accept = plx__accepting_hand_over;
    else if (plx__dispatch_handles(server->options.dispatch))
        options.on_accept = plx__queueing_accept;
    else if (server->options.on_admit != NULL)
        options.on_accept = plx__admission_decide;
    if (options.on_accept != NULL) { /* The data is the server's then. */
        options.on_error = on_listener_error;
        options.on_peer = of->options.on_peer != NULL ? on_listener_peer : NULL;
        options.data = of;
    }
    options.reuse_port |= server->options.dispatch == PLX_DISPATCH_KERNEL;
    options.shared |= server->options.dispatch == PLX_DISPATCH_SHARED;
    return options;
}

/* Where the other loops listen: at the port that the system gave to the first. What an address
 * stands for (0.0.0.0) is not what plx_listener_address() tells, so only the port is taken. */
static int address_repeat(plx_server *server, const plx__server_listener *of, const char *address,
                          char *text, size_t size)
{
    char actual[PLX_ADDRESS_TEXT_MAX];
    int status =
        plx_listener_address(listening_loop(server, 0), of->handles[0], actual, sizeof actual);
    if (status != 0)
        return status;
    const char *port = strrchr(address, ':');
    const char *actual_port = strrchr(actual, ':');
    PLX_ASSERT(port != NULL && actual_port != NULL); /* It listens there. */
    (void)snprintf(text, size, "%.*s%s", (int)(port - address), address, actual_port);
    return 0;
}

/* Closes those of the first loops. */
static void handles_close(plx_server *server, const plx__server_listener *of, uint32_t count)
{
    while (count-- > 0)
        (void)plx_listener_close(listening_loop(server, count), of->handles[count]);
}

static int adopt_duplicate(plx_server *server, plx__server_listener *of, uint32_t handle,
                           plx_socket duplicate, const plx_listen_options *options)
{
    int status =
        plx_listen_adopt(listening_loop(server, handle), &of->handles[handle], duplicate, options);
    if (status != 0)
        plx_socket_close(duplicate);
    return status;
}

static int listen_again(plx_server *server, plx__server_listener *of, uint32_t handle,
                        const char *address, const plx_listen_options *options)
{
    plx_loop *loop = listening_loop(server, handle);
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_socket socket;
    if (options->shared == 0) {
        int status = address_repeat(server, of, address, text, sizeof text);
        return status == 0 ? plx_listen(loop, &of->handles[handle], text, options) : status;
    }
    int status = plx_listener_duplicate(listening_loop(server, 0), of->handles[0], &socket);
    return status == 0 ? adopt_duplicate(server, of, handle, socket, options) : status;
}

static int listen_everywhere(plx_server *server, plx__server_listener *of, const char *address)
{
    const plx_listen_options options = loop_options(server, of);
    uint32_t handle = 0;
    int status = plx_listen(listening_loop(server, 0), &of->handles[0], address, &options);
    if (status != 0)
        return status;
    while (status == 0 && ++handle < handles_count(server))
        status = listen_again(server, of, handle, address, &options);
    if (status != 0)
        handles_close(server, of, handle);
    return status;
}

/* What the system, or the kind of address, rules out; the backend may rule out more. */
static bool is_possible(const plx_server *server, const char *address)
{
    const uint32_t dispatch = server->options.dispatch;
    const bool forks = dispatch == PLX_DISPATCH_FORK || dispatch == PLX_DISPATCH_PREFORK;
    return (plx__child_is_possible() || !forks) &&
           !(listens_everywhere(server) && is_of_one_loop(address));
}

/* Whether the server can have another listener, at an address of this kind. */
static int listen_check(plx_server *server, const char *address)
{
    uint32_t state = plx__atomic_load(&server->state);
    if (state != PLX__SERVER_OPEN)
        return state == PLX__SERVER_RUNNING ? PLX_EBUSY : PLX_ECANCELED;
    if (server->listeners_count == PLX__LISTENERS_MAX)
        return PLX_ELIMIT;
    return is_possible(server, address) ? 0 : PLX_ENOSYS;
}

/* It listens, or `status` says why not. */
static int listener_add(plx_server *server, plx__server_listener *of, int status)
{
    if (status == 0)
        server->listeners[server->listeners_count++] = of;
    else
        listener_free(of);
    return status;
}

int plx_server_listen_sized(plx_server *server, const char *address,
                            const plx_listen_options *options, size_t options_bytes,
                            size_t conn_bytes)
{
    plx__server_listener *of;
    int status = listen_check(server, address);
    if (status == 0)
        status = listener_new(server, &of, options, options_bytes, conn_bytes);
    if (status != 0)
        return status;
    return listener_add(server, of, listen_everywhere(server, of, address));
}

/* --- sockets that listen already -------------------------------------------------------------- */

/* Each loop gets a duplicate, so that all the sockets are still the caller's if one loop fails. */
static int adopt_everywhere(plx_server *server, plx__server_listener *of, const plx_socket *sockets,
                            uint32_t count)
{
    const plx_listen_options options = loop_options(server, of);
    uint32_t handle = 0;
    int status = 0;
    for (; handle < handles_count(server) && status == 0; handle++) {
        plx_socket duplicate;
        status = plx_socket_duplicate(sockets[count == 1 ? 0 : handle], &duplicate);
        if (status == 0)
            status = adopt_duplicate(server, of, handle, duplicate, &options);
    }
    if (status != 0) {
        handles_close(server, of, handle - 1);
        return status;
    }
    for (uint32_t i = 0; i < count; i++)
        plx_socket_close(sockets[i]);
    return 0;
}

static int sockets_adopt(plx_server *server, plx__server_listener *of, const plx_socket *sockets,
                         uint32_t count)
{
    if (handles_count(server) > 1)
        return adopt_everywhere(server, of, sockets, count);
    const plx_listen_options options = loop_options(server, of);
    return plx_listen_adopt(listening_loop(server, 0), &of->handles[0], sockets[0], &options);
}

/* How many sockets a listener of the server has. */
static uint32_t sockets_count(const plx_server *server)
{
    return server->options.dispatch == PLX_DISPATCH_KERNEL ? server->workers_count : 1;
}

int plx_server_listen_adopt_sized(plx_server *server, const plx_socket *sockets, uint32_t count,
                                  const plx_listen_options *options, size_t options_bytes,
                                  size_t conn_bytes)
{
    plx__server_listener *of;
    char address[PLX_ADDRESS_TEXT_MAX];
    if (count != sockets_count(server))
        return PLX_EINVAL;
    int status = plx_socket_local(sockets[0], address, sizeof address);
    if (status == 0)
        status = listen_check(server, address);
    if (status == 0)
        status = listener_new(server, &of, options, options_bytes, conn_bytes);
    if (status != 0)
        return status;
    return listener_add(server, of, sockets_adopt(server, of, sockets, count));
}

int plx_server_listener_duplicate(plx_server *server, uint32_t index, plx_socket *sockets_out,
                                  uint32_t room, uint32_t *count_out)
{
    const uint32_t count = sockets_count(server);
    uint32_t state = plx__atomic_load(&server->state);
    int status = 0;
    *count_out = 0;
    if (state != PLX__SERVER_OPEN)
        return state == PLX__SERVER_RUNNING ? PLX_EBUSY : PLX_ESTALE;
    if (index >= server->listeners_count || room < count)
        return PLX_EINVAL;
    while (status == 0 && *count_out < count) {
        const uint32_t handle = *count_out;
        status =
            plx_listener_duplicate(listening_loop(server, handle),
                                   server->listeners[index]->handles[handle], &sockets_out[handle]);
        *count_out += status == 0;
    }
    while (status != 0 && *count_out > 0)
        plx_socket_close(sockets_out[--*count_out]);
    return status;
}

/* --- for forked children ---------------------------------------------------------------------- */

int plx__listening_duplicate(plx_server *server)
{
    int status = 0;
    for (uint32_t i = 0; i < server->listeners_count && status == 0; i++) {
        plx__server_listener *of = server->listeners[i];
        status = plx_listener_duplicate(listening_loop(server, 0), of->handles[0], &of->duplicate);
    }
    return status;
}

/* Of the children one wakes for a connection, where the backend can do that; elsewhere all. */
static int adopt(plx_server *server, plx__server_listener *of)
{
    plx_loop *loop = listening_loop(server, 0);
    plx_listen_options options = loop_options(server, of);
    options.shared = 1;
    int status = plx_listen_adopt(loop, &of->handles[0], of->duplicate, &options);
    if (status == PLX_ENOSYS) {
        options.shared = 0;
        status = plx_listen_adopt(loop, &of->handles[0], of->duplicate, &options);
    }
    return status;
}

int plx__listening_adopt(plx_server *server)
{
    int status = 0;
    for (uint32_t i = 0; i < server->listeners_count && status == 0; i++) {
        status = adopt(server, server->listeners[i]);
        server->listeners[i]->duplicate = PLX_SOCKET_NONE;
    }
    return status;
}

/* --- what they are told ----------------------------------------------------------------------- */

int plx_server_address(plx_server *server, uint32_t index, char *text, size_t size)
{
    if (index >= server->listeners_count)
        return PLX_EINVAL;
    if (plx__atomic_load(&server->state) == PLX__SERVER_RUNNING)
        return PLX_EBUSY;
    return plx_listener_address(listening_loop(server, 0), server->listeners[index]->handles[0],
                                text, size);
}

void plx__listening_free(plx_server *server)
{
    for (uint32_t i = 0; i < server->listeners_count; i++)
        listener_free(server->listeners[i]);
}
