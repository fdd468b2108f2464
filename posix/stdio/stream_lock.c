/* posix/stdio/stream_lock.c - flockfile() and its kin.
 *
 * The C library has a lock for each stream, and no call that only tries. So who has it by
 * flockfile() is remembered here.
 */
#include "posix/stdio/stdio.h"

#include <stdio.h>

enum { HELD_MAX = 256 };

typedef struct held {
    FILE *stream; /* NULL: a free slot. */
    DWORD thread;
    unsigned count;
} held;

static SRWLOCK lock = SRWLOCK_INIT;
static held all[HELD_MAX];

/* The slot of the stream, or a free one; NULL: none is left. */
static held *slot_find(const FILE *stream)
{
    held *free_slot = NULL;
    for (int i = 0; i < HELD_MAX; i++) {
        if (all[i].stream == stream)
            return &all[i];
        if (all[i].stream == NULL && free_slot == NULL)
            free_slot = &all[i];
    }
    return free_slot;
}

static void remember(FILE *stream)
{
    AcquireSRWLockExclusive(&lock);
    held *slot = slot_find(stream);
    if (slot != NULL) {
        slot->stream = stream;
        slot->thread = GetCurrentThreadId();
        slot->count++;
    }
    ReleaseSRWLockExclusive(&lock);
}

PLX__CALL void plx_posix_flockfile(FILE *stream)
{
    _lock_file(stream);
    remember(stream);
}

PLX__CALL void plx_posix_funlockfile(FILE *stream)
{
    AcquireSRWLockExclusive(&lock);
    held *slot = slot_find(stream);
    if (slot != NULL && slot->stream != NULL && --slot->count == 0)
        slot->stream = NULL;
    ReleaseSRWLockExclusive(&lock);
    _unlock_file(stream);
}

/* Before it is closed: a lock of this thread's ends with it. */
void plx__stream_lock_leave(FILE *stream)
{
    unsigned count = 0;
    AcquireSRWLockExclusive(&lock);
    held *slot = slot_find(stream);
    if (slot != NULL && slot->stream != NULL && slot->thread == GetCurrentThreadId()) {
        count = slot->count;
        *slot = (held){.stream = NULL};
    }
    ReleaseSRWLockExclusive(&lock);
    for (; count > 0; count--)
        _unlock_file(stream);
}

PLX__CALL int plx_posix_ftrylockfile(FILE *stream)
{
    AcquireSRWLockShared(&lock);
    const held *slot = slot_find(stream);
    bool is_others = slot != NULL && slot->stream != NULL && slot->thread != GetCurrentThreadId();
    ReleaseSRWLockShared(&lock);
    if (is_others)
        return -1;
    plx_posix_flockfile(stream);
    return 0;
}
