/* tests/winsock_double.h - Winsock with behaviours that Windows documents and Wine 8 lacks.
 *
 * The library under test is compiled with this header in front of platform/windows and backends/,
 * so that its calls come here; until winsock_double_start() they go on to Winsock as they are.
 * Then, with the rows of the table "WSAPoll" in docs/windows.md:
 *
 *  1  (WINSOCK_OLD) A failed connect is never reported by WSAPoll.
 *  3  A failed connect is WRNORM, HUP and ERR; SO_ERROR is 0 after one that connect() itself met.
 *  4  Asking for what WSAPoll does not know fails the call.
 *  6  The peer's end is HUP as soon as it arrives, with unread data before it or not, and whatever
 *     is asked for. A reset is HUP alone, as WSAPOLLFD's documentation has it, and receiving then
 *     fails with WSAECONNRESET.
 *  9  A negative socket is NVAL, not counted. 10: so is a closed one among others.
 *  -  A send that does not block is taken whole if any of it is (Wine, ws2_32/tests/sock.c,
 *     test_send_buffering). What the system beneath did not take is held here and sent by later
 *     calls; shutdown() and closesocket() wait for it in the background, overlapped sends behind.
 *  -  Unix-domain sockets, over TCP and a file that has the port (winsock_double_unix.c).
 *  -  Connecting to 0.0.0.0 or [::] fails with WSAEADDRNOTAVAIL, and binding a port that the system
 *     reserves with WSAEACCES.
 *
 * In whatever mode a call fails that is given what its documentation forbids and Wine takes: an
 * OVERLAPPED with something in its unused members, or no buffer for bytes. Handles are counted; one
 * that is closed twice, too.
 */
#ifndef WINSOCK_DOUBLE_H
#define WINSOCK_DOUBLE_H

/* Not platform/os.h, whose inline functions would be in front of the double. */
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
/* winsock2.h must come before windows.h, and both before mswsock.h. */
/* clang-format off */
#include <winsock2.h>
#include <windows.h>
#include <ws2tcpip.h>
#include <mswsock.h>
/* clang-format on */
#include <process.h>
#include <stdbool.h>
#include <stdint.h>

enum winsock_double_mode {
    WINSOCK_AS_DOCUMENTED = 1, /* Windows 10 2004 and later. */
    WINSOCK_OLD = 2            /* And row 1. */
};

void winsock_double_start(enum winsock_double_mode mode);
/* Reserves this port, in the host's order; 0 for none. */
void winsock_double_reserve(uint16_t port);
/* From now on no overlapped send that waits here ends when it is cancelled. */
void winsock_double_ignore_cancel(bool is_ignoring);
/* Has SetFileCompletionNotificationModes() fail. */
void winsock_double_refuse_modes(bool is_refusing);
/* The size of the file of a Unix-domain socket. One byte more, and it is a symbolic link's. */
enum { WINSOCK_DOUBLE_FILE_SIZE = 7919 };

