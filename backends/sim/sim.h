/* backends/sim/sim.h - the simulation, as the files that make it up see it.
 *
 * chance.c   what is left open
 * trace.c    what is told
 * events.c   time, and what is to happen in it
 * pipe.c     bytes on their way
 * socket.c   sockets: their numbers, names, listeners, and how connections are made and end
 * world.c    the simulation, its loops, and whose turn it is
 * deferred.c sends that a loop's next wait tries
 * backend.c  operations, as core starts them
 * host.c     sockets and time, as core calls them
 *
 * Each calls those above it alone.
 */
#ifndef PLX__SIM_H
#define PLX__SIM_H

#include <pollux/sim.h>

#include "backends/backend.h"

typedef struct plx__sim_socket plx__sim_socket;

/* --- events ---------------------------------------------------------------------------------- */

typedef void plx__sim_event_fn(plx_sim *sim, plx__sim_socket *socket);

/* Whether it comes later when the network is cut. */
enum plx__sim_delay {
    PLX__SIM_NEVER_LATE, /* It is no packet. */
    PLX__SIM_LATE,
    PLX__SIM_OF_STREAM /* It does, and never before the connection is established. */
};

/* Of a socket, if it still is the one of this generation. */
typedef struct plx__sim_event {
    uint64_t at_ns;
    uint64_t order; /* Among events of one time. */
    plx__sim_event_fn *run;
    enum plx__sim_delay delay;
    uint32_t index; /* The socket's, */
    uint32_t generation;
} plx__sim_event;

/* When TCP sends again: RFC 6298 says a second at least, Linux 200 ms. */
#define PLX__SIM_RESEND_NS (200 * PLX_MILLISECOND)

/* --- bytes on their way ---------------------------------------------------------------------- */

/* Sent by one call: it arrives as a whole. The end of the stream has a length of 0. */
typedef struct plx__sim_chunk {
    uint32_t length;
} plx__sim_chunk;

/* What goes into a socket: `readable` bytes that have arrived, and behind them `in_flight`. */
typedef struct plx__sim_pipe {
    unsigned char *bytes; /* A ring of so many, */
    uint32_t ring;
    uint32_t room; /* which grows up to this. */
    uint32_t first;
    uint32_t readable;
    uint32_t in_flight;
    uint32_t returning;     /* Received, but the sender does not know yet. */
    uint64_t arrives_ns;    /* When the last of the chunks does. */
    plx__sim_chunk *chunks; /* A ring, too. */
    uint32_t chunks_room;
    uint32_t chunks_first;
    uint32_t chunks_count;
    bool is_shut; /* The end is on its way, or here: nothing is sent any more. */
    bool has_ended;
} plx__sim_pipe;

/* --- sockets --------------------------------------------------------------------------------- */

enum plx__sim_state {
    PLX__SIM_FREE,
    PLX__SIM_OPEN, /* It has been made, and perhaps bound. */
    PLX__SIM_LISTENING,
    PLX__SIM_CONNECTING,
    PLX__SIM_FAILED, /* Connecting has failed: `error`. */
    PLX__SIM_CONNECTED
};

struct plx__sim_socket {
    uint32_t index;
    uint32_t generation;
    uint32_t state; /* plx__sim_state. */
    uint32_t id;    /* For traces: counted from 1 over the simulation. */
    int error;      /* Of a connect, or of a connection that was reset. */
    bool is_reset;
    bool resets;       /* On close: PLX__SOCKET_RESET_ON_CLOSE. */
    bool is_resetting; /* A reset is on its way to it. */
    bool is_bound;
    bool shares_port;       /* PLX__SOCKET_SHARE_PORT. */
    bool only_ipv6;         /* PLX__SOCKET_ONLY_IPV6. */
    uint32_t tries;         /* Of a connect that met a full backlog. */
    plx__sim_socket *other; /* The other end; NULL when it is closed, and before there is one. */
    plx__sim_pipe input;
    plx__address name;
    plx__address peer;
    plx__sim_socket **waiting; /* Of a listener: connections that wait to be accepted. */
    uint32_t waiting_count;
    uint32_t backlog;
    int options[8];          /* By plx_conn_option: what was set. */
    uint32_t loop;           /* The number of the one that it is attached to; 0: none. */
    uint32_t home;           /* The same; of one that waits to be accepted, the listener's. */
    uint32_t peer_home;      /* The home of the other end, when `other` is NULL. */
    plx__endpoint *endpoint; /* That it is attached to; or NULL. */
    void (*notify)(plx__sim_socket *socket); /* There is an endpoint, and something may be ready. */
    plx__backend *backend;                   /* For `notify`. */
};

