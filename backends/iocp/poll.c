/* backends/iocp/poll.c - the readiness of sockets that are not joined to the port.
 *
 * WSAPoll and select() end in a request to AFD, the driver under Winsock: IOCTL_AFD_POLL. Sent to a
 * handle of the driver that is joined to our port, it completes there, and the socket that it asks
 * about stays as its owner has it. The request is not in Microsoft's documentation; wepoll, libuv,
 * mio, c-ares and trio all live on it, and its numbers here are theirs.
 *
 * A poll tells once. A watch asks again before each wait, which makes it level-triggered. No more
 * than one poll asks about a socket at a time: two get in each other's way (trio #52, wepoll #35).
 * One that asks for too little is cancelled, and asks again when it has come back; a watch that
 * follows upon another of the same socket waits until that one's poll has.
 */
#include "backends/iocp/iocp.h"

#include <string.h>
#include <winternl.h>

#include "platform/fault.h"

#define IOCTL_AFD_POLL 0x00012024u

#define AFD_POLL_RECEIVE      0x0001u
#define AFD_POLL_SEND         0x0004u
#define AFD_POLL_DISCONNECT   0x0008u /* The peer has shut its side. */
#define AFD_POLL_ABORT        0x0010u
#define AFD_POLL_LOCAL_CLOSE  0x0020u /* The handle that was asked about has been closed. */
#define AFD_POLL_ACCEPT       0x0080u
#define AFD_POLL_CONNECT_FAIL 0x0100u

#define EVENTS_READABLE (AFD_POLL_RECEIVE | AFD_POLL_DISCONNECT | AFD_POLL_ACCEPT)
#define EVENTS_FAILED   (AFD_POLL_ABORT | AFD_POLL_CONNECT_FAIL)

/* Cancelling walks the polls of a device, so each has no more than this (wepoll, mio). */
#define DEVICE_POLLS_MAX 32u

#define CODE_PENDING   ((NTSTATUS)0x00000103)
#define CODE_CANCELLED ((NTSTATUS)0xC0000120)
#define CODE_STARVED   ((NTSTATUS)0xC000009A) /* STATUS_INSUFFICIENT_RESOURCES */

/* Not in every SDK (mswsock.h). */
#ifndef SIO_BASE_HANDLE
#define SIO_BASE_HANDLE _WSAIOR(IOC_WS2, 34)
#endif
#ifndef SIO_BSP_HANDLE_POLL
#define SIO_BSP_HANDLE_POLL _WSAIOR(IOC_WS2, 29)
#endif

typedef struct afd_poll_info {
    LARGE_INTEGER timeout;
    ULONG count;
    ULONG is_exclusive;
    HANDLE handle;
    ULONG events;
    NTSTATUS status;
} afd_poll_info;

typedef struct plx__iocp_device {
    struct plx__iocp_device *next;
    HANDLE handle;
    uint32_t polls; /* Made for it, in use or not. */
} plx__iocp_device;

typedef struct plx__iocp_poll {
    plx__iocp_op op;             /* First. */
    struct plx__iocp_poll *next; /* Among the free, or the abandoned. */
    plx__iocp_device *device;
    SOCKET base; /* The kernel's own handle of the socket. */
    uint32_t asked;
    bool is_cancelled;
    afd_poll_info info;
} plx__iocp_poll;

_Static_assert(sizeof(IO_STATUS_BLOCK) <= offsetof(OVERLAPPED, Offset),
               "an OVERLAPPED begins with an IO_STATUS_BLOCK");

/* --- what ntdll.dll exports and no import library has everywhere -------------------------------
 */

typedef NTSTATUS(NTAPI *nt_create_file_fn)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *,
                                           IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG, ULONG,
                                           ULONG, void *, ULONG);
typedef NTSTATUS(NTAPI *nt_device_io_control_file_fn)(HANDLE, HANDLE, void *, void *,
                                                      IO_STATUS_BLOCK *, ULONG, void *, ULONG,
                                                      void *, ULONG);
typedef ULONG(NTAPI *rtl_nt_status_to_dos_error_fn)(NTSTATUS);

