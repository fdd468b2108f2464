/* posix/base/base.h - errors, paths and the user: what every folder of the POSIX layer uses.
 *
 * Functions of the layer return 0 or a count, or a negative errno; only those that programs call,
 * whose names start with plx_posix_, set errno. Everything may be called from any thread.
 *
 * Each folder declares in the header of its name what other folders use. A folder calls and
 * includes only folders below it: tests/posix_circles.sh lists their order and checks it.
 */
#ifndef PLX__POSIX_BASE_H
#define PLX__POSIX_BASE_H

#include "platform/os.h"

#include <errno.h>

#include "posix/base/abi.h"
#include "posix/include/plx_posix/errno.h"

/* What programs call, by the label that the POSIX headers give it. The prototypes are theirs. */
#define PLX__CALL

/* Every process belongs to this user and this group (process/process.c). */
#define PLX__USER 1000u

/* --- errors (errors.c) ---------------------------------------------------------------------- */

/* The negative errno for a code of Winsock or of Win32. */
int plx__errno_of(int os_code);
/* The same for the call that has just failed on this thread. */
int plx__errno_last(void);

char *plx_posix_strerror(int code);

/* Sets errno for a negative result and turns it into -1. */
static inline ptrdiff_t plx__answer(ptrdiff_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

static inline int plx__answer_int(ptrdiff_t result)
{
    return (int)plx__answer(result);
}

/* --- paths (path.c) ------------------------------------------------------------------------- */

/* Windows' form of a path, to be freed with plx__free; NULL and errno's code in `*error_out`. */
wchar_t *plx__path(const char *path, int *error_out);
/* What plx__errno_last() says of a call with that path; -ENOTDIR where it leads through a file. */
int plx__path_error(const wchar_t *path);

#endif
