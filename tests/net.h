/* tests/net.h - the sockets and the clock of a case: the system's, or those of the simulation that
 * the configuration "sim" runs in.
 *
 * As in platform/platform.h. In a simulation each call lets a microsecond pass, so that a case that
 * only asks again and again comes to an end.
 */
#ifndef NET_H
#define NET_H

#include <pollux/loop.h>

#include "platform/platform.h"

/* Opens the simulation that the case is to run in, or closes it. */
void net_sim_open(void);
void net_sim_close(void);
bool net_is_sim(void);
/* Has the simulation run the loop by this function, as plx_loop_run_turn(), while the case's own
 * one waits. */
void net_sim_add(plx_loop *loop, int (*turn)(plx_loop *loop, uint64_t timeout_ns));

uint64_t net_now(void);
int net_open(plx_socket *socket_out, uint32_t family);
void net_close(plx_socket socket);
void net_disown(plx_socket socket);
void net_dispose(plx_socket socket);
int net_set(plx_socket socket, enum plx__socket_option option, int value);
int net_bind(plx_socket socket, const plx__address *address);
int net_listen(plx_socket socket, uint32_t backlog);
int net_accept(plx_socket listener, plx_socket *socket_out);
int net_connect(plx_socket socket, const plx__address *address);
int net_connect_result(plx_socket socket);
ptrdiff_t net_receive(plx_socket socket, void *bytes, size_t size);
ptrdiff_t net_send(plx_socket socket, const void *bytes, size_t length);
int net_shutdown(plx_socket socket);
uint32_t net_look(plx_socket socket, uint32_t interest);
int net_name(plx_socket socket, plx__address *address_out);
int net_peer(plx_socket socket, plx__address *address_out);

#endif