typedef struct nt_calls {
    nt_create_file_fn create_file;
    nt_device_io_control_file_fn device_io_control_file;
    rtl_nt_status_to_dos_error_fn status_to_dos_error;
} nt_calls;

static bool call_find(HMODULE library, const char *name, void *call_out, size_t size)
{
    FARPROC found = GetProcAddress(library, name);
    memcpy(call_out, &found, size); /* No cast leads from one to the other. */
    return found != NULL;
}

/* Two threads may both fill it in; they write the same values. */
static const nt_calls *nt_find(void)
{
    static nt_calls calls;
    static plx__atomic_u32 is_known;
    if (plx__atomic_load_acquire(&is_known))
        return &calls;
    HMODULE library = GetModuleHandleW(L"ntdll.dll"); /* Every process has it. */
    if (!call_find(library, "NtCreateFile", &calls.create_file, sizeof calls.create_file) ||
        !call_find(library, "NtDeviceIoControlFile", &calls.device_io_control_file,
                   sizeof calls.device_io_control_file) ||
        !call_find(library, "RtlNtStatusToDosError", &calls.status_to_dos_error,
                   sizeof calls.status_to_dos_error))
        return NULL;
    plx__atomic_store_release(&is_known, 1);
    return &calls;
}

/* --- devices --------------------------------------------------------------------------------- */

static int device_handle_open(HANDLE *handle_out, HANDLE port)
{
    static wchar_t path[] = L"\\Device\\Afd\\Pollux";
    UNICODE_STRING name = {sizeof path - sizeof path[0], sizeof path, path};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    IO_STATUS_BLOCK block;
    const nt_calls *nt = nt_find();
    if (nt == NULL)
        return PLX_ENOSYS;
    NTSTATUS status =
        nt->create_file(handle_out, SYNCHRONIZE, &attributes, &block, NULL, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, 1 /* FILE_OPEN */, 0, NULL, 0);
    if (status != 0)
        return plx__fail((int)nt->status_to_dos_error(status));
    if (CreateIoCompletionPort(*handle_out, port, 0, 0) == NULL) {
        int os_code = (int)GetLastError();
        (void)CloseHandle(*handle_out);
        return plx__fail(os_code);
    }
    /* The device itself need not be signalled as well. */
    (void)SetFileCompletionNotificationModes(*handle_out, PLX__IOCP_NO_EVENT);
    return 0;
}

