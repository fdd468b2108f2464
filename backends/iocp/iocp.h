/* backends/iocp/iocp.h - the completion port, as the files of this backend see it.
 *
 * iocp.c      the port: its life, the wait, and the operations on their way through it
 * accept.c    listeners: AcceptEx, posted ahead
 * stream.c    connections: ConnectEx, WSARecv of nothing, WSASend of what did not fit
 * transfer.c  sockets that go elsewhere: they leave the port
 * poll.c      readiness, for sockets that are somebody else's: the poll of the AFD driver
 *
 * Memory that the kernel writes to lives in operations, which belong to the backend and outlive
 * their endpoint: one that is in flight when its endpoint is detached loses its `endpoint`, and is
 * kept until the port has handed it back.
 */
#ifndef PLX__IOCP_H
#define PLX__IOCP_H

#include "backends/backend.h"
#include "platform/os.h"

#include <mswsock.h>

/* FILE_SKIP_COMPLETION_PORT_ON_SUCCESS and FILE_SKIP_SET_EVENT_ON_HANDLE, which not every SDK has
 * (winbase.h, since Vista). */
#define PLX__IOCP_SKIP     0x1
#define PLX__IOCP_NO_EVENT 0x2

/* The most that one overlapped send has. Enough to keep the system busy while the loop turns. It
 * completes as a whole, and completing is what puts the write timeout off; and what is cut off by
 * closing is not more than this. */
#define PLX__IOCP_SEND_MAX 65536u

/* What one call takes from the port; a wait makes as many as it needs. */
#define PLX__IOCP_ENTRIES_MAX 256u

enum plx__iocp_kind {
    PLX__IOCP_CONNECT,
    PLX__IOCP_RECEIVE,
    PLX__IOCP_SEND,
    PLX__IOCP_ACCEPT,
    PLX__IOCP_POLL
};

enum plx__iocp_state {
    PLX__IOCP_IDLE,    /* In no list; its endpoint's, or its listener's. */
    PLX__IOCP_WAITING, /* To be started before the next wait. */
    PLX__IOCP_FLYING,  /* The kernel has it. */
    PLX__IOCP_DONE     /* To be looked at by `next`, or held by its listener. */
};

typedef struct plx__iocp_op {
    OVERLAPPED overlapped; /* First: the port hands back its address. */
    struct plx__iocp_op *next;
    plx__endpoint *endpoint; /* NULL when that has been detached. */
    uint8_t kind;            /* plx__iocp_kind. */
    uint8_t state;           /* plx__iocp_state. */
    bool was_at_once;        /* Its result stands here; else in `overlapped`. */
    int status;
    DWORD bytes;
} plx__iocp_op;

/* An overlapped send, with a copy of what it sends: the kernel reads it for as long as it likes,
 * and neither core nor the owner of lent bytes has to wait for a send that was cancelled. */
typedef struct plx__iocp_send {
    plx__iocp_op op;             /* First. */
    struct plx__iocp_send *next; /* Among the free. */
    unsigned char bytes[PLX__IOCP_SEND_MAX];
} plx__iocp_send;

/* Operations in their order. All zero is an empty one. */
typedef struct plx__iocp_list {
    plx__iocp_op *first;
    plx__iocp_op *last;
} plx__iocp_list;

struct plx__iocp_accepts;
struct plx__iocp_device;

/* What the backend keeps for each endpoint, in front of it in memory. */
typedef struct plx__iocp_endpoint {
    plx__iocp_op *input; /* Connecting, then receiving; or a poll. NULL before it is needed. */
    plx__iocp_op *output;
    struct plx__iocp_accepts *accepts; /* Of a listener. */
    bool is_joined;                    /* To the port. */
    bool skips;                        /* What succeeds at once is not told by the port. */
    bool is_connecting;                /* By a poll. */
    bool is_receiving;
    bool is_accepting;
    bool is_releasing; /* Waits for `input` to come back; a listener, for its accepts. */
    uint8_t interest;  /* Of a watch: bits of plx_readiness. */
} plx__iocp_endpoint;

struct plx__backend {
    HANDLE port;
    plx__completion completion; /* What `next` hands out. */
    unsigned char *received;
    size_t receive_bytes;
    uint32_t accepts_ahead; /* Accepts that are posted per listener. */
    plx__iocp_list waiting; /* To be started before the next wait. */
    plx__iocp_list later;   /* Done outside of a wait: the next one brings them. */
    plx__iocp_list ready;   /* Brought by this wait. */
    plx__iocp_op *free;     /* For connections. */
    plx__iocp_send *free_sends;
    uint32_t free_sends_count;
    struct plx__iocp_poll *free_polls;
    struct plx__iocp_poll *abandoned_polls; /* In flight, for nobody. */
    struct plx__iocp_device *devices;       /* Handles of the AFD driver. */
    struct plx__iocp_accepts *sweeps;       /* Listeners whose silent peers are looked for: */
    plx__backend_report *report;            /* `due_ns` is when. */
    uint32_t in_flight;                     /* Operations that the kernel has. */
    bool is_starved;                        /* The kernel lacked memory; the next wait pauses. */
    bool can_skip;
    plx__atomic_u32 wake_sent; /* A wake is in the port already. */
    LPFN_CONNECTEX connect_ex;
    OVERLAPPED_ENTRY entries[PLX__IOCP_ENTRIES_MAX];
};

