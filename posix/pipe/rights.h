/* posix/pipe/rights.h - open files on their way from one socket to another (SCM_RIGHTS), within
 * this process. A parcel comes with certain bytes of a stream, and waits in the queue of who is to
 * read those. Nothing here locks: whoever owns a queue does.
 */
#ifndef PLX__POSIX_RIGHTS_H
#define PLX__POSIX_RIGHTS_H

#include "posix/fd/fd.h"

#define PLX__RIGHTS_MAX 253 /* In one message: SCM_MAX_FD of Linux. */

typedef struct plx__rights {
    struct plx__rights *next;
    uint64_t start; /* Of its bytes, counted from the stream's first. */
    uint64_t end;
    size_t count;
    plx__file *files[PLX__RIGHTS_MAX]; /* Each with a reference. */
} plx__rights;

/* Files that are passed along in the order of the bytes that they come with. */
typedef struct plx__rights_queue {
    plx__rights *first;
    plx__rights *last;
} plx__rights_queue;

#define PLX__CONTROL_BYTES 512 /* More than Winsock says of one datagram. */

/* What a receive tells beside the bytes. */
typedef struct plx__extras {
    int flags;          /* MSG_TRUNC, MSG_CTRUNC. */
    bool takes_control; /* Of a recvmsg(), which hands on what follows. */
    plx__rights *rights;
    size_t control_length; /* Of Winsock's control messages. */
    uint64_t control[PLX__CONTROL_BYTES / sizeof(uint64_t)];
} plx__extras;

/* The files of `count` more descriptors, added to `*rights`, which is made when NULL. 0, -EBADF,
 * -EINVAL for too many, or -ENOMEM. */
int plx__rights_add(plx__rights **rights, const int *fds, size_t count);
/* Lets go of the files of this parcel and of those that follow it. NULL is fine. Closes files:
 * never under a lock. */
void plx__rights_drop(plx__rights *rights);

void plx__rights_put(plx__rights_queue *queue, plx__rights *rights, uint64_t start, uint64_t end);
/* How many of the `size` bytes from `at` on one read may take: as on Linux, it does not go past
 * those that a parcel came with. */
size_t plx__rights_limit(const plx__rights_queue *queue, uint64_t at, size_t size);
/* The parcel whose bytes start before `end`, or NULL; a copy for who only looks. */
plx__rights *plx__rights_take(plx__rights_queue *queue, uint64_t end, bool is_look);
/* All of them, for who closes. */
plx__rights *plx__rights_take_all(plx__rights_queue *queue);

/* Hands a parcel to the call that has read its bytes. One that cannot be told of it loses it. Not
 * under a lock. */
void plx__rights_hand(plx__rights *rights, plx__extras *extras);

#endif
