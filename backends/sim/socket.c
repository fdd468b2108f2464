/* backends/sim/socket.c - owns sockets: their numbers and names, listeners, and how connections are
 * made and end.
 *
 * A connection is two sockets that know each other. It is made as TCP makes it: a SYN finds a
 * listener with room in its backlog, and the answer takes its time, too. An end that closes sends
 * its end of the stream, or resets the connection when bytes were not received (RFC 2525, 2.17).
 */
#include "backends/sim/sim.h"

#include <string.h>

#include "platform/fault.h"

#define SYN_TRIES          6u
#define CONNECT_TIMEOUT_NS (127 * PLX_SECOND)
#define CHUNKS_FIRST       8u

/* Those that are given out (RFC 6335, section 6). */
#define PORT_FIRST 49152u
#define PORTS      (65536u - PORT_FIRST)

/* Where struct sockaddr_in and sockaddr_in6 of every system have the port and the address. */
#define PORT_AT  2u
#define IPV4_AT  4u
#define IPV6_AT  8u
#define UNIX_LEN 2u /* Of a name that is none. */

/* --- numbers --------------------------------------------------------------------------------- */

plx_socket plx__sim_number(const plx__sim_socket *socket)
{
    return (plx_socket)(PLX__HOST_SIMULATED + (socket->index + 1) * 4); /* Handles are multiples. */
}

plx__sim_socket *plx__sim_find(plx_sim *sim, plx_socket number)
{
    uint64_t index = ((uint64_t)number - PLX__HOST_SIMULATED) / 4 - 1;
    if (number == PLX_SOCKET_NONE || (uint64_t)number % 4 != 0 || index >= sim->sockets_count)
        return NULL;
    plx__sim_socket *socket = sim->sockets[index];
    return socket->state != PLX__SIM_FREE ? socket : NULL;
}

/* The lowest that is free, as systems give them out. */
static int slot_find(plx_sim *sim, plx__sim_socket **socket_out)
{
    for (uint32_t i = 0; sim->sockets_open < sim->sockets_count && i < sim->sockets_count; i++) {
        if (sim->sockets[i]->state == PLX__SIM_FREE) {
            *socket_out = sim->sockets[i];
            return 0;
        }
    }
    int status = plx__sim_grow((void **)&sim->sockets, sim->sockets_count, &sim->sockets_room,
                               sizeof(plx__sim_socket *));
    plx__sim_socket *socket = status == 0 ? plx__allocate_zeroed(1, sizeof *socket) : NULL;
    if (socket == NULL)
        return PLX_ENOMEM;
    socket->index = sim->sockets_count;
    sim->sockets[sim->sockets_count++] = socket;
    *socket_out = socket;
    return 0;
}

int plx__sim_socket_make(plx_sim *sim, plx__sim_socket **socket_out)
{
    plx__sim_socket *socket;
    if (sim->sockets_open >= sim->options.descriptors_max)
        return PLX_EMFILE;
    int status = slot_find(sim, &socket);
    if (status == 0)
        status = plx__sim_events_reserve(sim);
    plx__sim_chunk *chunks =
        status == 0 ? plx__allocate(CHUNKS_FIRST * sizeof(plx__sim_chunk)) : NULL;
    if (chunks == NULL)
        return PLX_ENOMEM;
    *socket = (plx__sim_socket){
        .index = socket->index,
        .generation = socket->generation + 1,
        .state = PLX__SIM_OPEN,
        .id = ++sim->ids,
        .input = {.room = sim->options.buffer_bytes, .chunks = chunks, .chunks_room = CHUNKS_FIRST},
    };
    sim->sockets_open++;
    *socket_out = socket;
    return 0;
}

static void socket_free(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_pipe_free(&socket->input);
    plx__free(socket->waiting);
    socket->waiting = NULL;
    socket->other = NULL;
    socket->endpoint = NULL;
    socket->state = PLX__SIM_FREE;
    sim->sockets_open--;
}

void plx__sim_sockets_free(plx_sim *sim)
{
    for (uint32_t i = 0; i < sim->sockets_count; i++) {
        if (sim->sockets[i]->state != PLX__SIM_FREE)
            socket_free(sim, sim->sockets[i]);
        plx__free(sim->sockets[i]);
    }
    plx__free(sim->sockets);
    plx__free(sim->listeners);
}

/* --- names ----------------------------------------------------------------------------------- */

