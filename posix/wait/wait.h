/* posix/wait/wait.h - every wait of the layer: for files, for time, for signals. */
#ifndef PLX__POSIX_WAIT_H
#define PLX__POSIX_WAIT_H

#include "posix/fd/fd.h"

/* Waits until something is ready, `deadline` (of plx__clock_now) or a signal. How many are, or
 * -EINTR, -ENOMEM. `is_restarted`: handlers with SA_RESTART do not end it. */
int plx__wait(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted);
/* The same where some items stand for others (nested.c). */
int plx__wait_nested(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted);
static inline bool plx__item_is_nested(const plx__poll_item *item)
{
    return item->file != NULL && item->file->kind->members != NULL &&
           (item->events & (PLX__POLLIN | PLX__POLLRDNORM)) != 0;
}
/* The same for one file: 0, -EINTR, or -EAGAIN at the deadline. */
int plx__wait_for(plx__file *file, unsigned events, uint64_t deadline);
/* Nothing but time and signals: 0 at the deadline, or -EINTR. */
int plx__wait_until(uint64_t deadline);

#endif
