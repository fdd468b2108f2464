/* backends/host.h - what core itself asks of the machine that a loop is on: its clock and its
 * sockets.
 *
 * A backend names the host that its sockets are of. That is the system, for all but a simulation.
 * The functions are those of platform/platform.h, which says what they do; the ones that are not
 * here (memory, threads, signals, forks, addresses as text) are the system's in a simulation too.
 */
#ifndef PLX__HOST_H
#define PLX__HOST_H

#include "platform/platform.h"

/* Numbers of simulated sockets begin here: no system has so many, so none is mistaken for one of
 * the system's. */
#define PLX__HOST_SIMULATED (1u << 30)

typedef struct plx__host {
    uint64_t (*now)(void);
    void (*sleep)(uint64_t duration_ns);
    void (*pause)(void); /* Between two looks at the clock. */

    int (*open)(plx_socket *socket_out, uint32_t family);
    void (*close)(plx_socket socket);
    int (*adopt)(plx_socket socket);
    int (*adopt_listening)(plx_socket socket);
    void (*disown)(plx_socket socket);
    void (*reown)(plx_socket socket);
    void (*dispose)(plx_socket socket);
    int (*check)(plx_socket socket);

    int (*set)(plx_socket socket, enum plx__socket_option option, int value);
    int (*option_set)(plx_socket socket, uint32_t family, int option, int value);
    int (*option_get)(plx_socket socket, uint32_t family, int option, int *value_out);
    int (*credentials)(plx_socket socket, plx__credentials *credentials_out);

    int (*bind)(plx_socket socket, const plx__address *address);
    bool (*address_retry)(uint64_t since_ns);
    int (*listen)(plx_socket socket, uint32_t backlog);
    int (*path_listen)(plx_socket socket, const plx__address *address, uint32_t backlog,
                       uint32_t mode, plx__socket_path **path_out);
    int (*accept)(plx_socket listener, plx_socket *socket_out);
    int (*shutdown)(plx_socket socket);
    uint32_t (*look)(plx_socket socket, uint32_t interest);
    int (*name)(plx_socket socket, plx__address *address_out);
    int (*peer)(plx_socket socket, plx__address *address_out);

    void (*spare_open)(plx__spare *spare);
    void (*spare_close)(plx__spare *spare);
} plx__host;

extern const plx__host plx__system_host;

#endif
