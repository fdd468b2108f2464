/* posix/pipe/pipe_share.c - pipes that a child has been given an end of.
 *
 * Such a pipe becomes one of the system's, for good. Here, its ends stay what they were: a thread
 * moves what children write into the ring that is read from, another what is written here into the
 * system's pipe. Each starts when its end is first used here, and never otherwise: a pipe between
 * two children is theirs alone, lives on without us, and nothing is read ahead that is another's.
 *
 * The handles are synchronous, as programs want their standard streams. While a thread of ours
 * reads from one, everything else that is asked of the same pipe's end waits, in all processes; so
 * nothing is ever asked: what kind of handle it is, a child is told (inherited.c).
 */
#include "posix/pipe/channel.h"

#include <string.h>

#define STACK_BYTES (64 * 1024)
#define PIECE_BYTES (16 * 1024)
#define TRIES       1000

typedef struct plx__pipe_share {
    HANDLE handles[2]; /* To read from, to write to; NULL once closed here. */
    HANDLE threads[2];
    CONDITION_VARIABLE changed;
    plx__atomic_u32 is_reading; /* Its thread is in the system's call, or about to be. */
    bool is_busy;               /* Something has been written that the system has not yet. */
} share;

/* Pipes that are busy, which the process must not end before. */
static SRWLOCK busy_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE busy_changed = CONDITION_VARIABLE_INIT;
static unsigned busy;

static void busy_set(share *of, bool is_busy)
{
    if (of->is_busy == is_busy)
        return;
    of->is_busy = is_busy;
    AcquireSRWLockExclusive(&busy_lock);
    busy += is_busy ? 1u : UINT32_MAX;
    ReleaseSRWLockExclusive(&busy_lock);
    WakeAllConditionVariable(&busy_changed);
}

void plx__pipes_flush(void)
{
    AcquireSRWLockExclusive(&busy_lock);
    while (busy > 0)
        (void)SleepConditionVariableSRW(&busy_changed, &busy_lock, INFINITE, 0);
    ReleaseSRWLockExclusive(&busy_lock);
}

static void handle_end(share *of, int index)
{
    if (of->handles[index] != NULL)
        (void)CloseHandle(of->handles[index]);
    of->handles[index] = NULL;
}

/* --- from the system's pipe to the ring ------------------------------------------------------ */

/* Waits for room, and how much there is: 0 once nobody reads here any more. */
static size_t room_wait(plx__channel *whole)
{
    share *of = whole->share;
    plx__ring *to = &whole->rings[0];
    while (to->count == PLX__RING_BYTES && !to->reader_is_gone)
        (void)SleepConditionVariableSRW(&of->changed, &whole->lock, INFINITE, 0);
    if (to->reader_is_gone)
        return 0;
    size_t room = PLX__RING_BYTES - to->count;
    return room < PIECE_BYTES ? room : PIECE_BYTES;
}

static DWORD WINAPI reader_run(void *data)
{
    plx__channel *whole = data;
    share *of = whole->share;
    plx__ring *to = &whole->rings[0];
    unsigned char piece[PIECE_BYTES];
    AcquireSRWLockExclusive(&whole->lock);
    size_t room;
    while ((room = room_wait(whole)) > 0) {
        DWORD got = 0;
        HANDLE from = of->handles[0];
        plx__atomic_store(&of->is_reading, 1);
        ReleaseSRWLockExclusive(&whole->lock);
        BOOL is_read = ReadFile(from, piece, (DWORD)room, &got, NULL);
        plx__atomic_store(&of->is_reading, 0);
        AcquireSRWLockExclusive(&whole->lock);
        if (!is_read)
            break;
        plx__ring_copy_in(to, piece, got);
        if (got > 0 && whole->files[0] != NULL)
            plx__file_notify(whole->files[0]);
    }
    to->writer_is_gone = true;
    if (whole->files[0] != NULL)
        plx__file_notify(whole->files[0]);
    handle_end(of, 0);
    ReleaseSRWLockExclusive(&whole->lock);
    plx__channel_put(whole);
    return 0;
}

/* --- from the ring to the system's pipe ------------------------------------------------------ */

