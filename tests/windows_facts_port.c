/* tests/windows_facts_port.c - completion ports: AcceptEx, ConnectEx, skipping, cancelling. */
#include "tests/windows_facts.h"

#include <string.h>
#include <winternl.h>

#define SKIP_ON_SUCCESS        0x1
#define COMPLETION_MODES_CLASS 41 /* FileIoCompletionNotificationInformation */
#define REPLACE_PORT_CLASS     61 /* FileReplaceCompletionInformation */

typedef LONG(NTAPI *query_fn)(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, int);

static query_fn nt_function(const char *name)
{
    FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
    query_fn function;
    memcpy(&function, &found, sizeof found);
    return function;
}

static void extension_find(SOCKET socket, GUID id, void *function_out, DWORD size)
{
    DWORD returned;
    if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, function_out, size,
                 &returned, NULL, NULL) != 0)
        memset(function_out, 0, size);
}

/* Waits for one completion: its OVERLAPPED, or NULL. */
static OVERLAPPED *completion_of(HANDLE port, DWORD timeout)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *overlapped = NULL;
    (void)GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, timeout);
    return overlapped;
}

static bool has_peer(SOCKET socket)
{
    struct sockaddr_in name;
    int length = sizeof name;
    return getpeername(socket, (struct sockaddr *)&name, &length) == 0;
}

static void facts_of_accept_ex(HANDLE port)
{
    struct sockaddr_in name;
    char addresses[2 * (sizeof(struct sockaddr_in) + 16)];
    OVERLAPPED overlapped;
    DWORD got, seconds = 0;
    int size = sizeof seconds;
    GUID id = WSAID_ACCEPTEX;
    LPFN_ACCEPTEX accept_ex;
    SOCKET listener = listener_open(&name);
    SOCKET made = socket_made(SOCK_STREAM);
    extension_find(listener, id, &accept_ex, sizeof accept_ex);
    (void)CreateIoCompletionPort((HANDLE)listener, port, 0, 0);
    memset(&overlapped, 0, sizeof overlapped);
    (void)accept_ex(listener, made, addresses, 0, sizeof(struct sockaddr_in) + 16,
                    sizeof(struct sockaddr_in) + 16, &got, &overlapped);
    (void)getsockopt(made, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &size);
    fact("accept.2", "SO_CONNECT_TIME of a socket without a peer is -1", seconds == UINT32_MAX,
         "%#lx", (unsigned long)seconds);
    SOCKET client = socket_made(SOCK_STREAM);
    (void)connect(client, (struct sockaddr *)&name, sizeof name);
    bool has_come = completion_of(port, 3000) == &overlapped;
    bool before = has_peer(made);
    (void)setsockopt(made, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener,
                     sizeof listener);
    bool after = has_peer(made);
    fact("accept.3", "AcceptEx's socket has a peer only after SO_UPDATE_ACCEPT_CONTEXT",
         has_come && !before && after, "completed %d, %d, %d", has_come, before, after);
    SOCKET second = socket_made(SOCK_STREAM);
    memset(&overlapped, 0, sizeof overlapped);
    (void)accept_ex(listener, second, addresses, 0, sizeof(struct sockaddr_in) + 16,
                    sizeof(struct sockaddr_in) + 16, &got, &overlapped);
    (void)closesocket(listener);
    has_come = completion_of(port, 3000) == &overlapped;
    SOCKET again = socket_made(SOCK_STREAM);
    int result = bind(again, (struct sockaddr *)&name, sizeof name);
    fact("accept.4", "closing a listener ends its AcceptEx", has_come, "status %#lx",
         (unsigned long)overlapped.Internal);
    fact("accept.4", "its address is then free for one that is not exclusive", result == 0,
         "error %d", result != 0 ? WSAGetLastError() : 0);
    (void)closesocket(again);
    (void)closesocket(second);
    (void)closesocket(made);
    (void)closesocket(client);
}

