/* posix/stdio/pump.c - see pump.h.
 *
 * The system's pipe has a quota of 0 bytes, so that a write ends when all of it has been read
 * ("CreateNamedPipeW", remarks on buffer sizes). Hence: bytes are looked at in the file (MSG_PEEK),
 * written, and taken from the file after that. The other way, a read of no bytes ends when there
 * are some (as in libuv's pipes), and they are read and sent under a lock; so whoever gets the lock
 * after his write has ended finds them sent.
 */
#include "posix/stdio/pump.h"
#include "posix/io/io.h"
#include "posix/signal/signal.h"
#include "posix/socket/socket.h"
#include "posix/stdio/stdio.h"
#include "posix/wait/wait.h"

#include <stdio.h>
#include <string.h>

#define STACK_BYTES (128 * 1024)
#define PIECE_BYTES 4096
#define ENDS_MAX    64

struct plx__pump {
    plx__atomic_u32 references;
    plx__file *file;
    HANDLE pipe;  /* Our end: overlapped. NULL once it has been closed, for the other to see. */
    SRWLOCK lock; /* Over sending, and over closing the pipe. */
    int error;    /* What sending met. */
    HANDLE stop_event;
    HANDLE hold_event;
    SRWLOCK turn_lock; /* Over taking: the two below. */
    CONDITION_VARIABLE turn_changed;
    unsigned holders;
    bool is_taking;
    struct plx__pump *next; /* Of those that take. */
    plx__file stop;         /* What poll() is asked for beside the file. Never put. */
    plx__atomic_u32 is_stopped;
    HANDLE threads[2];
};

static SRWLOCK list_lock = SRWLOCK_INIT;
static plx__pump *list; /* Those that take. */

static unsigned stop_ready(plx__file *file)
{
    plx__pump *pump = file->data;
    return plx__atomic_load_acquire(&pump->is_stopped) != 0 ? PLX__POLLIN : 0;
}

static const plx__file_kind stop_kind = {.ready = stop_ready};

static void pump_put(plx__pump *pump)
{
    if (plx__atomic_add(&pump->references, UINT32_MAX) != 1)
        return;
    for (int i = 0; i < 2; i++) {
        if (pump->threads[i] != NULL)
            (void)CloseHandle(pump->threads[i]);
    }
    if (pump->pipe != NULL)
        (void)CloseHandle(pump->pipe);
    (void)CloseHandle(pump->stop_event);
    (void)CloseHandle(pump->hold_event);
    plx__file_put(pump->file);
    plx__free(pump);
}

/* By the only thread that uses it: who reads finds the end, who writes a broken pipe. */
static void pipe_close(plx__pump *pump)
{
    AcquireSRWLockExclusive(&pump->lock);
    (void)CloseHandle(pump->pipe);
    pump->pipe = NULL;
    ReleaseSRWLockExclusive(&pump->lock);
}

/* Waits for what was started on the pipe: how many bytes; -1 at the end of all, or when it was
 * called off, of which nothing has been read then: streams read pieces whole. */
static long pipe_wait(plx__pump *pump, OVERLAPPED *of, BOOL is_done, bool is_taking)
{
    HANDLE events[3] = {of->hEvent, pump->stop_event, pump->hold_event};
    DWORD count = is_taking ? 3 : 2;
    DWORD moved = 0;
    if (!is_done && GetLastError() != ERROR_IO_PENDING)
        return -1;
    if (!is_done && WaitForMultipleObjects(count, events, FALSE, INFINITE) != WAIT_OBJECT_0)
        (void)CancelIoEx(pump->pipe, of);
    return GetOverlappedResult(pump->pipe, of, &moved, TRUE) ? (long)moved : -1;
}

static long pipe_read(plx__pump *pump, OVERLAPPED *of, void *bytes, DWORD size)
{
    return pipe_wait(pump, of, ReadFile(pump->pipe, bytes, size, NULL, of), false);
}

static long pipe_write(plx__pump *pump, OVERLAPPED *of, const void *bytes, DWORD size)
{
    return pipe_wait(pump, of, WriteFile(pump->pipe, bytes, size, NULL, of), true);
}

/* --- from the file to the pipe --------------------------------------------------------------- */

static ptrdiff_t file_take(plx__file *file, void *bytes, size_t size, int flags)
{
    if (plx__file_is_socket(file))
        return plx__socket_receive_from(file, bytes, size, flags, NULL, NULL, NULL);
    if (file->kind == &plx__pipe_kind || file->kind == &plx__pair_kind)
        return plx__channel_receive(file, bytes, size, flags, NULL);
    return file->kind->read(file, bytes, size);
}

