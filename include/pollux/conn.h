/**
 * @file conn.h
 * Connections: streams of bytes over TCP or Unix-domain sockets.
 *
 * Four calls end a connection: plx_conn_shutdown(), plx_conn_finish(), plx_conn_close() and
 * plx_conn_reset(). To send a last answer and close, take plx_conn_finish().
 *
 * After plx_conn_close() the loop returns the buffers that were lent to the connection, with
 * PLX_ECANCELED, and calls on_close once; it calls nothing else for the connection. Any callback
 * may write to, close or open any connection of its loop; on_close may, too.
 *
 * Reading pauses automatically while the connection's own send queue is above its high watermark,
 * and resumes when the queue has fallen to the low one. So a peer that sends requests and does not
 * read the answers occupies a bounded amount of memory.
 */
#ifndef POLLUX_CONN_H
#define POLLUX_CONN_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The connection is open: it was accepted, or plx_connect() has succeeded. */
typedef void (*plx_open_fn)(plx_loop *loop, plx_conn conn, void *data);

/**
 * `bytes` points to `length` bytes, valid until the callback returns. Returns how many of them were
 * consumed. The loop keeps the rest and shows it again, in front of what arrives next, so a parser
 * needs no buffer of its own. What arrived while reading was paused is shown when reading resumes.
 *
 * Consume every whole message that you are shown. The loop does not show the rest again before more
 * arrives, the send queue has drained, or you call plx_conn_resume(). So a call does not always
 * mean that the peer has sent something. Returning more than `length` is a mistake: the program
 * ends with a message.
 */
typedef size_t (*plx_data_fn)(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                              size_t length);

/**
 * The send queue has fallen to the low watermark, after it was above the high one or a write
 * returned PLX_ENOBUFS. plx_conn_is_high() tells whether a call is due.
 */
typedef void (*plx_drain_fn)(plx_loop *loop, plx_conn conn, void *data);

/**
 * The peer will send no more. You can still write. Call plx_conn_shutdown() or plx_conn_finish(),
 * now or later: the connection closes when its send queue has been sent. Without an on_end the loop
 * does that. If you have already called one of the two, on_end is skipped and only on_close is
 * called.
 *
 * If neither is called, the connection stays open: the read timeout does not run any more, the idle
 * timeout does.
 *
 * Unconsumed input may be left (plx_conn_unconsumed()), for example a last line without a newline.
 * Call plx_conn_resume() here to have on_data see it once more. Otherwise it is dropped.
 */
typedef void (*plx_end_fn)(plx_loop *loop, plx_conn conn, void *data);

/**
 * The connection is gone, and `conn` is stale. It is called exactly once for each connection that
 * on_open was called for or that plx_connect() or plx_conn_adopt() named, unless on_release is
 * called in its place. `reason` is:
 *
 * - 0: both sides ended in order, or you called plx_conn_close() or plx_conn_reset();
 * - PLX_ETIMEDOUT: a timeout passed, the linger time of plx_conn_finish() included;
 * - PLX_EMSGSIZE: more than `receive_limit` bytes stayed unconsumed;
 * - PLX_ESLOW: the peer sent more slowly than plx_conn_set_receive_rate() allows;
 * - PLX_ECANCELED: the loop closed;
 * - another code: what the system reported.
 */
typedef void (*plx_close_fn)(plx_loop *loop, plx_conn conn, void *data, int reason);

/**
 * What plx_conn_release() asked for: the connection has left the loop, and `conn` names nothing any
 * more. `socket` is the callee's from now on: connected, non-blocking, not inherited by children;
 * all that was written to the connection has been handed to the system. The `length` bytes at
 * `bytes` have been received from it and not been consumed; they are valid during the call only.
 */
typedef void (*plx_release_fn)(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                               const void *bytes, size_t length);

/** A lent buffer is yours again. `status` is 0 when the system has taken all of it. */
typedef void (*plx_sent_fn)(plx_loop *loop, plx_conn conn, void *data, int status);

