/* backends/uring/uring.h - the io_uring backend, as the files that make it up see it.
 *
 * uring.c     the seam: what is wanted of an endpoint, and completions
 * endpoint.c  endpoints: their lists, their life
 * ring.c      the ring: its flags, what the kernel must have, entering, cancelling at once
 * leave.c     a ring is left, and another one takes its place; forked children
 * thread.c    which thread a ring belongs to
 * receive.c   the buffers that the kernel picks from, and what is held back of them
 * send.c      sends: deferred, at once; waiting until a socket is writable
 *
 * Requests are made when the loop waits, all in one call. In flight for an endpoint are at the most
 * one request that brings something (accept, receive, connect or poll) and one poll that waits for
 * room to send. docs/design.md tells what is in flight when.
 */
#ifndef PLX__URING_H
#define PLX__URING_H

#include <liburing.h>

#include "backends/backend.h"
#include "platform/os.h"

/* Submission entries: more than that are submitted in several calls. */
#define PLX__URING_SUBMISSIONS 512u
/* Completion entries. What does not fit the kernel keeps, and we fetch (done_take_all). */
#define PLX__URING_COMPLETIONS 8192u

/* How long a wait may be while the kernel takes no request, since nobody tells when it does. */
#define PLX__URING_RETRY_NS (5 * PLX_MILLISECOND)

/* Buffers for most of what arrives (receive.c). A power of two. */
#define PLX__URING_SMALL_COUNT 128u

/* What the deferred sends of one submission may hold in all, and what one may. */
#define PLX__URING_ARENA_BYTES    65536u
#define PLX__URING_DEFERRED_BYTES 4096u

/* What a request is for: in the low bits of its user data. */
enum plx__uring_op {
    PLX__URING_NONE, /* Its completion is of no interest. */
    PLX__URING_ACCEPT,
    PLX__URING_RECEIVE,
    PLX__URING_POLL,
    PLX__URING_CONNECT,
    PLX__URING_WRITABLE, /* A poll, for what waits in core's queue. */
    PLX__URING_CANCEL,
    PLX__URING_DEFERRED = 8, /* A bit that few others have: all completions are searched for it. */
    PLX__URING_WAKE
};

/* A request is in flight unless it is idle. */
enum plx__uring_state {
    PLX__URING_IDLE,
    PLX__URING_ARMED,
    PLX__URING_CANCELLING /* So is its cancellation. */
};

typedef struct plx__uring_request {
    uint8_t op;            /* plx__uring_op; when it is idle, of the last one. */
    uint8_t state;         /* plx__uring_state. */
    uint8_t interest : 7;  /* Of a poll: what it is to tell of, plx_readiness. */
    bool is_multishot : 1; /* It yields until it is cancelled. */
} plx__uring_request;

enum plx__uring_flag {
    PLX__URING_BULK = 1u << 0,   /* So much comes that it is received piece by piece. */
    PLX__URING_HOLDS = 1u << 1,  /* Received buffers wait for their turn. */
    PLX__URING_UNSENT = 1u << 2, /* Its deferred send has failed, and core does not know it yet. */
    PLX__URING_DETACHED = 1u << 3,
    PLX__URING_RELEASING = 1u << 4, /* PLX__RELEASED is owed. */
    PLX__URING_HUNG = 1u << 5,      /* Its peer has shut its side: see send.c. */
    PLX__URING_BLOCKED = 1u << 6    /* Core waits until the socket is writable. */
};

/* An endpoint is in one of these from when it is attached until nothing of it is in flight. */
enum plx__uring_list_kind {
    PLX__URING_LIST_NONE,
    PLX__URING_LIST_IDLE, /* Nothing is to be done for it. */
    PLX__URING_LIST_BUSY, /* At the next wait requests may have to be made. */
    PLX__URING_LIST_READY /* It has something that was held back, and may be delivered. */
};

/* Accepted sockets that wait for their turn. */
typedef struct plx__uring_accepted {
    uint32_t first; /* The one that is next. */
    uint32_t count; /* How many there are. */
    uint32_t room;  /* A power of two. */
    int sockets[];
} plx__uring_accepted;

