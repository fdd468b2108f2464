/* backends/iocp/transfer.c - sockets that come from another completion port, or go to one.
 *
 * A socket joins one port for life, says the documentation of CreateIoCompletionPort(). Since
 * Windows 8.1 there is a way out: NtSetInformationFile() with FileReplaceCompletionInformation and
 * no port, while nothing of the file is in flight (FILE_INFORMATION_CLASS in ntifs.h). Where that
 * is missing, as in Wine 8, a socket that has been received from can go anywhere but to another
 * port, and the next port says so.
 */
#include "backends/iocp/iocp.h"

#include <string.h>
#include <winternl.h>

#define FILE_REPLACE_COMPLETION_INFORMATION      61
#define FILE_COMPLETION_NOTIFICATION_INFORMATION 41

typedef struct file_completion_information {
    HANDLE port;
    void *key;
} file_completion_information;

/* NtSetInformationFile() and NtQueryInformationFile(). */
typedef NTSTATUS(NTAPI *nt_information_file_fn)(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, int);

static nt_information_file_fn nt_find(const char *name)
{
    nt_information_file_fn function;
    HMODULE library = GetModuleHandleW(L"ntdll.dll"); /* Every process has it. */
    FARPROC found = GetProcAddress(library, name);
    memcpy(&function, &found, sizeof function); /* No cast leads from one to the other. */
    return function;
}

bool plx__iocp_handle_skips(HANDLE handle)
{
    IO_STATUS_BLOCK block;
    ULONG modes;
    nt_information_file_fn query = nt_find("NtQueryInformationFile");
    return query != NULL &&
           query(handle, &block, &modes, sizeof modes, FILE_COMPLETION_NOTIFICATION_INFORMATION) >=
               0 &&
           (modes & PLX__IOCP_SKIP) != 0;
}

void plx__iocp_port_leave(plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    file_completion_information none = {NULL, NULL};
    IO_STATUS_BLOCK block;
    nt_information_file_fn set = nt_find("NtSetInformationFile");
    if (!iocp->is_joined || set == NULL)
        return;
    /* If it fails the socket stays with this port, which is for its next owner to find out. */
    (void)set((HANDLE)endpoint->socket, &block, &none, sizeof none,
              FILE_REPLACE_COMPLETION_INFORMATION);
    iocp->is_joined = false;
}

bool plx__iocp_release(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    plx__iocp_op *op = iocp->input;
    if (iocp->accepts != NULL && !plx__iocp_accept_release(backend, endpoint))
        return false;
    if (op != NULL && op->state != PLX__IOCP_IDLE) {
        iocp->is_releasing = true;
        if (op->state == PLX__IOCP_FLYING)
            (void)CancelIoEx((HANDLE)endpoint->socket, &op->overlapped);
        return false;
    }
    if (op != NULL)
        plx__iocp_op_give(backend, op);
    iocp->input = NULL;
    plx__iocp_port_leave(endpoint);
    return true;
}

bool plx__iocp_released(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    plx__endpoint *endpoint = op->endpoint;
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    if (!iocp->is_releasing)
        return false;
    iocp->is_releasing = false;
    iocp->input = NULL;
    plx__iocp_op_give(backend, op);
    plx__iocp_port_leave(endpoint);
    completion->endpoint = endpoint;
    completion->kind = PLX__RELEASED;
    return true;
}