static inline plx__iocp_endpoint *plx__iocp_of(plx__endpoint *endpoint)
{
    return (plx__iocp_endpoint *)(void *)endpoint - 1;
}

/* iocp.c */

/* Joins the endpoint's socket to the port, once. A socket joins one port for life, so this waits
 * for the first operation that needs it: one that has had none can still be given elsewhere. */
int plx__iocp_join(plx__backend *backend, plx__endpoint *endpoint);
/* A function that the socket's provider has beyond Winsock's own: 0, or PLX_ENOSYS. */
int plx__iocp_extension_find(plx_socket socket, const GUID *wanted, void *function_out, DWORD size);
/* An operation of a connection, or NULL. */
plx__iocp_op *plx__iocp_op_take(plx__backend *backend, plx__endpoint *endpoint,
                                enum plx__iocp_kind kind);
void plx__iocp_op_give(plx__backend *backend, plx__iocp_op *op);
void plx__iocp_list_append(plx__iocp_list *list, plx__iocp_op *op);
/* Before it is called again: forgets what the last call came to. */
void plx__iocp_op_clear(plx__iocp_op *op);
/* It is to be started before the next wait. */
void plx__iocp_op_wait(plx__backend *backend, plx__iocp_op *op);
/* The kernel has it now. */
void plx__iocp_op_fly(plx__backend *backend, plx__iocp_op *op);
/* It came to this at once; the next wait brings it. */
void plx__iocp_op_done(plx__backend *backend, plx__iocp_op *op, int status, DWORD bytes);
/* After a call of Winsock for this operation, with its result, and what it did if that was at once.
 * Returns 0, or why it is not under way. */
int plx__iocp_op_called(plx__backend *backend, plx__iocp_op *op, bool has_succeeded, DWORD bytes);
/* What it came to: 0 or a code. Only while its socket is open. */
int plx__iocp_op_result(plx__iocp_op *op, DWORD *bytes_out);

/* transfer.c */

/* Whether operations of the handle that succeed at once are not told by its port. Who has it set
 * for the socket before can not take it back. */
bool plx__iocp_handle_skips(HANDLE handle);
bool plx__iocp_release(plx__backend *backend, plx__endpoint *endpoint);
/* The socket may join another port, where the system can do that. */
void plx__iocp_port_leave(plx__endpoint *endpoint);
/* The receive of one that is to be released is over. False when nothing is to be told. */
bool plx__iocp_released(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);

/* accept.c */

int plx__iocp_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__accept_config *config);
int plx__iocp_accept_held(plx__backend *backend, plx__endpoint *endpoint, plx_socket *socket_out);
/* Drops who has been silent for so long; or for a second, if nobody else can be accepted. */
void plx__iocp_accepts_sweep(struct plx__iocp_accepts *accepts, uint32_t seconds);
/* If that is due, once a second: the same for each listener that waits for first bytes. */
void plx__iocp_silent_drop(plx__backend *backend);
/* As `release` of the seam: cancels the accepts, and tells of those that have completed. */
bool plx__iocp_accept_release(plx__backend *backend, plx__endpoint *endpoint);
bool plx__iocp_accept_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);
void plx__iocp_accept_detach(plx__backend *backend, plx__endpoint *endpoint);

/* stream.c */

int plx__iocp_connect(plx__backend *backend, plx__endpoint *endpoint, const plx__address *address);
bool plx__iocp_connect_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);
int plx__iocp_receive_start(plx__backend *backend, plx__endpoint *endpoint);
void plx__iocp_receive_post(plx__backend *backend, plx__iocp_op *op);
bool plx__iocp_receive_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);
int plx__iocp_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                         size_t count);
/* It is free to be used again. */
void plx__iocp_send_give(plx__backend *backend, plx__iocp_op *op);
bool plx__iocp_send_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);

/* poll.c */

/* A poll of the endpoint's socket, or NULL with `*status_out` saying why. */
plx__iocp_op *plx__iocp_poll_take(plx__backend *backend, plx__endpoint *endpoint, int *status_out);
void plx__iocp_poll_give(plx__backend *backend, plx__iocp_op *op);
void plx__iocp_poll_post(plx__backend *backend, plx__iocp_op *op);
/* One in flight is to come back to nobody. */
void plx__iocp_poll_abandon(plx__backend *backend, plx__iocp_op *op);
bool plx__iocp_poll_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion);
int plx__iocp_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest);
/* Frees the polls and closes the devices. */
void plx__iocp_polls_close(plx__backend *backend);

#endif