/* In front of each endpoint. */
typedef struct plx__uring_endpoint {
    struct plx__uring_endpoint *next;
    struct plx__uring_endpoint *previous;
    plx__uring_accepted *accepted; /* A listener's; else NULL. */
    uint32_t deferred;             /* Its last deferred send: the index among all ever made,
                                    * modulo 2^32. With PLX__URING_UNSENT: of backend->unsent. */
    uint16_t batch;                /* In which it last sent deferred. */
    uint16_t turn;                 /* In which it last had a completion of a stream. */
    uint16_t flags;                /* plx__uring_flag. */
    int16_t ended;      /* The stream has, and core does not know it: PLX_EEOF, or why; else 0. */
    uint8_t held_first; /* With PLX__URING_HOLDS: numbers of buffers. */
    uint8_t held_last;
    uint8_t list;             /* plx__uring_list_kind. */
    uint8_t wanted;           /* plx__uring_op: what `input` should be, */
    uint8_t interest;         /* and of what it is to tell. */
    plx__uring_request input; /* Accept, receive, connect or poll. */
    plx__uring_request room;  /* A poll, for what waits in core's queue. */
    uint8_t accepts;          /* In `turn`. */
} plx__uring_endpoint;

typedef struct plx__uring_list {
    plx__uring_endpoint *first;
    plx__uring_endpoint *last;
} plx__uring_list;

/* Bytes in the arena that were deferred and have not, or not all, been sent. */
typedef struct plx__uring_unsent {
    plx__uring_endpoint *endpoint; /* NULL once nothing is to be told any more. */
    const unsigned char *bytes;
    uint32_t length;
    int32_t result; /* What of it was sent, or a negative errno. */
} plx__uring_unsent;

/* A buffer that holds what was received until its endpoint's turn. */
typedef struct plx__uring_held {
    uint32_t length; /* 0: it holds nothing. */
    uint16_t next;   /* The endpoint's next one, if this is not its last. */
} plx__uring_held;

/* Buffers of one size. */
typedef struct plx__uring_pool {
    struct io_uring_buf_ring *ring;
    unsigned char *memory;
    void *ring_memory; /* Of `ring`, as it was allocated. */
    uint32_t first;    /* Its buffers have the numbers from here on. */
    uint32_t bytes;    /* Of one buffer, */
    uint32_t stride;   /* and from one to the next. */
    uint32_t count;    /* A power of two. */
} plx__uring_pool;

typedef struct plx__uring_buffers {
    plx__uring_pool small; /* For most of what arrives. */
    plx__uring_pool large; /* For endpoints with PLX__URING_BULK. */
    plx__uring_held *held; /* By number. */
    uint32_t plain_max;    /* The most that a small one holds when it is not full. */
    int32_t lent;          /* The one that core has, at `completion.bytes`; or -1. */
} plx__uring_buffers;

struct plx__backend {
    struct io_uring ring;       /* With `has_ring`; else one that looks empty and has no room. */
    plx__completion completion; /* What `next` hands out. */
    uint32_t requests_end;      /* The request that there is no room for. */
    uint16_t turn;
    uint16_t batch; /* Counts how often nothing was deferred any more. */
    bool has_ring;
    bool is_closing; /* The loop is. */
    bool is_enabled; /* The ring belongs to a thread, and takes requests. */
    bool may_defer;  /* Sends may be deferred, */
    bool can_defer;  /* and the kernel is one that can. */
    bool is_wake_armed;
    uint32_t submissions; /* PLX__URING_SUBMISSIONS and so on, or fewer in a test. */
    uint32_t completions;
    uint32_t arena_max;
    int failure;      /* To be returned by the next wait. */
    int last;         /* A pipe that ends when the ring has gone for good (leave.c); or -1. */
    uint32_t owner;   /* The thread that enabled the ring: no other one ever has this number. */
    int32_t owner_id; /* The kernel's number for it. */
    unsigned nothing; /* Where the heads and tails of no ring are. */
    plx__uring_list lists[PLX__URING_LIST_READY + 1];
    plx__uring_buffers buffers;

