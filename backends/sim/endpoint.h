/* backends/sim/endpoint.h - a loop's backend, and what it keeps for each endpoint. */
#ifndef PLX__SIM_ENDPOINT_H
#define PLX__SIM_ENDPOINT_H

#include "backends/sim/sim.h"

/* The most that it defers of one endpoint. */
#define PLX__SIM_DEFERRED_MAX 2048u

#define PLX__SIM_ENDPOINT_SIZE 64u

/* In front of each endpoint. */
typedef struct plx__sim_endpoint {
    plx__sim_socket *socket;
    uint32_t index; /* In one of the backend's lists, */
    uint8_t list;   /* which is this one. */
    uint8_t operations;
    uint8_t interest; /* Of a watch. */
    bool is_watch;
    bool is_lost; /* Somebody else closed its socket; `socket` is NULL. */
    bool is_released;
    bool receives_first;
    uint64_t received;       /* The wait in which it has received last. */
    unsigned char *deferred; /* Bytes that the next wait sends; or NULL. */
    size_t deferred_length;
    int unsent_status;
    bool is_unsent; /* They were tried, and these were left. */
} plx__sim_endpoint;

struct plx__backend {
    plx__sim_member member; /* First. */
    plx_sim *sim;
    size_t receive_bytes;
    bool may_defer;
    plx__atomic_u32 is_woken;
    uint64_t wake_ns; /* When the loop notices. */
    uint64_t waits;
    /* Endpoints of which the next wait may have something, and of which the last one has. */
    plx__sim_endpoint **ready, **due;
    uint32_t ready_count, due_count;
    uint32_t ready_room, due_room;
    uint32_t attached;
    plx__sim_endpoint **deferred; /* Endpoints that have some. */
    uint32_t deferred_count, deferred_room;
    bool has_unsent;
    unsigned char *buffer;
    plx__completion completion;
    unsigned char unsent[PLX__SIM_DEFERRED_MAX];
};

static inline plx__sim_endpoint *plx__sim_front_of(plx__endpoint *endpoint)
{
    return (plx__sim_endpoint *)(void *)((unsigned char *)endpoint - PLX__SIM_ENDPOINT_SIZE);
}

static inline plx__endpoint *plx__sim_endpoint_of(plx__sim_endpoint *front)
{
    return (plx__endpoint *)(void *)((unsigned char *)front + PLX__SIM_ENDPOINT_SIZE);
}

/* deferred.c */

ptrdiff_t plx__sim_send_or_defer(plx__backend *backend, plx__endpoint *endpoint,
                                 const plx__slice *slices, size_t count);
bool plx__sim_send_flush(plx__backend *backend, plx__endpoint *endpoint,
                         plx__completion *unsent_out);
/* Sends what all endpoints have deferred. */
void plx__sim_deferred_submit(plx__backend *backend);
/* Sends what the endpoint has deferred; what is left is dropped. */
void plx__sim_deferred_end(plx__backend *backend, plx__sim_endpoint *front);
/* The next that was not sent, or NULL. */
const plx__completion *plx__sim_unsent_next(plx__backend *backend);

#endif