/* The calls that tests count, have fail, or act before. */
enum winsock_double_call {
    DOUBLE_NONE,
    DOUBLE_SOCKET,
    DOUBLE_BIND,
    DOUBLE_NAME,         /* getsockname() */
    DOUBLE_NON_BLOCKING, /* ioctlsocket() */
    DOUBLE_SET,          /* setsockopt() */
    DOUBLE_GET,          /* getsockopt() */
    DOUBLE_IOCTL,        /* WSAIoctl() */
    DOUBLE_CONNECT,
    DOUBLE_ACCEPT,
    DOUBLE_ACCEPT_EX,
    DOUBLE_RECEIVE,   /* WSARecv() */
    DOUBLE_INHERITED, /* Sockets that are made without WSA_FLAG_NO_HANDLE_INHERIT; only counted. */
    DOUBLE_SEND,      /* WSASend() */
    DOUBLE_POLL,      /* WSAPoll(); the error WAIT_TIMEOUT has it end early, with nothing. */
    DOUBLE_SELECT,
    DOUBLE_PORT,    /* CreateIoCompletionPort() */
    DOUBLE_DEQUEUE, /* GetQueuedCompletionStatusEx() */
    DOUBLE_POST,    /* PostQueuedCompletionStatus() */
    DOUBLE_CANCEL,  /* CancelIoEx() */
    DOUBLE_MODES,   /* SetFileCompletionNotificationModes() */
    DOUBLE_DEVICE,  /* NtCreateFile(); the error is an NTSTATUS, here and below. */
    DOUBLE_AFD,     /* NtDeviceIoControlFile() */
    DOUBLE_LEAVE,   /* NtSetInformationFile() */
    DOUBLE_TABLE,   /* GetTcpTable() and GetTcp6Table(); the error is what they return. */
    DOUBLE_LISTEN,
    DOUBLE_FILE,    /* CreateFileW() */
    DOUBLE_ABOUT,   /* GetFileInformationByHandleEx() */
    DOUBLE_FULL,    /* GetFullPathNameW(), whose answer does not fit then. */
    DOUBLE_DELETE,  /* SetFileInformationByHandle() */
    DOUBLE_FIND,    /* GetProcAddress() */
    DOUBLE_THREAD,  /* _beginthreadex() */
    DOUBLE_HANDLER, /* SetConsoleCtrlHandler() */
    DOUBLE_SLEEP,   /* Sleep(), which the error has return at once. */
    DOUBLE_TURN,    /* WaitForSingleObject(), with an error that it returns. */
    DOUBLE_READ,    /* recv() */
    DOUBLE_CLOSE,   /* closesocket(), only counted and acted before. */
    DOUBLE_LIBRARY, /* LoadLibraryW() */
    DOUBLE_MUTEX,   /* CreateMutexW() */
    DOUBLE_CALLS
};

typedef void (*winsock_double_fn)(void *data);

/* After `skip` calls of this kind, so many fail with this error; in whatever mode. One kind at a
 * time. If `act` is not NULL it runs before each of them; with an error of 0 they go on then. */
void winsock_double_fail(enum winsock_double_call call, uint32_t skip, uint32_t count, int error);
void winsock_double_act(enum winsock_double_call call, uint32_t skip, uint32_t count, int error,
                        winsock_double_fn act, void *data);
/* Ends that. Returns how many calls it has struck. */
uint32_t winsock_double_mend(void);
/* How many calls of this kind there have been. */
uint32_t winsock_double_calls(enum winsock_double_call call);
/* The next requests to AFD complete with this. `count` is that of the handles in the answer. */
void winsock_double_answer(uint32_t times, long status, ULONG count, ULONG events);
/* What the next request to AFD has asked for. */
ULONG winsock_double_asked(void);
/* Whether such a request has completed by the time the call returns, and the port tells it too. */
void winsock_double_answer_at_once(bool is_at_once);
/* The build number that the system says it has; 0 for the true one. */
void winsock_double_build(DWORD build);
/* For how many seconds each connection that AcceptEx has made counts as silent; UINT32_MAX: the
 * true number. */
void winsock_double_silence(DWORD seconds);
/* How many of the AcceptEx that were called have completed, as their OVERLAPPED says. */
unsigned winsock_double_accepts_completed(void);
/* Handles and sockets that were opened, less those that were closed, in whatever mode. */
long winsock_double_handles(void);
/* What the last call of WSAIoctl with this code was given: up to 4 bytes. False if there was none
 * that was in order. */
bool winsock_double_ioctl(DWORD code, unsigned char *bytes_out);
/* What the last SetFileCompletionNotificationModes() was given. */
int winsock_double_modes(void);
/* What the last listen() was given. */
int winsock_double_backlog(void);
/* The timeout that the last select() was given, in microseconds, or the last WSAPoll(), Sleep(),
 * WaitForSingleObject() or GetQueuedCompletionStatusEx(), in milliseconds; -1 for none. */
int64_t winsock_double_timeout(void);
/* The longest of those since this was called last. */
int64_t winsock_double_longest_timeout(void);
/* The length of the last path that CreateFileW() was given. */
size_t winsock_double_path_length(void);
/* Adds this to the number of the volume, in the IDs of the files of sockets. */
void winsock_double_move_volumes(uint64_t distance);
/* Adds so many nanoseconds to what the performance counter says. */
void winsock_double_clock_forward(uint64_t duration_ns);
/* Whether the performance counter stands still but for that. */
void winsock_double_clock_stop(bool is_stopped);
/* Whether a layered provider is in front, whose sockets are not the kernel's handles. */
void winsock_double_layer(bool is_layered);
/* Whether getsockname() has 0.0.0.0 for each IPv4 address, as some firewalls have it. */
void winsock_double_hide_names(bool is_hiding);
/* The last IPv4 address that was bound, in the host's order. */
uint32_t winsock_double_bound(void);
/* The tables of the system's TCP sockets have these ports, in the host's order, of which the system
 * says that they are `told`. NULL: the true ones. */