    /* Completions, copied out of the ring as soon as they are seen: it may go, and a forked child
     * shares it with its parent. */
    struct io_uring_cqe *done;
    struct io_uring_cqe *done_next; /* The first that has not been handed out. */
    struct io_uring_cqe *plain_end; /* `done_end`, or `done_next` when something else is first. */
    struct io_uring_cqe *done_end;  /* Of those that this turn delivers. */
    struct io_uring_cqe *done_tail; /* Of all. */
    uint32_t done_room;
    bool has_more; /* Some endpoints are told to have. */

    plx__wake wake;
    plx__openings openings;
    uint32_t arena_used;   /* A multiple of 16. */
    uint32_t deferred_max; /* How much of the arena they may use: all, or none for now. */
    uint32_t unsent_count; /* Endpoints with PLX__URING_UNSENT. */
    uint32_t unsent_used;  /* Of `unsent`; 0 when there are none. */
    /* While there are any nothing is deferred, so there are no more than requests. */
    plx__uring_unsent unsent[PLX__URING_SUBMISSIONS];
    union {
        uint64_t align[2];
        unsigned char bytes[PLX__URING_ARENA_BYTES];
    } arena;
};

/* --- uring.c --------------------------------------------------------------------------------- */

/* What `input` should be from the next wait on. */
void plx__uring_want(plx__backend *backend, plx__endpoint *endpoint, enum plx__uring_op op);
/* Ends a stream, of whichever kind. */
void plx__uring_stop(plx__backend *backend, plx__endpoint *endpoint);
/* Whether core is to be told of it, and of what. */
bool plx__uring_take(plx__backend *backend, const struct io_uring_cqe *cqe,
                     plx__completion *completion);
/* Drops what has not been handed out: sockets that were accepted are closed. */
void plx__uring_done_drop(plx__backend *backend);
/* The ring is closed, if there is one, and all that the backend has. */
void plx__uring_free(plx__backend *backend);

/* --- endpoints -------------------------------------------------------------------------------- */

static inline plx__uring_endpoint *plx__uring_of(plx__endpoint *endpoint)
{
    return (plx__uring_endpoint *)(void *)endpoint - 1;
}

static inline plx__endpoint *plx__uring_endpoint_of(plx__uring_endpoint *uring)
{
    return (plx__endpoint *)(void *)(uring + 1);
}

/* A request's user data: 16 bits of the endpoint's generation, its address, which is a multiple of
 * 16 and has no more than 48 bits, and the operation. */
static inline uint64_t plx__uring_data(plx__endpoint *endpoint, enum plx__uring_op op)
{
    return (endpoint->token >> 24) << 48 | (uint64_t)(uintptr_t)endpoint | (uint64_t)op;
}

static inline enum plx__uring_op plx__uring_data_op(uint64_t data)
{
    return (enum plx__uring_op)(data & 15);
}

/* The endpoint, or NULL when that is another one by now. Its memory stays for as long as core waits
 * with this backend. */
static inline plx__endpoint *plx__uring_data_endpoint(uint64_t data)
{
    plx__endpoint *endpoint =
        (plx__endpoint *)(uintptr_t)(data & UINT64_C(0x0000FFFFFFFFFFF0)); /* NOLINT */
    return (endpoint->token >> 24 & 0xFFFF) == data >> 48 ? endpoint : NULL;
}

/* --- endpoint.c ------------------------------------------------------------------------------ */

void plx__uring_list_remove(plx__backend *backend, plx__uring_endpoint *uring);
/* Moves it there from where it was, unless it stands there already. */
void plx__uring_list_set(plx__backend *backend, plx__uring_endpoint *uring,
                         enum plx__uring_list_kind kind);
/* The entry is one of the endpoint's, for this. */
static inline void plx__uring_armed(plx__uring_endpoint *uring, plx__uring_request *request,
                                    struct io_uring_sqe *sqe, enum plx__uring_op op,
                                    bool is_multishot)
{
    sqe->user_data = plx__uring_data(plx__uring_endpoint_of(uring), op);
    *request = (plx__uring_request){
        .op = (uint8_t)op, .state = PLX__URING_ARMED, .is_multishot = is_multishot};
}
/* Polls for one event; false when the kernel takes no more for now. So for the others of this kind.
 */