/** Bits for plx_conn_options.flags. */
enum plx_conn_flag {
    /** Do not pause reading while the send queue is high. For connections whose queue others fill,
     * as in a chat or a relay: what this peer sends is not the reason why its queue is high. */
    PLX_CONN_READ_WHILE_HIGH = 1,
    PLX_CONN_DELAY = 2,  /**< Leave Nagle's algorithm on; otherwise it is off. */
    PLX_CONN_PAUSED = 4, /**< Do not read before plx_conn_resume(). */
    /** For plx_conn_adopt() of a socket that is as an on_accept got it from a loop: it is taken as
     * it is, without the system calls that look at others and prepare them. PLX_CONN_DELAY is as
     * the listener's options say. No effect elsewhere. */
    PLX_CONN_ACCEPTED = 8
};

/**
 * What a connection does. All zero is allowed: it then discards what it receives.
 *
 * `send_low` <= `send_high` <= `send_max` is required, defaults included; otherwise calls return
 * PLX_EINVAL. So whoever sets a `send_max` below 262,144 sets `send_high`, too.
 *
 * A timeout that passes closes the connection; no callback is called before on_close. To send a
 * last word first, use a timer and plx_conn_finish().
 */
typedef struct plx_conn_options {
    plx_open_fn on_open;         /**< May be NULL. */
    plx_data_fn on_data;         /**< NULL: what arrives is discarded. */
    plx_drain_fn on_drain;       /**< May be NULL. */
    plx_end_fn on_end;           /**< NULL: the connection sends its queue and closes. */
    plx_close_fn on_close;       /**< May be NULL. */
    plx_release_fn on_release;   /**< NULL: plx_conn_release() is refused. */
    void *data;                  /**< Handed to each callback until plx_conn_set_data(). */
    uint64_t connect_timeout_ns; /**< For plx_connect(); 0 means 30 s. */
    /** Closes it when it has neither received nor sent a byte for so long; 0 means never. What you
     * send counts, too: where you send of your own accord, read_timeout_ns finds silent peers. */
    uint64_t idle_timeout_ns;
    /** Closes it when no byte has arrived for so long; 0 means never. It does not run while reading
     * is paused, by you or because the send queue is high, nor after on_end. So set
     * write_timeout_ns for peers that do not read. */
    uint64_t read_timeout_ns;
    /** Closes it when bytes are queued and the system has taken none for so long; 0 means never. It
     * counts from the first byte that is queued. The system takes bytes until its own send buffer
     * is full (PLX_CONN_OPTION_SEND_BYTES makes that smaller). */
    uint64_t write_timeout_ns;
    size_t send_high; /**< High watermark of the send queue; 0 means 262,144 bytes. */
    size_t send_low;  /**< Low watermark; 0 means a quarter of the high one. */
    size_t send_max;  /**< The queue never has more bytes; 0 means four times the high one. */
    /** Closes it with PLX_EMSGSIZE when, after on_data, more bytes are unconsumed and it is
     * reading; not while reading is paused, by you or because the send queue is high. 0 means
     * 1,048,576. It is no limit for a message: on_data may see a longer one that arrived at once.
     */
    size_t receive_limit;
    uint32_t flags; /**< Bits of plx_conn_flag. */
} plx_conn_options;

/**
 * Whether `address` is one that plx_connect() and plx_listen() understand, without using it: 0,
 * PLX_EADDRESS, PLX_ESCHEME or PLX_ENAMETOOLONG. Any thread.
 */
PLX_NODISCARD PLX_API int plx_address_check(const char *address);