void winsock_double_rows(const uint16_t *ports, uint32_t count, uint32_t told);
/* The next send takes no more bytes than this; 0: what it likes. */
void winsock_double_take(size_t bytes);
/* Raises a console control event: calls the handler, and returns what it returns. */
BOOL winsock_double_console_event(DWORD event);
/* The most bytes that one call has handed over. */
size_t winsock_double_largest_send(void);
/* Sets the most negative sockets that one call of WSAPoll has had; returns what it was. */
unsigned winsock_double_count_parked(unsigned count);

SOCKET WSAAPI double_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                GROUP group, DWORD flags);
SOCKET WSAAPI double_accept(SOCKET socket, struct sockaddr *name, int *length);
SOCKET WSAAPI double_WSAAccept(SOCKET socket, struct sockaddr *name, int *length,
                               LPCONDITIONPROC condition, DWORD_PTR data);
int WSAAPI double_bind(SOCKET socket, const struct sockaddr *name, int length);
int WSAAPI double_connect(SOCKET socket, const struct sockaddr *name, int length);
int WSAAPI double_closesocket(SOCKET socket);
int WSAAPI double_shutdown(SOCKET socket, int how);
int WSAAPI double_setsockopt(SOCKET socket, int level, int name, const char *value, int length);
int WSAAPI double_getsockopt(SOCKET socket, int level, int name, char *value, int *length);
int WSAAPI double_recv(SOCKET socket, char *bytes, int length, int flags);
int WSAAPI double_send(SOCKET socket, const char *bytes, int length, int flags);
int WSAAPI double_WSASend(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *sent, DWORD flags,
                          OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI double_WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out,
                           DWORD out_size, DWORD *returned, OVERLAPPED *overlapped,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI double_WSAPoll(WSAPOLLFD *entries, ULONG count, INT timeout);
int WSAAPI double_select(int unused, fd_set *readable, fd_set *writable, fd_set *failed,
                         PTIMEVAL timeout);
HANDLE WINAPI double_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key,
                                            DWORD threads);
BOOL WINAPI double_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG max,
                                               ULONG *count, DWORD timeout, BOOL is_alertable);
BOOL WINAPI double_PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
                                              OVERLAPPED *overlapped);
int WSAAPI double_listen(SOCKET socket, int backlog);
int WSAAPI double_getpeername(SOCKET socket, struct sockaddr *name, int *length);
HANDLE WINAPI double_CreateFileW(const wchar_t *path, DWORD access, DWORD sharing,
                                 SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
                                 HANDLE template_file);
BOOL WINAPI double_GetFileInformationByHandleEx(HANDLE file, FILE_INFO_BY_HANDLE_CLASS kind,
                                                void *out, DWORD size);
int WSAAPI double_WSAStartup(WORD version, WSADATA *about);
int WSAAPI double_WSACleanup(void);
BOOL WINAPI double_QueryPerformanceCounter(LARGE_INTEGER *count);
int WINAPI double_MultiByteToWideChar(UINT page, DWORD flags, const char *text, int length,
                                      wchar_t *out, int size);
DWORD WINAPI double_GetFullPathNameW(const wchar_t *name, DWORD size, wchar_t *out, wchar_t **last);
HANDLE WINAPI double_CreateMutexW(SECURITY_ATTRIBUTES *security, BOOL is_owner,
                                  const wchar_t *name);
DWORD WINAPI double_WaitForSingleObject(HANDLE handle, DWORD milliseconds);
BOOL WINAPI double_SetFileInformationByHandle(HANDLE file, FILE_INFO_BY_HANDLE_CLASS kind, void *in,
                                              DWORD size);
