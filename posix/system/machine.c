/* posix/system/machine.c - the machine: memory in files, usage, names; the event log.
 */
#include "posix/fd/fd.h"

#include <psapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/system/event_log.h"
#include "posix/system/facts.h"

void plx__event_log(const char *source, int level, const char *text)
{
    if (level > 5)
        return;
    HANDLE log = RegisterEventSourceA(NULL, source);
    WORD type = level <= 3   ? EVENTLOG_ERROR_TYPE
                : level == 4 ? EVENTLOG_WARNING_TYPE
                             : EVENTLOG_INFORMATION_TYPE;
    if (log == NULL)
        return;
    (void)ReportEventA(log, type, 0, 0, NULL, 1, 0, &text, NULL);
    (void)DeregisterEventSource(log);
}

/* --- memory --------------------------------------------------------------------------------- */

enum {
    CAN_WRITE = 2,
    CAN_RUN = 4,
    IS_SHARED = 1,
    IS_PRIVATE = 2,
    IS_FIXED = 0x10,
    IS_NOBODYS = 0x20
};

static DWORD protection_of(int protection, bool is_copied)
{
    if ((protection & CAN_RUN) != 0)
        return (protection & CAN_WRITE) != 0
                   ? (is_copied ? PAGE_EXECUTE_WRITECOPY : PAGE_EXECUTE_READWRITE)
                   : PAGE_EXECUTE_READ;
    if ((protection & CAN_WRITE) != 0)
        return is_copied ? PAGE_WRITECOPY : PAGE_READWRITE;
    return protection != 0 ? PAGE_READONLY : PAGE_NOACCESS;
}

static int file_map(HANDLE handle, size_t length, int protection, bool is_copied, int64_t offset,
                    void **address_out)
{
    DWORD access = (protection & CAN_WRITE) == 0 ? FILE_MAP_READ
                   : is_copied                   ? FILE_MAP_COPY
                                                 : FILE_MAP_WRITE;
    DWORD page = protection_of(protection != 0 ? protection : 1, is_copied);
    HANDLE mapping = CreateFileMappingW(handle, NULL, page, 0, 0, NULL);
    if (mapping == NULL)
        return plx__errno_last();
    *address_out = MapViewOfFile(mapping, access, (DWORD)(offset >> 32), (DWORD)offset, length);
    int status = *address_out != NULL ? 0 : plx__errno_last();
    (void)CloseHandle(mapping); /* The view keeps it. */
    return status;
}

static int memory_map(size_t length, int protection, int flags, int fd, int64_t offset,
                      void **address_out)
{
    if (length == 0 || offset < 0 || (flags & (IS_SHARED | IS_PRIVATE)) == 0)
        return -EINVAL;
    if ((flags & IS_FIXED) != 0)
        return -EOPNOTSUPP;
    if ((flags & IS_NOBODYS) != 0) {
        *address_out =
            VirtualAlloc(NULL, length, MEM_RESERVE | MEM_COMMIT, protection_of(protection, false));
        return *address_out != NULL ? 0 : -ENOMEM;
    }
    if (offset % 65536 != 0)
        return -EINVAL; /* The granularity of views here. */
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    int status = file->kind->mode != PLX__S_IFREG
                     ? -ENODEV
                     : file_map(file->handle, length, protection, (flags & IS_PRIVATE) != 0, offset,
                                address_out);
    plx__file_put(file);
    return status;
}

PLX__CALL void *plx_posix_mmap(void *wanted, size_t length, int protection, int flags, int fd,
                               int64_t offset)
{
    void *address = NULL;
    (void)wanted;
    int status = memory_map(length, protection, flags, fd, offset, &address);
    if (status == 0)
        return address;
    errno = -status;
    return (void *)(intptr_t)-1;
}

/* The whole mapping goes, for Windows has no parts of one. */
PLX__CALL int plx_posix_munmap(void *address, size_t length)
{
    MEMORY_BASIC_INFORMATION info;
    if (length == 0 || VirtualQuery(address, &info, sizeof info) == 0)
        return plx__answer_int(-EINVAL);
    BOOL is_gone =
        info.Type == MEM_MAPPED ? UnmapViewOfFile(address) : VirtualFree(address, 0, MEM_RELEASE);
    return plx__answer_int(is_gone ? 0 : -EINVAL);
}

PLX__CALL int plx_posix_msync(void *address, size_t length, int flags)
{
    (void)flags;
    return plx__answer_int(FlushViewOfFile(address, length) ? 0 : -ENOMEM);
}

PLX__CALL int plx_posix_mprotect(void *address, size_t length, int protection)
{
    DWORD before;
    return plx__answer_int(
        VirtualProtect(address, length, protection_of(protection, false), &before) ? 0 : -ENOMEM);
}

PLX__CALL int plx_posix_madvise(void *address, size_t length, int advice)
{
    SYSTEM_INFO info;
    (void)length;
    (void)advice;
    GetSystemInfo(&info);
    return (uintptr_t)address % info.dwPageSize == 0 ? 0 : plx__answer_int(-EINVAL);
}

