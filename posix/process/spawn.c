/* posix/process/spawn.c - posix_spawn(): what the child's descriptors will be, and its making. */
#include "posix/process/spawn.h"
#include "posix/files/files.h"
#include "posix/pipe/pipe.h"
#include "posix/signal/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The child's descriptors, as the file actions leave them. */
typedef struct plan {
    plx__file **files; /* By number; NULL: closed. Each with a reference. */
    bool *is_cloexec;
    int count;
    char *directory; /* NULL: ours. */
} plan;

/* --- the plan ------------------------------------------------------------------------------- */

static void plan_free(plan *of)
{
    for (int fd = 0; of->files != NULL && fd < of->count; fd++) {
        if (of->files[fd] != NULL)
            plx__file_put(of->files[fd]);
    }
    plx__free(of->files);
    plx__free(of->is_cloexec);
    plx__free(of->directory);
}

static int plan_make(plan *of, const plx__spawn_actions *actions)
{
    int given = plx__fd_end();
    of->count = given > 3 ? given : 3;
    for (int i = 0; actions != NULL && i < actions->count; i++) {
        if (actions->list[i].fd >= of->count)
            of->count = actions->list[i].fd + 1;
    }
    of->files = plx__allocate_zeroed((size_t)of->count, sizeof(plx__file *));
    of->is_cloexec = plx__allocate_zeroed((size_t)of->count, sizeof(bool));
    if (of->files == NULL || of->is_cloexec == NULL)
        return -ENOMEM;
    for (int fd = 0; fd < given; fd++) {
        of->files[fd] = plx__fd_get(fd);
        of->is_cloexec[fd] = plx__fd_cloexec(fd) == PLX__FD_CLOEXEC;
    }
    return 0;
}

/* Takes the reference. */
static void plan_set(plan *of, int fd, plx__file *file, bool is_cloexec)
{
    if (of->files[fd] != NULL)
        plx__file_put(of->files[fd]);
    of->files[fd] = file;
    of->is_cloexec[fd] = is_cloexec;
}

static int plan_dup(plan *of, int from, int to)
{
    plx__file *file = from < of->count ? of->files[from] : NULL;
    if (file == NULL)
        return -EBADF;
    if (!plx__inherited_takes(file) && file->kind != &plx__pair_kind &&
        (to > 2 || file->kind->write == NULL))
        return -EOPNOTSUPP; /* Which things cannot be given to a child: docs/posix.md. */
    plx__file_take(file);
    plan_set(of, to, file, false); /* With from == to, too, it is kept then. */
    return 0;
}

static int plan_open(plan *of, const plx__spawn_action *action)
{
    plx__file *file = NULL;
    char *path = action->path != NULL ? plx__spawn_path(of->directory, action->path) : NULL;
    if (path == NULL)
        return action->path != NULL ? -ENOMEM : -EFAULT;
    if (*action->path == '\0')
        path[0] = '\0';
    plan_set(of, action->fd, NULL, false);
    int status = (action->flags & PLX__O_ACCMODE) == PLX__O_ACCMODE
                     ? -EINVAL
                     : plx__file_open(path, action->flags, action->mode, &file);
    plx__free(path);
    if (status == 0)
        plan_set(of, action->fd, file, (action->flags & PLX__O_CLOEXEC) != 0);
    return status;
}

static int plan_enter(plan *of, const char *directory)
{
    int status = 0;
    if (directory == NULL)
        return -EFAULT;
    if (*directory == '\0')
        return -ENOENT;
    char *path = plx__spawn_path(of->directory, directory);
    if (path == NULL)
        return -ENOMEM;
    wchar_t *wide = plx__spawn_directory(path, &status);
    if (wide == NULL) {
        plx__free(path);
        return status;
    }
    plx__free(wide);
    plx__free(of->directory);
    of->directory = path;
    return 0;
}

