/* backends/readiness/readiness.h - makes a backend of a poller. */
#ifndef PLX__READINESS_H
#define PLX__READINESS_H

#include "backends/readiness/poller.h"

/* Events that are taken from the poller at a time. */
#define PLX__EVENTS_MAX 64

/* What readiness.c keeps for a poller, in front of it in memory. */
typedef struct plx__readiness {
    plx__completion received; /* Of the one kind that most are, with the buffer in it. */
    const plx__poller_ops *ops;
    unsigned char *buffer;
    size_t receive_bytes;
    plx__completion other;
    plx__completion readable; /* Of a watch. */
    plx__poller_event *event; /* The one that `next` is at; its `ready` is what is left to try. */
    plx__poller_event *end;
    plx__polled *unapplied; /* Its interest may be out of date; or NULL. */
    plx__polled *fresh;     /* Was accepted in this turn and has just begun to receive; or NULL. */
    plx_socket accepted;    /* That was handed out last. */
    uint8_t silent;         /* How many fresh ones in a row had sent nothing; wraps. */
    uint32_t accepts;       /* How many more the present one may accept in this turn. */
    uint8_t turn;           /* Of waits, wrapping. */
    bool is_drained;        /* The poller has no more events of this wait. */
    plx__poller_event events[PLX__EVENTS_MAX];
} plx__readiness;

/* Allocates a poller of so many bytes, all zero but for what readiness.c keeps. */
int plx__readiness_open(plx__poller **poller_out, size_t bytes, const plx__backend_config *config,
                        const plx__poller_ops *ops);
/* Frees it: the last step of closing and of abandoning. */
void plx__readiness_close(plx__poller *poller);

/* At the start of each wait: without it no event is ever collected. */
static inline void plx__readiness_turn(plx__readiness *readiness)
{
    readiness->turn++;
    readiness->is_drained = false;
}

int plx__readiness_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin);
bool plx__readiness_detach(plx__backend *backend, plx__endpoint *endpoint);
bool plx__readiness_release(plx__backend *backend, plx__endpoint *endpoint);
int plx__readiness_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                                const plx__accept_config *config);
int plx__readiness_connect(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__address *address);
int plx__readiness_receive_start(plx__backend *backend, plx__endpoint *endpoint);
void plx__readiness_stop(plx__backend *backend, plx__endpoint *endpoint);
ptrdiff_t plx__readiness_send(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count);
int plx__readiness_send_start(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count);
int plx__readiness_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest);
const plx__completion *plx__readiness_next(plx__backend *backend);

/* What the table of a poller contains beside its own. */
#define PLX__READINESS                                                                             \
    .host = &plx__system_host, .endpoint_bytes = sizeof(plx__polled), .asks_conditions = true,     \
    .attach = plx__readiness_attach, .detach = plx__readiness_detach,                              \
    .release = plx__readiness_release, .accept_start = plx__readiness_accept_start,                \
    .connect = plx__readiness_connect, .receive_start = plx__readiness_receive_start,              \
    .stop = plx__readiness_stop, .send = plx__readiness_send,                                      \
    .send_start = plx__readiness_send_start, .watch = plx__readiness_watch,                        \
    .next = plx__readiness_next

#endif
