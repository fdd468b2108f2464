/* posix/process/inherited.c - the descriptors that a child is given, from both sides.
 *
 * The block is a section that the child inherits; an environment variable of its own, which the
 * child takes away, has the handle's number. Everything else is duplicated into the child while it
 * is suspended: handles by DuplicateHandle(), sockets by WSADuplicateSocketW(), which also works
 * where a layered service provider has made them.
 */
#include "posix/files/files.h"
#include "posix/process/spawn.h"
#include "posix/signal/signal.h"
#include "posix/socket/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By this section plx__spawn_is_ours() knows programs that have the layer. */
__attribute__((section(".plxposx"), used)) static const char mark[16] = "pollux-posix 1";

enum inherited_kind {
    INHERITED_NONE,
    INHERITED_DISK,
    INHERITED_STREAM,
    INHERITED_RANDOM,
    INHERITED_SOCKET
};

typedef struct inherited_socket {
    int family;
    int type;
    int protocol;
    uint32_t state;
    uint32_t marks;
    uint32_t error;
    uint64_t receive_timeout_ns;
    uint64_t send_timeout_ns;
    plx__local_names names;
    WSAPROTOCOL_INFOW info;
} inherited_socket;

typedef struct entry {
    int fd;
    int same; /* The index of another with the same open file; -1: none before it. */
    uint32_t kind;
    uint32_t flags;
    uint64_t handle; /* As the child knows it. */
    inherited_socket socket;
} entry;

/* What both sides see. */
typedef struct block {
    char mark[sizeof mark];
    uint32_t size; /* Of a entry: another build of the layer may have other ones. */
    uint32_t process;
    uint32_t count;
    volatile LONG died_of;
    volatile LONG64 signals; /* Sent, and not yet seen. */
    uint64_t event;          /* Set with them. */
    plx__sigset mask;
    plx__sigset ignored;
    entry entries[];
} block;

/* What only the parent has. */
struct plx__inherited_set {
    block *block;
    HANDLE event;
};

/* --- in the parent -------------------------------------------------------------------------- */

static enum inherited_kind kind_of(plx__file *file)
{
    if (plx__file_is_socket(file))
        return INHERITED_SOCKET;
    if (file->kind == &plx__random_kind)
        return INHERITED_RANDOM;
    if (file->kind == &plx__stream_kind || file->kind == &plx__pipe_kind)
        return INHERITED_STREAM;
    return file->handle != NULL && file->kind->mode == PLX__S_IFREG ? INHERITED_DISK
                                                                    : INHERITED_NONE;
}

bool plx__inherited_takes(plx__file *file)
{
    return kind_of(file) != INHERITED_NONE;
}

bool plx__inherited_prepare(plx__file *file, plx__file *const *held, int count)
{
    if (file->kind == &plx__pair_kind)
        (void)plx__pair_share(file, held, count);
    return plx__inherited_takes(file);
}

int plx__inherited_handle(plx__file *file, HANDLE *handle_out)
{
    *handle_out = NULL;
    if (file->kind == &plx__pipe_kind)
        return plx__pipe_share(file, handle_out);
    if (kind_of(file) == INHERITED_DISK || kind_of(file) == INHERITED_STREAM)
        *handle_out = file->handle;
    return 0;
}

plx__inherited_set *plx__inherited_make(size_t count, HANDLE *section_out)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    uint64_t size = sizeof(block) + count * sizeof(entry);
    plx__inherited_set *set = plx__allocate_zeroed(1, sizeof *set);
    if (set == NULL)
        return NULL;
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, &inherited, PAGE_READWRITE,
                                        (DWORD)(size >> 32), (DWORD)size, NULL);
    if (section != NULL)
        set->block = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    if (set->block != NULL)
        set->event = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (set->event != NULL) {
        *section_out = section;
        return set;
    }
    if (section != NULL)
        (void)CloseHandle(section);
    plx__inherited_close(set);
    return NULL;
}

void plx__inherited_close(plx__inherited_set *set)
{
    if (set == NULL)
        return;
    if (set->event != NULL)
        (void)CloseHandle(set->event);
    if (set->block != NULL)
        (void)UnmapViewOfFile(set->block);
    plx__free(set);
}