/** What plx_connect() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_connect_sized(plx_loop *loop, plx_conn *conn_out, const char *address,
                                            const plx_conn_options *options, size_t options_bytes);

/**
 * Connects to `address`, as "tcp://127.0.0.1:80", "tcp://[::1]:80" or "unix:/run/x.sock". The host
 * is a number, or "localhost", which means 127.0.0.1; names are not looked up.
 *
 * If it returns 0, the loop calls on_open, or on_close with the reason. You may write at once: what
 * you write is sent after on_open, and watermarks and limits apply. If the connect fails, all of
 * that is lost: copies are dropped, and lent buffers are returned with PLX_ECANCELED before
 * on_close. A connect may have failed when this call returns 0. The handle is stale then, so a
 * write returns PLX_ESTALE: run the loop, and on_close tells the reason.
 *
 * `conn_out` may be NULL. `options` is read during the call only and may be NULL. Returns 0,
 * PLX_EADDRESS, PLX_ESCHEME, PLX_ENAMETOOLONG, PLX_EINVAL for options that contradict each other,
 * PLX_ELIMIT, PLX_ENOMEM, PLX_EAFNOSUPPORT, PLX_EMFILE, PLX_ENFILE, or PLX_ECANCELED while the loop
 * closes: then there is no connection and no callback is called.
 *
 * A client that writes all it has before it reads anything needs PLX_CONN_READ_WHILE_HIGH.
 * Otherwise both sides wait for the other to read, and neither continues.
 */
PLX_NODISCARD static inline int plx_connect(plx_loop *loop, plx_conn *conn_out, const char *address,
                                            const plx_conn_options *options)
{
    return plx_connect_sized(loop, conn_out, address, options, sizeof *options);
}

/**
 * Sends a copy of the bytes: all or none. What the system does not take at once is queued. What a
 * callback writes to its own connection is sent when the callback returns. So plx_conn_close()
 * right after a write may drop the bytes: take plx_conn_finish().
 *
 * Returns 0, PLX_ESTALE, PLX_EPIPE after plx_conn_shutdown(), plx_conn_finish() or
 * plx_conn_release() or when sending has failed (on_close follows then), PLX_ENOBUFS when the queue
 * would grow beyond `send_max` (or the loop's beyond `queued_bytes_max`), PLX_EMSGSIZE when it
 * never could hold so much, or PLX_ENOMEM. After PLX_ENOBUFS, on_drain tells when to retry; it does
 * so after no other code.
 */
PLX_NODISCARD PLX_API int plx_conn_write(plx_loop *loop, plx_conn conn, const void *bytes,
                                         size_t length);

/** Some bytes in memory. */
typedef struct plx_slice {
    const void *bytes; /**< Where they are; ignored when `length` is 0. */
    size_t length;     /**< How many. */
} plx_slice;

/**
 * As plx_conn_write() of all slices one after the other, but together: all of them are taken or
 * none. If nothing waits, they go out in one send; of more than 16 KiB in all, in one send for each
 * 16 slices. `slices` is read during the call only, and may be NULL when `count` is 0. Returns as
 * plx_conn_write() does.
 */
PLX_NODISCARD PLX_API int plx_conn_writev(plx_loop *loop, plx_conn conn, const plx_slice *slices,
                                          size_t count);

/**
 * Gathers what is written to the connection until plx_conn_uncork(), which then sends it together.
 * Use it to write more than once from a timer, a post, or a callback of another connection. What a
 * callback writes to its own connection is sent together anyway.
 *
 * Call plx_conn_uncork() in the same callback, once for each plx_conn_cork(). If you do not, the
 * loop does it at the end of the turn. When more than `send_high` bytes are gathered, or the limits
 * leave no room for a write, the loop sends what there is and goes on gathering; so limits,
 * watermarks and plx_conn_queued() are exact. If bytes wait in the send queue already, corking has
 * no effect.
 *
 * Returns 0, PLX_ESTALE, or PLX_ELIMIT after 255 calls without a plx_conn_uncork().
 */
PLX_API int plx_conn_cork(plx_loop *loop, plx_conn conn);

/**
 * Ends one plx_conn_cork(). The last of nested calls sends what was gathered. If sending fails, the
 * connection closes. Neither on_close nor on_drain is called from within this call. Returns 0,
 * PLX_ESTALE, or PLX_EINVAL if the connection is not corked.
 */
PLX_API int plx_conn_uncork(plx_loop *loop, plx_conn conn);

