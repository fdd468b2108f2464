/* tests/winsock_double_fail.c - the part of the double by which tests count calls, have them fail,
 * and answer for the AFD driver: see winsock_double.h. */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <iphlpapi.h>
#include <process.h>
#include <string.h>
#include <wchar.h>
#include <winternl.h>

enum { ACCEPTS_MAX = 64, CLASS_OF_LEAVING = 61 /* FileReplaceCompletionInformation */ };

/* What is to strike. */
static struct {
    enum winsock_double_call call;
    uint32_t skip, count, struck;
    int error;
    winsock_double_fn act;
    void *data;
} plan;

static volatile LONG calls[DOUBLE_CALLS];

void winsock_double_act(enum winsock_double_call call, uint32_t skip, uint32_t count, int error,
                        winsock_double_fn act, void *data)
{
    plan.call = DOUBLE_NONE;
    plan.skip = skip;
    plan.count = count;
    plan.struck = 0;
    plan.error = error;
    plan.act = act;
    plan.data = data;
    plan.call = call;
}

void winsock_double_fail(enum winsock_double_call call, uint32_t skip, uint32_t count, int error)
{
    winsock_double_act(call, skip, count, error, NULL, NULL);
}

uint32_t winsock_double_mend(void)
{
    plan.call = DOUBLE_NONE;
    return plan.struck;
}

uint32_t winsock_double_calls(enum winsock_double_call call)
{
    return (uint32_t)calls[call];
}

bool double_strikes(enum winsock_double_call call)
{
    (void)InterlockedIncrement(&calls[call]);
    if (plan.call != call)
        return false;
    if (plan.skip > 0) {
        plan.skip--;
        return false;
    }
    if (plan.count == 0)
        return false;
    plan.count--;
    plan.struck++;
    int error = plan.error;
    if (plan.act != NULL)
        plan.act(plan.data);
    if (error == 0)
        return false;
    WSASetLastError(error);
    return true;
}

/* --- calls that only fail --------------------------------------------------------------------
 */

BOOL WINAPI double_PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
                                              OVERLAPPED *overlapped)
{
    return double_strikes(DOUBLE_POST) ? FALSE
                                       : PostQueuedCompletionStatus(port, bytes, key, overlapped);
}

static struct {
    DWORD code;
    unsigned char bytes[4];
} ioctls[16]; /* The last of each code; the library has fewer. */

void double_ioctl_remember(DWORD code, const void *in, DWORD size)
{
    size_t at = 0;
    while (ioctls[at].code != code && ioctls[at].code != 0 && at + 1 < 16)
        at++;
    ioctls[at].code = code;
    if (size >= sizeof ioctls[at].bytes)
        memcpy(ioctls[at].bytes, in, sizeof ioctls[at].bytes);
}

bool winsock_double_ioctl(DWORD code, unsigned char *bytes_out)
{
    size_t at = 0;
    while (ioctls[at].code != code && at + 1 < 16)
        at++;
    memcpy(bytes_out, ioctls[at].bytes, sizeof ioctls[at].bytes);
    return ioctls[at].code == code;
}

int WSAAPI double_getsockopt(SOCKET socket, int level, int name, char *value, int *length)
{
    const double_socket *known = double_find(socket);
    if (double_strikes(DOUBLE_GET)) {
        memset(value, 0xFF, (size_t)*length); /* What it has is undefined then. */
        return SOCKET_ERROR;
    }
    if (known != NULL && known->is_unix && level == IPPROTO_TCP) {
        WSASetLastError(WSAENOPROTOOPT);
        return SOCKET_ERROR;
    }
    int result = getsockopt(socket, level, name, value, length);
    if (result == 0)
        double_layer_put(level, name, value);
    if (double_mode != 0 && known != NULL && result == 0 && level == SOL_SOCKET &&
        name == SO_ERROR && known->has_met_failure)
        memset(value, 0, sizeof(int));
    else if (result == 0 && level == SOL_SOCKET && name == SO_CONNECT_TIME)
        double_silence_put(value);
    return result;
}

/* Who asks for less than 2.2 cannot count on what the library calls. */
int WSAAPI double_WSAStartup(WORD version, WSADATA *about)
{
    if (LOBYTE(version) < 2 || (LOBYTE(version) == 2 && HIBYTE(version) < 2))
        return WSAVERNOTSUPPORTED;
    int result = WSAStartup(version, about);
    double_handles_add(result == 0);
    return result;
}

