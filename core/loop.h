/* core/loop.h - the loop as the files of core/ see it.
 *
 * Turns are ordered in turn.c alone. Everything here belongs to the thread of the loop, but for
 * `posts`, `post_waiters`, `is_sleeping`, `connections`, `is_stopped` and `signals`.
 */
#ifndef PLX__LOOP_H
#define PLX__LOOP_H

#include <pollux/loop.h>

#include "backends/backend.h"
#include "core/assert.h"
#include "core/object.h"
#include "core/post_queue.h"
#include "core/post_waiters.h"
#include "core/segment.h"
#include "core/socket_map.h"
#include "core/unconsumed.h"
#include "core/wheel.h"

struct plx__shared_options;
struct plx__side;

/* Where a connection's callback writes: what it writes there goes out together when it returns. */
typedef struct plx__cork {
    plx__slice held; /* What is in it: in the segment's storage, or bytes that live forever and that
                      * nothing else was written behind. As the backend takes it. */
    plx__segment *segment; /* Copies go into its storage, so that it can become the queue's head. */
    size_t room;      /* How long the cork may become. 0: nobody may write here, whatever `token`
                       * says, and it is empty. */
    size_t room_next; /* The next one's: PLX__SEGMENT_BYTES, or 0 near `queued_bytes_max`. */
    uint64_t token;   /* Handle of the connection that may write here now: it is open, its sending
                       * side too, and nothing of it waits elsewhere. */
} plx__cork;

struct plx_loop {
    const plx__backend_ops *ops;
    plx__backend *backend;
    const plx__host *host;      /* The backend's. */
    plx__backend_report report; /* The backend's. */
    uint64_t now_ns;
    uint64_t turn_ns; /* When the last wait ended. */
    plx__cork cork;
    plx_loop_stats stats;
    void *data; /* The user's. */

    plx__slab slabs[PLX__KINDS];
    const plx__class *const *classes; /* By plx__kind. */
    plx__object *deferred_first;
    plx__object **deferred_end;
    plx__wheel wheel;
    /* Posters look at the end of the one and at the other; nothing else stands on that line. */
    plx__post_queue posts;
    plx__atomic_u32 is_sleeping; /* 1 from before a wait until someone has woken it. */
    plx__atomic_u32 connections; /* For other threads: how many slots of connections are taken. */
    unsigned char apart[64];
    uint64_t failed_tick;  /* The last turn whose wait failed; 0: none that still counts. */
    uint64_t failing_ns;   /* Since when each wait has failed, up to that one. */
    uint64_t posts_ran_ns; /* When those of the last turn that had any were through. */
    plx__post_waiters post_waiters; /* When any are in it, posts are queued. */
    plx__segment_pool segments;
    plx__unconsumed *unconsumed_spare; /* A buffer for unconsumed bytes, not in use; may be NULL. */
    struct plx__shared_options *shared_last; /* Of the last plx_connect(); shared while it fits. */
    plx__socket_map sockets;                 /* Of connections, listeners and watches. */
    struct plx__side *sides; /* The side table, by the slots of connections; NULL at first. */
    uint32_t sides_room;

    uint64_t queued_bytes_max;
    uint32_t short_of_memory;   /* Connections for whose sends the system lacked memory. */
    plx__wheel_node send_retry; /* Set while there are any. */
    uint32_t starved;           /* Connections whose writes were refused for `queued_bytes_max`. */
    bool is_accepting_stopped;  /* By all listeners, because there is no slot for a connection. */
    bool keeps_running;
    bool is_in_turn;
    bool is_closing;
    uint32_t forks; /* plx__forks() of the process that may use it. */
    plx__spare spare;

    plx__atomic_u32 is_stopped;
    plx__signal_listener signals;
    uint32_t signals_open[PLX__SIGNAL_NUMBERS];
    uint32_t signals_due; /* Bit N: signal N has come, for those whose order is below */
    uint64_t signals_before[PLX__SIGNAL_NUMBERS]; /* this. */
    uint64_t signals_opened;                      /* The order of the next subscription. */
};

/* Whether this process is a child and the loop is its parent's, of which it has a copy:
 * core/fork.c.
 */
static inline bool plx__is_inherited(const plx_loop *loop)
{
    return loop->forks != plx__forks();
}

/* Why nothing can be opened on the loop now, or 0. */
static inline int plx__refusal(const plx_loop *loop)
{
    if (plx__is_inherited(loop))
        return PLX_EBUSY;
    return loop->is_closing ? PLX_ECANCELED : 0;
}

/* Why the loop cannot be run now, or 0. */
static inline int plx__run_refusal(const plx_loop *loop)
{
    if (loop->is_in_turn || plx__is_inherited(loop))
        return PLX_EBUSY;
    return loop->is_closing ? PLX_ECANCELED : 0;
}

/* NULL for what is stale, and for all that is the parent's. */
static inline plx__object *plx__find(const plx_loop *loop, enum plx__kind kind, uint64_t bits)
{
    return plx__is_inherited(loop) ? NULL : plx__slab_find(&loop->slabs[kind], bits);
}

static inline const plx__class *plx__class_of(const plx_loop *loop, const plx__object *object)
{
    return loop->classes[plx__object_kind(object)];
}

/* The time is that of the present turn. Between turns nobody keeps it, so what starts a clock there
 * looks again. */
static inline void plx__time_look(plx_loop *loop)
{
    if (!loop->is_in_turn)
        loop->now_ns = loop->host->now();
}

/* When something is `timeout_ns` from now; PLX_FOREVER if that is beyond all time. */
static inline uint64_t plx__deadline(const plx_loop *loop, uint64_t timeout_ns)
{
    return timeout_ns < PLX_FOREVER - loop->now_ns ? loop->now_ns + timeout_ns : PLX_FOREVER;
}

/* Whether a signal has come and is to be told. */
static inline bool plx__signals_are_due(plx_loop *loop)
{
    return plx__atomic_load(&loop->signals.pending) != 0 || loop->signals_due != 0;
}

/* Makes the object, which has a socket and is not attached yet, the one that has it. An object of
 * the loop that had the number before is told that somebody else closed its descriptor. 0, or
 * PLX_ENOMEM. */
static inline int plx__socket_claim(plx_loop *loop, const plx__object *object)
{
    uint32_t before = plx__socket_map_get(&loop->sockets, object->endpoint.socket);
    if (before != 0)
        plx__socket_lost(loop, before);
    return plx__socket_map_set(&loop->sockets, object);
}

/* Queues a post that does nothing, unless the queue is full or has ended: after the batch that it
 * is in, the loop looks at `post_waiters`. Any thread. */
void plx__room_look(plx_loop *loop);

/* Any thread, and signal handlers. */
void plx__loop_wake(plx_loop *loop);

/* The last step of closing or abandoning: nothing is open any more, and the backend is gone. */
void plx__loop_free(plx_loop *loop);

#endif