/**
 * Sends the bytes without copying them. They are lent to the loop until it calls `on_sent`, which
 * it does exactly once, and never from within this call. `on_sent` may be NULL for bytes that live
 * forever. Returns as plx_conn_write() does; if that is not 0, nothing was lent.
 */
PLX_NODISCARD PLX_API int plx_conn_send(plx_loop *loop, plx_conn conn, const void *bytes,
                                        size_t length, plx_sent_fn on_sent, void *data);

/**
 * Ends the sending side when the queue is empty. Data still arrives until the peer ends its side
 * too; then the connection closes. Nothing bounds that wait but the timeouts: plx_conn_finish() has
 * a bound of its own. A connection whose reading you have paused does not see the peer's end, so it
 * does not close before plx_conn_resume(). Calling it again changes nothing. Returns 0 or
 * PLX_ESTALE.
 */
PLX_API int plx_conn_shutdown(plx_loop *loop, plx_conn conn);

/**
 * Ends the connection in order: sends what is queued, ends the sending side, waits for the peer's
 * end, and closes. What arrives meanwhile is discarded, unconsumed input included. Use it to close
 * after a last answer: plx_conn_close() while the peer is still sending resets the connection, and
 * the reset can destroy the answer before the peer has read it.
 *
 * `linger_ns` bounds the wait, from this call on; 0 means 5 s, PLX_FOREVER means no bound. The
 * bound replaces the idle and the read timeout, and plx_conn_set_timeout() does not change it. The
 * write timeout still applies. Afterwards on_data, on_end and on_drain are not called, writes
 * return PLX_EPIPE, and plx_conn_pause() has no effect. The loop calls on_sent for lent buffers,
 * and at last on_close, neither from within this call. The `reason` of on_close is:
 *
 * - 0: everything was sent, and the peer has ended its side. After on_end there is nothing to wait
 *   for but the send queue.
 * - PLX_ETIMEDOUT: the peer has not ended its side in time, or the write timeout has passed. If
 *   bytes were still queued, the loop resets the connection. If none were queued, the system has
 *   taken everything and sends it. But a peer that sends after that, or whose bytes are unread,
 *   causes the system to reset the connection.
 * - another code: what the system reported.
 *
 * It may be called after plx_conn_shutdown(). A connection that is still connecting is closed as by
 * plx_conn_close(). Calling it again changes nothing: the first linger time stays. To end it
 * sooner, call plx_conn_close(). Returns 0, PLX_ESTALE, or PLX_EPIPE while the connection is being
 * released.
 */
PLX_API int plx_conn_finish(plx_loop *loop, plx_conn conn, uint64_t linger_ns);

/**
 * Drops the connection and what is queued; also what the running callback has written to it. Then
 * lent buffers are returned and on_close is called, neither from within this call. The peer sees an
 * end, or a reset if it is still sending. A close by a timeout, a limit or plx_loop_close() that
 * drops queued bytes resets the connection instead, as plx_conn_reset() does. Returns 0 or
 * PLX_ESTALE.
 */
PLX_API int plx_conn_close(plx_loop *loop, plx_conn conn);

/**
 * As plx_conn_close(), but with a reset instead of an end, so the peer knows that the stream was
 * cut off. Use it when you drop a peer that has not got everything: one that reads too slowly, or
 * the receiver of a stream that failed in your relay. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_conn_reset(plx_loop *loop, plx_conn conn);

/** What plx_conn_adopt() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_conn_adopt_sized(plx_loop *loop, plx_conn *conn_out,
                                               plx_socket socket, const plx_conn_options *options,
                                               size_t options_bytes, const void *bytes,
                                               size_t length);

/**
 * Makes a connection of a socket that is one already: a stream, connected; accepted by somebody
 * else, inherited, one of a pair, or released by another loop. The loop owns the socket then, and
 * closes it. on_open is called, not from within this call; you may write at once. The `length`
 * bytes at `bytes`, which were received from it before, are copied, and shown to on_data first.
 *
 * `conn_out` may be NULL, and so may `bytes` when `length` is 0. `options` is as for plx_connect().
 * On failure the socket stays the caller's: PLX_EBADF, PLX_ENOTSOCK, PLX_ENOTCONN, PLX_EINVAL for
 * one that is no stream or options that contradict each other, PLX_EEXIST while a watch of this
 * loop has it (close the watch first), PLX_ELIMIT, PLX_ENOMEM, PLX_EBUSY where it belongs to
 * another completion port (on Windows: that of another loop on iocp, before Windows 8.1; or of
 * another library), or PLX_ECANCELED while the loop closes.
 */