static int handle_give(HANDLE child, HANDLE handle, uint64_t *given_out)
{
    HANDLE given = NULL;
    if (!DuplicateHandle(GetCurrentProcess(), handle, child, &given, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return plx__errno_last();
    *given_out = (uint64_t)(uintptr_t)given;
    return 0;
}

static int socket_give(inherited_socket *to, HANDLE child, plx__file *file)
{
    plx__socket *from = plx__socket_of(file);
    to->family = from->family;
    to->type = from->type;
    to->protocol = from->protocol;
    to->state = plx__atomic_load_acquire(&from->state);
    to->marks = plx__atomic_load(&from->marks);
    to->error = plx__atomic_load(&from->error);
    to->receive_timeout_ns = from->receive_timeout_ns;
    to->send_timeout_ns = from->send_timeout_ns;
    plx__local_names_save(file, &to->names);
    if (WSADuplicateSocketW(plx__socket_handle(file), GetProcessId(child), &to->info) == 0)
        return 0;
    return plx__errno_last();
}

int plx__inherited_put(plx__inherited_set *set, HANDLE child, int fd, plx__file *file, int same)
{
    entry *to = &set->block->entries[set->block->count];
    HANDLE handle;
    int status = 0;
    memset(to, 0, sizeof *to);
    to->fd = fd;
    to->same = same;
    to->kind = kind_of(file);
    to->flags = plx__atomic_load(&file->flags);
    if (same < 0 && to->kind == INHERITED_SOCKET) {
        status = socket_give(&to->socket, child, file);
    } else if (same < 0 && to->kind != INHERITED_RANDOM) {
        status = plx__inherited_handle(file, &handle);
        if (status == 0)
            status = handle_give(child, handle, &to->handle);
    }
    set->block->count += status == 0;
    return status;
}

int plx__inherited_finish(plx__inherited_set *set, HANDLE child, plx__sigset mask,
                          plx__sigset ignored)
{
    block *shared = set->block;
    shared->mask = mask;
    shared->ignored = ignored;
    shared->size = sizeof(entry);
    shared->process = GetProcessId(child);
    memcpy(shared->mark, mark, sizeof mark);
    return handle_give(child, set->event, &shared->event);
}

void plx__inherited_signal(plx__inherited_set *set, int number)
{
    (void)InterlockedOr64(&set->block->signals, (LONG64)(UINT64_C(1) << (number - 1)));
    (void)SetEvent(set->event);
}

int plx__inherited_died_of(const plx__inherited_set *set)
{
    return (int)set->block->died_of;
}

/* --- in the child --------------------------------------------------------------------------- */

static block *own; /* Ours, for as long as the process lives. */

static plx__file *socket_take(inherited_socket *from, unsigned flags)
{
    SOCKET handle = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                               &from->info, 0, WSA_FLAG_OVERLAPPED);
    if (handle == INVALID_SOCKET)
        return NULL;
    (void)SetHandleInformation((HANDLE)handle, HANDLE_FLAG_INHERIT, 0);
    plx__file *file = plx__socket_wrap(handle, from->family, from->type, from->protocol, flags);
    if (file == NULL)
        return NULL;
    plx__socket *socket = plx__socket_of(file);
    plx__atomic_store(&socket->state, from->state);
    plx__atomic_store(&socket->marks, from->marks);
    plx__atomic_store(&socket->error, from->error);
    socket->receive_timeout_ns = from->receive_timeout_ns;
    socket->send_timeout_ns = from->send_timeout_ns;
    plx__local_names_load(file, &from->names);
    return file;
}

static plx__file *heir_take(entry *from)
{
    const plx__file_kind *kind = from->kind == INHERITED_DISK     ? &plx__disk_kind
                                 : from->kind == INHERITED_STREAM ? &plx__stream_kind
                                 : from->kind == INHERITED_RANDOM ? &plx__random_kind
                                                                  : NULL;
    if (from->kind == INHERITED_SOCKET)
        return socket_take(&from->socket, from->flags);
    plx__file *file = kind != NULL ? plx__file_make(kind, from->flags) : NULL;
    if (file != NULL)
        file->handle = (HANDLE)(uintptr_t)from->handle;
    return file;
}

/* The view, once it is known to be meant for this process. */
static block *inherited_find(void)
{
    wchar_t text[32];
    wchar_t *end;
    DWORD length = GetEnvironmentVariableW(PLX__INHERITED_VARIABLE, text, 32);
    if (length == 0 || length >= 32)
        return NULL;
    (void)_putenv_s(PLX__INHERITED_NAME, ""); /* The C library's own copy. */
    (void)SetEnvironmentVariableW(PLX__INHERITED_VARIABLE, NULL);
    HANDLE section = (HANDLE)(uintptr_t)wcstoul(text, &end, 16);
    block *set = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    if (set == NULL)
        return NULL;
    if (memcmp(set->mark, mark, sizeof mark) == 0 && set->size == sizeof(entry) &&
        set->process == GetCurrentProcessId()) {
        (void)CloseHandle(section);
        return set;
    }
    (void)UnmapViewOfFile(set);
    return NULL;
}

/* What signals_run() is given. */
typedef struct listening {
    HANDLE event;
    HANDLE begun;
} listening;

static DWORD WINAPI signals_run(void *data)
{
    HANDLE event = ((const listening *)data)->event;
    (void)SetEvent(((const listening *)data)->begun);
    while (WaitForSingleObject(event, INFINITE) == WAIT_OBJECT_0) {
        uint64_t bits = (uint64_t)InterlockedExchange64(&own->signals, 0);
        for (; bits != 0; bits &= bits - 1)
            plx__signal_post(__builtin_ctzll(bits) + 1);
    }
    return 0;
}

/* Without a thread, it is only that kill() is not heard. It has begun when this returns: Wine 8 now
 * and then hangs in the end of a process some of whose threads are just beginning, as those of the
 * system's pool may be at any time. */
static void signals_listen(HANDLE event)
{
    listening given = {event, CreateEventW(NULL, TRUE, FALSE, NULL)};
    if (given.begun == NULL)
        return;
    HANDLE thread = CreateThread(NULL, 0, signals_run, &given, 0, NULL);
    if (thread != NULL) {
        (void)WaitForSingleObject(given.begun, INFINITE);
        (void)CloseHandle(thread);
    }
    (void)CloseHandle(given.begun);
}

bool plx__inherited_enter(void)
{
    block *set = inherited_find();
    if (set == NULL)
        return false;
    plx__file **made = plx__allocate_zeroed(set->count + 1, sizeof *made);
    for (uint32_t i = 0; made != NULL && i < set->count; i++) {
        entry *from = &set->entries[i];
        if (from->same >= 0 && (uint32_t)from->same < i)
            made[i] = made[from->same];
        else
            made[i] = heir_take(from);
        if (made[i] == NULL)
            continue;
        if (from->same >= 0)
            plx__file_take(made[i]);
        (void)plx__fd_put(from->fd, made[i], false);
    }
    plx__free(made);
    plx__signals_inherit(set->mask, set->ignored);
    own = set;
    signals_listen((HANDLE)(uintptr_t)set->event);
    return true;
}

void plx__inherited_die(int number)
{
    if (own != NULL)
        own->died_of = number;
}