static uint16_t port_of(const plx__address *address)
{
    const unsigned char *bytes = address->storage.bytes + PORT_AT;
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void port_set(plx__address *address, uint16_t port)
{
    address->storage.bytes[PORT_AT] = (unsigned char)(port >> 8);
    address->storage.bytes[PORT_AT + 1] = (unsigned char)port;
}

static size_t host_length(const plx__address *address)
{
    return address->family == PLX__FAMILY_IPV4 ? 4 : 16;
}

static const unsigned char *host_of(const plx__address *address)
{
    return address->storage.bytes + (address->family == PLX__FAMILY_IPV4 ? IPV4_AT : IPV6_AT);
}

static bool is_any(const plx__address *address)
{
    static const unsigned char any[16];
    return memcmp(host_of(address), any, host_length(address)) == 0;
}

/* Whether who connects to the one reaches the other, and two listeners there would be in each
 * other's way. */
static bool is_same(const plx__address *left, const plx__address *right)
{
    if (left->family != right->family)
        return false;
    if (left->family == PLX__FAMILY_UNIX)
        return left->length == right->length &&
               memcmp(left->storage.bytes, right->storage.bytes, left->length) == 0;
    return port_of(left) == port_of(right) &&
           (is_any(left) || is_any(right) ||
            memcmp(host_of(left), host_of(right), host_length(left)) == 0);
}

/* Whether IPv4 connections to a port reach a socket of IPv6, too. */
static bool takes_ipv4(const plx__sim_socket *socket, const plx__address *name,
                       const plx__address *address)
{
    return name->family == PLX__FAMILY_IPV6 && address->family == PLX__FAMILY_IPV4 &&
           !socket->only_ipv6 && is_any(name) && port_of(name) == port_of(address);
}

static bool is_taken(const plx_sim *sim, const plx__sim_socket *socket, const plx__address *address)
{
    for (uint32_t i = 0; i < sim->sockets_count; i++) {
        const plx__sim_socket *one = sim->sockets[i];
        if (one != socket && one->state != PLX__SIM_FREE && one->is_bound &&
            !(one->shares_port && socket->shares_port) &&
            (is_same(&one->name, address) || takes_ipv4(one, &one->name, address) ||
             takes_ipv4(socket, address, &one->name)))
            return true;
    }
    return false;
}

/* Whether another socket has the name, be it bound to it or not. */
static bool is_named(const plx_sim *sim, const plx__sim_socket *socket, const plx__address *address)
{
    for (uint32_t i = 0; i < sim->sockets_count; i++) {
        const plx__sim_socket *one = sim->sockets[i];
        if (one != socket && one->state != PLX__SIM_FREE && is_same(&one->name, address))
            return true;
    }
    return false;
}

static uint16_t port_take(plx_sim *sim)
{
    sim->port_next = sim->port_next < 65535 ? (uint16_t)(sim->port_next + 1) : PORT_FIRST;
    return sim->port_next;
}

int plx__sim_bind(plx_sim *sim, plx__sim_socket *socket, const plx__address *address)
{
    if (socket->state != PLX__SIM_OPEN || socket->is_bound)
        return PLX_EINVAL;
    socket->name = *address;
    if (address->family != PLX__FAMILY_UNIX && port_of(address) == 0) {
        for (uint32_t tries = 0; tries < PORTS; tries++) {
            port_set(&socket->name, port_take(sim));
            if (!is_taken(sim, socket, &socket->name))
                break;
        }
    }
    if (is_taken(sim, socket, &socket->name))
        return PLX_EADDRINUSE;
    socket->is_bound = true;
    return 0;
}

/* The name of who connects without one, which nobody else has. */
static int name_make(plx_sim *sim, plx__sim_socket *socket)
{
    if (socket->peer.family == PLX__FAMILY_UNIX) {
        socket->name = (plx__address){.family = PLX__FAMILY_UNIX, .length = UNIX_LEN};
        memcpy(socket->name.storage.bytes, socket->peer.storage.bytes, UNIX_LEN);
        return 0;
    }
    bool is_ipv4 = socket->peer.family == PLX__FAMILY_IPV4;
    (void)plx__address_parse(&socket->name, is_ipv4 ? "tcp://127.0.0.1:0" : "tcp://[::1]:0");
    for (uint32_t tries = 0; tries < PORTS; tries++) {
        port_set(&socket->name, port_take(sim));
        if (!is_named(sim, socket, &socket->name))
            return 0;
    }
    return PLX_EADDRNOTAVAIL;
}

/* As the listener's family has it: IPv4 addresses are mapped (RFC 4291, 2.5.5.2). */
static plx__address name_for(const plx__sim_socket *listener, const plx__address *name)
{
    if (listener->name.family != PLX__FAMILY_IPV6 || name->family != PLX__FAMILY_IPV4)
        return *name;
    plx__address mapped = listener->name;
    unsigned char *host = mapped.storage.bytes + IPV6_AT;
    memset(host, 0, 10);
    memset(host + 10, 0xFF, 2);
    memcpy(host + 12, host_of(name), 4);
    port_set(&mapped, port_of(name));
    return mapped;
}

/* --- listening ------------------------------------------------------------------------------- */

int plx__sim_listen(plx_sim *sim, plx__sim_socket *socket, uint32_t backlog)
{
    if (socket->state != PLX__SIM_OPEN || !socket->is_bound)
        return PLX_EINVAL;
    socket->backlog = backlog < sim->options.backlog_max ? backlog : sim->options.backlog_max;
    socket->backlog += socket->backlog == 0;
    int status = plx__sim_grow((void **)&sim->listeners, sim->listeners_count, &sim->listeners_room,
                               sizeof(plx__sim_socket *));
    if (status == 0)
        socket->waiting = plx__allocate(socket->backlog * sizeof(plx__sim_socket *));
    if (socket->waiting == NULL)
        return PLX_ENOMEM;
    sim->listeners[sim->listeners_count++] = socket;
    socket->state = PLX__SIM_LISTENING;
    plx__sim_tell_of(sim, "listen", socket, 0);
    return 0;
}

/* Of several that share a port, any. */
static plx__sim_socket *listener_find(plx_sim *sim, const plx__address *address)
{
    plx__sim_socket *found = NULL;
    uint64_t count = 0;
    for (uint32_t i = 0; i < sim->listeners_count; i++) {
        plx__sim_socket *one = sim->listeners[i];
        if ((is_same(&one->name, address) || takes_ipv4(one, &one->name, address)) &&
            plx__sim_chance(sim, ++count) == 0)
            found = one;
    }
    return found;
}

int plx__sim_accept(plx_sim *sim, plx__sim_socket *listener, plx__sim_socket **socket_out)
{
    if (listener->state != PLX__SIM_LISTENING)
        return PLX_EINVAL;
    if (listener->waiting_count == 0)
        return PLX_EAGAIN;
    if (plx__sim_happens(sim, sim->faults.no_descriptors) ||
        plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return PLX_EMFILE;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = listener->waiting[0];
    listener->waiting_count--;
    memmove(listener->waiting, listener->waiting + 1,
            listener->waiting_count * sizeof(plx__sim_socket *));
    plx__sim_tell(sim, "accept", listener->loop, (*socket_out)->id, 0);
    return 0;
}

/* --- connecting ------------------------------------------------------------------------------ */

static void connect_end(plx_sim *sim, plx__sim_socket *socket, int status)
{
    socket->state = status == 0 ? PLX__SIM_CONNECTED : PLX__SIM_FAILED;
    socket->error = status;
    plx__sim_tell_of(sim, status == 0 ? "established" : "failed", socket, status);
    plx__sim_notify(socket);
}

static void established(plx_sim *sim, plx__sim_socket *socket)
{
    connect_end(sim, socket, 0);
}

static void refused(plx_sim *sim, plx__sim_socket *socket)
{
    connect_end(sim, socket, PLX_ECONNREFUSED);
}

static void connect_timeout(plx_sim *sim, plx__sim_socket *socket)
{
    connect_end(sim, socket, PLX_ETIMEDOUT);
}

static void syn(plx_sim *sim, plx__sim_socket *socket);

/* The backlog is full, or there is no memory: it is sent again after 1, 2, 4 s. */
static void syn_drop(plx_sim *sim, plx__sim_socket *socket)
{
    uint64_t after_ns = PLX_SECOND << socket->tries++;
    plx__sim_tell_of(sim, "drop", socket, 0);
    if (socket->tries <= SYN_TRIES)
        plx__sim_schedule(sim, PLX__SIM_LATE, syn, socket, sim->now_ns + after_ns);
    else
        plx__sim_schedule(sim, PLX__SIM_NEVER_LATE, connect_timeout, socket,
                          sim->now_ns + after_ns);
}

static void syn(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_socket *listener = listener_find(sim, &socket->peer);
    plx__sim_socket *other;
    if (listener != NULL && plx__sim_is_cut(sim, socket->home, listener->home)) {
        plx__sim_schedule(sim, PLX__SIM_LATE, syn, socket, sim->now_ns + PLX__SIM_RESEND_NS);
        return;
    }
    uint64_t answered_ns = sim->now_ns + plx__sim_latency(sim);
    socket->peer_home = listener != NULL ? listener->home : 0;
    if (listener == NULL || plx__sim_happens(sim, sim->faults.refusals)) {
        plx__sim_schedule(sim, PLX__SIM_LATE, refused, socket, answered_ns);
        return;
    }
    if (listener->waiting_count >= listener->backlog || plx__sim_socket_make(sim, &other) != 0) {
        syn_drop(sim, socket);
        return;
    }
    other->state = PLX__SIM_CONNECTED;
    other->name = name_for(listener, &socket->peer);
    other->peer = name_for(listener, &socket->name);
    other->other = socket;
    other->home = listener->home;
    socket->other = other;
    listener->waiting[listener->waiting_count++] = other;
    socket->input.arrives_ns = answered_ns; /* What the other sends comes after the answer. */
    plx__sim_schedule(sim, PLX__SIM_LATE, established, socket, answered_ns);
    plx__sim_tell(sim, "syn", listener->loop, other->id, 0);
    plx__sim_notify(listener);
}

int plx__sim_connect(plx_sim *sim, plx__sim_socket *socket, const plx__address *address)
{
    if (socket->state != PLX__SIM_OPEN)
        return PLX_EINVAL;
    socket->peer = *address;
    int status = socket->is_bound ? 0 : name_make(sim, socket);
    if (status != 0)
        return status;
    socket->state = PLX__SIM_CONNECTING;
    plx__sim_tell_of(sim, "connect", socket, 0);
    if (plx__sim_happens(sim, sim->faults.black_holes))
        plx__sim_schedule(sim, PLX__SIM_NEVER_LATE, connect_timeout, socket,
                          sim->now_ns + CONNECT_TIMEOUT_NS);
    else
        plx__sim_schedule(sim, PLX__SIM_LATE, syn, socket, sim->now_ns + plx__sim_latency(sim));
    return 0;
}

/* --- ending ---------------------------------------------------------------------------------- */

/* Bytes that nobody will receive have the connection reset: those that are on their way, too, once
 * they have arrived. */
static void connection_close(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_socket *other = socket->other;
    const plx__sim_pipe *input = &socket->input;
    if (other == NULL)
        return;
    if (!socket->resets && input->readable == 0) {
        plx__sim_shut(sim, socket);
        if (input->in_flight > 0)
            plx__sim_reset_schedule(sim, other,
                                    input->arrives_ns - sim->now_ns + plx__sim_latency(sim));
    } else {
        plx__sim_reset_schedule(sim, other, plx__sim_latency(sim));
    }
    other->other = NULL;
    other->peer_home = socket->home;
    plx__sim_notify(other); /* It may have waited for room, of which there is any amount now. */
}

static void listener_close(plx_sim *sim, plx__sim_socket *listener)
{
    for (uint32_t i = 0; i < sim->listeners_count; i++) {
        if (sim->listeners[i] == listener)
            sim->listeners[i--] = sim->listeners[--sim->listeners_count];
    }
    for (uint32_t i = 0; i < listener->waiting_count; i++) {
        listener->waiting[i]->resets = true;
        plx__sim_socket_close(sim, listener->waiting[i]);
    }
}

void plx__sim_socket_close(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_tell_of(sim, "close", socket, 0);
    if (socket->state == PLX__SIM_LISTENING)
        listener_close(sim, socket);
    connection_close(sim, socket);
    plx__endpoint *endpoint = socket->endpoint;
    socket_free(sim, socket);
    if (endpoint != NULL) { /* Somebody else closed it, by mistake. */
        socket->endpoint = endpoint;
        socket->notify(socket);
        socket->endpoint = NULL;
    }
}

/* --- readiness ------------------------------------------------------------------------------- */

uint32_t plx__sim_readiness(const plx__sim_socket *socket)
{
    const plx__sim_pipe *input = &socket->input;
    switch (socket->state) {
    case PLX__SIM_LISTENING:
        return socket->waiting_count > 0 ? PLX_READABLE : 0;
    case PLX__SIM_FAILED:
        return PLX_READABLE | PLX_WRITABLE | PLX_FAILED;
    case PLX__SIM_CONNECTED:
        if (socket->is_reset)
            return PLX_READABLE | PLX_WRITABLE | PLX_FAILED;
        return (input->readable > 0 || input->has_ended ? (uint32_t)PLX_READABLE : 0) |
               (plx__sim_room(socket) > 0 ? (uint32_t)PLX_WRITABLE : 0);
    default:
        return 0;
    }
}