PLX_NODISCARD static inline int plx_conn_adopt(plx_loop *loop, plx_conn *conn_out,
                                               plx_socket socket, const plx_conn_options *options,
                                               const void *bytes, size_t length)
{
    return plx_conn_adopt_sized(loop, conn_out, socket, options, sizeof *options, bytes, length);
}

/** What plx_conn_become() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_conn_become_sized(plx_loop *loop, plx_conn conn,
                                                const plx_conn_options *options,
                                                size_t options_bytes);

/**
 * Gives the connection other options: callbacks, `data`, timeouts, watermarks and limits, from now
 * on. For a connection that changes its protocol: an Upgrade, a STARTTLS, a login before the rest.
 * All that is the connection's stays: its handle, what is queued, what is unconsumed.
 *
 * - What is unconsumed is shown to the new on_data, in a later step of this turn and not from
 *   within this call. Called in on_data, this applies to the bytes that on_data leaves: return how
 *   many belonged to the old protocol. While reading is paused, they are shown when it resumes.
 * - on_open is not called, unless the connection has not opened yet: then the new one is.
 * - An on_drain that is due, the peer's end if on_end has not been called yet, and on_close are
 *   reported to the new callbacks. An end that on_end has been told of is not reported again: the
 *   program ends such a connection itself, whether the new options have an on_end or not.
 * - on_sent of a lent buffer is called as it was agreed.
 * - The new timeouts count from the same moments as the old ones, for example from the last byte;
 *   values of plx_conn_set_timeout() are void.
 * - The new watermarks and `send_max` apply to what is queued already. If that is more than
 *   `send_high`, reading pauses; if it is more than `send_max`, it is sent all the same, and writes
 *   return PLX_ENOBUFS until there is room.
 * - Of the flags, PLX_CONN_PAUSED pauses reading as plx_conn_pause() does; without it, a pause of
 *   yours stays. PLX_CONN_READ_WHILE_HIGH applies at once. PLX_CONN_DELAY and PLX_CONN_ACCEPTED
 *   have no effect: they are about the socket, which stays as it is.
 *
 * `options` is read during the call only and may be NULL, for all zero. Returns 0, PLX_ESTALE,
 * PLX_EINVAL for options that contradict each other, that are those of plx_proxy_conn_options(),
 * or that have no on_release while the connection is being released, PLX_ENOTCONN while the loop
 * waits for a PROXY header of the peer (pollux/proxy_protocol.h), or PLX_ENOMEM. On failure nothing
 * has changed.
 */
PLX_NODISCARD static inline int plx_conn_become(plx_loop *loop, plx_conn conn,
                                                const plx_conn_options *options)
{
    return plx_conn_become_sized(loop, conn, options, sizeof *options);
}

/**
 * Takes the connection out of the loop, for another loop (plx_post() tells its thread, and
 * plx_conn_adopt() makes a connection of it there), another library, or a child process. Reading
 * stops at once; what is queued is sent; then on_release is called, not from within this call, in
 * place of on_close. If the connection fails before that, or is closed, on_close is called.
 *
 * A listener that gives its connections to the loops of other threads sets PLX_CONN_PAUSED, and
 * calls this in on_open. Returns 0, PLX_ESTALE, PLX_EINVAL without an on_release, PLX_ENOTCONN
 * before on_open, or PLX_EPIPE after plx_conn_shutdown(), when sending has failed, or when it is
 * being released.
 *
 * On Windows a socket that an iocp loop has used does not tell the completion port of a later owner
 * of operations that succeed at once (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS cannot be taken back).
 * Loops of Pollux know; a port of your own must take such a result from the call.
 */
