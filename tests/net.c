/* tests/net.c - passes each call on to the one or the other. */
#include "tests/net.h"

#include <check.h>
#include <pollux/sim.h>

#include "backends/sim/sim.h"

static plx_sim *sim;

void net_sim_open(void)
{
    const plx_sim_options options = {
        .seed = 1, .latency_ns = 1, .jitter_ns = 1, .buffer_bytes = 512 << 10};
    ck_assert_int_eq(plx_sim_open(&sim, &options), 0);
}

void net_sim_close(void)
{
    ck_assert_int_eq(plx_sim_close(sim), 0);
    sim = NULL;
}

bool net_is_sim(void)
{
    return sim != NULL;
}

void net_sim_add(plx_loop *loop, int (*turn)(plx_loop *loop, uint64_t timeout_ns))
{
    ck_assert_int_eq(plx_sim_add_calls(sim, loop, turn, plx_loop_next_timeout), 0);
}

/* Whose sockets they are. */
static const plx__host *host(void)
{
    if (sim == NULL)
        return &plx__system_host;
    sim->now_ns += PLX_MICROSECOND;
    plx__sim_catch_up(sim);
    return &plx__sim_host;
}

static plx__sim_socket *simulated(plx_socket socket)
{
    return host() == &plx__sim_host ? plx__sim_find(sim, socket) : NULL;
}

uint64_t net_now(void)
{
    return host()->now();
}

int net_open(plx_socket *socket_out, uint32_t family)
{
    return host()->open(socket_out, family);
}

void net_close(plx_socket socket)
{
    host()->close(socket);
}

void net_disown(plx_socket socket)
{
    host()->disown(socket);
}

void net_dispose(plx_socket socket)
{
    host()->dispose(socket);
}

int net_set(plx_socket socket, enum plx__socket_option option, int value)
{
    return host()->set(socket, option, value);
}

int net_bind(plx_socket socket, const plx__address *address)
{
    return host()->bind(socket, address);
}

int net_listen(plx_socket socket, uint32_t backlog)
{
    return host()->listen(socket, backlog);
}

int net_accept(plx_socket listener, plx_socket *socket_out)
{
    return host()->accept(listener, socket_out);
}

int net_shutdown(plx_socket socket)
{
    return host()->shutdown(socket);
}

uint32_t net_look(plx_socket socket, uint32_t interest)
{
    return host()->look(socket, interest);
}

int net_name(plx_socket socket, plx__address *address_out)
{
    return host()->name(socket, address_out);
}

int net_peer(plx_socket socket, plx__address *address_out)
{
    return host()->peer(socket, address_out);
}

int net_connect(plx_socket socket, const plx__address *address)
{
    plx__sim_socket *found = simulated(socket);
    if (found == NULL)
        return net_is_sim() ? PLX_EBADF : plx__socket_connect(socket, address);
    int status = plx__sim_connect(sim, found, address);
    return status == 0 ? PLX_EAGAIN : status;
}

int net_connect_result(plx_socket socket)
{
    const plx__sim_socket *found = simulated(socket);
    if (net_is_sim())
        return found != NULL ? found->error : PLX_EBADF;
    return plx__socket_connect_result(socket);
}

ptrdiff_t net_receive(plx_socket socket, void *bytes, size_t size)
{
    plx__sim_socket *found = simulated(socket);
    if (net_is_sim())
        return found != NULL ? plx__sim_receive(sim, found, bytes, size) : PLX_EBADF;
    return plx__socket_receive(socket, bytes, size);
}

ptrdiff_t net_send(plx_socket socket, const void *bytes, size_t length)
{
    const plx__slice slice = plx__slice_of(bytes, length);
    plx__sim_socket *found = simulated(socket);
    if (net_is_sim())
        return found != NULL ? plx__sim_send(sim, found, &slice, 1) : PLX_EBADF;
    return plx__socket_send(socket, bytes, length);
}
