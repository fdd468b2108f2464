/* core/conn/conn.h - a connection, as the files that make it up see it.
 *
 * Each file calls those below it alone.
 *
 * conn.c        what its user sees of its life: connecting, opening, the last step
 * finish.c      ending in order, within a time
 * become.c      other options from now on
 * option.c      what the system lets a program set and ask of its socket
 * transfer.c    from elsewhere, and to elsewhere
 * input.c       from the backend to on_data: unconsumed bytes, the end of the stream
 * output.c      from plx_conn_write() to the cork, the backend or the queue
 * sending.c     from the queue to the backend; watermarks, shutdown, the cork
 * reading.c     whether it reads: pauses and what ends them
 * timeouts.c    its timeouts, in one node of the wheel
 * pace.c        how fast its peer must send, where that is asked for
 * life.c        its slot and its socket: taking, closing, detaching
 * side.c        the side table: what few connections have
 * send_queue.c  what waits to be sent
 */
#ifndef PLX__CONN_H
#define PLX__CONN_H

#include "core/conn/send_queue.h"
#include "core/loop.h"
#include "core/shared_options.h"
#include "core/unconsumed.h"

enum plx__conn_state {
    PLX__CONN_CONNECTING = 1u << 0,
    PLX__CONN_RECEIVING = 1u << 1,       /* The backend yields what arrives. */
    PLX__CONN_SENDING = 1u << 2,         /* The backend owes a PLX__SENT. */
    PLX__CONN_PAUSED_USER = 1u << 3,     /* Reading, by plx_conn_pause(). */
    PLX__CONN_PAUSED_HIGH = 1u << 4,     /* Reading, because the send queue was high. */
    PLX__CONN_WAS_HIGH = 1u << 5,        /* on_drain is due when the queue is low. */
    PLX__CONN_SHOW_UNCONSUMED = 1u << 6, /* They are to be shown again. */
    PLX__CONN_END_WAITS = 1u << 7,       /* The end of the stream has come, but not to the user. */
    PLX__CONN_ENDED = 1u << 8,           /* The user has been told, or is not to be. */
    PLX__CONN_SHUT_WANTED = 1u << 9,     /* Shut the sending side when the queue is empty. */
    PLX__CONN_SHUT_DONE = 1u << 10,
    PLX__CONN_OUTPUT_DEAD = 1u << 11, /* Sending failed; the input may still hold something. */
    PLX__CONN_STARVED = 1u << 12,     /* A write was refused for the loop's limit, not its own. */
    PLX__CONN_DETACHING = 1u << 13,   /* The backend owes a PLX__DETACHED. */
    PLX__CONN_NO_CORK = 1u << 14,     /* Its queue may not hold a cork and what is deferred. */
    PLX__CONN_CLOSED = 1u << 15,      /* As the object's state says too. */
    PLX__CONN_UNCONSUMED = 1u << 16,  /* There are unconsumed bytes. */
    PLX__CONN_ADOPTED = 1u << 17,     /* On top of CONNECTING: opens in the next deferred step. */
    PLX__CONN_RELEASING = 1u << 18,   /* To be released when the queue is empty. */
    PLX__CONN_LEAVING = 1u << 19,     /* The backend was asked to let it go. */
    PLX__CONN_RELEASED = 1u << 20,    /* on_release is due, and not on_close. */
    PLX__CONN_SHOWING = 1u << 21,     /* on_data runs, called from input.c. */
    PLX__CONN_SHOW_REST = 1u << 22,   /* Resumed in on_data: what it leaves is to be shown again, */
    PLX__CONN_SHOW_ALL = 1u << 23,    /* though it consumes nothing, for it had paused. */
    PLX__CONN_SEND_LATER = 1u << 24,  /* The system lacked memory for its last send. */
    PLX__CONN_LOST = 1u << 25,        /* Its descriptor is not its own any more. */
    PLX__CONN_FINISHING = 1u << 26,   /* By plx_conn_finish(): what arrives is discarded. */
    PLX__CONN_GATHERING = 1u << 27,   /* By plx_conn_cork(): the queue is not started yet. */
    PLX__CONN_PACED = 1u << 28,       /* pace.c counts what arrives. */
    PLX__CONN_STAGED = 1u << 29       /* Not the user's yet: PLX__CONN_OPTION_STAGED. */
};

