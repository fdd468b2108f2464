/* tests/fuzz_listeners.h - random calls about listeners, and what becomes of what they accept. */
#ifndef FUZZ_LISTENERS_H
#define FUZZ_LISTENERS_H

#include <pollux/pollux.h>
#include <stdbool.h>

/* What the owner of the connections does. */
typedef struct fuzz_listeners_hooks {
    /* Makes a connection of the socket, on any loop. False: it is still the caller's. */
    bool (*adopt)(plx_socket socket, const void *bytes, size_t length);
    /* Makes some calls on the loop, whose callback runs. */
    void (*calls)(plx_loop *loop);
    /* Later calls may use this handle. */
    void (*remember)(uint64_t bits);
} fuzz_listeners_hooks;

/* Before any other call. */
void fuzz_listeners_open(const fuzz_listeners_hooks *hooks);
/* Opens a listener, or tries. `calls` is how far the program is. True: `address`, of
 * PLX_ADDRESS_TEXT_MAX bytes, is where it listens. */
bool fuzz_listeners_listen(plx_loop *loop, const plx_conn_options *accepted, uint64_t calls,
                           plx_listener *listener_out, char *address);
/* One call, with a handle of any kind, live or stale. `accepted` is for what it may open. */
void fuzz_listeners_call(plx_loop *loop, plx_listener listener, const plx_conn_options *accepted);

#endif
