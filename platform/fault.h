/* platform/fault.h - makes memory and descriptors run out on demand, and counts what is held.
 *
 * Compiled in with the tests (POLLUX_FAULT_INJECTION) and to nothing otherwise. SQLite gave the
 * idea: system calls that go through one place, "to facilitate fault injection" (os_unix.c).
 * Everything here is process-wide and may be used from any thread.
 */
#ifndef PLX__FAULT_H
#define PLX__FAULT_H

#include "platform/platform.h"

enum plx__fault_kind {
    PLX__FAULT_MEMORY,     /* Allocating and reallocating. */
    PLX__FAULT_DESCRIPTOR, /* Anything that makes a descriptor: socket, accept, wake, spare. */
    PLX__FAULT_THREAD,     /* Starting a thread. */
    PLX__FAULT_SEND,       /* A backend's send, for want of memory. */
    PLX__FAULT_SEND_LATER, /* The same, for want that may pass (PLX_ENOBUFS). */
    PLX__FAULT_WAIT,       /* A backend's wait, for want of memory. */
    PLX__FAULT_FEATURE,    /* Asking the system for what older ones lack. */
    PLX__FAULT_ROOM,       /* Making a queue as large as it is to be, rather than tiny. */
    PLX__FAULT_REGISTER,   /* Telling an epoll set of a socket, or of a change. */
    PLX__FAULT_IDLE_WAIT,  /* A wait of the second thread of the backend "poll". */
    PLX__FAULT_LOCK,       /* A mutex: counted, and never refused. */
    PLX__FAULT_WAKE,       /* Finding a wake that can die alive after it was drained. */
    PLX__FAULT_KINDS
};

#ifdef PLX_FAULTS

/* From now on call number `first` (0: the next one) of this kind fails, and those after it up to
 * `count` in all. */
void plx__fault_arm(enum plx__fault_kind kind, uint32_t first, uint32_t count);
/* Ends that. Returns how many calls failed since it was armed. */
uint32_t plx__fault_disarm(enum plx__fault_kind kind);
/* Whether this call is to fail. */
bool plx__fault_strikes(enum plx__fault_kind kind);
/* One more or one less is held. */
void plx__fault_taken(enum plx__fault_kind kind);
void plx__fault_given(enum plx__fault_kind kind);
/* How many are held now. */
uint32_t plx__fault_held(enum plx__fault_kind kind);

#else

static inline bool plx__fault_strikes(enum plx__fault_kind kind)
{
    (void)kind;
    return false;
}

static inline void plx__fault_taken(enum plx__fault_kind kind)
{
    (void)kind;
}

static inline void plx__fault_given(enum plx__fault_kind kind)
{
    (void)kind;
}

#endif

/* What the send that is made now is to fail with; 0 if it is not to fail. */
static inline int plx__fault_send(void)
{
    if (plx__fault_strikes(PLX__FAULT_SEND))
        return PLX_ENOMEM;
    return plx__fault_strikes(PLX__FAULT_SEND_LATER) ? PLX_ENOBUFS : 0;
}

#endif