/* --- the world ------------------------------------------------------------------------------- */

/* What the world knows of a loop; the first member of its backend. */
typedef struct plx__sim_member {
    const plx_loop *loop;
    uint32_t number; /* Counted from 1. */
    bool is_busy;    /* Its program runs it itself, and it has not waited since. */
    bool is_waiting; /* Until it has something: other loops run meanwhile, this one does not. */
    /* When the backend has something for the loop: now or earlier; or UINT64_MAX. */
    uint64_t (*due)(struct plx__sim_member *member);
} plx__sim_member;

/* A loop that the simulation runs. */
typedef struct plx__sim_task {
    plx_loop *loop;
    plx__sim_member *member;
    int (*turn)(plx_loop *loop, uint64_t timeout_ns);
    uint64_t (*next_timeout)(plx_loop *loop);
    uint64_t not_before_ns; /* The system runs others first. */
    bool is_running;
    bool is_over;
} plx__sim_task;

/* Two loops between which nothing arrives, by their numbers. */
typedef struct plx__sim_cut {
    uint32_t one, other;
} plx__sim_cut;

struct plx_sim {
    plx_sim_options options;
    plx_sim_faults faults;
    uint64_t chance[4]; /* The state of the generator. */
    uint64_t now_ns;
    uint64_t order;
    bool is_cut;
    plx__sim_cut *cuts;
    uint32_t cuts_count, cuts_room;
    bool is_running;                /* plx_sim_run() */
    bool is_deadlocked;             /* The sleeper waits, and nothing will ever happen. */
    const plx__sim_member *sleeper; /* Whose turn of plx_sim_run() waits; or NULL. */
    bool is_choosing;               /* Whose turn is next: looking at the clock takes no time. */
    plx__sim_event *events;         /* A heap: the next one first. */
    uint32_t events_count, events_room;
    plx__sim_socket **sockets; /* By index. */
    uint32_t sockets_count, sockets_room, sockets_open;
    plx__sim_socket **listeners;
    uint32_t listeners_count, listeners_room;
    uint32_t ids;
    uint16_t port_next;
    plx__sim_member **members; /* In the order of opening. */
    uint32_t members_count, members_room, members_seen;
    plx__sim_task *tasks;
    uint32_t tasks_count, tasks_room;
};

/* Times since the simulation was opened begin here, so that no deadline is 0. */
#define PLX__SIM_START_NS PLX_SECOND

/* --- chance.c -------------------------------------------------------------------------------- */

void plx__sim_chance_seed(plx_sim *sim);
/* A number below `bound`, which is not 0. */
uint64_t plx__sim_chance(plx_sim *sim, uint64_t bound);
/* Whether something happens that happens so often in a million times. Draws nothing for 0. */
bool plx__sim_happens(plx_sim *sim, uint32_t rate);
/* How long something takes from here to the other end. */
uint64_t plx__sim_latency(plx_sim *sim);

/* --- trace.c --------------------------------------------------------------------------------- */

void plx__sim_tell(plx_sim *sim, const char *name, uint32_t loop, uint32_t endpoint, int64_t value);
void plx__sim_tell_of(plx_sim *sim, const char *name, const plx__sim_socket *socket, int64_t value);

/* --- events.c -------------------------------------------------------------------------------- */

/* Grows an array of the world by one; its items are `bytes` each. 0 or PLX_ENOMEM. */
int plx__sim_grow(void **array, uint32_t count, uint32_t *room, size_t bytes);
/* Has the event run at that time. There is memory for it: see plx__sim_events_reserve(). */
void plx__sim_schedule(plx_sim *sim, enum plx__sim_delay delay, plx__sim_event_fn *run,
                       const plx__sim_socket *socket, uint64_t at_ns);
