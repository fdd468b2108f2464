/* platform/windows/process.c - CreateProcessW() and job objects.
 *
 * A child is put into a job that dies with our handle to it, so that none outlives us however we
 * end. It inherits the handles that are listed for it, not all that are inheritable just then.
 */
#include "platform/process.h"

#include <stdio.h>
#include <string.h>

#include "platform/os.h"
/* After windows.h. */
#include <psapi.h>

#define COMMAND_LINE_MAX 32767u /* CreateProcessW() takes no more, in UTF-16 units. */
#define PIPE_BYTES       65536u

struct plx__process {
    HANDLE handle;
    HANDLE job;
    HANDLE input;  /* Our end of its standard input; NULL when closed. */
    HANDLE output; /* Our end of its standard output, for overlapped reads; NULL when ended. */
    HANDLE event;  /* A read of `output` is done. */
    bool has_ended;
    plx__process_usage usage;
};

/* --- text ------------------------------------------------------------------------------------ */

/* Into UTF-16, at most `size` units with the closing zero. Returns how many, without the zero, or
 * -1. */
static int wide_of(const char *text, WCHAR *wide, size_t size)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, (int)size);
    return length > 0 ? length - 1 : -1;
}

static int narrow_of(const WCHAR *wide, char *text, size_t size)
{
    if (WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)size, NULL, NULL) == 0)
        return PLX_ENAMETOOLONG;
    return 0;
}

/* A command line that grows; `length` of COMMAND_LINE_MAX means that it is full. */
typedef struct command_line {
    WCHAR *text;
    size_t length;
} command_line;

static void command_put(command_line *line, WCHAR unit, size_t count)
{
    for (; count > 0 && line->length < COMMAND_LINE_MAX; count--)
        line->text[line->length++] = unit;
}

/* In quotes, so that the child's C library takes it apart again: backslashes count only before a
 * quote, and there twice ("Parsing C command-line arguments", Microsoft Learn). */
static void command_put_argument(command_line *line, const WCHAR *argument)
{
    size_t backslashes = 0;
    if (line->length > 0)
        command_put(line, L' ', 1);
    command_put(line, L'"', 1);
    for (; *argument != L'\0'; argument++) {
        if (*argument == L'"')
            command_put(line, L'\\', backslashes + 1);
        backslashes = *argument == L'\\' ? backslashes + 1 : 0;
        command_put(line, *argument, 1);
    }
    command_put(line, L'\\', backslashes);
    command_put(line, L'"', 1);
}

/* `text` holds COMMAND_LINE_MAX units, `scratch` too. */
static int command_fill(WCHAR *text, WCHAR *scratch, const char *const *arguments)
{
    command_line line = {.text = text};
    for (; *arguments != NULL; arguments++) {
        if (wide_of(*arguments, scratch, COMMAND_LINE_MAX) < 0)
            return PLX_EINVAL;
        command_put_argument(&line, scratch);
    }
    if (line.length >= COMMAND_LINE_MAX)
        return PLX_EMSGSIZE;
    text[line.length] = L'\0';
    return 0;
}

/* --- starting -------------------------------------------------------------------------------- */

static void handle_close(HANDLE *handle)
{
    if (*handle != NULL)
        (void)CloseHandle(*handle);
    *handle = NULL;
}

static int fail_last(void)
{
    return plx__fail((int)GetLastError());
}

static HANDLE handle_or_null(HANDLE handle)
{
    return handle != INVALID_HANDLE_VALUE ? handle : NULL;
}

/* The child's end of its output can be inherited. Ours is a named pipe's, because only those can be
 * read with a time limit. */
static int output_open(HANDLE *ours_out, HANDLE *child_out)
{
    static plx__atomic_u32 count;
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    char name[64];
    WCHAR wide[64];
    (void)snprintf(name, sizeof name, "\\\\.\\pipe\\pollux-%lu-%lu",
                   (unsigned long)GetCurrentProcessId(), (unsigned long)plx__atomic_add(&count, 1));
    (void)wide_of(name, wide, sizeof wide / sizeof wide[0]);
    *ours_out = handle_or_null(CreateNamedPipeW(
        wide, PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, 0, PIPE_BYTES, 0, NULL));
    if (*ours_out == NULL)
        return fail_last();
    *child_out =
        handle_or_null(CreateFileW(wide, GENERIC_WRITE, 0, &inheritable, OPEN_EXISTING, 0, NULL));
    return *child_out != NULL ? 0 : fail_last();
}

static int input_open(HANDLE *ours_out, HANDLE *child_out)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    if (!CreatePipe(child_out, ours_out, &inheritable, 0))
        return fail_last();
    (void)SetHandleInformation(*ours_out, HANDLE_FLAG_INHERIT, 0);
    return 0;
}

/* Ours may not be inheritable, or may be none. */
static HANDLE error_stream_open(void)
{
    HANDLE copy = NULL;
    HANDLE self = GetCurrentProcess();
    HANDLE ours = handle_or_null(GetStdHandle(STD_ERROR_HANDLE));
    if (ours == NULL || !DuplicateHandle(self, ours, self, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS))
        return NULL;
    return copy;
}