PLX_NODISCARD PLX_API int plx_conn_release(plx_loop *loop, plx_conn conn);

/**
 * Closes a socket that on_release has handed out and nobody wants: close() on Unix, closesocket()
 * on Windows. PLX_SOCKET_NONE is allowed. Any thread.
 */
PLX_API void plx_socket_close(plx_socket socket);

/**
 * Makes a duplicate of a socket: the same socket under another number, which is the caller's to
 * close, and which children do not inherit. Returns 0, PLX_EBADF, PLX_ENOTSOCK, PLX_EMFILE,
 * PLX_ENFILE, or PLX_ENOSYS for a socket of a simulation. Any thread.
 */
PLX_NODISCARD PLX_API int plx_socket_duplicate(plx_socket socket, plx_socket *socket_out);

/** As plx_socket_close(), but the peer sees a reset instead of an end. Any thread. */
PLX_API void plx_socket_reset(plx_socket socket);

/**
 * Makes calls of the system on the socket wait (`is_blocking` not 0) or not. A loop needs those
 * that do not: plx_conn_adopt() makes them so. For a socket that code which blocks is to use, on a
 * thread of its own. Returns 0, PLX_EBADF or PLX_ENOTSOCK, or PLX_ENOSYS for one of a simulation.
 * Any thread.
 */
PLX_NODISCARD PLX_API int plx_socket_set_blocking(plx_socket socket, int is_blocking);

/**
 * Writes the address of the socket's peer, for a socket that is no connection of a loop: in
 * on_accept, say. Otherwise as plx_conn_peer(): 0, PLX_EBADF, PLX_ENOTSOCK, PLX_ENOTCONN, or
 * PLX_EINVAL when `size` is too small. Any thread.
 */
PLX_NODISCARD PLX_API int plx_socket_peer(plx_socket socket, char *text, size_t size);

/** Writes the address of the socket's own side. Otherwise as plx_socket_peer(). */
PLX_NODISCARD PLX_API int plx_socket_local(plx_socket socket, char *text, size_t size);

/**
 * Stops reading until plx_conn_resume(). Returns 0 or PLX_ESTALE.
 *
 * While it is paused, a connection notices nothing that reading would tell: no data, not the peer's
 * end, and, if it sends nothing either, not that the peer has reset the connection or is gone. They
 * are reported after plx_conn_resume(). The read timeout does not run meanwhile; the idle timeout
 * and the write timeout do. plx_conn_finish() ends the pause.
 */
PLX_API int plx_conn_pause(plx_loop *loop, plx_conn conn);

/**
 * Resumes reading, and shows unconsumed input to on_data again: in a later step, not from within
 * this call, whether reading was paused or not, and also after the peer's end. While the send queue
 * is high, reading resumes when the queue has drained.
 *
 * Called in on_data, it applies to the bytes that on_data leaves. Exception: if reading was not
 * paused and on_data consumes nothing, they are not shown again, because on_data has just seen
 * them. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_conn_resume(plx_loop *loop, plx_conn conn);

/** The timeouts of an open connection, for plx_conn_set_timeout(). */
enum plx_timeout {
    PLX_TIMEOUT_IDLE = 1, /**< As plx_conn_options.idle_timeout_ns. */
    PLX_TIMEOUT_READ = 2, /**< As plx_conn_options.read_timeout_ns. */
    PLX_TIMEOUT_WRITE = 3 /**< As plx_conn_options.write_timeout_ns. */
};

/**
 * Changes a timeout of this connection alone. `timeout_ns` 0 restores the value of the
 * connection's options; PLX_FOREVER turns the timeout off. The new value applies at once and counts
 * from the same moment as the old one, for example from the last byte. So a shorter timeout may
 * have passed already. Then the loop closes the connection in one of its next turns, unless data
 * has arrived. To give a peer some time from now on, use a timer. The first change allocates a copy
 * of the shared options.
 *
 * Returns 0, PLX_ESTALE, PLX_EINVAL if `which` is no timeout, or PLX_ENOMEM with nothing changed.
 */
