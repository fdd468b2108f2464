/* backends/sim/host.c - sockets and time, as core calls them.
 *
 * Sockets are those of the calling thread's simulation. A number that it does not have is a closed
 * descriptor.
 */
#include <pollux/conn.h>

#include "backends/sim/sim.h"

#include "platform/fault.h"

#define PAUSE_NS 100u

static uint64_t host_now(void)
{
    return plx__sim_look_at_clock(plx__sim_here());
}

static void host_sleep(uint64_t duration_ns)
{
    plx__sim_here()->now_ns += duration_ns;
}

static void host_pause(void)
{
    plx__sim_here()->now_ns += PAUSE_NS;
}

static plx__sim_socket *find(plx_socket socket)
{
    return plx__sim_find(plx__sim_here(), socket);
}

static int host_open(plx_socket *socket_out, uint32_t family)
{
    plx_sim *sim = plx__sim_here();
    plx__sim_socket *socket;
    (void)family; /* Every simulation has them all. */
    if (plx__sim_happens(sim, sim->faults.no_descriptors) ||
        plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return PLX_EMFILE;
    int status = plx__sim_socket_make(sim, &socket);
    if (status != 0)
        return status;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = plx__sim_number(socket);
    return 0;
}

static void host_dispose(plx_socket socket)
{
    plx__sim_socket *found = find(socket);
    if (found != NULL)
        plx__sim_socket_close(plx__sim_here(), found);
}

static void host_close(plx_socket socket)
{
    if (socket == PLX_SOCKET_NONE)
        return;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
    host_dispose(socket);
}

static int host_adopt(plx_socket socket)
{
    const plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    if (found->state != PLX__SIM_CONNECTED)
        return PLX_ENOTCONN;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

static int host_adopt_listening(plx_socket socket)
{
    const plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    if (found->state != PLX__SIM_LISTENING)
        return PLX_EINVAL;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

static void host_disown(plx_socket socket)
{
    (void)socket;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
}

static int host_check(plx_socket socket)
{
    return find(socket) != NULL ? 0 : PLX_EBADF;
}

static int host_set(plx_socket socket, enum plx__socket_option option, int value)
{
    plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    if (option == PLX__SOCKET_RESET_ON_CLOSE)
        found->resets = value != 0;
    else if (option == PLX__SOCKET_SHARE_PORT)
        found->shares_port = value != 0;
    else if (option == PLX__SOCKET_ONLY_IPV6)
        found->only_ipv6 = value != 0;
    return 0;
}

static int host_option_set(plx_socket socket, uint32_t family, int option, int value)
{
    plx__sim_socket *found = find(socket);
    (void)family;
    if (found == NULL)
        return PLX_EBADF;
    found->options[option] = value;
    return 0;
}

static int host_option_get(plx_socket socket, uint32_t family, int option, int *value_out)
{
    const plx__sim_socket *found = find(socket);
    (void)family;
    if (found == NULL)
        return PLX_EBADF;
    *value_out = found->options[option];
    if (*value_out == 0 &&
        (option == PLX_CONN_OPTION_SEND_BYTES || option == PLX_CONN_OPTION_RECEIVE_BYTES))
        *value_out = (int)found->input.room;
    return 0;
}

static int host_credentials(plx_socket socket, plx__credentials *credentials_out)
{
    (void)socket;
    (void)credentials_out;
    return PLX_ENOSYS;
}

static int host_bind(plx_socket socket, const plx__address *address)
{
    plx__sim_socket *found = find(socket);
    return found != NULL ? plx__sim_bind(plx__sim_here(), found, address) : PLX_EBADF;
}

static bool host_address_retry(uint64_t since_ns)
{
    (void)since_ns;
    return false; /* An address is free as soon as its socket is closed. */
}

static int host_listen(plx_socket socket, uint32_t backlog)
{
    plx__sim_socket *found = find(socket);
    return found != NULL ? plx__sim_listen(plx__sim_here(), found, backlog) : PLX_EBADF;
}

/* There are no files here, so none to remove. */
static int host_path_listen(plx_socket socket, const plx__address *address, uint32_t backlog,
                            uint32_t mode, plx__socket_path **path_out)
{
    (void)mode;
    *path_out = NULL;
    int status = host_bind(socket, address);
    return status == 0 ? host_listen(socket, backlog) : status;
}

static int host_accept(plx_socket listener, plx_socket *socket_out)
{
    plx__sim_socket *found = find(listener);
    plx__sim_socket *accepted;
    int status = found != NULL ? plx__sim_accept(plx__sim_here(), found, &accepted) : PLX_EBADF;
    if (status == 0)
        *socket_out = plx__sim_number(accepted);
    return status;
}

static int host_shutdown(plx_socket socket)
{
    plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    plx__sim_shut(plx__sim_here(), found);
    return 0;
}

static uint32_t host_look(plx_socket socket, uint32_t interest)
{
    const plx__sim_socket *found = find(socket);
    return found != NULL ? plx__sim_readiness(found) & interest : interest;
}

static int host_name(plx_socket socket, plx__address *address_out)
{
    const plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    *address_out = found->name;
    return 0;
}

static int host_peer(plx_socket socket, plx__address *address_out)
{
    const plx__sim_socket *found = find(socket);
    if (found == NULL)
        return PLX_EBADF;
    if (found->state != PLX__SIM_CONNECTED)
        return PLX_ENOTCONN;
    *address_out = found->peer;
    return 0;
}

static void host_spare_open(plx__spare *spare)
{
    spare->descriptor = PLX_SOCKET_NONE;
    (void)host_open(&spare->descriptor, PLX__FAMILY_IPV4);
}

static void host_spare_close(plx__spare *spare)
{
    host_close(spare->descriptor);
    spare->descriptor = PLX_SOCKET_NONE;
}

const plx__host plx__sim_host = {
    .now = host_now,
    .sleep = host_sleep,
    .pause = host_pause,
    .open = host_open,
    .close = host_close,
    .adopt = host_adopt,
    .adopt_listening = host_adopt_listening,
    .disown = host_disown,
    .reown = plx__socket_reown,
    .dispose = host_dispose,
    .check = host_check,
    .set = host_set,
    .option_set = host_option_set,
    .option_get = host_option_get,
    .credentials = host_credentials,
    .bind = host_bind,
    .address_retry = host_address_retry,
    .listen = host_listen,
    .path_listen = host_path_listen,
    .accept = host_accept,
    .shutdown = host_shutdown,
    .look = host_look,
    .name = host_name,
    .peer = host_peer,
    .spare_open = host_spare_open,
    .spare_close = host_spare_close,
};