/* A job whose processes end when its last handle, which is ours, is closed. */
static HANDLE job_open(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    memset(&limits, 0, sizeof limits);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (job != NULL)
        (void)SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits,
                                      sizeof limits);
    return job;
}

/* Creates it suspended, so that it is in the job before it can start a process of its own. */
static int child_create(plx__process *process, const WCHAR *program, WCHAR *command,
                        STARTUPINFOEXW *startup)
{
    PROCESS_INFORMATION made;
    const DWORD flags = CREATE_SUSPENDED | EXTENDED_STARTUPINFO_PRESENT;
    if (!CreateProcessW(program, command, NULL, NULL, TRUE, flags, NULL, NULL,
                        &startup->StartupInfo, &made))
        return fail_last();
    process->handle = made.hProcess;
    process->job = job_open();
    /* Where jobs do not nest (Windows 7) it fails when we are in one, which then keeps ours. */
    if (process->job != NULL)
        (void)AssignProcessToJobObject(process->job, made.hProcess);
    (void)ResumeThread(made.hThread);
    (void)CloseHandle(made.hThread);
    return 0;
}

/* `streams` are the child's ends of its standard streams, in their order; the last may be NULL. */
static int child_create_with(plx__process *process, const WCHAR *program, WCHAR *command,
                             HANDLE *streams)
{
    STARTUPINFOEXW startup;
    SIZE_T size = 0;
    DWORD count = streams[2] != NULL ? 3 : 2;
    memset(&startup, 0, sizeof startup);
    startup.StartupInfo.cb = sizeof startup;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = streams[0];
    startup.StartupInfo.hStdOutput = streams[1];
    startup.StartupInfo.hStdError = streams[2];
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    startup.lpAttributeList = plx__allocate(size);
    if (startup.lpAttributeList == NULL)
        return PLX_ENOMEM;
    int status = PLX_ENOSYS;
    if (InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)) {
        if (UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                      streams, count * sizeof *streams, NULL, NULL))
            status = child_create(process, program, command, &startup);
        else
            status = fail_last();
        DeleteProcThreadAttributeList(startup.lpAttributeList);
    }
    plx__free(startup.lpAttributeList);
    return status;
}

static int child_start(plx__process *process, const char *const *arguments, HANDLE *streams)
{
    WCHAR program[PLX__PATH_MAX];
    if (wide_of(arguments[0], program, PLX__PATH_MAX) < 0)
        return PLX_ENAMETOOLONG;
    WCHAR *text = plx__allocate(2 * COMMAND_LINE_MAX * sizeof *text);
    if (text == NULL)
        return PLX_ENOMEM;
    int status = command_fill(text, text + COMMAND_LINE_MAX, arguments);
    if (status == 0)
        status = child_create_with(process, program, text, streams);
    plx__free(text);
    return status;
}

static int process_spawn(plx__process *process, const char *const *arguments)
{
    HANDLE streams[3] = {NULL, NULL, error_stream_open()};
    int status = input_open(&process->input, &streams[0]);
    if (status == 0)
        status = output_open(&process->output, &streams[1]);
    if (status == 0) {
        process->event = CreateEventW(NULL, TRUE, FALSE, NULL);
        status = process->event != NULL ? 0 : fail_last();
    }
    if (status == 0)
        status = child_start(process, arguments, streams);
    for (int i = 0; i < 3; i++)
        handle_close(&streams[i]);
    return status;
}

int plx__process_start(plx__process **process_out, const char *const *arguments)
{
    *process_out = NULL;
    plx__process *process = plx__allocate_zeroed(1, sizeof *process);
    if (process == NULL)
        return PLX_ENOMEM;
    int status = process_spawn(process, arguments);
    if (status != 0) {
        plx__process_close(process);
        return status;
    }
    *process_out = process;
    return 0;
}

/* --- talking to it --------------------------------------------------------------------------- */

ptrdiff_t plx__process_read(plx__process *process, void *bytes, size_t size, uint64_t timeout_ns)
{
    OVERLAPPED overlapped;
    DWORD got = 0;
    DWORD wanted = size < INT32_MAX ? (DWORD)size : (DWORD)INT32_MAX;
    if (process->output == NULL)
        return PLX_EEOF;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = process->event;
    BOOL is_done = ReadFile(process->output, bytes, wanted, NULL, &overlapped);
    if (is_done || GetLastError() == ERROR_IO_PENDING) {
        if (WaitForSingleObject(process->event, plx__milliseconds(timeout_ns)) != WAIT_OBJECT_0)
            (void)CancelIoEx(process->output, &overlapped);
        /* It may have been done just before that; what it brought must not be lost. */
        if (GetOverlappedResult(process->output, &overlapped, &got, TRUE) && got > 0)
            return (ptrdiff_t)got;
        if (got == 0 && GetLastError() == ERROR_OPERATION_ABORTED)
            return PLX_ETIMEDOUT;
    }
    handle_close(&process->output); /* The pipe is broken: it has ended its output. */
    return PLX_EEOF;
}

/* A FILETIME counts in units of 100 ns. */
static uint64_t time_ns(FILETIME time)
{
    return (((uint64_t)time.dwHighDateTime << 32) | time.dwLowDateTime) * 100;
}

