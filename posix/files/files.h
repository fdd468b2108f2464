/* posix/files/files.h - files of the disk, devices, and the pipes and consoles that a process is
 * given.
 */
#ifndef PLX__POSIX_FILES_H
#define PLX__POSIX_FILES_H

#include "posix/fd/fd.h"

extern const plx__file_kind plx__disk_kind;
extern const plx__file_kind plx__stream_kind;
extern const plx__file_kind plx__random_kind; /* /dev/random and /dev/urandom (paths.c). */
/* What open() does, without a descriptor (paths.c). */
int plx__file_open(const char *path, int flags, unsigned mode, plx__file **file_out);
/* The sort of open file that a handle is. NULL without memory. */
plx__file *plx__handle_wrap(HANDLE handle, unsigned flags);
/* What fcntl() does with struct flock (offsets.c). */
int plx__lock_control(plx__file *file, int command, void *lock);
/* ioctl(TIOCGWINSZ) of what may be a console: 0 or -ENOTTY (console.c). */
int plx__console_control(plx__file *file, unsigned long request, void *argument);

/* --- the console (console.c) ---------------------------------------------------------------- */

/* Whether there is a line (or, unless the console is in line mode, a key) to read. */
bool plx__console_has_input(HANDLE handle);
/* Waits for one. Bytes, 0 at the end of the input (Ctrl-Z), or a negative errno. */
ptrdiff_t plx__console_read(HANDLE handle, void *bytes, size_t size);

#endif