/* What a connection has when nothing is special about it: it reads, nothing of it waits to be sent
 * or to be shown, and nothing ends. */
#define PLX__CONN_PLAIN PLX__CONN_RECEIVING

/* Any of these and it may not write into the cork: something of it waits elsewhere, or it is not to
 * send. */
#define PLX__CONN_UNCORKED                                                                         \
    (PLX__CONN_CONNECTING | PLX__CONN_SENDING | PLX__CONN_SHUT_WANTED | PLX__CONN_OUTPUT_DEAD |    \
     PLX__CONN_NO_CORK)

/* Any of these and reading rests. */
#define PLX__CONN_PAUSED (PLX__CONN_PAUSED_USER | PLX__CONN_PAUSED_HIGH | PLX__CONN_RELEASING)

typedef struct plx__conn {
    plx__object object; /* First. */
    uint32_t flags;     /* plx__conn_state. */
    int16_t reason;     /* Why it closes, or why its output died: a code of error.h. */
    uint8_t retries;    /* How often in a row a send was tried again for want of memory. */
    uint8_t corks;      /* Calls of plx_conn_cork() that plx_conn_uncork() has not answered. */
    plx__shared_options *shared;
    void *data;
    plx__unconsumed *unconsumed; /* NULL when there are none; see PLX__CONN_UNCONSUMED. */
    plx__send_queue queue;       /* What waits to be sent. */
    plx__segment_list sent;      /* Lent segments to be given back; with bytes left, unsent. */
    union {
        uint64_t received_ns;  /* When something last arrived, or reading began; */
        uint64_t finish_by_ns; /* with PLX__CONN_FINISHING: when it closes at the latest. */
    };
    uint64_t sent_ns; /* When something was last sent, or began to wait; 0 at first. */
    plx__wheel_node timeout;
} plx__conn;

static inline plx__conn *plx__conn_find(const plx_loop *loop, plx_conn conn)
{
    return (plx__conn *)(void *)plx__find(loop, PLX__KIND_CONN, conn.bits);
}

static inline plx_conn plx__conn_handle(const plx__conn *conn)
{
    plx_conn handle = {conn->object.endpoint.token};
    return handle;
}

static inline bool plx__conn_is_open(const plx__conn *conn)
{
    return conn->object.state == PLX__OPEN;
}

/* Whether this is what the system says of a descriptor that somebody else closed. What has its
 * number now may be somebody else's too. */
static inline bool plx__conn_is_lost(int reason)
{
    return reason == PLX_EBADF || reason == PLX_ENOTSOCK;
}

/* side.c */

typedef struct plx__gone plx__gone;
typedef struct plx__pace plx__pace;

/* What few connections have. All zero: nothing. */
typedef struct plx__side {
    plx__gone *gone; /* Whom to tell when it is gone, in their order. */
    plx__pace *pace; /* Allocated, or NULL. */
} plx__side;

/* Its entry, from now on, which is valid until another one takes its own. 0 or PLX_ENOMEM. */
int plx__side_take(plx_loop *loop, plx__conn *conn, plx__side **side_out);
/* Its entry, or NULL. */
plx__side *plx__side_of(const plx_loop *loop, const plx__conn *conn);
/* It is gone, and has no pace any more: tells everybody, or in a forked child nobody. */
PLX__SLOW void plx__side_end(plx_loop *loop, plx__conn *conn, bool is_told);

/* life.c */

/* Takes a slot and gives it the socket, which stays the caller's on failure. */
int plx__conn_take(plx_loop *loop, plx__conn **conn_out, plx_socket socket, enum plx__origin origin,
                   plx__shared_options *shared, void *data);
/* As its options say. */
void plx__conn_no_delay_set(const plx_loop *loop, plx_socket socket,
                            const plx__shared_options *shared);
