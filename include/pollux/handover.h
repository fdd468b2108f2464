/**
 * @file handover.h
 * Listening sockets from elsewhere: from systemd, or from the process that this one replaces.
 *
 *     plx_sockets *sockets;
 *     int status = plx_inherited_sockets(&sockets);
 *     for (uint32_t i = 0; status == 0 && i < plx_sockets_count(sockets); i++)
 *         status = plx_listen_adopt(loop, NULL, plx_sockets_take(sockets, i), &options);
 *     plx_sockets_close(sockets);
 *
 * A process that is to be replaced offers its sockets at a path, with plx_handover_open(). The new
 * one asks there with plx_takeover_open(), listens with what it gets, and confirms with
 * plx_takeover_confirm(). The first one is then told, stops accepting and drains. The sockets are
 * open in one of the two at any time, so no client is refused. If the new process fails before it
 * confirms, the old one serves on and has lost nothing.
 *
 * On Unix the sockets travel by SCM_RIGHTS, on Windows by WSADuplicateSocket(); the conversation
 * needs Unix-domain sockets on both: Windows 10 1803 or later. There, a socket that an "iocp" loop
 * listens with belongs to that loop's completion port: adopting it on another "iocp" loop returns
 * PLX_EBUSY. Let one of the two processes use another backend.
 */
#ifndef POLLUX_HANDOVER_H
#define POLLUX_HANDOVER_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- lists of sockets ------------------------------------------------------------------------- */

/** The most sockets of a list: what one message of Linux takes is 253. */
#define PLX_SOCKETS_MAX 250u
/** The most bytes of a name, with the zero at its end: as for FileDescriptorName= of systemd. */
#define PLX_SOCKET_NAME_MAX 256u

/** Sockets with names. A list belongs to one thread at a time. */
typedef struct plx_sockets plx_sockets;

/** Makes an empty list. Returns 0 or PLX_ENOMEM. */
PLX_NODISCARD PLX_API int plx_sockets_open(plx_sockets **sockets_out);

/**
 * Adds a socket, which is the list's from then on. Names need not differ. Returns 0, PLX_EINVAL for
 * a name that is too long or contains a control character, PLX_ELIMIT, or PLX_ENOMEM: then it stays
 * the caller's.
 */
PLX_NODISCARD PLX_API int plx_sockets_add(plx_sockets *sockets, const char *name,
                                          plx_socket socket);

/** How many there are, those that were taken included. NULL: 0. */
PLX_API uint32_t plx_sockets_count(const plx_sockets *sockets);

/** The name of one, counted from 0; NULL beyond the last. Valid until the list closes. */
PLX_API const char *plx_sockets_name(const plx_sockets *sockets, uint32_t index);

/** The socket, which stays the list's. PLX_SOCKET_NONE if it was taken, and beyond the last. */
PLX_API plx_socket plx_sockets_at(const plx_sockets *sockets, uint32_t index);

/** The socket, which is the caller's from then on. Otherwise like plx_sockets_at(). */
PLX_API plx_socket plx_sockets_take(plx_sockets *sockets, uint32_t index);

/** Frees the list, and closes the sockets that nobody took. NULL is allowed. */
PLX_API void plx_sockets_close(plx_sockets *sockets);

/* --- from a supervisor ------------------------------------------------------------------------ */

/**
 * Takes the sockets that a supervisor has opened for this process, as systemd does for a .socket
 * unit: descriptors from 3 on, LISTEN_FDS of them, if LISTEN_PID is this process
 * (sd_listen_fds(3)). Their names are those of LISTEN_FDNAMES, else "unknown". They are made
 * close-on-exec, and the three variables are removed from the environment, so that children do not
 * take the sockets for theirs. Call it once, before other threads read the environment.
 *
 * The list is empty when there are none, and on Windows. Returns 0, PLX_EINVAL when a variable is
 * not what systemd writes, PLX_EBADF when a descriptor is not open, PLX_ELIMIT for more than
 * PLX_SOCKETS_MAX, or PLX_ENOMEM. On failure there is no list, and the descriptors stay open.
 */
PLX_NODISCARD PLX_API int plx_inherited_sockets(plx_sockets **sockets_out);

/* --- to the next process ---------------------------------------------------------------------- */

/** An offer to hand sockets over. */
typedef struct plx_handover plx_handover;

/**
 * Another process listens with the sockets. The offer is over: its path is free for the next one,
 * and its copies of the sockets are closed. Stop accepting and drain now: plx_server_hand_over(),
 * or plx_listener_keep_file() and plx_listener_finish() for each listener. You may call
 * plx_handover_close() here.
 */
typedef void (*plx_taken_fn)(plx_loop *loop, plx_handover *handover, void *data);