int WSAAPI double_WSACleanup(void)
{
    int result = WSACleanup();
    double_handles_add(result == 0 ? -1 : 1);
    return result;
}

int WSAAPI double_ioctlsocket(SOCKET socket, long command, u_long *argument)
{
    return double_strikes(DOUBLE_NON_BLOCKING) ? SOCKET_ERROR
                                               : ioctlsocket(socket, command, argument);
}

int WSAAPI double_WSARecv(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *got, DWORD *flags,
                          OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    if (double_strikes(DOUBLE_RECEIVE) || !double_can_start(overlapped, count))
        return SOCKET_ERROR;
    return WSARecv(socket, buffers, count, got, flags, overlapped, routine);
}

uintptr_t double_beginthreadex(void *security, unsigned stack, unsigned(__stdcall *run)(void *),
                               void *data, unsigned flags, unsigned *id)
{
    if (double_strikes(DOUBLE_THREAD) || flags != 0)
        return 0;
    uintptr_t handle = _beginthreadex(security, stack, run, data, flags, id);
    double_handles_add(handle != 0);
    return handle;
}

static int64_t last_timeout;
static int64_t longest_timeout;

void double_timeout_remember(int64_t timeout)
{
    last_timeout = timeout;
    if (timeout > longest_timeout)
        longest_timeout = timeout;
}

int64_t winsock_double_longest_timeout(void)
{
    int64_t longest = longest_timeout;
    longest_timeout = 0;
    return longest;
}

int64_t winsock_double_timeout(void)
{
    return last_timeout;
}

void WINAPI double_Sleep(DWORD milliseconds)
{
    double_timeout_remember((int32_t)milliseconds);
    if (!double_strikes(DOUBLE_SLEEP))
        Sleep(milliseconds);
}

static PHANDLER_ROUTINE console_handler;

BOOL WINAPI double_SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL is_added)
{
    if (double_strikes(DOUBLE_HANDLER))
        return FALSE;
    console_handler = handler;
    return SetConsoleCtrlHandler(handler, is_added);
}

BOOL winsock_double_console_event(DWORD event)
{
    return console_handler(event);
}

static int last_backlog;

int WSAAPI double_listen(SOCKET socket, int backlog)
{
    last_backlog = backlog;
    return double_strikes(DOUBLE_LISTEN) ? SOCKET_ERROR : listen(socket, backlog);
}

int winsock_double_backlog(void)
{
    return last_backlog;
}

static int last_modes;

void double_modes_remember(UCHAR modes)
{
    last_modes = modes;
}

int winsock_double_modes(void)
{
    return last_modes;
}

void double_inheritable_count(DWORD flags)
{
    if ((flags & 0x80) == 0) /* WSA_FLAG_NO_HANDLE_INHERIT */
        (void)double_strikes(DOUBLE_INHERITED);
}

/* --- handles ---------------------------------------------------------------------------------
 */

static volatile LONG handles;

void double_handles_add(long count)
{
    (void)InterlockedExchangeAdd(&handles, count);
}

long winsock_double_handles(void)
{
    return handles;
}

HANDLE WINAPI double_OpenProcess(DWORD access, BOOL is_inherited, DWORD id)
{
    HANDLE made = OpenProcess(access, is_inherited, id);
    double_handles_add(made != NULL);
    return made;
}

BOOL WINAPI double_OpenProcessToken(HANDLE process, DWORD access, HANDLE *token)
{
    BOOL result = OpenProcessToken(process, access, token);
    double_handles_add(result != 0);
    return result;
}

BOOL WINAPI double_CloseHandle(HANDLE handle)
{
    BOOL result = CloseHandle(handle);
    double_handles_add(result ? -1 : 1);
    return result;
}

HANDLE WINAPI double_CreateMutexW(SECURITY_ATTRIBUTES *security, BOOL is_owner, const wchar_t *name)
{
    HANDLE made = double_strikes(DOUBLE_MUTEX) ? NULL : CreateMutexW(security, is_owner, name);
    double_handles_add(made != NULL);
    return made;
}

DWORD WINAPI double_WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
    double_timeout_remember((int32_t)milliseconds);
    return double_strikes(DOUBLE_TURN) ? GetLastError() : WaitForSingleObject(handle, milliseconds);
}