static bool file_can_peek(const plx__file *file)
{
    return plx__file_is_socket(file) || file->kind == &plx__pipe_kind ||
           file->kind == &plx__pair_kind;
}

/* What other readers have taken meanwhile is not there any more. */
static void file_drop(plx__file *file, size_t count)
{
    char bytes[PIECE_BYTES];
    while (count > 0) {
        ptrdiff_t taken = file_take(file, bytes, count, PLX__MSG_DONTWAIT);
        if (taken <= 0)
            return;
        count -= (size_t)taken;
    }
}

static bool file_wait(plx__pump *pump, unsigned events)
{
    plx__poll_item items[2] = {{pump->file, events, 0, 0}, {&pump->stop, PLX__POLLIN, 0, 0}};
    return plx__wait(items, 2, PLX_FOREVER, true) > 0 && items[1].revents == 0;
}

/* The end, for readers that may still write: a message of no bytes is what a read finds then. They
 * are as many as anybody should want to read. */
static void end_tell(plx__pump *pump, OVERLAPPED *of)
{
    for (int i = 0; i < ENDS_MAX; i++) {
        if (pipe_write(pump, of, "", 0) < 0)
            return;
    }
}

/* From here until turn_end() the file and the pipe may both have what is under way. False: it is to
 * stop. */
static bool turn_begin(plx__pump *pump)
{
    AcquireSRWLockExclusive(&pump->turn_lock);
    while (pump->holders > 0 && plx__atomic_load_acquire(&pump->is_stopped) == 0)
        (void)SleepConditionVariableSRW(&pump->turn_changed, &pump->turn_lock, INFINITE, 0);
    (void)ResetEvent(pump->hold_event);
    pump->is_taking = true;
    ReleaseSRWLockExclusive(&pump->turn_lock);
    return plx__atomic_load_acquire(&pump->is_stopped) == 0;
}

static void turn_end(plx__pump *pump)
{
    AcquireSRWLockExclusive(&pump->turn_lock);
    pump->is_taking = false;
    ReleaseSRWLockExclusive(&pump->turn_lock);
    WakeAllConditionVariable(&pump->turn_changed);
}

/* One piece. False at the end, of the file or of the stream. */
static bool piece_take(plx__pump *pump, OVERLAPPED *of)
{
    char bytes[PIECE_BYTES];
    bool peeks = file_can_peek(pump->file);
    int flags = PLX__MSG_DONTWAIT | (peeks ? PLX__MSG_PEEK : 0);
    ptrdiff_t got = file_take(pump->file, bytes, sizeof bytes, flags);
    if (got == -EAGAIN || got == -EINTR)
        return true;
    if (got <= 0)
        return false;
    long moved = pipe_write(pump, of, bytes, (DWORD)got);
    if (moved > 0 && peeks)
        file_drop(pump->file, (size_t)moved);
    return moved == got || WaitForSingleObject(pump->hold_event, 0) == WAIT_OBJECT_0;
}

static DWORD WINAPI take_run(void *data)
{
    plx__pump *pump = data;
    OVERLAPPED of;
    bool goes_on = true;
    memset(&of, 0, sizeof of);
    of.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    plx__signals_mask_set(UINT64_MAX); /* Handlers are for the program's own threads. */
    while (goes_on && of.hEvent != NULL && file_wait(pump, PLX__POLLIN)) {
        goes_on = turn_begin(pump) && piece_take(pump, &of);
        turn_end(pump);
    }
    if (pump->threads[1] != NULL)
        end_tell(pump, &of);
    else
        pipe_close(pump);
    if (of.hEvent != NULL)
        (void)CloseHandle(of.hEvent);
    pump_put(pump);
    return 0;
}

static void list_add(plx__pump *pump)
{
    AcquireSRWLockExclusive(&list_lock);
    pump->next = list;
    list = pump;
    (void)plx__atomic_add(&pump->file->pumps, 1);
    ReleaseSRWLockExclusive(&list_lock);
}

static void list_drop(plx__pump *pump)
{
    AcquireSRWLockExclusive(&list_lock);
    plx__pump **at = &list;
    while (*at != NULL && *at != pump)
        at = &(*at)->next;
    if (*at != NULL) {
        *at = pump->next;
        (void)plx__atomic_add(&pump->file->pumps, UINT32_MAX);
    }
    ReleaseSRWLockExclusive(&list_lock);
}