static DWORD WINAPI writer_run(void *data)
{
    plx__channel *whole = data;
    share *of = whole->share;
    plx__ring *from = &whole->rings[1];
    unsigned char piece[PIECE_BYTES];
    AcquireSRWLockExclusive(&whole->lock);
    for (;;) {
        while (from->count == 0 && !from->writer_is_gone)
            (void)SleepConditionVariableSRW(&of->changed, &whole->lock, INFINITE, 0);
        if (from->count == 0)
            break;
        DWORD written = 0;
        HANDLE to = of->handles[1];
        size_t count = from->count < sizeof piece ? from->count : sizeof piece;
        plx__ring_copy_out(from, 0, piece, count);
        ReleaseSRWLockExclusive(&whole->lock);
        BOOL is_written = WriteFile(to, piece, (DWORD)count, &written, NULL);
        AcquireSRWLockExclusive(&whole->lock);
        from->reader_is_gone = !is_written;
        plx__ring_drop(from, is_written ? count : from->count);
        if (whole->files[1] != NULL)
            plx__file_notify(whole->files[1]);
        if (from->count == 0)
            busy_set(of, false);
        if (!is_written)
            break;
    }
    handle_end(of, 1);
    ReleaseSRWLockExclusive(&whole->lock);
    plx__channel_put(whole);
    return 0;
}

/* --- the share ------------------------------------------------------------------------------ */

/* Without a thread nothing can be moved, and the end is as good as broken. */
static void thread_start(plx__channel *whole, int index, LPTHREAD_START_ROUTINE run)
{
    share *of = whole->share;
    if (of->threads[index] != NULL || of->handles[index] == NULL)
        return;
    (void)plx__atomic_add(&whole->ends, 1);
    of->threads[index] =
        CreateThread(NULL, STACK_BYTES, run, whole, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (of->threads[index] != NULL)
        return;
    (void)plx__atomic_add(&whole->ends, UINT32_MAX);
    handle_end(of, index);
    if (index == 0)
        whole->rings[0].writer_is_gone = true;
    else
        whole->rings[1].reader_is_gone = true;
    busy_set(of, false);
}

void plx__pipe_share_read(plx__channel *whole)
{
    plx__ring *to = &whole->rings[0];
    if (to->bytes == NULL)
        to->bytes = plx__allocate(PLX__RING_BYTES);
    if (to->bytes != NULL)
        thread_start(whole, 0, reader_run);
}

void plx__pipe_share_write(plx__channel *whole)
{
    busy_set(whole->share, true);
    thread_start(whole, 1, writer_run);
    WakeAllConditionVariable(&whole->share->changed);
}

void plx__pipe_share_room(plx__channel *whole)
{
    WakeAllConditionVariable(&whole->share->changed);
}

void plx__pipe_share_end(plx__channel *whole, int index)
{
    share *of = whole->share;
    if (index == 0)
        whole->rings[0].reader_is_gone = true;
    else
        whole->rings[1].writer_is_gone = true;
    WakeAllConditionVariable(&of->changed);
    if (of->threads[index] == NULL)
        handle_end(of, index);
}

/* The end of the reading thread's wait. It may not have come to the system's call yet, so that
 * there is nothing to cancel: hence again (CancelSynchronousIo: "If this function cannot find a
 * request to cancel, the return value is 0"). */
void plx__pipe_share_cancel(plx__channel *whole)
{
    share *of = whole->share;
    for (int i = 0; i < TRIES && plx__atomic_load(&of->is_reading) != 0; i++) {
        (void)CancelSynchronousIo(of->threads[0]);
        if (WaitForSingleObject(of->threads[0], 1) == WAIT_OBJECT_0)
            break;
    }
}

void plx__pipe_share_free(share *of)
{
    if (of == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        handle_end(of, i);
        if (of->threads[i] != NULL)
            (void)CloseHandle(of->threads[i]);
    }
    plx__free(of);
}

/* What has been written and not read goes into the system's pipe. */
static void share_begin(plx__channel *whole, share *of)
{
    whole->rings[1] = whole->rings[0];
    memset(&whole->rings[0], 0, sizeof whole->rings[0]);
    whole->rings[0].reader_is_gone = whole->rings[1].reader_is_gone;
    whole->rings[1].reader_is_gone = false;
    whole->share = of;
    if (whole->rings[0].reader_is_gone)
        handle_end(of, 0);
    if (whole->rings[1].count > 0)
        plx__pipe_share_write(whole);
    else if (whole->rings[1].writer_is_gone)
        handle_end(of, 1);
}

int plx__pipe_share(plx__file *file, HANDLE *handle_out)
{
    plx__channel_end *end = plx__channel_end_of(file);
    plx__channel *whole = end->channel;
    int status = 0;
    AcquireSRWLockExclusive(&whole->lock);
    if (whole->share == NULL) {
        share *of = plx__allocate_zeroed(1, sizeof *of);
        if (of == NULL)
            status = -ENOMEM;
        else if (!CreatePipe(&of->handles[0], &of->handles[1], NULL, PLX__RING_BYTES))
            status = plx__errno_last();
        if (status == 0)
            share_begin(whole, of);
        else
            plx__free(of);
    }
    if (status == 0) {
        *handle_out = whole->share->handles[end->index];
        status = *handle_out != NULL ? 0 : -EPIPE;
    }
    ReleaseSRWLockExclusive(&whole->lock);
    return status;
}