/* Wine answers with the times of the process that asks, whichever was asked for (measured with Wine
 * 8.0). */
static bool times_are_told(void)
{
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    return library == NULL || GetProcAddress(library, "wine_get_version") == NULL;
}

static uint64_t cpu_ns(HANDLE process)
{
    FILETIME made, ended, kernel, user;
    if (!times_are_told() || !GetProcessTimes(process, &made, &ended, &kernel, &user))
        return 0;
    return time_ns(kernel) + time_ns(user);
}

/* Of a process that has ended the times are still known, the memory is not. */
static void memory_sample(plx__process *process)
{
    PROCESS_MEMORY_COUNTERS counters;
    if (K32GetProcessMemoryInfo(process->handle, &counters, sizeof counters) &&
        counters.PeakWorkingSetSize > process->usage.memory_peak_bytes)
        process->usage.memory_peak_bytes = counters.PeakWorkingSetSize;
}

void plx__process_input_close(plx__process *process)
{
    if (process->input == NULL)
        return;
    memory_sample(process);
    handle_close(&process->input);
}

/* --- its end --------------------------------------------------------------------------------- */

static void usage_take(plx__process *process)
{
    DWORD exit_status = 0;
    process->has_ended = true;
    memory_sample(process);
    process->usage.cpu_ns = cpu_ns(process->handle);
    (void)GetExitCodeProcess(process->handle, &exit_status);
    process->usage.exit_status = exit_status <= INT32_MAX ? (int)exit_status : -1;
}

static uint64_t deadline_of(uint64_t timeout_ns)
{
    uint64_t now = plx__clock_now();
    return timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
}

static uint64_t remaining_ns(uint64_t until_ns)
{
    uint64_t now = plx__clock_now();
    if (until_ns == PLX_FOREVER)
        return PLX_FOREVER;
    return until_ns > now ? until_ns - now : 0;
}

int plx__process_wait(plx__process *process, uint64_t timeout_ns, plx__process_usage *usage_out)
{
    uint64_t until = deadline_of(timeout_ns);
    char dropped[1024];
    ptrdiff_t got = process->has_ended ? 0 : 1;
    plx__process_input_close(process);
    /* Until its output has ended, for else it would wait for us to take it. */
    while (got > 0)
        got = plx__process_read(process, dropped, sizeof dropped, remaining_ns(until));
    if (!process->has_ended) {
        DWORD wait = plx__milliseconds(remaining_ns(until));
        if (WaitForSingleObject(process->handle, wait) != WAIT_OBJECT_0)
            return PLX_ETIMEDOUT;
        usage_take(process);
    }
    *usage_out = process->usage;
    return 0;
}

void plx__process_close(plx__process *process)
{
    if (process == NULL)
        return;
    if (process->handle != NULL && !process->has_ended) {
        (void)TerminateProcess(process->handle, 1);
        (void)WaitForSingleObject(process->handle, INFINITE);
    }
    handle_close(&process->job);
    handle_close(&process->input);
    handle_close(&process->output);
    handle_close(&process->event);
    handle_close(&process->handle);
    plx__free(process);
}

/* --- the program itself ---------------------------------------------------------------------- */

int plx__program_path(char *path, size_t size)
{
    WCHAR wide[PLX__PATH_MAX];
    DWORD length = GetModuleFileNameW(NULL, wide, PLX__PATH_MAX);
    if (length == 0)
        return fail_last();
    return length < PLX__PATH_MAX ? narrow_of(wide, path, size) : PLX_ENAMETOOLONG;
}

int plx__program_find(const char *name, char *path, size_t size)
{
    WCHAR wide_name[PLX__PATH_MAX];
    WCHAR wide[PLX__PATH_MAX];
    if (wide_of(name, wide_name, PLX__PATH_MAX) < 0)
        return PLX_ENAMETOOLONG;
    DWORD length = SearchPathW(NULL, wide_name, L".exe", PLX__PATH_MAX, wide, NULL);
    if (length == 0)
        return PLX_ENOENT;
    return length < PLX__PATH_MAX ? narrow_of(wide, path, size) : PLX_ENAMETOOLONG;
}

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 0x0004 /* Since Windows 10 1511. */
#endif

bool plx__stream_is_terminal(enum plx__stream stream)
{
    static const DWORD names[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    HANDLE handle = GetStdHandle(names[stream]);
    DWORD mode;
    if (!GetConsoleMode(handle, &mode))
        return false;
    if (stream == PLX__STREAM_INPUT)
        return true;
    return SetConsoleMode(handle, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

bool plx__stream_has_room(enum plx__stream stream)
{
    (void)stream;
    return true;
}

/* Writes fail here by themselves. */
void plx__pipes_ignore(void)
{
}

plx_socket plx__input_socket(void)
{
    return PLX_SOCKET_NONE;
}

bool plx__input_read(void)
{
    char bytes[256];
    DWORD got = 0;
    return ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof bytes, &got, NULL) && got > 0;
}

void plx__input_drain(void)
{
    while (plx__input_read())
        continue;
}
