/* posix/process/process.c - the process: its numbers, its user, its limits; and what there is not.
 */
#include "posix/fd/fd.h"

#include <ntsecapi.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>

PLX__CALL int plx_posix_getpid(void)
{
    return (int)GetCurrentProcessId();
}

PLX__CALL int plx_posix_getppid(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    int parent = 1;
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (list == INVALID_HANDLE_VALUE)
        return parent;
    for (BOOL more = Process32FirstW(list, &entry); more; more = Process32NextW(list, &entry)) {
        if (entry.th32ProcessID == GetCurrentProcessId())
            parent = (int)entry.th32ParentProcessID;
    }
    (void)CloseHandle(list);
    return parent;
}

PLX__CALL int plx_posix_getpgrp(void)
{
    return plx_posix_getpid();
}

PLX__CALL int plx_posix_getpgid(int process)
{
    return process != 0 ? process : plx_posix_getpid();
}

PLX__CALL int plx_posix_getsid(int process)
{
    return plx_posix_getpgid(process);
}

/* Leaving a terminal behind is what a program without a console has done already. */
PLX__CALL int plx_posix_setsid(void)
{
    return plx_posix_getpid();
}

PLX__CALL int plx_posix_setpgid(int process, int group)
{
    (void)process;
    (void)group;
    return 0;
}

PLX__CALL int plx_posix_setpgrp(void)
{
    return 0;
}

PLX__CALL int plx_posix_tcgetpgrp(int fd)
{
    (void)fd;
    return plx_posix_getpid();
}

/* --- what there is not ---------------------------------------------------------------------- */