HANDLE WINAPI double_OpenProcess(DWORD access, BOOL is_inherited, DWORD id);
BOOL WINAPI double_OpenProcessToken(HANDLE process, DWORD access, HANDLE *token);
BOOL WINAPI double_CloseHandle(HANDLE handle);
HMODULE WINAPI double_LoadLibraryW(const wchar_t *name);
BOOL WINAPI double_FreeLibrary(HMODULE library);
uintptr_t double_beginthreadex(void *security, unsigned stack, unsigned(__stdcall *run)(void *),
                               void *data, unsigned flags, unsigned *id);
BOOL WINAPI double_SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL is_added);
void WINAPI double_Sleep(DWORD milliseconds);
int WSAAPI double_ioctlsocket(SOCKET socket, long command, u_long *argument);
int WSAAPI double_getsockname(SOCKET socket, struct sockaddr *name, int *length);
int WSAAPI double_WSARecv(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *got, DWORD *flags,
                          OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
FARPROC WINAPI double_GetProcAddress(HMODULE library, const char *name);
BOOL WINAPI double_CancelIoEx(HANDLE handle, OVERLAPPED *overlapped);
BOOL WINAPI double_SetFileCompletionNotificationModes(HANDLE handle, UCHAR modes);

#ifdef WINSOCK_DOUBLE_IN_FRONT
#define WSASocketW(a, b, c, d, e, f)        double_WSASocketW(a, b, c, d, e, f)
#define accept(a, b, c)                     double_accept(a, b, c)
#define WSAAccept(a, b, c, d, e)            double_WSAAccept(a, b, c, d, e)
#define bind(a, b, c)                       double_bind(a, b, c)
#define connect(a, b, c)                    double_connect(a, b, c)
#define closesocket(a)                      double_closesocket(a)
#define shutdown(a, b)                      double_shutdown(a, b)
#define setsockopt(a, b, c, d, e)           double_setsockopt(a, b, c, d, e)
#define getsockopt(a, b, c, d, e)           double_getsockopt(a, b, c, d, e)
#define recv(a, b, c, d)                    double_recv(a, b, c, d)
#define send(a, b, c, d)                    double_send(a, b, c, d)
#define WSASend(a, b, c, d, e, f, g)        double_WSASend(a, b, c, d, e, f, g)
#define WSAIoctl(a, b, c, d, e, f, g, h, i) double_WSAIoctl(a, b, c, d, e, f, g, h, i)
#define WSAPoll(a, b, c)                    double_WSAPoll(a, b, c)
#define select(a, b, c, d, e)               double_select(a, b, c, d, e)
#define CreateIoCompletionPort(a, b, c, d)  double_CreateIoCompletionPort(a, b, c, d)
#define GetQueuedCompletionStatusEx(a, b, c, d, e, f)                                              \
    double_GetQueuedCompletionStatusEx(a, b, c, d, e, f)
#define SetFileCompletionNotificationModes(a, b) double_SetFileCompletionNotificationModes(a, b)
#define CancelIoEx(a, b)                         double_CancelIoEx(a, b)
#define PostQueuedCompletionStatus(a, b, c, d)   double_PostQueuedCompletionStatus(a, b, c, d)
#define ioctlsocket(a, b, c)                     double_ioctlsocket(a, b, c)
#define getsockname(a, b, c)                     double_getsockname(a, b, c)
#define WSARecv(a, b, c, d, e, f, g)             double_WSARecv(a, b, c, d, e, f, g)
#define GetProcAddress(a, b)                     double_GetProcAddress(a, b)
#define listen(a, b)                             double_listen(a, b)
#define getpeername(a, b, c)                     double_getpeername(a, b, c)
#define CreateFileW(a, b, c, d, e, f, g)         double_CreateFileW(a, b, c, d, e, f, g)
#define GetFileInformationByHandleEx(a, b, c, d) double_GetFileInformationByHandleEx(a, b, c, d)
#define SetFileInformationByHandle(a, b, c, d)   double_SetFileInformationByHandle(a, b, c, d)
#define WSAStartup(a, b)                         double_WSAStartup(a, b)
#define WSACleanup()                             double_WSACleanup()
#define QueryPerformanceCounter(a)               double_QueryPerformanceCounter(a)
#define MultiByteToWideChar(a, b, c, d, e, f)    double_MultiByteToWideChar(a, b, c, d, e, f)
#define GetFullPathNameW(a, b, c, d)             double_GetFullPathNameW(a, b, c, d)
#define CreateMutexW(a, b, c)                    double_CreateMutexW(a, b, c)
#define WaitForSingleObject(a, b)                double_WaitForSingleObject(a, b)
#define CloseHandle(a)                           double_CloseHandle(a)
#define OpenProcess(a, b, c)                     double_OpenProcess(a, b, c)
#define OpenProcessToken(a, b, c)                double_OpenProcessToken(a, b, c)
#define LoadLibraryW(a)                          double_LoadLibraryW(a)
#define FreeLibrary(a)                           double_FreeLibrary(a)
#define _beginthreadex(a, b, c, d, e, f)         double_beginthreadex(a, b, c, d, e, f)
#define SetConsoleCtrlHandler(a, b)              double_SetConsoleCtrlHandler(a, b)
#define Sleep(a)                                 double_Sleep(a)
#endif

/* What the files of the double share. */
#ifdef WINSOCK_DOUBLE_ITSELF
typedef struct double_socket {
    uint16_t port;        /* Of the connecting side, by which both ends are found; or 0. */
    bool is_client;       /* This is that side. */
    bool is_connecting;   /* A connect() has begun, and nobody has seen it end. */
    bool has_met_failure; /* connect() itself failed. */
    bool has_ended;       /* The peer has shut its side. */
    bool is_reset;        /* The peer has reset the connection. */
    bool lingers_not;     /* Closing resets. */
    bool is_shut;         /* shutdown() was called. */
    bool is_closed;       /* closesocket() was called, and bytes are held. */
    bool is_unix;         /* A Unix-domain socket to who uses it. */
    char path[108];       /* That it is bound to. */
    size_t held;          /* Bytes that are taken and not sent. */
    size_t held_at;
    unsigned char *bytes;
    struct waiting_send *waiting; /* Overlapped ones behind those bytes. */
    HANDLE port_of_completions;
    ULONG_PTR key;
} double_socket;

extern enum winsock_double_mode double_mode;
/* What is known of it; NULL for a number that is no socket's. */
double_socket *double_find(SOCKET socket);
/* Between these two. */
void double_lock(void);
void double_unlock(void);
/* Sends what is held, as far as it goes; whether something still is. With the lock. */
bool double_pump(void);
/* Counts the call. True if it is to fail; then the last error is set. */
bool double_strikes(enum winsock_double_call call);
/* As winsock_double_ioctl() tells it. */
void double_ioctl_remember(DWORD code, const void *in, DWORD size);
/* Puts the seconds that winsock_double_silence() has said, if somebody has connected. */
void double_silence_put(void *seconds);
void double_modes_remember(UCHAR modes);
/* As winsock_double_timeout() tells it. */
void double_timeout_remember(int64_t timeout);
/* One handle more, or less. */
void double_handles_add(long count);
/* Counts a socket that is a child's, too, when it is made. */
void double_inheritable_count(DWORD flags);
/* Whether this is 0.0.0.0 or [::]. */
bool double_is_any(const struct sockaddr *name);
/* For Unix-domain sockets. */
/* Whether it is answered here. */
bool double_unix_ioctl(SOCKET socket, DWORD code, void *out, DWORD *returned);
int double_unix_bind(SOCKET socket, const struct sockaddr *name, int length);
int double_unix_connect(SOCKET socket, const struct sockaddr *name);
/* Notes an address that is bound. */
void double_bound_remember(const struct sockaddr *name);
/* As winsock_double_hide_names() has it. */
void double_name_hide(struct sockaddr *name);
/* As winsock_double_layer() has it, if this asks for it. */
void double_layer_put(int level, int name, char *value);
/* The first bytes of these that the next send takes. */
size_t double_take(size_t bytes);
/* Whether an operation with so many buffers can start with it; else the last error says why not. */
bool double_can_start(const OVERLAPPED *overlapped, DWORD buffers);
/* The table of winsock_double_rows(). False if there is none. */
bool double_rows_write(void *table, DWORD *size, size_t row_bytes, size_t port_at, DWORD *result);
/* An AcceptEx has been called with this. */
void double_accept_remember(const OVERLAPPED *overlapped);
#endif

#endif