/* One that has room for another poll, or NULL with `*status_out` saying why. */
static plx__iocp_device *device_take(plx__backend *backend, int *status_out)
{
    plx__iocp_device *device = backend->devices;
    if (device != NULL && device->polls < DEVICE_POLLS_MAX)
        return device;
    device = plx__allocate_zeroed(1, sizeof *device);
    if (device == NULL) {
        *status_out = PLX_ENOMEM;
        return NULL;
    }
    *status_out = plx__fault_strikes(PLX__FAULT_DESCRIPTOR)
                      ? plx__fail(WSAEMFILE)
                      : device_handle_open(&device->handle, backend->port);
    if (*status_out != 0) {
        plx__free(device);
        return NULL;
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    device->next = backend->devices;
    backend->devices = device;
    return device;
}

void plx__iocp_polls_close(plx__backend *backend)
{
    while (backend->free_polls != NULL) {
        plx__iocp_poll *poll = backend->free_polls;
        backend->free_polls = poll->next;
        plx__free(poll);
    }
    while (backend->devices != NULL) {
        plx__iocp_device *device = backend->devices;
        backend->devices = device->next;
        plx__fault_given(PLX__FAULT_DESCRIPTOR);
        (void)CloseHandle(device->handle);
        plx__free(device);
    }
}

/* --- polls ----------------------------------------------------------------------------------- */

/* The handle under what layered providers may have put in front of it. Some of them hide it even
 * when they are asked, but not from who asks as WSAPoll does (wepoll). */
static int base_find(plx_socket socket, SOCKET *base_out)
{
    DWORD returned;
    if (WSAIoctl(socket, SIO_BASE_HANDLE, NULL, 0, base_out, sizeof *base_out, &returned, NULL,
                 NULL) == 0)
        return 0;
    int status = plx__fail_last();
    if (WSAIoctl(socket, SIO_BSP_HANDLE_POLL, NULL, 0, base_out, sizeof *base_out, &returned, NULL,
                 NULL) == 0)
        return 0;
    return status;
}

/* A poll stays with its device, free or not. */
static plx__iocp_poll *poll_make(plx__backend *backend, int *status_out)
{
    plx__iocp_poll *poll = backend->free_polls;
    if (poll != NULL) {
        backend->free_polls = poll->next;
        return poll;
    }
    plx__iocp_device *device = device_take(backend, status_out);
    if (device == NULL)
        return NULL;
    poll = plx__allocate_zeroed(1, sizeof *poll);
    if (poll == NULL) {
        *status_out = PLX_ENOMEM;
        return NULL;
    }
    poll->device = device;
    device->polls++;
    return poll;
}

plx__iocp_op *plx__iocp_poll_take(plx__backend *backend, plx__endpoint *endpoint, int *status_out)
{
    SOCKET base;
    *status_out = base_find(endpoint->socket, &base);
    if (*status_out != 0)
        return NULL;
    plx__iocp_poll *poll = poll_make(backend, status_out);
    if (poll == NULL)
        return NULL;
    poll->op.endpoint = endpoint;
    poll->op.kind = PLX__IOCP_POLL;
    poll->base = base;
    return &poll->op;
}

/* Takes it out of the list of the abandoned, if it is there. */
static void poll_unlink(plx__backend *backend, const plx__iocp_poll *poll)
{
    for (plx__iocp_poll **at = &backend->abandoned_polls; *at != NULL; at = &(*at)->next) {
        if (*at == poll) {
            *at = poll->next;
            return;
        }
    }
}

void plx__iocp_poll_give(plx__backend *backend, plx__iocp_op *op)
{
    plx__iocp_poll *poll = (plx__iocp_poll *)(void *)op;
    poll_unlink(backend, poll);
    poll->next = backend->free_polls;
    backend->free_polls = poll;
}

static uint32_t events_of(uint32_t interest)
{
    uint32_t events = AFD_POLL_LOCAL_CLOSE | EVENTS_FAILED;
    if ((interest & PLX_READABLE) != 0)
        events |= EVENTS_READABLE;
    if ((interest & PLX_WRITABLE) != 0)
        events |= AFD_POLL_SEND;
    return events;
}

static uint32_t interest_of(plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    return iocp->is_connecting ? (uint32_t)PLX_WRITABLE : iocp->interest;
}

/* Somebody who has gone has asked about this socket, too, and is still to be told that it was
 * cancelled. */
static bool base_is_busy(const plx__backend *backend, SOCKET base)
{
    for (const plx__iocp_poll *poll = backend->abandoned_polls; poll != NULL; poll = poll->next) {
        if (poll->base == base)
            return true;
    }
    return false;
}

void plx__iocp_poll_post(plx__backend *backend, plx__iocp_op *op)
{
    plx__iocp_poll *poll = (plx__iocp_poll *)(void *)op;
    uint32_t interest = interest_of(op->endpoint);
    const nt_calls *nt = nt_find();
    if (interest == 0)
        return;
    if (base_is_busy(backend, poll->base)) {
        plx__iocp_op_wait(backend, op); /* What it waits for ends the wait. */
        return;
    }
    plx__iocp_op_clear(op);
    poll->is_cancelled = false;
    poll->asked = events_of(interest);
    poll->info.timeout.QuadPart = INT64_MAX;
    poll->info.count = 1;
    poll->info.is_exclusive = FALSE;
    poll->info.handle = (HANDLE)poll->base;
    poll->info.events = poll->asked;
    /* Only the system accesses it as a status block: this file reads `Internal`. */
    IO_STATUS_BLOCK *block = (IO_STATUS_BLOCK *)(void *)&op->overlapped;
    /* What the port hands back is the context. Wine takes it for the block's address, too, and
     * crashes over any other. */
    NTSTATUS status =
        nt->device_io_control_file(poll->device->handle, NULL, NULL, block, block, IOCTL_AFD_POLL,
                                   &poll->info, sizeof poll->info, &poll->info, sizeof poll->info);
    if (status == 0 || status == CODE_PENDING) {
        plx__iocp_op_fly(backend, op);
        return;
    }
    if (status == CODE_STARVED) {
        backend->is_starved = true;
        plx__iocp_op_wait(backend, op);
        return;
    }
    plx__iocp_op_done(backend, op, plx__fail((int)nt->status_to_dos_error(status)), 0);
}

static void poll_cancel(plx__iocp_op *op)
{
    plx__iocp_poll *poll = (plx__iocp_poll *)(void *)op;
    if (poll->is_cancelled)
        return;
    poll->is_cancelled = true;
    (void)CancelIoEx(poll->device->handle, &op->overlapped);
}

void plx__iocp_poll_abandon(plx__backend *backend, plx__iocp_op *op)
{
    plx__iocp_poll *poll = (plx__iocp_poll *)(void *)op;
    poll_cancel(op);
    poll->next = backend->abandoned_polls;
    backend->abandoned_polls = poll;
}

/* What the poll came to: bits of plx_readiness, of those that are asked for now; 0 for nothing. */
static uint32_t poll_ready(plx__iocp_poll *poll, uint32_t interest)
{
    const plx__iocp_op *op = &poll->op;
    NTSTATUS code = (NTSTATUS)op->overlapped.Internal;
    uint32_t events = poll->info.events;
    uint32_t ready = 0;
    if (op->was_at_once)
        return PLX_FAILED; /* It could not even be asked about. */
    if (code == CODE_CANCELLED || (code >= 0 && poll->info.count == 0))
        return 0;
    if (code < 0 || (events & AFD_POLL_LOCAL_CLOSE) != 0)
        return PLX_FAILED;
    if ((events & EVENTS_FAILED) != 0)
        return interest | PLX_FAILED;
    if ((events & EVENTS_READABLE) != 0)
        ready |= PLX_READABLE;
    if ((events & AFD_POLL_SEND) != 0)
        ready |= PLX_WRITABLE;
    return ready & interest;
}

static bool connect_is_over(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    plx__endpoint *endpoint = op->endpoint;
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    iocp->is_connecting = false;
    iocp->input = NULL;
    plx__iocp_poll_give(backend, op);
    completion->endpoint = endpoint;
    completion->kind = PLX__CONNECTED;
    completion->status = plx__socket_connect_result(endpoint->socket);
    return true;
}

bool plx__iocp_poll_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    plx__endpoint *endpoint = op->endpoint;
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    uint32_t interest = interest_of(endpoint);
    if (interest == 0)
        return false;
    uint32_t ready = poll_ready((plx__iocp_poll *)(void *)op, interest);
    if (ready != 0 && iocp->is_connecting)
        return connect_is_over(backend, op, completion);
    if (ready != PLX_FAILED)
        plx__iocp_op_wait(backend, op);
    completion->endpoint = endpoint;
    completion->kind = PLX__READY;
    completion->status = 0;
    completion->ready = ready;
    return ready != 0;
}

/* --- watching -------------------------------------------------------------------------------- */

int plx__iocp_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    if (iocp->input == NULL) {
        int status;
        iocp->input = plx__iocp_poll_take(backend, endpoint, &status);
        if (iocp->input == NULL)
            return status;
    }
    plx__iocp_op *op = iocp->input;
    const plx__iocp_poll *poll = (const plx__iocp_poll *)(const void *)op;
    iocp->interest = (uint8_t)interest;
    if (interest == 0)
        return 0; /* What is in flight comes back unheeded. */
    if (op->state == PLX__IOCP_IDLE)
        plx__iocp_op_wait(backend, op);
    else if (op->state == PLX__IOCP_FLYING && (events_of(interest) & ~poll->asked) != 0)
        poll_cancel(op);
    return 0;
}