bool plx__uring_poll_arm(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__uring_request *request, enum plx__uring_op op, uint8_t interest);
/* Requests the cancellation, which completes only if there was nothing to cancel. */
bool plx__uring_cancel(plx__backend *backend, plx__uring_endpoint *uring,
                       plx__uring_request *request);
int plx__uring_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin);
bool plx__uring_detach(plx__backend *backend, plx__endpoint *endpoint);
bool plx__uring_release(plx__backend *backend, plx__endpoint *endpoint);
bool plx__uring_is_in_flight(const plx__uring_endpoint *uring);
/* Of one that is to be released nothing is in flight, and core was shown what it has brought. */
bool plx__uring_released(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__completion *completion);
/* Of one that was detached nothing is in flight any more, and core does not know it yet. */
bool plx__uring_detached(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__completion *completion);

/* --- ring.c ---------------------------------------------------------------------------------- */

int plx__uring_ring_open(plx__backend *backend);
/* Ends it, without waiting for the kernel. */
void plx__uring_ring_close(plx__backend *backend);
/* Room in `done` for so many more. */
int plx__uring_done_reserve(plx__backend *backend, uint32_t count);
/* Moves the ring's completions there, and finds the deferred sends that have failed. */
int plx__uring_done_take(plx__backend *backend);
/* An entry to be filled in; NULL when the kernel takes no more for now. */
struct io_uring_sqe *plx__uring_sqe(plx__backend *backend);
/* Submits what there is, in the middle of a turn. */
void plx__uring_flush(plx__backend *backend);
/* Submits, and waits for completions. The ring is there, and this thread's. */
int plx__uring_enter(plx__backend *backend, uint64_t timeout_ns);
/* A completion of the poll for the wake. */
void plx__uring_woken(plx__backend *backend, const struct io_uring_cqe *cqe);
/* Cancels what the user data names and sees it end, before it returns; false when that failed. Its
 * completions are still to be taken. */
bool plx__uring_cancel_now(plx__backend *backend, uint64_t data);
/* After anything that the shortest ways of `next` and `send` rest upon: each of them looks at one
 * number. */
void plx__uring_ends_set(plx__backend *backend);
/* What has been brought by now is what the turn delivers. */
void plx__uring_turn_begin(plx__backend *backend);
/* Tells core of the endpoints of all completions from `first` on that there is more than this turn
 * delivers. */
void plx__uring_more_tell(plx__backend *backend, const struct io_uring_cqe *first);

/* --- leave.c --------------------------------------------------------------------------------- */

/* Has a ring that is this thread's, unless something of an earlier one is still to be delivered:
 * 0, or why there is none. PLX_EBUSY: another thread still has a part in the one there was. */
int plx__uring_ring_ready(plx__backend *backend);
/* The first half of that: no other thread has a part in the ring. */
int plx__uring_take_over(plx__backend *backend);
/* Ends the ring; what it has completed is kept, and what was in flight is to be requested anew. */
int plx__uring_leave(plx__backend *backend);
/* Whether there is something to deliver without asking the kernel. */
static inline bool plx__uring_has_leftovers(const plx__backend *backend)
{
    return backend->done_next != backend->done_tail || backend->unsent_count > 0 ||
           backend->lists[PLX__URING_LIST_READY].first != NULL;
}
/* Nothing of any endpoint is in flight. `is_lossy`: what they received may have been lost. */
void plx__uring_reset(plx__backend *backend, bool is_lossy);
/* The stream has a hole: it ends with this code, when what came before has been shown. */
void plx__uring_receive_break(plx__uring_endpoint *uring, int status);
/* Whether the kernel has given up a ring that was closed; waits for it for some time. */
bool plx__uring_gone_await(plx__backend *backend);
void plx__uring_abandon(plx__backend *backend);
int plx__uring_renew(plx__backend *backend);

/* --- thread.c -------------------------------------------------------------------------------- */

/* Whether this thread may enter the ring. */
bool plx__uring_is_ours(const plx__backend *backend);
/* The ring is this thread's from now on. */
void plx__uring_owner_set(plx__backend *backend);
/* Whether this thread may end the ring: nothing of it can happen meanwhile. */
bool plx__uring_can_leave(const plx__backend *backend);