static int plan_apply(plan *of, const plx__spawn_actions *actions)
{
    int status = 0;
    for (int i = 0; actions != NULL && status == 0 && i < actions->count; i++) {
        const plx__spawn_action *action = &actions->list[i];
        if (action->what == PLX__SPAWN_OPEN)
            status = plan_open(of, action);
        else if (action->what == PLX__SPAWN_CLOSE)
            plan_set(of, action->fd, NULL, false);
        else if (action->what == PLX__SPAWN_DUP)
            status = plan_dup(of, action->from, action->fd);
        else
            status = plan_enter(of, action->path);
    }
    for (int fd = 0; fd < of->count; fd++) {
        if (of->is_cloexec[fd])
            plan_set(of, fd, NULL, false);
    }
    return status;
}

/* --- the process ---------------------------------------------------------------------------- */

typedef struct launch {
    const plan *plan;
    wchar_t *program;
    wchar_t *arguments;
    wchar_t *environment;
    wchar_t *directory;
    HANDLE given[4]; /* The three streams, ours to close, and the section. NULL: none. */
    plx__pump *pumps[3];
    plx__inherited_set *set; /* Of programs with this layer. */
    DWORD flags;
    PROCESS_INFORMATION made;
} launch;

static void launch_free(launch *of)
{
    plx__free(of->program);
    plx__free(of->arguments);
    plx__free(of->environment);
    plx__free(of->directory);
    for (int i = 0; i < 4; i++) {
        if (of->given[i] != NULL)
            (void)CloseHandle(of->given[i]);
    }
    for (int i = 0; i < 3; i++) {
        if (of->pumps[i] != NULL)
            (void)plx__pump_end(of->pumps[i]);
    }
    plx__inherited_close(of->set);
}

static int handle_copy(HANDLE handle, HANDLE *copy_out)
{
    if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), copy_out, 0, TRUE,
                        DUPLICATE_SAME_ACCESS))
        return 0;
    *copy_out = NULL;
    return plx__errno_last();
}

/* Standard error is often standard output, and must not overtake it. */
static bool is_as_output(const launch *of, int number)
{
    return number == 2 && of->plan->files[1] == of->plan->files[2] && of->pumps[1] != NULL;
}

/* What a program with this layer will find elsewhere; the C library wants something in its place.
 */
static int nothing_give(HANDLE *given_out)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE handle =
        CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                    &inherited, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return plx__errno_last();
    *given_out = handle;
    return 0;
}