static void hold(plx__pump *pump)
{
    AcquireSRWLockExclusive(&pump->turn_lock);
    pump->holders++;
    (void)SetEvent(pump->hold_event);
    while (pump->is_taking)
        (void)SleepConditionVariableSRW(&pump->turn_changed, &pump->turn_lock, INFINITE, 0);
    ReleaseSRWLockExclusive(&pump->turn_lock);
}

static void release(plx__pump *pump)
{
    AcquireSRWLockExclusive(&pump->turn_lock);
    pump->holders -= pump->holders > 0; /* It may have been made since. */
    ReleaseSRWLockExclusive(&pump->turn_lock);
    WakeAllConditionVariable(&pump->turn_changed);
}

void plx__pumps_hold(plx__file *file)
{
    AcquireSRWLockShared(&list_lock);
    for (plx__pump *at = list; at != NULL; at = at->next) {
        if (at->file == file)
            hold(at);
    }
    ReleaseSRWLockShared(&list_lock);
}

void plx__pumps_release(plx__file *file)
{
    AcquireSRWLockShared(&list_lock);
    for (plx__pump *at = list; at != NULL; at = at->next) {
        if (at->file == file)
            release(at);
    }
    ReleaseSRWLockShared(&list_lock);
}

/* --- from the pipe to the file --------------------------------------------------------------- */

static int file_send(plx__pump *pump, const char *bytes, size_t size)
{
    size_t sent = 0;
    while (sent < size) {
        ptrdiff_t taken = plx__file_write(pump->file, bytes + sent, size - sent);
        if (taken >= 0)
            sent += (size_t)taken;
        else if (taken == -EAGAIN && !file_wait(pump, PLX__POLLOUT))
            return -ECANCELED;
        else if (taken != -EAGAIN && taken != -EINTR)
            return (int)taken;
    }
    return 0;
}

static DWORD WINAPI send_run(void *data)
{
    plx__pump *pump = data;
    char bytes[PIECE_BYTES];
    OVERLAPPED of;
    int status = 0;
    memset(&of, 0, sizeof of);
    of.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    plx__signals_mask_set(UINT64_MAX);
    while (status == 0 && of.hEvent != NULL && pipe_read(pump, &of, bytes, 0) >= 0) {
        DWORD waiting = 0;
        AcquireSRWLockExclusive(&pump->lock);
        while (status == 0 && PeekNamedPipe(pump->pipe, NULL, 0, NULL, &waiting, NULL) &&
               waiting > 0) {
            long got = pipe_read(pump, &of, bytes, sizeof bytes);
            status = got >= 0 ? file_send(pump, bytes, (size_t)got) : -EPIPE;
        }
        pump->error = status;
        ReleaseSRWLockExclusive(&pump->lock);
    }
    if (pump->threads[0] == NULL)
        pipe_close(pump);
    if (of.hEvent != NULL)
        (void)CloseHandle(of.hEvent);
    pump_put(pump);
    return 0;
}

int plx__pump_drain(plx__pump *pump)
{
    for (;;) {
        DWORD waiting = 0;
        AcquireSRWLockExclusive(&pump->lock);
        int error = pump->error;
        bool is_empty = pump->threads[1] == NULL || pump->pipe == NULL || error != 0 ||
                        !PeekNamedPipe(pump->pipe, NULL, 0, NULL, &waiting, NULL) || waiting == 0;
        if (is_empty)
            pump->error = 0;
        ReleaseSRWLockExclusive(&pump->lock);
        if (is_empty)
            return error;
        (void)SwitchToThread(); /* Its thread has been told, and is on its way to the lock. */
    }
}

static void pump_stop(plx__pump *pump)
{
    plx__atomic_store_release(&pump->is_stopped, 1);
    (void)SetEvent(pump->stop_event);
    AcquireSRWLockExclusive(&pump->turn_lock);
    WakeAllConditionVariable(&pump->turn_changed);
    ReleaseSRWLockExclusive(&pump->turn_lock);
    plx__file_notify(&pump->stop);
}

int plx__pump_end(plx__pump *pump)
{
    list_drop(pump);
    if (pump->threads[1] != NULL && pump->threads[0] == NULL)
        (void)WaitForSingleObject(pump->threads[1], INFINITE);
    int error = plx__pump_drain(pump);
    pump_stop(pump);
    for (int i = 0; i < 2; i++) {
        if (pump->threads[i] != NULL)
            (void)WaitForSingleObject(pump->threads[i], INFINITE);
    }
    pump_put(pump);
    return error;
}

