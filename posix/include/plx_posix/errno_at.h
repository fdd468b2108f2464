/* plx_posix/errno_at.h - that mingw-w64's headers do not declare _errno(), which is the name of a
 * variable in some programs.
 *
 * Included before those that would: errno.h, stdlib.h, stddef.h.
 */
#ifndef PLX_POSIX_ERRNO_AT_H
#define PLX_POSIX_ERRNO_AT_H

#define _CRT_ERRNO_DEFINED

#endif
