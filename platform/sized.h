/* platform/sized.h - structs of callers that were compiled with an older or a newer header.
 *
 * A public call passes the size that its caller's struct has (docs/growing.md).
 */
#ifndef PLX__SIZED_H
#define PLX__SIZED_H

#include <stddef.h>

/* Copies the options that a caller gives into `own`; what the caller's struct does not have is
 * zero. `given` may be NULL, for all zero. 0, or PLX_EINVAL for a caller that sets an option which
 * this library does not have. */
int plx__sized_take(void *own, size_t own_bytes, const void *given, size_t given_bytes);

/* Copies `own` to the caller's struct; what only the caller's struct has becomes zero. */
void plx__sized_give(void *out, size_t out_bytes, const void *own, size_t own_bytes);

#endif