/**
 * Somebody asked for the sockets and did not get them, or did not confirm. The offer stands, and
 * this process serves as before. `process` is the other one, as far as the system tells, else 0.
 *
 * `status` is PLX_EACCES for a process of another user, PLX_EVERSION for bytes that are no request,
 * or one of another version; PLX_EBUSY while there is a conversation with somebody else;
 * PLX_ETIMEDOUT, PLX_EEOF or another code of the system for one that stopped in the middle.
 */
typedef void (*plx_handover_refused_fn)(plx_loop *loop, plx_handover *handover, void *data,
                                        int status, int64_t process);

/** What an offer does. */
typedef struct plx_handover_options {
    plx_sockets *sockets;               /**< What is handed over; not NULL. */
    plx_taken_fn on_taken;              /**< Not NULL. */
    plx_handover_refused_fn on_refused; /**< May be NULL. */
    void *data;                         /**< Handed to both. */
    uint64_t timeout_ns; /**< How long a conversation may take, from its first byte to the
                              confirmation; 0: 10 seconds. */
} plx_handover_options;

/** What plx_handover_open() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_handover_open_sized(plx_handover **handover_out, plx_loop *loop,
                                                  const char *address,
                                                  const plx_handover_options *options,
                                                  size_t options_bytes);

/**
 * Offers the sockets to a process of the same user that asks at `address`, "unix:/path". The socket
 * file has mode 0600; on Windows the access list of its directory decides who can connect. Both
 * sides check the user of the other one besides. The offer does not keep the loop running; a
 * process that is refused does until it closes, for a second at the most.
 *
 * If the call returns 0, the offer owns `sockets`. Returns 0, PLX_ESCHEME for another kind of
 * address, PLX_EINVAL, also for a list from which something was taken, PLX_ENOSYS in a simulation,
 * or as plx_listen(): PLX_EADDRINUSE while another process makes its offer there, PLX_EAFNOSUPPORT
 * on a system without Unix-domain sockets.
 */
PLX_NODISCARD static inline int plx_handover_open(plx_handover **handover_out, plx_loop *loop,
                                                  const char *address,
                                                  const plx_handover_options *options)
{
    return plx_handover_open_sized(handover_out, loop, address, options, sizeof *options);
}

/**
 * Ends the offer: the path is free, the sockets are closed, and a conversation is cut off. A
 * process that has got the sockets takes that for the end of this one, and serves: beside you, if
 * you serve on. Call it on the loop's thread, before you drain for another reason and, unless
 * on_taken was called, before the loop closes. NULL is allowed.
 */
PLX_API void plx_handover_close(plx_handover *handover);

/* --- from the previous process ---------------------------------------------------------------- */

/** A conversation with the process that is to be replaced. */
typedef struct plx_takeover plx_takeover;

/**
 * Asks the process that makes an offer at `address` for its sockets. Blocks the calling thread, for
 * `timeout_ns` at the most. Use no loop for it.
 *
 * Returns 0; PLX_ENOENT or PLX_ECONNREFUSED when no process makes an offer there: listen yourself;
 * PLX_EACCES for a path that you may not use, or a process of another user; PLX_EBUSY when that
 * process talks with another one; PLX_EVERSION when it speaks another version of the protocol, or
 * something else; PLX_ETIMEDOUT; PLX_EEOF when it ended in the middle, or closed its offer;
 * PLX_ESCHEME; PLX_EAFNOSUPPORT on a system without Unix-domain sockets; PLX_ENOMEM, PLX_EMFILE,
 * PLX_ENFILE.
 */
PLX_NODISCARD PLX_API int plx_takeover_open(plx_takeover **takeover_out, const char *address,
                                            uint64_t timeout_ns);

/** The sockets that it has sent. Take them out; the list is freed with the conversation. */
PLX_API plx_sockets *plx_takeover_sockets(plx_takeover *takeover);

/**
 * Tells the other process that this one listens with the sockets. Call it when nothing can fail any
 * more. Blocks until the other one has answered: then it stops accepting, and the address is free
 * for an offer of your own. Returns 0, also when the other process has ended in between, because
 * there is nobody left whom you could disturb; or PLX_ETIMEDOUT after `timeout_ns` without an
 * answer, or another code with which plx_takeover_open() is refused: the other one may serve on, so
 * close the sockets again.
 */
PLX_NODISCARD PLX_API int plx_takeover_confirm(plx_takeover *takeover, uint64_t timeout_ns);

/**
 * Ends the conversation, and closes the sockets that nobody took. Before plx_takeover_confirm() it
 * means that the other process serves on. NULL is allowed.
 */
PLX_API void plx_takeover_close(plx_takeover *takeover);

#ifdef __cplusplus
}
#endif
#endif
