/* posix/pipe/pipe.h - pipes and socket pairs within the process. */
#ifndef PLX__POSIX_PIPE_H
#define PLX__POSIX_PIPE_H

#include "posix/pipe/rights.h"

extern const plx__file_kind plx__pipe_kind;
extern const plx__file_kind plx__pair_kind;
/* Two ends within the process: pipe() (the reading end first) or socketpair(). 0 or -ENOMEM. */
int plx__channel_make(plx__file *ends_out[2], bool is_pair, int type, unsigned flags);
ptrdiff_t plx__channel_receive(plx__file *file, void *bytes, size_t size, int flags,
                               plx__extras *extras);
/* `*rights` (may be NULL) go with the first of the bytes, and are NULL then. */
ptrdiff_t plx__channel_send(plx__file *file, const void *bytes, size_t length, int flags,
                            plx__rights **rights);
int plx__channel_shutdown(plx__file *file, int how);
int plx__channel_type(const plx__file *file);
/* Waits until what was written to pipes of children is in the system's hands. */
void plx__pipes_flush(void);
/* A handle of the system's for this end of a pipe, which stays the pipe's (pipe_share.c). */
int plx__pipe_share(plx__file *file, HANDLE *handle_out);

#endif