PLX_NODISCARD PLX_API int plx_conn_set_timeout(plx_loop *loop, plx_conn conn,
                                               enum plx_timeout which, uint64_t timeout_ns);

/**
 * Resets the connection, with PLX_ESLOW, if its peer falls more than `grace_ns` behind
 * `bytes_per_second` while a message arrives. With 100 bytes and 10 s a peer that sends nothing is
 * reset after 10 s, one that sends 50 bytes a second after 20 s, and one that sends 100 never.
 *
 * A message arrives while the connection has unconsumed input, while plx_conn_set_in_message() says
 * so, and before the first byte since this call. Input that was unconsumed at this call counts as
 * arrived when on_data is shown it. Time does not count between messages, while reading is paused,
 * by you or because the send queue is high, and after plx_conn_finish(). So use it where clients
 * speak first.
 *
 * At the most 1,000,000,000 bytes a second; 0 turns it off. Another call begins anew. Connections
 * without a rate pay nothing for it. Returns 0, PLX_ESTALE, PLX_EINVAL for a rate beyond its bounds
 * or a rate without a grace, or PLX_ENOMEM with nothing changed.
 */
PLX_NODISCARD PLX_API int plx_conn_set_receive_rate(plx_loop *loop, plx_conn conn,
                                                    uint64_t bytes_per_second, uint64_t grace_ns);

/**
 * Says whether the connection is in the middle of a message, for plx_conn_set_receive_rate(): call
 * it where on_data consumes a message piece by piece, when one begins and when it is complete.
 * Where on_data leaves an incomplete message unconsumed, no call is needed. Without a receive rate
 * it does nothing. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_conn_set_in_message(plx_loop *loop, plx_conn conn, int is_in_message);

/** The connection is gone, and `conn` is stale. `reason` is what on_close got, or would have got;
 * 0 after on_release. */
typedef void (*plx_gone_fn)(plx_loop *loop, plx_conn conn, void *data, int reason);

/**
 * Calls `on_gone` once when the connection is gone: right after on_close or on_release, on the
 * loop's thread, whatever ends the connection, plx_loop_close() and plx_loop_cancel() included. Use
 * it to account for connections whose options belong to others: limits, or statistics. A connection
 * may have several; they are called in the order of the calls. They cannot be taken back.
 *
 * A connection without one pays nothing for it. In a forked child that abandons the loop
 * (plx_loop_abandon()) they are not called. Returns 0, PLX_ESTALE, PLX_EINVAL without `on_gone`, or
 * PLX_ENOMEM.
 */
PLX_NODISCARD PLX_API int plx_conn_on_gone(plx_loop *loop, plx_conn conn, plx_gone_fn on_gone,
                                           void *data);

/**
 * Whether the connection is open: on_open has been called or is running, and it has not been
 * closed. 1 or 0; 0 while it connects, while a PROXY header is awaited (pollux/proxy_protocol.h),
 * and for a stale handle.
 */
PLX_API int plx_conn_is_open(const plx_loop *loop, plx_conn conn);

/**
 * Whether the connection is ending in order: plx_conn_shutdown() or plx_conn_finish() was called,
 * or the loop did that after the peer's end. 1 or 0; 0 for a stale handle too.
 */
PLX_API int plx_conn_is_ending(const plx_loop *loop, plx_conn conn);

/**
 * Returns how many bytes of unconsumed input the connection has. While on_data runs, the bytes that
 * it is shown are not counted. 0 for a stale handle too.
 */
PLX_API size_t plx_conn_unconsumed(const plx_loop *loop, plx_conn conn);

/**
 * How many bytes wait in the send queue; 0 for a stale handle too, as in on_close. Bytes that the
 * system has taken are not counted, whether the peer has received them or not.
 */
PLX_API size_t plx_conn_queued(const plx_loop *loop, plx_conn conn);

