/* tests/windows_facts_tcp.c - waits, sends and addresses. */
#include "tests/windows_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG (50u << 20)

#ifdef _MSC_VER
#define pipe_open  _popen
#define pipe_close _pclose
#else
#define pipe_open  popen
#define pipe_close pclose
#endif

/* --- waits -----------------------------------------------------------------------------------
 */

static DWORD WINAPI close_later(void *data)
{
    Sleep(100);
    (void)closesocket(*(const SOCKET *)data);
    return 0;
}

static void CALLBACK apc_count(ULONG_PTR data)
{
    ++*(unsigned *)data;
}

static void facts_of_interruptions(void)
{
    facts_pair pair = pair_open();
    unsigned apcs = 0;
    WSAPOLLFD entry = {pair.ours, POLLRDNORM, 0};
    (void)QueueUserAPC(apc_count, GetCurrentThread(), (ULONG_PTR)&apcs);
    double began = milliseconds();
    int result = WSAPoll(&entry, 1, 100);
    double took = milliseconds() - began;
    fact("poll.12", "an APC runs in WSAPoll, and does not end it",
         apcs == 1 && result == 0 && took > 80, "%u ran, %d, %.0f ms", apcs, result, took);
    HANDLE thread = CreateThread(NULL, 0, close_later, &pair.ours, 0, NULL);
    result = WSAPoll(&entry, 1, 3000);
    fact("poll.11", "closing a socket that is polled ends the wait with NVAL",
         result == 1 && entry.revents == POLLNVAL, "%d, revents %#x", result,
         (unsigned)entry.revents);
    (void)WaitForSingleObject(thread, 5000);
    (void)CloseHandle(thread);
    SOCKET next = socket_made(SOCK_STREAM);
    fact("poll.11", "the number of a closed socket is given to the next", next == pair.ours,
         "%#lx, then %#lx", (unsigned long)pair.ours, (unsigned long)next);
    (void)closesocket(next);
    (void)closesocket(pair.theirs);
    fact_untested("poll.13", "a wait does not see a change of interest",
                  "by construction: none is");
}

static void facts_of_ticks(void)
{
    facts_pair pair = pair_open();
    double least = 1e9, most = 0;
    for (int i = 0; i < 20; i++) {
        double began = milliseconds();
        (void)polled(pair.ours, POLLRDNORM, 5);
        double took = milliseconds() - began;
        least = took < least ? took : least;
        most = took > most ? took : most;
    }
    fact("poll.16", "waits of 5 ms may end early, or at ticks", least < 5 || most > 8,
         "%.2f to %.2f ms", least, most);
    pair_close(&pair);
}

static void facts_of_many(void)
{
    enum { MANY = 1000 };
    static WSAPOLLFD entries[MANY];
    facts_pair pair = pair_open();
    int made = 0;
    while (made < MANY && (entries[made].fd = socket_made(SOCK_DGRAM)) != INVALID_SOCKET)
        entries[made++].events = POLLRDNORM;
    entries[made / 2].events = POLLWRNORM;
    int result = WSAPoll(entries, (ULONG)made, 1000);
    fact("poll.15", "one call takes a thousand sockets", made == MANY && result == 1,
         "%d sockets, %d", made, result);
    for (int i = 0; i < made; i++)
        (void)closesocket(entries[i].fd);
    pair_close(&pair);
}

static void facts_of_accepts(void)
{
    struct sockaddr_in name;
    SOCKET listener = listener_open(&name);
    socket_unblock(listener);
    SOCKET none = accept(listener, NULL, NULL);
    fact("poll.19", "accept() without a connection is WSAEWOULDBLOCK",
         none == INVALID_SOCKET && WSAGetLastError() == WSAEWOULDBLOCK, "error %d",
         WSAGetLastError());
    SOCKET client = socket_made(SOCK_STREAM);
    (void)connect(client, (struct sockaddr *)&name, sizeof name);
    (void)polled(listener, POLLRDNORM, 1000);
    SOCKET made = accept(listener, NULL, NULL);
    char byte;
    DWORD soon = 200; /* For one that blocks after all. */
    (void)setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, (const char *)&soon, sizeof soon);
    int got = recv(made, &byte, 1, 0);
    fact("accept.1", "an accepted socket does not block if its listener does not",
         got < 0 && WSAGetLastError() == WSAEWOULDBLOCK, "error %d", WSAGetLastError());
    (void)closesocket(made);
    (void)closesocket(client);
    (void)closesocket(listener);
}

void facts_of_waits(void)
{
    facts_of_interruptions();
    facts_of_ticks();
    facts_of_many();
    facts_of_accepts();
}

/* --- sends -----------------------------------------------------------------------------------
 */

/* Receives until the end, or for so long: bytes. */
static size_t socket_drain(SOCKET socket, DWORD limit, int *error_out)
{
    static char bytes[65536];
    size_t total = 0;
    double until = milliseconds() + limit;
    for (;;) {
        int got = recv(socket, bytes, sizeof bytes, 0);
        *error_out = got < 0 ? WSAGetLastError() : 0;
        if (got > 0)
            total += (size_t)got;
        else if (got == 0 || *error_out != WSAEWOULDBLOCK || milliseconds() > until)
            return total;
        else
            (void)polled(socket, POLLRDNORM, 50);
    }
}

