/* core/server/dispatch.c - which loop gets a socket that another one has accepted.
 *
 * A policy names the loop that is asked first. A loop that has ended, whose inbox is full or that
 * has as many connections as it may have passes the socket on to the next.
 */
#include "core/server/server.h"

#include <string.h>

static const char *const names[] = {
    [PLX_DISPATCH_INLINE] = "inline",
    [PLX_DISPATCH_ROUND_ROBIN] = "round-robin",
    [PLX_DISPATCH_LEAST_CONNECTIONS] = "least-connections",
    [PLX_DISPATCH_CHOSEN] = "chosen",
    [PLX_DISPATCH_KERNEL] = "kernel",
    [PLX_DISPATCH_SHARED] = "shared",
    [PLX_DISPATCH_THREAD] = "thread",
    [PLX_DISPATCH_PREFORK] = "prefork",
    [PLX_DISPATCH_FORK] = "fork",
};

#define NAMES_COUNT (sizeof names / sizeof names[0])

const char *plx_dispatch_name(uint32_t dispatch)
{
    return dispatch < NAMES_COUNT ? names[dispatch] : NULL;
}

uint32_t plx_dispatch_find(const char *name)
{
    for (uint32_t dispatch = 1; dispatch < NAMES_COUNT; dispatch++) {
        if (strcmp(names[dispatch], name) == 0)
            return dispatch;
    }
    return 0;
}

const char *plx_dispatch_needs(uint32_t dispatch)
{
    if (dispatch == PLX_DISPATCH_KERNEL)
        return "it needs a system that distributes connections among sockets with the same address "
               "(Linux, FreeBSD), and no Unix-domain address; \"round-robin\" works everywhere";
    if (dispatch == PLX_DISPATCH_SHARED)
        return "it needs a backend on which several loops can share a listening socket, as some of "
               "Linux are, and no Unix-domain address; \"round-robin\" works everywhere";
    if (dispatch == PLX_DISPATCH_PREFORK)
        return "it needs a system with fork(), as Unix is; \"round-robin\" works everywhere";
    if (dispatch == PLX_DISPATCH_FORK)
        return "it needs a system with fork(), as Unix is; \"thread\" works everywhere";
    return NULL;
}

bool plx__dispatch_hands_over(uint32_t dispatch)
{
    return dispatch == PLX_DISPATCH_ROUND_ROBIN || dispatch == PLX_DISPATCH_LEAST_CONNECTIONS ||
           dispatch == PLX_DISPATCH_CHOSEN;
}

/* Those on their way to it included. One that arrives is counted twice for a moment. */
static uint32_t load_of(plx__worker *worker)
{
    return plx_loop_connections(worker->loop) + plx__atomic_load(&worker->inbox.pending);
}

/* Of several with as few, the one after the last that got one. */
static uint32_t least_loaded(plx_server *server)
{
    uint32_t least = server->next % server->workers_count;
    uint32_t load = UINT32_MAX;
    for (uint32_t i = 0; i < server->workers_count; i++) {
        uint32_t index = (server->next + i) % server->workers_count;
        uint32_t load_here = load_of(&server->workers[index]);
        if (load_here < load) {
            load = load_here;
            least = index;
        }
    }
    return least;
}

/* After a loop that could not take it, the next one. */
static uint32_t first_asked(plx_server *server, plx_socket socket, const plx__worker *except)
{
    if (except != NULL)
        return except->index + 1;
    switch (server->options.dispatch) {
    case PLX_DISPATCH_LEAST_CONNECTIONS:
        server->next = least_loaded(server);
        return server->next++;
    case PLX_DISPATCH_CHOSEN:
        return server->options.on_choose(server, socket, server->options.data);
    default:
        return server->next++;
    }
}

/* A post that fails for want of memory has told nobody: what is in the inbox is dropped rather than
 * forgotten. One that fails because the loop ends is for plx__worker_end() to take. */
static void announce(plx_server *server, plx__worker *worker)
{
    plx__handoff dropped;
    if (plx__server_post(worker->loop, worker->take, worker) != PLX_ENOMEM)
        return;
    while (plx__inbox_take(&worker->inbox, &dropped)) {
        plx__handoff_refuse(server, &dropped);
        plx__inbox_done(&worker->inbox);
    }
}

static int hand_to(plx_server *server, plx__worker *worker, const plx__handoff *handoff)
{
    bool is_first = false;
    if (load_of(worker) >= server->connections_max)
        return PLX_ENOBUFS;
    int status = plx__inbox_put(&worker->inbox, handoff, &is_first);
    if (status == 0 && is_first)
        announce(server, worker);
    return status;
}

int plx__dispatch(plx_server *server, const plx__handoff *handoff, const plx__worker *except)
{
    const uint32_t first = first_asked(server, handoff->socket, except);
    int result = PLX_ECANCELED;
    for (uint32_t i = 0; i < server->workers_count; i++) {
        plx__worker *worker = &server->workers[(first + i) % server->workers_count];
        if (worker == except)
            continue;
        int status = hand_to(server, worker, handoff);
        if (status == 0 && except == NULL)
            plx__server_tally(server, &server->stats.handed_over);
        if (status == 0)
            return 0;
        result = status == PLX_ENOBUFS ? status : result;
    }
    return result;
}

int plx__dispatch_any(plx__worker *worker, plx__handoff *handoff)
{
    return plx__dispatch(worker->server, handoff, NULL);
}

int plx__dispatch_own(plx__worker *worker, plx__handoff *handoff)
{
    return hand_to(worker->server, worker, handoff);
}
