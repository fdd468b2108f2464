/* posix/stdio/pump.h - a pipe of the system's in front of an open file, for those who know only
 * handles: the C library's streams, and children that do not have this layer.
 *
 * Its other end is a synchronous handle without a buffer in between. What is read from it is taken
 * from the file only as it is read: until then it stays there, for poll() and for other readers.
 * What is written to it has been sent once plx__pump_drain() returns. It ends with the process.
 */
#ifndef PLX__POSIX_PUMP_H
#define PLX__POSIX_PUMP_H

#include "posix/fd/fd.h"

typedef struct plx__pump plx__pump;

/* Moves by the file's own access mode, cut down to `access` (O_RDONLY, ...), which is how the other
 * end may be used. Takes a reference of its own to the file. `*other_out` is the caller's. */
int plx__pump_make(plx__file *file, unsigned access, plx__pump **pump_out, HANDLE *other_out);
/* Waits until what was written is sent. 0, or a negative errno of what could not be, told once. */
int plx__pump_drain(plx__pump *pump);
/* The other end has been closed, or is not read from any more: what was written is sent, and its
 * threads end. 0 or a negative errno as above. The pump is gone then. */
int plx__pump_end(plx__pump *pump);
/* The same without waiting for the rest to be sent: it goes on by itself until it is closed at the
 * other end. */
void plx__pump_leave(plx__pump *pump);

#endif