/* Closes it, with on_close to come in the next deferred step. */
void plx__conn_close(plx_loop *loop, plx__conn *conn, int reason);
/* The same, with a reset: the peer must not take what it has got for the whole stream. */
PLX__SLOW void plx__conn_fail(plx_loop *loop, plx__conn *conn, int reason);
void plx__conn_detached(plx_loop *loop, plx__conn *conn);
/* The last of it: the slot is free. */
void plx__conn_slot_give(plx_loop *loop, plx__conn *conn);

/* Whether what is in the cork is the connection's. One that has no room is empty, whosever it is.
 */
static inline bool plx__conn_is_corked(const plx_loop *loop, const plx__conn *conn)
{
    return loop->cork.token == conn->object.endpoint.token;
}

/* The connection may not write into the cork any more. What is in it is not sent; returns whether
 * there was anything. */
bool plx__conn_output_abandon(plx_loop *loop, const plx__conn *conn);

/* pace.c */

/* The node has fired: the peer may have been too slow. */
void plx__conn_pace_fired(plx_loop *loop, plx__wheel_node *node);
/* For one with PLX__CONN_PACED. So many bytes have arrived, and have not been shown yet. */
PLX__SLOW void plx__conn_pace_received(plx_loop *loop, const plx__conn *conn, size_t length);
/* The same: what is unconsumed is shown. */
PLX__SLOW void plx__conn_pace_shown(plx_loop *loop, const plx__conn *conn);
/* The same: it begins to read, or stops. */
PLX__SLOW void plx__conn_pace_reading(plx_loop *loop, const plx__conn *conn, bool is_reading);
/* It has none any more; it may have had none. */
PLX__SLOW void plx__conn_pace_end(plx_loop *loop, plx__conn *conn);

/* timeouts.c */

/* The node has fired: closes nothing yet, but has plx__conn_timeout_due() called after another wait
 * if a timeout has passed. */
void plx__conn_timeout_fired(plx_loop *loop, plx__wheel_node *node);
/* The node has fired again: closes the connection, unless the timeout is put off meanwhile. */
void plx__conn_timeout_due(plx_loop *loop, plx__wheel_node *node);
/* After anything that may have brought a deadline nearer. What puts it off needs no call. */
void plx__conn_timeout_arm(plx_loop *loop, plx__conn *conn);
/* The same when only reading has begun, which each connection does. */
void plx__conn_timeout_arm_reading(plx_loop *loop, plx__conn *conn);

static inline void plx__conn_timeout_disarm(plx_loop *loop, plx__conn *conn)
{
    if (plx__wheel_has(&conn->timeout))
        plx__wheel_remove(&loop->wheel, &conn->timeout);
}

/* At the end of a long turn. */
PLX__SLOW void plx__conn_timeouts_catch_up(plx_loop *loop);

/* reading.c */

/* Starts or stops the backend's stream, whichever the flags ask for. */
void plx__conn_input_update(plx_loop *loop, plx__conn *conn);
/* Reading may go on: unconsumed bytes first, in the next deferred step. Called in on_data, it
 * applies to what on_data will leave, too. */
void plx__conn_input_resume(plx_loop *loop, plx__conn *conn);
/* The deferred part of a resume in on_data, which has left nothing. */
void plx__conn_input_rest(plx__conn *conn);

/* sending.c */

/* The system took `sent` bytes of those in the cork and not all, or failed. */
PLX__SLOW void plx__conn_cork_left(plx_loop *loop, plx__conn *conn, ptrdiff_t sent);

/* Sends what the present callback has written. Here because it is on the path of every event, which
 * leaves its time in `received_ns`: so `sent_ns` is left to others. */
static inline void plx__conn_cork_flush(plx_loop *loop, plx__conn *conn)
{
    plx__slice *held = &loop->cork.held;
    if (held->length == 0)
        return;
    ptrdiff_t sent = loop->ops->send(loop->backend, &conn->object.endpoint, held, 1);
    if (sent != (ptrdiff_t)held->length) {
        plx__conn_cork_left(loop, conn, sent);
        return;
    }
    held->length = 0;
    loop->stats.sends++;
    loop->stats.sent_bytes += (uint64_t)sent;
}