/* --- receive.c ------------------------------------------------------------------------------- */

int plx__uring_buffers_open(plx__backend *backend, uint32_t receive_bytes);
/* Hands them to the ring, all but those that hold something. */
int plx__uring_buffers_register(plx__backend *backend);
void plx__uring_buffers_close(plx__backend *backend);
/* Takes back what core was lent, if anything. */
void plx__uring_buffers_return(plx__backend *backend);
/* Hands one to the ring, of a pool of so many. Here because it is on the path of most events. To a
 * ring that has gone, or has them not yet, this does no harm. */
static inline void plx__uring_buffer_give(const plx__uring_pool *pool, uint32_t count,
                                          uint32_t number, const unsigned char *bytes)
{
    struct io_uring_buf_ring *ring = pool->ring;
    uint16_t tail = ring->tail;
    struct io_uring_buf *buffer = &ring->bufs[tail & (count - 1)];
    buffer->addr = (uintptr_t)bytes;
    buffer->len = pool->bytes;
    buffer->bid = (uint16_t)number;
    io_uring_smp_store_release(&ring->tail, (uint16_t)(tail + 1));
}
bool plx__uring_receive_arm(plx__backend *backend, plx__uring_endpoint *uring);
/* A completion of a receive that is of no use to anybody. */
void plx__uring_receive_drop(plx__backend *backend, const struct io_uring_cqe *cqe);
bool plx__uring_received(plx__backend *backend, plx__uring_endpoint *uring,
                         const struct io_uring_cqe *cqe, plx__completion *completion);
/* What was held back, if its turn has come. */
bool plx__uring_receive_next(plx__backend *backend, plx__uring_endpoint *uring,
                             plx__completion *completion);
void plx__uring_receive_forget(plx__backend *backend, plx__uring_endpoint *uring);

/* --- accept.c -------------------------------------------------------------------------------- */

int plx__uring_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                            const plx__accept_config *config);
int plx__uring_accept_held(plx__backend *backend, plx__endpoint *endpoint, plx_socket *socket_out);
bool plx__uring_accept_arm(plx__backend *backend, plx__uring_endpoint *uring);
/* Sockets are held back. */
static inline bool plx__uring_has_accepted(const plx__uring_endpoint *uring)
{
    return uring->accepted != NULL && uring->accepted->count > 0;
}
/* A completion of an accept that is of no use to anybody. */
void plx__uring_accept_drop(const struct io_uring_cqe *cqe);
bool plx__uring_accepted_take(plx__backend *backend, plx__uring_endpoint *uring,
                              const struct io_uring_cqe *cqe, plx__completion *completion);
/* What was held back, if its turn has come. */
bool plx__uring_accept_next(plx__backend *backend, plx__uring_endpoint *uring,
                            plx__completion *completion);
void plx__uring_accept_forget(plx__uring_endpoint *uring);

/* --- send.c ---------------------------------------------------------------------------------- */

ptrdiff_t plx__uring_send(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count);
bool plx__uring_send_flush(plx__backend *backend, plx__endpoint *endpoint,
                           plx__completion *unsent_out);
int plx__uring_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count);
/* Requests or cancels the poll for a socket that is full. */
bool plx__uring_room_update(plx__backend *backend, plx__uring_endpoint *uring);
bool plx__uring_writable(plx__backend *backend, plx__uring_endpoint *uring,
                         const struct io_uring_cqe *cqe, plx__completion *completion);
/* Sends what the request has deferred, which was not submitted, and tells core later what is left.
 */
void plx__uring_deferred_carry(plx__backend *backend, struct io_uring_sqe *request);
/* A completion whose user data has the bit of PLX__URING_DEFERRED, right after the submission. */
void plx__uring_deferred_failed(plx__backend *backend, const struct io_uring_cqe *cqe);
/* After a submission, and after plx__uring_deferred_failed() for what failed. */
void plx__uring_deferred_reset(plx__backend *backend);
/* The next endpoint whose deferred send has failed. */
void plx__uring_unsent_next(plx__backend *backend, plx__completion *completion);

#endif