static void facts_of_whole_sends(void)
{
    char *bytes = calloc(1, BIG);
    facts_pair pair = pair_open();
    int error;
    if (bytes == NULL) {
        fact_untested("send.1", "a send of 50 MB is taken whole", "no memory");
        return;
    }
    int sent = send(pair.ours, bytes, (int)BIG, 0);
    fact("send.1", "a send of 50 MB that does not block is taken whole", sent == (int)BIG, "%d",
         sent);
    int next = send(pair.ours, bytes, 1, 0);
    fact("send.2", "the one behind it is WSAEWOULDBLOCK",
         next < 0 && WSAGetLastError() == WSAEWOULDBLOCK, "%d, error %d", next, WSAGetLastError());
    int revents = polled(pair.ours, POLLWRNORM, 0);
    fact("send.3", "and it is not writable", revents == 0, "revents %#x", revents);
    (void)closesocket(pair.ours);
    size_t got = socket_drain(pair.theirs, 20000, &error);
    fact("send.4", "what was taken arrives after closesocket()", sent > 0 && got == (size_t)sent,
         "%lu of %d, error %d", (unsigned long)got, sent, error);
    (void)closesocket(pair.theirs);
    free(bytes);
}

static void facts_of_pieces(void)
{
    facts_pair pair = pair_open();
    int room = 0;
    int size = sizeof room;
    int error;
    (void)getsockopt(pair.ours, SOL_SOCKET, SO_SNDBUF, (char *)&room, &size);
    size_t filled = socket_fill(pair.ours);
    fact("send.5", "sends of 64 KiB are refused before 32 MiB are on their way",
         filled < ((size_t)32 << 20), "%lu bytes; SO_SNDBUF %d", (unsigned long)filled, room);
    (void)shutdown(pair.theirs, SD_SEND); /* Which must not cost what is on its way. */
    (void)polled(pair.ours, POLLWRNORM, 100);
    size_t got = 0;
    for (size_t more = 1; more > 0;) {
        more = socket_drain(pair.theirs, 300, &error);
        got += more;
        (void)polled(pair.ours, POLLWRNORM, 0);
    }
    fact("send.6", "the peer's end does not cost what was taken before it", got == filled,
         "%lu of %lu", (unsigned long)got, (unsigned long)filled);
    pair_close(&pair);
}

void facts_of_sends(void)
{
    facts_of_whole_sends();
    facts_of_pieces();
}

/* --- addresses -------------------------------------------------------------------------------
 */

/* An exclusive bind: 0 or the error. */
static int bind_try(const struct sockaddr_in *name, SOCKET *socket_out, bool is_exclusive)
{
    BOOL on = TRUE;
    *socket_out = socket_made(SOCK_STREAM);
    if (is_exclusive)
        (void)setsockopt(*socket_out, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
                         sizeof on);
    return bind(*socket_out, (const struct sockaddr *)name, sizeof *name) == 0 ? 0
                                                                               : WSAGetLastError();
}

static int bind_once(struct sockaddr_in name, ULONG address, bool is_exclusive)
{
    SOCKET socket;
    name.sin_addr.s_addr = htonl(address);
    int code = bind_try(&name, &socket, is_exclusive);
    (void)closesocket(socket);
    return code;
}

static void facts_of_exclusive_use(void)
{
    struct sockaddr_in name = name_of_nobody();
    SOCKET first;
    (void)bind_try(&name, &first, true);
    int same = bind_once(name, INADDR_LOOPBACK, true);
    int wild = bind_once(name, INADDR_ANY, true);
    fact("bind.1", "an address in exclusive use is WSAEADDRINUSE to an exclusive bind",
         same == WSAEADDRINUSE && wild == WSAEADDRINUSE, "%d, wildcard %d", same, wild);
    (void)closesocket(first);
    name.sin_addr.s_addr = htonl(INADDR_ANY);
    (void)bind_try(&name, &first, true);
    same = bind_once(name, INADDR_LOOPBACK, true);
    int plain = bind_once(name, INADDR_LOOPBACK, false);
    wild = bind_once(name, INADDR_ANY, true);
    fact("bind.2", "a specific one under an exclusive wildcard is WSAEACCES",
         same == WSAEACCES && plain == WSAEACCES, "%d, not exclusive %d", same, plain);
    fact("bind.2", "and the wildcard itself is WSAEADDRINUSE", wild == WSAEADDRINUSE, "%d", wild);
    (void)closesocket(first);
}