/* Makes room for what a socket may have scheduled at a time. 0 or PLX_ENOMEM. */
int plx__sim_events_reserve(plx_sim *sim);
/* The cut between the loops of these numbers, or NULL. */
plx__sim_cut *plx__sim_cut_find(const plx_sim *sim, uint32_t one, uint32_t other);
/* Whether there is one, or the whole network is cut. */
bool plx__sim_is_cut(const plx_sim *sim, uint32_t one, uint32_t other);
/* Whether none of them, if there are any, can happen while the network is cut as it is. */
bool plx__sim_events_are_held(const plx_sim *sim);
/* Runs the next one, of which there is one. */
void plx__sim_event_run(plx_sim *sim);
/* Runs all that has happened by now. */
void plx__sim_catch_up(plx_sim *sim);
/* The time, as core sees it: looking may take long. */
uint64_t plx__sim_look_at_clock(plx_sim *sim);

/* --- pipe.c ---------------------------------------------------------------------------------- */

/* As send() and recv(). */
ptrdiff_t plx__sim_send(plx_sim *sim, plx__sim_socket *socket, const plx__slice *slices,
                        size_t count);
ptrdiff_t plx__sim_receive(plx_sim *sim, plx__sim_socket *socket, void *bytes, size_t size);
/* The end goes the way of the bytes. */
void plx__sim_shut(plx_sim *sim, plx__sim_socket *socket);
/* How many bytes the socket can send now. */
uint32_t plx__sim_room(const plx__sim_socket *socket);
/* The connection is reset from elsewhere; this end learns of it in a while. */
void plx__sim_reset_schedule(plx_sim *sim, plx__sim_socket *socket, uint64_t after_ns);
void plx__sim_pipe_free(plx__sim_pipe *pipe);

/* --- socket.c -------------------------------------------------------------------------------- */

/* The number that a program sees, and back. */
plx_socket plx__sim_number(const plx__sim_socket *socket);
plx__sim_socket *plx__sim_find(plx_sim *sim, plx_socket number);
/* 0, PLX_EMFILE or PLX_ENOMEM. */
int plx__sim_socket_make(plx_sim *sim, plx__sim_socket **socket_out);
void plx__sim_socket_close(plx_sim *sim, plx__sim_socket *socket);
void plx__sim_sockets_free(plx_sim *sim);
int plx__sim_bind(plx_sim *sim, plx__sim_socket *socket, const plx__address *address);
int plx__sim_listen(plx_sim *sim, plx__sim_socket *socket, uint32_t backlog);
int plx__sim_connect(plx_sim *sim, plx__sim_socket *socket, const plx__address *address);
int plx__sim_accept(plx_sim *sim, plx__sim_socket *listener, plx__sim_socket **socket_out);
/* Bits of plx_readiness: what would not block. */
uint32_t plx__sim_readiness(const plx__sim_socket *socket);

/* --- world.c --------------------------------------------------------------------------------- */

/* The simulation of the calling thread, or NULL. */
plx_sim *plx__sim_here(void);
/* Adds the backend of a loop that opens, 0 or PLX_ENOMEM; and removes it. */
int plx__sim_join(plx_sim *sim, plx__sim_member *member);
void plx__sim_leave(plx_sim *sim, const plx__sim_member *member);
/* Runs a turn of each loop that the simulation runs and that has something to do now. */
void plx__sim_turns(plx_sim *sim);
/* Has the next thing happen: an event, or a turn of a loop that the simulation runs; or moves the
 * clock to `deadline_ns`, if that is earlier. PLX_EDEADLK: nothing ever happens. */
int plx__sim_step(plx_sim *sim, uint64_t deadline_ns);

/* --- the backend ----------------------------------------------------------------------------- */

extern const plx__host plx__sim_host;
extern const plx__backend_ops plx__sim_backend;

static inline void plx__sim_notify(plx__sim_socket *socket)
{
    if (socket->endpoint != NULL)
        socket->notify(socket);
}

#endif