void plx__pump_leave(plx__pump *pump)
{
    list_drop(pump);
    if (pump->threads[1] == NULL)
        pump_stop(pump);
    pump_put(pump);
}

/* --- making one ------------------------------------------------------------------------------ */

/* A name that nobody knows before, for a pipe that takes no second and no remote client. */
static int pipe_make(unsigned access, HANDLE *ours_out, HANDLE *other_out)
{
    static plx__atomic_u32 count;
    wchar_t name[96];
    LARGE_INTEGER now;
    (void)QueryPerformanceCounter(&now);
    (void)swprintf(name, sizeof name / sizeof name[0], L"\\\\.\\pipe\\pollux-posix-%lu-%lu-%lx",
                   GetCurrentProcessId(), (unsigned long)plx__atomic_add(&count, 1), now.LowPart);
    DWORD ours = access == PLX__O_RDONLY   ? PIPE_ACCESS_OUTBOUND
                 : access == PLX__O_WRONLY ? PIPE_ACCESS_INBOUND
                                           : PIPE_ACCESS_DUPLEX;
    DWORD other = access == PLX__O_RDONLY   ? GENERIC_READ
                  : access == PLX__O_WRONLY ? GENERIC_WRITE
                                            : GENERIC_READ | GENERIC_WRITE;
    *ours_out = CreateNamedPipeW(name, ours | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                 (access == PLX__O_RDWR ? PIPE_TYPE_MESSAGE : PIPE_TYPE_BYTE) |
                                     PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                                 1, 0, 0, 0, NULL);
    if (*ours_out == INVALID_HANDLE_VALUE)
        return plx__errno_last();
    *other_out = CreateFileW(name, other | FILE_READ_ATTRIBUTES, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (*other_out != INVALID_HANDLE_VALUE)
        return 0;
    int status = plx__errno_last();
    (void)CloseHandle(*ours_out);
    return status;
}

static int thread_make(plx__pump *pump, int index, LPTHREAD_START_ROUTINE run)
{
    (void)plx__atomic_add(&pump->references, 1);
    pump->threads[index] = CreateThread(NULL, STACK_BYTES, run, pump,
                                        STACK_SIZE_PARAM_IS_A_RESERVATION | CREATE_SUSPENDED, NULL);
    if (pump->threads[index] != NULL)
        return 0;
    (void)plx__atomic_add(&pump->references, UINT32_MAX);
    return -EAGAIN;
}

static int threads_make(plx__pump *pump, unsigned access)
{
    int status = access != PLX__O_WRONLY ? thread_make(pump, 0, take_run) : 0;
    if (status == 0 && access != PLX__O_RDONLY)
        status = thread_make(pump, 1, send_run);
    if (status != 0)
        pump_stop(pump);
    for (int i = 0; i < 2; i++) {
        if (pump->threads[i] != NULL)
            (void)ResumeThread(pump->threads[i]);
    }
    return status;
}

int plx__pump_make(plx__file *file, unsigned access, plx__pump **pump_out, HANDLE *other_out)
{
    plx__pump *pump = plx__allocate_zeroed(1, sizeof *pump);
    if (pump == NULL)
        return -ENOMEM;
    int status = -ENOMEM;
    pump->stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    pump->hold_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (pump->stop_event != NULL && pump->hold_event != NULL)
        status = pipe_make(access, &pump->pipe, other_out);
    if (status != 0) {
        if (pump->stop_event != NULL)
            (void)CloseHandle(pump->stop_event);
        if (pump->hold_event != NULL)
            (void)CloseHandle(pump->hold_event);
        plx__free(pump);
        return status;
    }
    InitializeSRWLock(&pump->lock);
    plx__atomic_store(&pump->references, 1);
    plx__atomic_store(&pump->stop.references, 1);
    pump->stop.kind = &stop_kind;
    pump->stop.data = pump;
    pump->file = file;
    plx__file_take(file);
    status = threads_make(pump, access);
    if (status == 0) {
        if (access != PLX__O_WRONLY && file_can_peek(file))
            list_add(pump);
        *pump_out = pump;
        return 0;
    }
    (void)CloseHandle(*other_out);
    pump_put(pump);
    return status;
}