/* A listener in exclusive use accepts, and closes while its connection lives. */
static void facts_of_listening_again(void)
{
    struct sockaddr_in name = name_of_nobody();
    SOCKET listener;
    (void)bind_try(&name, &listener, true);
    (void)listen(listener, 4);
    SOCKET client = socket_made(SOCK_STREAM);
    (void)connect(client, (struct sockaddr *)&name, sizeof name);
    SOCKET made = accept(listener, NULL, NULL);
    (void)closesocket(listener);
    int exclusive = bind_once(name, INADDR_LOOPBACK, true);
    int plain = bind_once(name, INADDR_LOOPBACK, false);
    fact("bind.3", "while a connection lives that its listener accepted, the address is taken",
         exclusive != 0, "%d, not exclusive %d", exclusive, plain);
    (void)shutdown(made, SD_SEND);
    (void)closesocket(made); /* This side first, which is the one that waits in TIME_WAIT. */
    (void)closesocket(client);
    Sleep(100);
    exclusive = bind_once(name, INADDR_LOOPBACK, true);
    plain = bind_once(name, INADDR_LOOPBACK, false);
    fact("bind.3", "when that has closed and waits in TIME_WAIT, the address is free",
         exclusive == 0, "%d, not exclusive %d", exclusive, plain);
}

static void facts_of_reserved_ports(void)
{
    const char *text = "a reserved port is WSAEACCES, for the wildcard as well";
    char line[128];
    unsigned port = 0;
    FILE *pipe = pipe_open("netsh interface ipv4 show excludedportrange protocol=tcp 2>nul", "r");
    while (pipe != NULL && port == 0 && fgets(line, sizeof line, pipe) != NULL) {
        unsigned from, to;
        if (sscanf(line, " %u %u", &from, &to) == 2 && from > 1024 && from <= to && to < 65536)
            port = from;
    }
    if (pipe != NULL)
        (void)pipe_close(pipe);
    if (port == 0) {
        fact_untested("bind.4", text, "netsh names no excluded range");
        return;
    }
    struct sockaddr_in name = name_of_nobody();
    name.sin_port = htons((u_short)port);
    int same = bind_once(name, INADDR_LOOPBACK, true);
    int wild = bind_once(name, INADDR_ANY, true);
    fact("bind.4", text, same == WSAEACCES && wild == WSAEACCES, "port %u: %d, wildcard %d", port,
         same, wild);
}

static void facts_of_nowhere(void)
{
    struct sockaddr_in name;
    SOCKET listener = listener_open(&name);
    SOCKET client = socket_made(SOCK_STREAM);
    name.sin_addr.s_addr = htonl(INADDR_ANY);
    int result = connect(client, (struct sockaddr *)&name, sizeof name);
    int code = result != 0 ? WSAGetLastError() : 0;
    fact("connect.1", "connecting to 0.0.0.0 is WSAEADDRNOTAVAIL", code == WSAEADDRNOTAVAIL,
         "error %d", code);
    (void)closesocket(client);
    (void)closesocket(listener);
}

/* As in afunix.h, which not every SDK has. */
typedef struct unix_name {
    ADDRESS_FAMILY family;
    char path[108];
} unix_name;

/* What tells one file from another: its number, or 0. */
static uint64_t file_id(const char *path)
{
    BY_HANDLE_FILE_INFORMATION about;
    HANDLE file = CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    memset(&about, 0, sizeof about);
    (void)GetFileInformationByHandle(file, &about);
    (void)CloseHandle(file);
    return (uint64_t)about.nFileIndexHigh << 32 | about.nFileIndexLow;
}

static void facts_of_unix_sockets(void)
{
    unix_name name;
    uint64_t ids[2];
    SOCKET socket = WSASocketW(AF_UNIX, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (socket == INVALID_SOCKET) {
        fact("unix.1", "there are Unix-domain sockets", false, "error %d", WSAGetLastError());
        fact_untested("unix.2", "a socket file has an id of its own", "no such sockets");
        return;
    }
    fact("unix.1", "there are Unix-domain sockets", true, NULL);
    for (int i = 0; i < 2; i++) {
        memset(&name, 0, sizeof name);
        name.family = AF_UNIX;
        (void)snprintf(name.path, sizeof name.path, "windows_facts_%lu_%d.sock",
                       (unsigned long)GetCurrentProcessId(), i);
        if (i == 1)
            socket = WSASocketW(AF_UNIX, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
        int result = bind(socket, (struct sockaddr *)&name, sizeof name);
        ids[i] = file_id(name.path);
        if (i == 1)
            fact("unix.2", "a socket file has an id of its own",
                 result == 0 && ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1], "%#llx, %#llx",
                 (unsigned long long)ids[0], (unsigned long long)ids[1]);
        (void)closesocket(socket);
        if (i == 1)
            fact("unix.3", "the file outlives its socket", file_id(name.path) == ids[1], NULL);
    }
    for (int i = 0; i < 2; i++) {
        (void)snprintf(name.path, sizeof name.path, "windows_facts_%lu_%d.sock",
                       (unsigned long)GetCurrentProcessId(), i);
        (void)DeleteFileA(name.path);
    }
}

void facts_of_addresses(void)
{
    facts_of_exclusive_use();
    facts_of_listening_again();
    facts_of_reserved_ports();
    facts_of_nowhere();
    facts_of_unix_sockets();
}