/* One of the three streams as a handle. */
static int stream_give(launch *of, int number)
{
    HANDLE handle = NULL;
    plx__file *file = of->plan->files[number];
    if (file == NULL)
        return 0;
    int status = plx__inherited_handle(file, &handle);
    if (status == 0 && handle != NULL)
        return handle_copy(handle, &of->given[number]);
    if (status == 0 && of->set != NULL)
        return nothing_give(&of->given[number]);
    if (status != 0)
        return status;
    if (is_as_output(of, number))
        return handle_copy(of->given[1], &of->given[number]);
    status = plx__pump_make(file, number == 0 ? PLX__O_RDONLY : PLX__O_WRONLY, &of->pumps[number],
                            &handle);
    if (status != 0)
        return status;
    (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    of->given[number] = handle;
    return 0;
}

static int inherited_begin(launch *of, wchar_t variable[64])
{
    size_t count = 0;
    for (int fd = 0; fd < of->plan->count; fd++)
        count += of->plan->files[fd] != NULL &&
                 plx__inherited_prepare(of->plan->files[fd], of->plan->files, of->plan->count);
    of->set = plx__inherited_make(count, &of->given[3]);
    if (of->set == NULL)
        return -ENOMEM;
    (void)swprintf(variable, 64, L"%ls=%lx", PLX__INHERITED_VARIABLE,
                   (unsigned long)(uintptr_t)of->given[3]); /* Handles have 32 bits in use. */
    return 0;
}

/* A descriptor to be given. */
typedef struct gift {
    plx__file *file;
    int fd;
} gift;

static int gift_compare(const void *left, const void *right)
{
    const gift *one = left;
    const gift *other = right;
    if (one->file != other->file)
        return (uintptr_t)one->file < (uintptr_t)other->file ? -1 : 1;
    return one->fd - other->fd;
}

static int gifts_list(const plan *from, gift *gifts)
{
    int count = 0;
    for (int fd = 0; fd < from->count; fd++) {
        if (from->files[fd] == NULL || !plx__inherited_takes(from->files[fd]))
            continue;
        gifts[count++] = (gift){from->files[fd], fd};
    }
    return count;
}

/* In an order in which those that share an open file follow each other. */
static int inherited_fill(launch *of, plx__sigset mask, plx__sigset ignored)
{
    gift *gifts = plx__allocate((size_t)of->plan->count * sizeof *gifts);
    if (gifts == NULL)
        return -ENOMEM;
    int status = 0;
    int first = 0;
    int count = gifts_list(of->plan, gifts);
    qsort(gifts, (size_t)count, sizeof *gifts, gift_compare);
    for (int i = 0; status == 0 && i < count; i++) {
        bool is_same = i > 0 && gifts[i].file == gifts[i - 1].file;
        if (!is_same)
            first = i;
        status = plx__inherited_put(of->set, of->made.hProcess, gifts[i].fd, gifts[i].file,
                                    is_same ? first : -1);
    }
    plx__free(gifts);
    if (status == 0)
        status = plx__inherited_finish(of->set, of->made.hProcess, mask, ignored);
    return status;
}

/* Suspended, with the handles of `given` and no others. */
static int process_make(launch *of)
{
    STARTUPINFOEXW start;
    HANDLE list[4];
    size_t count = 0;
    SIZE_T size = 0;
    memset(&start, 0, sizeof start);
    start.StartupInfo.cb = sizeof start;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdInput = of->given[0];
    start.StartupInfo.hStdOutput = of->given[1];
    start.StartupInfo.hStdError = of->given[2];
    for (int i = 0; i < 4; i++) {
        if (of->given[i] != NULL)
            list[count++] = of->given[i];
    }
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    start.lpAttributeList = plx__allocate(size);
    if (start.lpAttributeList == NULL)
        return -ENOMEM;
    int status = 0;
    if (!InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &size)) {
        status = plx__errno_last();
        plx__free(start.lpAttributeList);
        return status;
    }
    if (count > 0 &&
        !UpdateProcThreadAttribute(start.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   list, count * sizeof list[0], NULL, NULL))
        status = plx__errno_last();
    if (status == 0 &&
        !CreateProcessW(of->program, of->arguments, NULL, NULL, count > 0,
                        of->flags | CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT |
                            EXTENDED_STARTUPINFO_PRESENT,
                        of->environment, of->directory, &start.StartupInfo, &of->made))
        status = plx__errno_last();
    DeleteProcThreadAttributeList(start.lpAttributeList);
    plx__free(start.lpAttributeList);
    return status;
}

/* Nothing of it has run yet. */
static void process_undo(launch *of)
{
    (void)TerminateProcess(of->made.hProcess, 127);
    (void)WaitForSingleObject(of->made.hProcess, INFINITE);
    (void)CloseHandle(of->made.hProcess);
}

static int launch_go(launch *of, plx__sigset mask, plx__sigset ignored, int group)
{
    int status = 0;
    for (int number = 0; status == 0 && number < 3; number++)
        status = stream_give(of, number);
    if (status == 0)
        status = process_make(of);
    if (status != 0)
        return status;
    if (of->set != NULL)
        status = inherited_fill(of, mask, ignored);
    if (status == 0)
        status = plx__child_add(of->made.hProcess, of->set, group, of->pumps);
    if (status == 0) {
        of->set = NULL; /* All of it is the child's entry's now. */
        memset(of->pumps, 0, sizeof of->pumps);
        (void)ResumeThread(of->made.hThread);
    } else {
        process_undo(of);
    }
    (void)CloseHandle(of->made.hThread);
    return status;
}

/* --- the call ------------------------------------------------------------------------------- */