/**
 * Whether on_drain is due: the send queue was above its high watermark, or a write returned
 * PLX_ENOBUFS, and the queue is not low again. 1 or 0; 0 for a stale handle too.
 */
PLX_API int plx_conn_is_high(const plx_loop *loop, plx_conn conn);

/** What its callbacks get as `data`; NULL for a stale handle, and while a PROXY header is awaited.
 */
PLX_API void *plx_conn_data(const plx_loop *loop, plx_conn conn);

/**
 * Changes what its callbacks get as `data`. Returns 0, PLX_ESTALE, or PLX_ENOTCONN while a PROXY
 * header is awaited (pollux/proxy_protocol.h): on_header sets it.
 */
PLX_API int plx_conn_set_data(plx_loop *loop, plx_conn conn, void *data);

/** What plx_conn_set_option() sets. The system's defaults apply until then. */
enum plx_conn_option {
    /** After so many idle seconds the system asks the peer whether it is still there, and resets
     * the connection if it is not; 1 to 32,767, or 0: it does not ask. Not for Unix-domain sockets.
     */
    PLX_CONN_OPTION_KEEPALIVE_SECONDS = 1,
    /** The system's send buffer, in bytes. What the system takes leaves the send queue, so a
     * smaller buffer lets the watermarks and the write timeout notice a slow peer sooner. The
     * system may round it: ask for the value that it took; Linux doubles it. */
    PLX_CONN_OPTION_SEND_BYTES = 2,
    /** The system's receive buffer, in bytes; as above. */
    PLX_CONN_OPTION_RECEIVE_BYTES = 3,
    /** The traffic class of IPv6, or the type of service of IPv4, of packets; 0 to 255. The two low
     * bits are the system's. Not for Unix-domain sockets, and not on Windows. */
    PLX_CONN_OPTION_TRAFFIC_CLASS = 4
};

/**
 * Sets an option of the connection's socket; while it connects, too. Returns 0, PLX_ESTALE,
 * PLX_EINVAL if `value` is out of bounds or `option` is none, PLX_ENOSYS if this system, or a
 * socket of this kind, has no such option, or what the system reports.
 */
PLX_NODISCARD PLX_API int plx_conn_set_option(plx_loop *loop, plx_conn conn,
                                              enum plx_conn_option option, int64_t value);

/**
 * Asks for an option. Otherwise like plx_conn_set_option(). Windows before 10 1709 does not tell
 * how many seconds PLX_CONN_OPTION_KEEPALIVE_SECONDS is set to: PLX_ENOSYS.
 */
PLX_NODISCARD PLX_API int plx_conn_get_option(const plx_loop *loop, plx_conn conn,
                                              enum plx_conn_option option, int64_t *value_out);

/**
 * Tells which process, user and group are at the other end of a Unix-domain socket, as of the
 * moment when it connected, or began to listen. Each of the three pointers may be NULL. A value is
 * -1 if the system does not tell it: BSDs and macOS do not tell the process. Returns 0, PLX_ESTALE,
 * PLX_ENOTCONN while it connects, or PLX_ENOSYS for a socket of another kind, and on Windows.
 */
PLX_NODISCARD PLX_API int plx_conn_peer_credentials(const plx_loop *loop, plx_conn conn,
                                                    int64_t *process_out, int64_t *user_out,
                                                    int64_t *group_out);

/**
 * Writes the address of the peer, as "tcp://127.0.0.1:4711". PLX_ADDRESS_TEXT_MAX bytes are always
 * enough. Returns 0, PLX_ESTALE, PLX_EINVAL when `size` is too small, or PLX_ENOTCONN.
 */
PLX_NODISCARD PLX_API int plx_conn_peer(const plx_loop *loop, plx_conn conn, char *text,
                                        size_t size);

/** Writes the address of this side. Otherwise like plx_conn_peer(). */
PLX_NODISCARD PLX_API int plx_conn_local(const plx_loop *loop, plx_conn conn, char *text,
                                         size_t size);

#ifdef __cplusplus
}
#endif
#endif