/* Tries again to send for those for whose sends the system lacked memory. */
PLX__SLOW void plx__conn_send_retry(plx_loop *loop, plx__wheel_node *node);
void plx__conn_sent(plx_loop *loop, plx__conn *conn, const plx__completion *completion);
/* What the backend deferred comes back. */
void plx__conn_unsent(plx_loop *loop, plx__conn *conn, const plx__completion *completion);
/* Sends what waited for the connection to open. */
void plx__conn_output_start(plx_loop *loop, plx__conn *conn);
/* Empties the queue; lent buffers in it are to be given back. */
void plx__conn_output_drop(plx_loop *loop, plx__conn *conn);
/* Whoever writes is told of room no more. */
void plx__conn_output_finish(plx_loop *loop, plx__conn *conn);
/* Tells those whose writes were refused for the loop's limit, when there is room again. */
void plx__conn_output_feed(plx_loop *loop);

/* Around each callback of the connection, but in plx__conn_received(), which has it built in. */
void plx__conn_cork(plx_loop *loop, const plx__conn *conn);
void plx__conn_uncork(plx_loop *loop, plx__conn *conn);
/* The deferred part of plx_conn_cork(): what is gathered goes out. */
void plx__conn_gather_end(plx_loop *loop, plx__conn *conn);

/* output.c */

void plx__conn_output_shutdown(plx_loop *loop, plx__conn *conn);
/* Calls on_sent for the lent buffers that are sent or dropped. */
void plx__conn_output_give_back(plx_loop *loop, plx__conn *conn);

/* input.c */

/* The backend's stream is over: PLX_EEOF, or why. */
void plx__conn_stream_ended(plx_loop *loop, plx__conn *conn, int status);
/* The deferred part of resuming. */
void plx__conn_input_show_unconsumed(plx_loop *loop, plx__conn *conn);
void plx__conn_input_drop(plx_loop *loop, plx__conn *conn);
/* From now on nothing is shown: PLX__CONN_FINISHING has just been set. */
void plx__conn_input_finish(plx_loop *loop, plx__conn *conn);

/* transfer.c */

/* The deferred part of releasing: has the backend let go, once the queue is empty. */
void plx__conn_leave(plx_loop *loop, plx__conn *conn);
/* The backend has nothing of it any more. */
void plx__conn_released(plx_loop *loop, plx__object *object);
/* Hands the socket and what was not consumed to on_release. */
void plx__conn_hand_out(plx_loop *loop, plx__conn *conn);

/* become.c */

/* Has it do what `shared` says from now on, whose reference is the connection's then. */
void plx__conn_become(plx_loop *loop, plx__conn *conn, plx__shared_options *shared, void *data);

/* conn.c */

extern const plx__class plx__conn_class;

/* Makes a connection of a socket that a listener accepted, and calls on_open, and on_data if bytes
 * came with it. On failure, PLX_ELIMIT or PLX_ENOMEM, the socket stays the caller's. */
int plx__conn_accepted(plx_loop *loop, const plx__completion *completion,
                       plx__shared_options *shared, void *data);
void plx__conn_connected(plx_loop *loop, plx__conn *conn, int status);

/* The path of most events, which is why it stands here. */

/* What has arrived, on any connection. */
PLX__SLOW void plx__conn_received_slowly(plx_loop *loop, plx__conn *conn,
                                         const plx__completion *completion);
/* on_data has not consumed all. */
PLX__SLOW void plx__conn_keep_rest(plx_loop *loop, plx__conn *conn,
                                   const plx__completion *completion, size_t consumed);

static inline void plx__conn_received(plx_loop *loop, plx__conn *conn,
                                      const plx__completion *completion)
{
    if (conn->flags != PLX__CONN_PLAIN) {
        plx__conn_received_slowly(loop, conn, completion);
        return;
    }
    plx_conn handle = plx__conn_handle(conn);
    loop->stats.receives++;
    loop->stats.received_bytes += completion->length;
    conn->received_ns = loop->now_ns;
    loop->cork.token = handle.bits;
    loop->cork.room = loop->cork.room_next;
    size_t consumed = conn->shared->options.on_data(loop, handle, conn->data, completion->bytes,
                                                    completion->length);
    plx__conn_cork_flush(loop, conn);
    loop->cork.room = 0;
    if (consumed != completion->length)
        plx__conn_keep_rest(loop, conn, completion, consumed);
}

#endif
