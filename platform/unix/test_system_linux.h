/* platform/unix/test_system_linux.h - what tests ask of Linux: which thread runs next, file systems
 * of their own, who shares a lock. All of it is for the process that asks, and for good.
 */
#ifndef PLX__TEST_SYSTEM_LINUX_H
#define PLX__TEST_SYSTEM_LINUX_H

#include "platform/platform.h"

/* Has this thread, and those that it starts from now on, share one processor. */
int plx__test_one_processor(void);
/* Has this thread run as soon as it is woken, and before all others of that processor: one that
 * wakes it does nothing more until it waits again. A code where that is not allowed. */
int plx__test_first_to_run(void);

/* From now on, or not any more: with each lock of a directory that this process gets, somebody else
 * gets the locked descriptor, too, as a child does that is forked at this moment. */
void plx__test_shared_locks(bool is_shared);
/* Whether such a lock of the present directory was taken and has ended, though the other one still
 * has the descriptor, who closes it now. */
bool plx__test_lock_has_ended(void);

/* Gives the process mounts of its own. A code where that is not allowed. */
int plx__test_own_mounts(void);
/* Mounts a new, empty file system at the directory. */
int plx__test_mount(const char *directory);
/* Whether both files exist and have the same number, on whatever devices. */
bool plx__test_same_number(const char *file, const char *other);

#endif