PLX__CALL int plx_posix_fork(void)
{
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_vfork(void)
{
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_daemon(int keep_directory, int keep_streams)
{
    (void)keep_directory;
    (void)keep_streams;
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_execve(const char *path, char *const arguments[], char *const environment[])
{
    (void)path;
    (void)arguments;
    (void)environment;
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_execv(const char *path, char *const arguments[])
{
    return plx_posix_execve(path, arguments, NULL);
}

PLX__CALL int plx_posix_execvp(const char *file, char *const arguments[])
{
    return plx_posix_execve(file, arguments, NULL);
}

PLX__CALL int plx_posix_execl(const char *path, const char *first, ...)
{
    (void)first;
    return plx_posix_execve(path, NULL, NULL);
}

PLX__CALL int plx_posix_execlp(const char *file, const char *first, ...)
{
    (void)first;
    return plx_posix_execve(file, NULL, NULL);
}

PLX__CALL int plx_posix_execle(const char *path, const char *first, ...)
{
    (void)first;
    return plx_posix_execve(path, NULL, NULL);
}

PLX__CALL int plx_posix_fexecve(int fd, char *const arguments[], char *const environment[])
{
    (void)fd;
    return plx_posix_execve(NULL, arguments, environment);
}

/* --- users: there is one, who is nobody in particular --------------------------------------- */

PLX__CALL unsigned plx_posix_getuid(void)
{
    return PLX__USER;
}

PLX__CALL unsigned plx_posix_geteuid(void)
{
    return PLX__USER;
}

PLX__CALL unsigned plx_posix_getgid(void)
{
    return PLX__USER;
}

PLX__CALL unsigned plx_posix_getegid(void)
{
    return PLX__USER;
}

/* To become who one is, is allowed. */
static int become(unsigned id)
{
    return plx__answer_int(id == PLX__USER || id == (unsigned)-1 ? 0 : -EPERM);
}

PLX__CALL int plx_posix_setuid(unsigned user)
{
    return become(user);
}

PLX__CALL int plx_posix_seteuid(unsigned user)
{
    return become(user);
}

PLX__CALL int plx_posix_setreuid(unsigned real, unsigned effective)
{
    return become(real) == 0 ? become(effective) : -1;
}

PLX__CALL int plx_posix_setresuid(unsigned real, unsigned effective, unsigned saved)
{
    return plx_posix_setreuid(real, effective) == 0 ? become(saved) : -1;
}

PLX__CALL int plx_posix_setgid(unsigned group)
{
    return become(group);
}

PLX__CALL int plx_posix_setegid(unsigned group)
{
    return become(group);
}

PLX__CALL int plx_posix_setregid(unsigned real, unsigned effective)
{
    return plx_posix_setreuid(real, effective);
}

PLX__CALL int plx_posix_setresgid(unsigned real, unsigned effective, unsigned saved)
{
    return plx_posix_setresuid(real, effective, saved);
}

PLX__CALL int plx_posix_getgroups(int size, unsigned groups[])
{
    if (size < 0)
        return plx__answer_int(-EINVAL);
    if (size > 0)
        groups[0] = PLX__USER;
    return 1;
}

PLX__CALL int plx_posix_setgroups(size_t count, const unsigned *groups)
{
    (void)groups;
    return plx__answer_int(count == 0 ? 0 : -EPERM);
}

PLX__CALL int plx_posix_initgroups(const char *user, unsigned group)
{
    (void)user;
    (void)group;
    return plx__answer_int(-EPERM);
}

/* As struct passwd and struct group. */
typedef struct user_entry {
    char *name;
    char *password;
    unsigned user;
    unsigned group;
    char *gecos;
    char *directory;
    char *shell;
} user_entry;

typedef struct group_entry {
    char *name;
    char *password;
    unsigned group;
    char **members;
} group_entry;

static char user_name[256];
static char home[1024];
static char nothing[] = "";
static char hidden[] = "x";
static char shell[] = "cmd.exe";

/* What others may be reading is written only if it is something else. */
static void user_set(char *known, const char *learned)
{
    static SRWLOCK learning = SRWLOCK_INIT;
    AcquireSRWLockExclusive(&learning);
    if (strcmp(known, learned) != 0)
        strcpy(known, learned);
    ReleaseSRWLockExclusive(&learning);
}

static void user_learn(void)
{
    char text[sizeof home] = "";
    wchar_t wide[256];
    DWORD count = 256;
    if (GetUserNameW(wide, &count))
        (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof user_name, NULL, NULL);
    user_set(user_name, text[0] != '\0' ? text : "user");
    const char *profile = getenv("USERPROFILE");
    (void)snprintf(text, sizeof text, "%s", profile != NULL ? profile : "C:/");
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\\')
            *at = '/';
    }
    user_set(home, text);
}

PLX__CALL user_entry *plx_posix_getpwuid(unsigned user)
{
    static user_entry entry;
    if (user != PLX__USER)
        return NULL;
    user_learn();
    entry = (user_entry){user_name, hidden, PLX__USER, PLX__USER, nothing, home, shell};
    return &entry;
}

PLX__CALL user_entry *plx_posix_getpwnam(const char *name)
{
    user_learn();
    return name != NULL && strcmp(name, user_name) == 0 ? plx_posix_getpwuid(PLX__USER) : NULL;
}

PLX__CALL group_entry *plx_posix_getgrgid(unsigned group)
{
    static group_entry entry;
    static char *members[1];
    if (group != PLX__USER)
        return NULL;
    user_learn();
    entry = (group_entry){user_name, hidden, PLX__USER, members};
    return &entry;
}

PLX__CALL group_entry *plx_posix_getgrnam(const char *name)
{
    user_learn();
    return name != NULL && strcmp(name, user_name) == 0 ? plx_posix_getgrgid(PLX__USER) : NULL;
}

PLX__CALL char *plx_posix_getlogin(void)
{
    user_learn();
    return user_name;
}

/* --- the machine ---------------------------------------------------------------------------- */

PLX__CALL int plx_posix_sethostname(const char *name, size_t size)
{
    (void)name;
    return plx__answer_int(size > 64 ? -EINVAL : -EPERM);
}

/* Windows counts no such thing. */
PLX__CALL int plx_posix_getloadavg(double averages[], int count)
{
    (void)averages;
    (void)count;
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_gethostname(char *name, size_t size)
{
    wchar_t wide[256];
    char whole[256];
    DWORD count = 256;
    if (!GetComputerNameExW(ComputerNameDnsHostname, wide, &count))
        return plx__answer_int(plx__errno_last());
    (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, whole, sizeof whole, NULL, NULL);
    if (strlen(whole) >= size)
        return plx__answer_int(-ENAMETOOLONG);
    memcpy(name, whole, strlen(whole) + 1);
    return 0;
}

PLX__CALL int plx_posix_getdomainname(char *name, size_t size)
{
    (void)snprintf(name, size, "(none)");
    return 0;
}

PLX__CALL int plx_posix_getpagesize(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (int)info.dwPageSize;
}

PLX__CALL int plx_posix_getdtablesize(void)
{
    return (int)plx__fd_limit();
}

/* As struct rlimit. */
typedef struct limits {
    uint64_t soft;
    uint64_t hard;
} limits;

#define LIMIT_FILES 7

PLX__CALL int plx_posix_getrlimit(int what, limits *given)
{
    if (what < 0 || what > 15)
        return plx__answer_int(-EINVAL);
    given->soft = what == LIMIT_FILES ? plx__fd_limit() : UINT64_MAX;
    given->hard = what == LIMIT_FILES ? PLX__DESCRIPTORS_MAX : UINT64_MAX;
    return 0;
}

PLX__CALL int plx_posix_setrlimit(int what, const limits *wanted)
{
    if (what < 0 || what > 15 || wanted->soft > wanted->hard)
        return plx__answer_int(-EINVAL);
    if (what != LIMIT_FILES)
        return 0;
    uint64_t soft = wanted->soft;
    if (soft == UINT64_MAX)
        soft = PLX__DESCRIPTORS_MAX;
    return plx__answer_int(soft <= PLX__DESCRIPTORS_MAX ? plx__fd_limit_set((uint32_t)soft)
                                                        : -EPERM);
}

PLX__CALL int plx_posix_getentropy(void *bytes, size_t size)
{
    if (size > 256)
        return plx__answer_int(-EIO);
    return plx__answer_int(RtlGenRandom(bytes, (ULONG)size) ? 0 : -EIO);
}

PLX__CALL ptrdiff_t plx_posix_getrandom(void *bytes, size_t size, unsigned flags)
{
    const size_t most = 33554431; /* As on Linux. */
    if ((flags & ~3u) != 0)
        return plx__answer(-EINVAL);
    if (size > most)
        size = most;
    return plx__answer(RtlGenRandom(bytes, (ULONG)size) ? (ptrdiff_t)size : -EIO);
}

PLX__CALL void plx_posix_arc4random_buf(void *bytes, size_t size)
{
    if (!RtlGenRandom(bytes, (ULONG)size))
        abort(); /* It has no way to fail, and must not give what is no random number. */
}

PLX__CALL uint32_t plx_posix_arc4random(void)
{
    uint32_t number;
    plx_posix_arc4random_buf(&number, sizeof number);
    return number;
}

PLX__CALL uint32_t plx_posix_arc4random_uniform(uint32_t bound)
{
    if (bound < 2)
        return 0;
    uint32_t least = (uint32_t)-bound % bound; /* Below it the low numbers would be likelier. */
    uint32_t number;
    do {
        number = plx_posix_arc4random();
    } while (number < least);
    return number % bound;
}

PLX__CALL int plx_posix_getpriority(int which, unsigned who)
{
    (void)who;
    return plx__answer_int(which >= 0 && which <= 2 ? 0 : -EINVAL);
}

PLX__CALL int plx_posix_setpriority(int which, unsigned who, int priority)
{
    (void)who;
    if (which < 0 || which > 2)
        return plx__answer_int(-EINVAL);
    return plx__answer_int(priority >= 0 ? 0 : -EACCES); /* Lower is granted, and ignored. */
}

PLX__CALL int plx_posix_nice(int increment)
{
    (void)increment;
    return 0;
}

PLX__CALL int plx_posix_setenv(const char *name, const char *value, int overwrite)
{
    if (name == NULL || *name == '\0' || strchr(name, '=') != NULL)
        return plx__answer_int(-EINVAL);
    if (!overwrite && getenv(name) != NULL)
        return 0;
    return _putenv_s(name, value) == 0 ? 0 : plx__answer_int(-ENOMEM);
}

PLX__CALL int plx_posix_unsetenv(const char *name)
{
    if (name == NULL || *name == '\0' || strchr(name, '=') != NULL)
        return plx__answer_int(-EINVAL);
    return _putenv_s(name, "") == 0 ? 0 : plx__answer_int(-ENOMEM);
}
