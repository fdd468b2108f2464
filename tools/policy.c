/* tools/policy.c - see tools/policy.h. */
#include "tools/policy.h"

#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/suggestion.h"

/* Whether each connection is a call of on_socket. */
static bool is_of_handlers(uint32_t dispatch)
{
    return dispatch == PLX_DISPATCH_THREAD || dispatch == PLX_DISPATCH_FORK;
}

/* "chosen" needs a function. */
static bool is_offered(uint32_t dispatch)
{
    return dispatch != PLX_DISPATCH_CHOSEN;
}

bool policy_at(size_t index, policy *policy_out)
{
    for (uint32_t i = 1; plx_dispatch_name(i) != NULL; i++) {
        if (!is_offered(i) || index-- > 0)
            continue;
        policy_out->name = plx_dispatch_name(i);
        policy_out->dispatch = i;
        policy_out->has_handlers = is_of_handlers(i);
        policy_out->has_loops = i != PLX_DISPATCH_INLINE && !is_of_handlers(i);
        return true;
    }
    return false;
}

bool policy_find(policy *policy_out, const char *name, char *why, size_t size)
{
    const char *names[POLICIES_MAX];
    char list[256];
    size_t count = 0;
    for (; count < POLICIES_MAX && policy_at(count, policy_out); count++) {
        if (strcmp(policy_out->name, name) == 0)
            return true;
        names[count] = policy_out->name;
    }
    suggestion_list(list, sizeof list, names, count);
    (void)snprintf(why, size, "unknown policy \"%s\"; choose %s", name, list);
    return false;
}

/* It is never called: the server does not run. */
static int on_socket(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                     void *data)
{
    (void)server;
    (void)socket;
    (void)bytes;
    (void)length;
    (void)data;
    return 0;
}

int policy_probe(const policy *p, const char *backend)
{
    const plx_loop_options loop = {.backend = backend};
    const plx_conn_options conn = {0};
    const plx_server_options options = {
        .dispatch = p->dispatch,
        .loops = p->has_loops ? 2 : 1,
        .loop = &loop,
        .on_socket = p->has_handlers ? on_socket : NULL,
    };
    plx_server *server;
    int status = plx_server_open(&server, &options);
    if (status != 0)
        return status;
    status = plx_server_listen(server, "tcp://127.0.0.1:0", &(plx_listen_options){.conn = &conn});
    (void)plx_server_close(server);
    return status;
}