PLX__CALL int plx_posix_mlockall(int flags)
{
    (void)flags;
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_munlockall(void)
{
    return plx__answer_int(-ENOSYS);
}

/* What a process may lock is a part of its working set, which is made larger if need be. */
PLX__CALL int plx_posix_mlock(const void *address, size_t length)
{
    SIZE_T least;
    SIZE_T most;
    void *first = (void *)(uintptr_t)address;
    if (length == 0 || VirtualLock(first, length))
        return 0;
    if (GetLastError() == ERROR_WORKING_SET_QUOTA &&
        GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most) &&
        SetProcessWorkingSetSize(GetCurrentProcess(), least + length + 65536,
                                 most + length + 65536) &&
        VirtualLock(first, length))
        return 0;
    return plx__answer_int(GetLastError() == ERROR_WORKING_SET_QUOTA ? -EAGAIN : -ENOMEM);
}

PLX__CALL int plx_posix_munlock(const void *address, size_t length)
{
    if (length == 0 || VirtualUnlock((void *)(uintptr_t)address, length) ||
        GetLastError() == ERROR_NOT_LOCKED)
        return 0;
    return plx__answer_int(-ENOMEM);
}

/* --- usage and names ------------------------------------------------------------------------ */

/* As struct rusage. */
typedef struct usage {
    plx__timeval user;
    plx__timeval kernel;
    long largest;
    long rest[13];
} usage;

static plx__timeval timeval_of(FILETIME time)
{
    uint64_t hundreds = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
    plx__timeval value;
    memset(&value, 0, sizeof value);
    value.seconds = (int64_t)(hundreds / 10000000);
    value.microseconds = (long)(hundreds % 10000000 / 10);
    return value;
}

PLX__CALL int plx_posix_getrusage(int whose, usage *given)
{
    FILETIME made;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    if (whose < -1 || whose > 1)
        return plx__answer_int(-EINVAL);
    memset(given, 0, sizeof *given);
    if (whose == -1)
        return 0; /* No children. */
    BOOL is_known = whose == 1
                        ? GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel, &user)
                        : GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user);
    if (!is_known)
        return plx__answer_int(plx__errno_last());
    given->user = timeval_of(user);
    given->kernel = timeval_of(kernel);
    PROCESS_MEMORY_COUNTERS memory;
    if (K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        given->largest = (long)(memory.PeakWorkingSetSize / 1024);
    return 0;
}

/* As struct tms; clock_t has 64 bits. */
typedef struct used_ticks {
    int64_t user;
    int64_t kernel;
    int64_t children_user;
    int64_t children_kernel;
} used_ticks;

static int64_t ticks_of(FILETIME time)
{
    return (int64_t)(((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) / 100000);
}

/* Ticks since a moment that stays what it is: here the start of the system. */
PLX__CALL int64_t plx_posix_times(used_ticks *used)
{
    FILETIME made;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    if (!GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user))
        return plx__answer_int(plx__errno_last());
    if (used != NULL)
        *used = (used_ticks){.user = ticks_of(user), .kernel = ticks_of(kernel)};
    return (int64_t)(plx__clock_now() / (10 * PLX_MILLISECOND));
}

/* As struct utsname. */
typedef struct system_names {
    char system[65];
    char node[65];
    char release[65];
    char version[65];
    char machine[65];
} system_names;

typedef LONG(WINAPI *rtl_get_version)(OSVERSIONINFOW *);

PLX__CALL int plx_posix_uname(system_names *about)
{
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = library != NULL ? GetProcAddress(library, "RtlGetVersion") : NULL;
    rtl_get_version get_version = NULL;
    DWORD count = sizeof about->node;
    memcpy(&get_version, &found, sizeof found);
    if (get_version != NULL)
        (void)get_version(&version);
    memset(about, 0, sizeof *about);
    (void)snprintf(about->system, sizeof about->system, "Windows");
    (void)snprintf(about->release, sizeof about->release, "%lu.%lu", version.dwMajorVersion,
                   version.dwMinorVersion);
    (void)snprintf(about->version, sizeof about->version, "%lu", version.dwBuildNumber);
    (void)snprintf(about->machine, sizeof about->machine, sizeof(void *) == 8 ? "x86_64" : "i686");
    if (!GetComputerNameA(about->node, &count))
        (void)snprintf(about->node, sizeof about->node, "localhost");
    return 0;
}

long plx__processors(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (long)info.dwNumberOfProcessors;
}

long plx__memory_pages(int are_free)
{
    SYSTEM_INFO info;
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    GetSystemInfo(&info);
    if (!GlobalMemoryStatusEx(&memory))
        return -1;
    return (long)((are_free ? memory.ullAvailPhys : memory.ullTotalPhys) / info.dwPageSize);
}

size_t plx__system_directory(char *text, size_t size)
{
    wchar_t wide[MAX_PATH];
    UINT length = GetSystemDirectoryW(wide, MAX_PATH);
    if (length == 0 || length >= MAX_PATH)
        return 0;
    for (UINT i = 0; i < length; i++)
        wide[i] = wide[i] == L'\\' ? L'/' : wide[i];
    int count = WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)size, NULL, NULL);
    return count > 0 ? (size_t)count - 1 : 0;
}

/* Windows Setup makes MachineGuid; it is spread over 32 bits as FNV-1a does. */
uint32_t plx__machine_number(void)
{
    char text[64] = "";
    DWORD size = sizeof text;
    uint32_t number = UINT32_C(2166136261);
    if (RegGetValueA(HKEY_LOCAL_MACHINE, "SOFTWARE\\Microsoft\\Cryptography", "MachineGuid",
                     RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, text, &size) != ERROR_SUCCESS)
        return 0;
    for (const char *at = text; *at != '\0'; at++)
        number = (number ^ (unsigned char)*at) * UINT32_C(16777619);
    return number;
}
