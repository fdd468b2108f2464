/* tests/handing.h - a process that offers its listening sockets, which is the case, and one that
 * asks for them, which is a thread. */
#ifndef HANDING_H
#define HANDING_H

#include <pollux/handover.h>

#include "tests/harness.h"

/* The process that has the sockets. */
typedef struct old_process {
    plx_handover *handover;
    char file[64], path[80]; /* Of the conversation. */
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t taken, refused;
    int status;      /* Of the last refusal, */
    int64_t process; /* and who that was. */
    bool closes;     /* The offer, in the callback. */
} old_process;

/* The process that gets them. */
typedef struct next_process {
    const char *path;
    uint64_t timeout_ns;
    plx_takeover *takeover;
    plx__thread thread;
    plx__atomic_u32 is_done;
    bool confirms;
    int status, confirmed;
} next_process;

/* Counts, and closes the offer if `closes` is set; for plx_handover_options. */
void old_on_taken(plx_loop *loop, plx_handover *handover, void *data);
/* Makes the offer, of one socket. Returns false where no offer is possible. */
bool old_open(world *w, old_process *old, uint64_t timeout_ns);
/* The socket is the list's, which does not count it. */
plx_sockets *list_of(plx_socket socket);
/* It asks at `path`, with this timeout, and confirms or not. */
void next_start(next_process *next, const char *path, uint64_t timeout_ns, bool confirms);
bool next_is_done(next_process *next);
/* Until it is done. */
void next_await(world *w, next_process *next);
/* next_start() and next_await(). */
void next_ask(world *w, next_process *next, const old_process *old, bool confirms);
/* With the socket clients are served, by this loop: one that connects now, and one that has waited.
 */
void check_serves(world *w, const char *address, plx_socket socket, peer *early);
/* The next process has got the only socket, and clients are served with it. */
void next_serves(world *w, old_process *old, next_process *next);
bool is_there(const char *file);

#endif