static void facts_of_connect_ex(HANDLE port)
{
    struct sockaddr_in name, any;
    OVERLAPPED overlapped;
    GUID id = WSAID_CONNECTEX;
    LPFN_CONNECTEX connect_ex;
    SOCKET listener = listener_open(&name);
    SOCKET client = socket_made(SOCK_STREAM);
    extension_find(client, id, &connect_ex, sizeof connect_ex);
    (void)CreateIoCompletionPort((HANDLE)client, port, 0, 0);
    memset(&overlapped, 0, sizeof overlapped);
    BOOL result =
        connect_ex(client, (struct sockaddr *)&name, sizeof name, NULL, 0, NULL, &overlapped);
    fact("connect.2", "ConnectEx of a socket that is not bound is WSAEINVAL",
         !result && WSAGetLastError() == WSAEINVAL, "error %d", WSAGetLastError());
    memset(&any, 0, sizeof any);
    any.sin_family = AF_INET;
    (void)bind(client, (struct sockaddr *)&any, sizeof any);
    memset(&overlapped, 0, sizeof overlapped);
    (void)connect_ex(client, (struct sockaddr *)&name, sizeof name, NULL, 0, NULL, &overlapped);
    bool has_come = completion_of(port, 3000) == &overlapped;
    bool before = has_peer(client);
    int shut = shutdown(client, SD_SEND);
    (void)setsockopt(client, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
    bool after = has_peer(client);
    fact("connect.3",
         "ConnectEx's socket has a peer and can be shut only after "
         "SO_UPDATE_CONNECT_CONTEXT",
         has_come && !before && shut != 0 && after, "completed %d, %d, shutdown %d, %d", has_come,
         before, shut, after);
    (void)closesocket(client);
    (void)closesocket(listener);
}

static int modes_of(SOCKET socket)
{
    query_fn query = nt_function("NtQueryInformationFile");
    IO_STATUS_BLOCK block;
    ULONG modes = 0;
    LONG status = query != NULL
                      ? query((HANDLE)socket, &block, &modes, sizeof modes, COMPLETION_MODES_CLASS)
                      : -1;
    return status < 0 ? -1 : (int)modes;
}

static void facts_of_skipping(HANDLE port)
{
    facts_pair pair = pair_open();
    OVERLAPPED overlapped;
    DWORD sent = 0;
    WSABUF buffer = {1, "x"};
    void *none[2] = {NULL, NULL};
    IO_STATUS_BLOCK block;
    query_fn set = nt_function("NtSetInformationFile");
    (void)CreateIoCompletionPort((HANDLE)pair.ours, port, 0, 0);
    HANDLE other = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    HANDLE joined = CreateIoCompletionPort((HANDLE)pair.ours, other, 0, 0);
    fact("port.1", "a socket joins one port only", joined == NULL, "error %lu",
         (unsigned long)GetLastError());
    BOOL result = SetFileCompletionNotificationModes((HANDLE)pair.ours, SKIP_ON_SUCCESS);
    memset(&overlapped, 0, sizeof overlapped);
    int code = WSASend(pair.ours, &buffer, 1, &sent, 0, &overlapped, NULL);
    bool has_come = completion_of(port, 100) != NULL;
    fact("port.2", "with FILE_SKIP_COMPLETION_PORT_ON_SUCCESS what succeeds at once is not queued",
         result && code == 0 && !has_come, "set %d, send %d, queued %d", result, code, has_come);
    int modes = modes_of(pair.ours);
    fact("port.3", "the mode can be asked for", modes == SKIP_ON_SUCCESS, "%d", modes);
    (void)SetFileCompletionNotificationModes((HANDLE)pair.ours, 0);
    memset(&overlapped, 0, sizeof overlapped);
    code = WSASend(pair.ours, &buffer, 1, &sent, 0, &overlapped, NULL);
    has_come = completion_of(port, 100) != NULL;
    fact("port.3", "the mode cannot be taken back", code == 0 && !has_come, "send %d, queued %d",
         code, has_come);
    LONG status =
        set != NULL ? set((HANDLE)pair.ours, &block, none, sizeof none, REPLACE_PORT_CLASS) : -1;
    joined = CreateIoCompletionPort((HANDLE)pair.ours, other, 0, 0);
    fact("port.4", "a socket can leave its port and join another", status >= 0 && joined != NULL,
         "status %#lx, error %lu", (unsigned long)status, (unsigned long)GetLastError());
    memset(&overlapped, 0, sizeof overlapped);
    code = WSASend(pair.ours, &buffer, 1, &sent, 0, &overlapped, NULL);
    has_come = joined != NULL && completion_of(other, 100) != NULL;
    if (joined != NULL)
        fact("port.4", "the mode goes with it", code == 0 && !has_come, "send %d, queued %d", code,
             has_come);
    (void)CloseHandle(other);
    pair_close(&pair);
}

static void facts_of_cancelling(HANDLE port)
{
    static char bytes[65536];
    facts_pair pair = pair_open();
    OVERLAPPED overlapped;
    DWORD sent;
    WSABUF buffer = {sizeof bytes, bytes};
    int behind = 0, code;
    (void)CreateIoCompletionPort((HANDLE)pair.ours, port, 0, 0);
    (void)socket_fill(pair.ours);
    do { /* One may be taken behind what is full already. */
        memset(&overlapped, 0, sizeof overlapped);
        (void)WSASend(pair.ours, &buffer, 1, &sent, 0, &overlapped, NULL);
    } while (completion_of(port, 200) != NULL && ++behind < 100);
    fact("port.5", "an overlapped send waits when the socket is full", behind < 100,
         "%d were taken before", behind);
    double began = milliseconds();
    (void)CancelIoEx((HANDLE)pair.ours, &overlapped);
    bool has_come = completion_of(port, 3000) == &overlapped;
    double took = milliseconds() - began;
    fact("port.6", "a cancelled send comes back, as STATUS_CANCELLED",
         has_come && (uint32_t)overlapped.Internal == 0xC0000120u, "%.0f ms, status %#lx", took,
         (unsigned long)overlapped.Internal);
    int more = send(pair.ours, bytes, 1, 0);
    code = more < 0 ? WSAGetLastError() : 0;
    fact("port.6", "the connection is not reset by that", code == WSAEWOULDBLOCK || more > 0,
         "send %d, error %d", more, code);
    pair_close(&pair);
}

static void facts_of_closing(HANDLE port)
{
    for (int cancels = 0; cancels < 2; cancels++) {
        facts_pair pair = pair_open();
        OVERLAPPED overlapped;
        DWORD got, flags = 0;
        WSABUF nothing = {0, ""};
        char byte;
        (void)CreateIoCompletionPort((HANDLE)pair.ours, port, 0, 0);
        memset(&overlapped, 0, sizeof overlapped);
        (void)WSARecv(pair.ours, &nothing, 1, &got, &flags, &overlapped, NULL);
        if (cancels != 0)
            (void)CancelIoEx((HANDLE)pair.ours, &overlapped);
        (void)closesocket(pair.ours);
        bool has_come = completion_of(port, 3000) == &overlapped;
        (void)polled(pair.theirs, POLLRDNORM, 2000);
        int result = recv(pair.theirs, &byte, 1, 0);
        int code = result < 0 ? WSAGetLastError() : 0;
        if (cancels == 0)
            fact("port.7", "closing with a receive in flight resets the connection",
                 has_come && code == WSAECONNRESET, "back %d, the peer sees %d, error %d", has_come,
                 result, code);
        else
            fact("port.7", "not when that was cancelled before", has_come && result == 0,
                 "back %d, the peer sees %d, error %d", has_come, result, code);
        (void)closesocket(pair.theirs);
    }
}

typedef struct starter {
    SOCKET socket;
    OVERLAPPED overlapped;
} starter;

static DWORD WINAPI receive_start(void *data)
{
    starter *one = data;
    static WSABUF nothing = {0, ""};
    DWORD got, flags = 0;
    (void)WSARecv(one->socket, &nothing, 1, &got, &flags, &one->overlapped, NULL);
    return 0;
}

static void facts_of_threads(HANDLE port)
{
    facts_pair pair = pair_open();
    starter one;
    memset(&one, 0, sizeof one);
    one.socket = pair.ours;
    (void)CreateIoCompletionPort((HANDLE)pair.ours, port, 0, 0);
    HANDLE thread = CreateThread(NULL, 0, receive_start, &one, 0, NULL);
    (void)WaitForSingleObject(thread, 3000);
    (void)CloseHandle(thread);
    bool has_come = completion_of(port, 500) != NULL;
    fact("port.8", "the end of a thread cancels what it has started on a socket of a port",
         has_come, "%s, status %#lx", has_come ? "came back" : "still there",
         (unsigned long)one.overlapped.Internal);
    if (!has_come) {
        (void)CancelIoEx((HANDLE)pair.ours, NULL);
        (void)completion_of(port, 3000);
    }
    pair_close(&pair);
}

void facts_of_ports(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    facts_of_accept_ex(port);
    facts_of_connect_ex(port);
    facts_of_skipping(port);
    facts_of_cancelling(port);
    facts_of_closing(port);
    facts_of_threads(port);
    (void)CloseHandle(port);
}
