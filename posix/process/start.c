/* posix/process/start.c - the layer's start: sockets, the descriptors that the process was given,
 * the C library's streams; and the hooks by which lower folders call higher ones.
 */
#include "posix/files/files.h"
#include "posix/io/io.h"
#include "posix/process/spawn.h"
#include "posix/signal/signal_queue.h"
#include "posix/socket/socket.h"
#include "posix/stdio/stdio.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

void plx__layer_start(void);

/* 0 to 2 are what the process was given. */
static void standard_take(void)
{
    static const DWORD names[3] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    for (int fd = 0; fd < 3; fd++) {
        HANDLE handle = GetStdHandle(names[fd]);
        if (handle == NULL || handle == INVALID_HANDLE_VALUE)
            continue;
        /* A copy: the handle itself is the C library's, whose streams outlive a close(). */
        HANDLE copy = NULL;
        if (!DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, FALSE,
                             DUPLICATE_SAME_ACCESS))
            continue;
        plx__file *file = plx__handle_wrap(copy, fd == 0 ? PLX__O_RDONLY : PLX__O_WRONLY);
        if (file != NULL)
            (void)plx__fd_put(fd, file, false);
    }
}

/* The first to be registered is the last to be run. */
static void end(void)
{
    plx__stdio_flush();
    plx__pipes_flush();
}

/* A parent with this layer has said what there is; else it is the standard handles. The C library's
 * streams of these numbers speak bytes. */
static BOOL CALLBACK start(INIT_ONCE *once, void *data, void **context)
{
    (void)once;
    (void)data;
    (void)context;
    (void)plx__sockets_start(); /* Without them each socket call says ENETDOWN. */
    for (int fd = 0; fd < 3; fd++)
        (void)_setmode(fd, _O_BINARY);
    if (!plx__inherited_enter())
        standard_take();
    (void)atexit(end);
    plx__stdio_start();
#ifdef _UCRT
    (void)_set_fmode(_O_BINARY);
#else
    _fmode = _O_BINARY;
#endif
    return TRUE;
}

/* Programs are linked with -u plx__layer_start, so that each of them has this file. */
void plx__layer_start(void)
{
    static INIT_ONCE started = INIT_ONCE_STATIC_INIT;
    (void)InitOnceExecuteOnce(&started, start, NULL, NULL);
}

static int hooks_set(void)
{
    plx__fd_hook = (plx__fd_hooks){
        .start = plx__layer_start,
        .forget = plx__epoll_forget,
        .recheck = plx__epoll_recheck,
        .hold = plx__pumps_hold,
        .release = plx__pumps_release,
        .follow = plx__stdio_follow,
        .leave = plx__stdio_leave,
        .thread_end = plx__directed_end,
    };
    plx__signal_hook =
        (plx__signal_hooks){.die = plx__inherited_die, .child_last = plx__child_last};
    return 0;
}

/* The C library's startup calls this before any constructor of the program; constructors may call
 * the layer ("CRT initialization", Microsoft's documentation of the .CRT$XI sections). */
__attribute__((section(".CRT$XIU"), used)) static int (*const hooks_set_early)(void) = hooks_set;

/* Before main(), so that what a program prints first has no carriage returns either. */
__attribute__((constructor)) static void start_early(void)
{
    plx__layer_start();
    for (int fd = 0; fd < 3; fd++) {
        plx__file *file = plx__fd_get(fd);
        if (file == NULL)
            continue;
        if (file->handle == NULL || plx__file_is_socket(file))
            plx__stdio_follow(fd, file); /* Handles the C library has found itself. */
        plx__file_put(file);
    }
}