#define SCHEDULING (PLX__POSIX_SPAWN_SETSCHEDPARAM | PLX__POSIX_SPAWN_SETSCHEDULER)

static int launch_prepare(launch *of, const char *name, bool searches, char *const arguments[],
                          char *const environment[])
{
    int status = 0;
    wchar_t variable[64];
    const char *directory = of->plan->directory;
    bool is_given = false;
    of->program = plx__spawn_program(name, directory, searches, &status);
    if (of->program != NULL)
        of->arguments = plx__spawn_arguments(arguments, &status);
    if (of->arguments != NULL && directory != NULL)
        of->directory = plx__spawn_directory(directory, &status);
    if (of->arguments == NULL || (directory != NULL && of->directory == NULL))
        return status;
    if (plx__spawn_is_ours(of->program)) {
        status = inherited_begin(of, variable);
        is_given = status == 0;
    }
    if (status == 0)
        of->environment = plx__spawn_environment(environment, is_given ? variable : NULL, &status);
    return of->environment != NULL ? 0 : status;
}

static int spawn_planned(const plan *planned, int *process_out, const char *name, bool searches,
                         const plx__spawn_attributes *attributes, char *const arguments[],
                         char *const environment[])
{
    launch of;
    int flags = attributes != NULL ? attributes->flags : 0;
    plx__sigset mask =
        (flags & PLX__POSIX_SPAWN_SETSIGMASK) != 0 ? attributes->mask : plx__signals_mask();
    plx__sigset ignored = plx__signals_ignored();
    int group = 0;
    memset(&of, 0, sizeof of);
    of.plan = planned;
    if ((flags & PLX__POSIX_SPAWN_SETSIGDEF) != 0)
        ignored &= ~attributes->defaults;
    if ((flags & PLX__POSIX_SPAWN_SETPGROUP) != 0)
        group = attributes->group == 0 ? -1 : attributes->group;
    if ((flags & PLX__POSIX_SPAWN_SETSID) != 0)
        group = -1;
    if (group == -1)
        of.flags |= CREATE_NEW_PROCESS_GROUP; /* The console's Ctrl-C is not for it. */
    int status = launch_prepare(&of, name, searches, arguments, environment);
    if (status == 0)
        status = launch_go(&of, mask, ignored, group);
    if (status == 0 && process_out != NULL)
        *process_out = (int)of.made.dwProcessId;
    launch_free(&of);
    return status;
}

static int spawn(int *process_out, const char *name, bool searches,
                 const plx__spawn_actions *actions, const plx__spawn_attributes *attributes,
                 char *const arguments[], char *const environment[])
{
    plan planned;
    int flags = attributes != NULL ? attributes->flags : 0;
    plx__start();
    if ((flags & SCHEDULING) != 0)
        return -ENOSYS;
    if ((flags & PLX__POSIX_SPAWN_SETPGROUP) != 0 &&
        (attributes->group < 0 ||
         (attributes->group > 0 && !plx__child_group_is(attributes->group))))
        return attributes->group < 0 ? -EINVAL : -EPERM;
    memset(&planned, 0, sizeof planned);
    int status = plan_make(&planned, actions);
    if (status == 0)
        status = plan_apply(&planned, actions);
    if (status == 0)
        status = spawn_planned(&planned, process_out, name, searches, attributes, arguments,
                               environment);
    plan_free(&planned);
    return status;
}

PLX__CALL int plx_posix_posix_spawn(int *process_out, const char *path,
                                    const plx__spawn_actions *actions,
                                    const plx__spawn_attributes *attributes,
                                    char *const arguments[], char *const environment[])
{
    return -spawn(process_out, path, false, actions, attributes, arguments, environment);
}

PLX__CALL int plx_posix_posix_spawnp(int *process_out, const char *file,
                                     const plx__spawn_actions *actions,
                                     const plx__spawn_attributes *attributes,
                                     char *const arguments[], char *const environment[])
{
    return -spawn(process_out, file, true, actions, attributes, arguments, environment);
}