HMODULE WINAPI double_LoadLibraryW(const wchar_t *name)
{
    HMODULE loaded = double_strikes(DOUBLE_LIBRARY) ? NULL : LoadLibraryW(name);
    double_handles_add(loaded != NULL);
    return loaded;
}

BOOL WINAPI double_FreeLibrary(HMODULE library)
{
    double_handles_add(-1);
    return FreeLibrary(library);
}

/* --- accepts ---------------------------------------------------------------------------------
 */

static const OVERLAPPED *accepts[ACCEPTS_MAX];
static unsigned accepts_count;

void double_accept_remember(const OVERLAPPED *overlapped)
{
    if (accepts_count < ACCEPTS_MAX)
        accepts[accepts_count++] = overlapped;
}

static DWORD silence = UINT32_MAX;

void winsock_double_silence(DWORD seconds)
{
    silence = seconds;
}

void double_silence_put(void *seconds)
{
    DWORD true_seconds;
    memcpy(&true_seconds, seconds, sizeof true_seconds);
    if (true_seconds != UINT32_MAX && silence != UINT32_MAX)
        memcpy(seconds, &silence, sizeof silence);
}

unsigned winsock_double_accepts_completed(void)
{
    unsigned completed = 0;
    for (unsigned i = 0; i < accepts_count; i++)
        completed += HasOverlappedIoCompleted(accepts[i]);
    return completed;
}

/* --- what is found by its name ---------------------------------------------------------------
 */

typedef NTSTATUS(NTAPI *create_file_fn)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *,
                                        IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG, ULONG,
                                        ULONG, void *, ULONG);
typedef NTSTATUS(NTAPI *device_io_fn)(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, ULONG,
                                      void *, ULONG, void *, ULONG);
typedef NTSTATUS(NTAPI *set_file_fn)(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, int);
typedef LONG(WINAPI *get_version_fn)(OSVERSIONINFOW *);
typedef DWORD(WINAPI *get_table_fn)(void *, DWORD *, BOOL);

/* IOCTL_AFD_POLL's, in and out. */
typedef struct poll_info {
    LARGE_INTEGER timeout;
    ULONG count, is_exclusive;
    HANDLE handle;
    ULONG events;
    NTSTATUS status;
} poll_info;

static create_file_fn create_file;
static device_io_fn device_io;
static set_file_fn set_file;
static get_version_fn get_version;
static get_table_fn get_table, get_table_6;
static DWORD build;

static struct {
    uint32_t times;
    NTSTATUS status;
    ULONG count, events;
} answer;

static ULONG asked;
static bool is_answering_at_once;

void winsock_double_answer_at_once(bool is_at_once)
{
    is_answering_at_once = is_at_once;
}

void winsock_double_answer(uint32_t times, long status, ULONG count, ULONG events)
{
    answer.status = (NTSTATUS)status;
    answer.count = count;
    answer.events = events;
    answer.times = times;
}

ULONG winsock_double_asked(void)
{
    return asked;
}

void winsock_double_build(DWORD number)
{
    build = number;
}

static NTSTATUS NTAPI double_create_file(HANDLE *handle, ACCESS_MASK access,
                                         OBJECT_ATTRIBUTES *attributes, IO_STATUS_BLOCK *block,
                                         LARGE_INTEGER *size, ULONG flags, ULONG sharing,
                                         ULONG disposition, ULONG options, void *more, ULONG length)
{
    if (double_strikes(DOUBLE_DEVICE))
        return (NTSTATUS)GetLastError();
    static const wchar_t device[] = L"\\Device\\Afd\\";
    const UNICODE_STRING *name = attributes->ObjectName;
    if (name->Length % 2 != 0 || name->Length < sizeof device ||
        memcmp(name->Buffer, device, sizeof device - 2) != 0 ||
        wmemchr(name->Buffer, L'\0', name->Length / 2) != NULL)
        return (NTSTATUS)0xC0000033; /* STATUS_OBJECT_NAME_INVALID */
    if (access != SYNCHRONIZE || attributes->RootDirectory != NULL || attributes->Attributes != 0 ||
        size != NULL || flags != 0 || sharing != (FILE_SHARE_READ | FILE_SHARE_WRITE) ||
        disposition != 1 || options != 0 || more != NULL || length != 0)
        return (NTSTATUS)0xC000000D; /* STATUS_INVALID_PARAMETER: what others ask for, or none. */
    NTSTATUS status = create_file(handle, access, attributes, block, size, flags, sharing,
                                  disposition, options, more, length);
    double_handles_add(status == 0);
    return status;
}

static NTSTATUS NTAPI double_device_io(HANDLE handle, HANDLE event, void *routine, void *context,
                                       IO_STATUS_BLOCK *block, ULONG code, void *in, ULONG in_size,
                                       void *out, ULONG out_size)
{
    poll_info *info = in;
    const double_socket *known = double_find((SOCKET)handle);
    asked = info->events;
    if (double_strikes(DOUBLE_AFD))
        return (NTSTATUS)GetLastError();
    if (!double_can_start((OVERLAPPED *)(void *)block, 1) || info->count != 1 ||
        info->is_exclusive != 0 || info->timeout.QuadPart != INT64_MAX)
        return (NTSTATUS)0xC000000D;
    if (answer.times == 0 || known == NULL)
        return device_io(handle, event, routine, context, block, code, in, in_size, out, out_size);
    answer.times--;
    OVERLAPPED *overlapped = (OVERLAPPED *)(void *)block;
    info->count = answer.count;
    info->events = answer.events;
    overlapped->Internal = (ULONG_PTR)answer.status;
    (void)PostQueuedCompletionStatus(known->port_of_completions, 0, known->key, overlapped);
    return is_answering_at_once ? 0 : (NTSTATUS)0x103; /* STATUS_PENDING */
}

static NTSTATUS NTAPI double_set_file(HANDLE handle, IO_STATUS_BLOCK *block, void *in, ULONG size,
                                      int kind)
{
    if (kind == CLASS_OF_LEAVING && double_strikes(DOUBLE_LEAVE))
        return (NTSTATUS)GetLastError();
    return set_file(handle, block, in, size, kind);
}

static LONG WINAPI double_get_version(OSVERSIONINFOW *version)
{
    LONG result = get_version(version);
    if (build != 0)
        version->dwBuildNumber = build;
    return result;
}

static DWORD WINAPI double_get_table(void *table, DWORD *size, BOOL is_sorted)
{
    DWORD result;
    if (double_strikes(DOUBLE_TABLE))
        return GetLastError();
    if (double_rows_write(table, size, sizeof(MIB_TCPROW), offsetof(MIB_TCPROW, dwLocalPort),
                          &result))
        return result;
    return get_table(table, size, is_sorted);
}

static DWORD WINAPI double_get_table_6(void *table, DWORD *size, BOOL is_sorted)
{
    DWORD result;
    if (double_strikes(DOUBLE_TABLE))
        return GetLastError();
    if (double_rows_write(table, size, sizeof(MIB_TCP6ROW), offsetof(MIB_TCP6ROW, dwLocalPort),
                          &result))
        return result;
    return get_table_6(table, size, is_sorted);
}

/* The function that is found, and the one that takes its place. No cast leads from one function to
 * another of another type. */
typedef struct substitute {
    const char *name;
    void *found_out;
    FARPROC instead;
} substitute;

#define SUBSTITUTE(text, real, instead)                                                            \
    {                                                                                              \
        (text), (void *)&(real), (FARPROC)(void (*)(void))(instead)                                \
    }

FARPROC WINAPI double_GetProcAddress(HMODULE library, const char *name)
{
    static const substitute substitutes[] = {
        SUBSTITUTE("NtCreateFile", create_file, double_create_file),
        SUBSTITUTE("NtDeviceIoControlFile", device_io, double_device_io),
        SUBSTITUTE("NtSetInformationFile", set_file, double_set_file),
        SUBSTITUTE("RtlGetVersion", get_version, double_get_version),
        SUBSTITUTE("GetTcpTable", get_table, double_get_table),
        SUBSTITUTE("GetTcp6Table", get_table_6, double_get_table_6),
    };
    FARPROC found = double_strikes(DOUBLE_FIND) ? NULL : GetProcAddress(library, name);
    for (size_t i = 0; found != NULL && i < sizeof substitutes / sizeof substitutes[0]; i++) {
        if (strcmp(name, substitutes[i].name) == 0) {
            memcpy(substitutes[i].found_out, &found, sizeof found);
            return substitutes[i].instead;
        }
    }
    return found;
}
