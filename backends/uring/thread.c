/* backends/uring/thread.c - which thread a ring belongs to, and whether another one may end it.
 *
 * With IORING_SETUP_SINGLE_ISSUER a ring belongs to the thread that enabled it, and no other can
 * enter it. With IORING_SETUP_DEFER_TASKRUN its requests make progress only while that thread
 * enters it. So at other times the completion queue tells all that has happened, and another thread
 * can end the ring without losing anything: what was in flight has not begun. A thread that ends
 * has none of it happen either (io_uring_files_cancel() cancels what is tracked as in flight, which
 * is requests for rings alone).
 */
#include "backends/uring/uring.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* IORING_FEAT_MIN_TIMEOUT, of Linux 6.12. Before 6.11 a ring that is closed hands what is due to
 * the thread that it belongs to, if that lives, which receives bytes that nobody sees (commit
 * "io_uring: skip normal tw with DEFER_TASKRUN"). */
#define FEATURE_OF_6_12 (1u << 15)

/* PF_EXITING of the kernel's sched.h. */
#define TASK_IS_EXITING 4ul

static uint32_t thread_number(void)
{
    static plx__atomic_u32 threads;
    static _Thread_local uint32_t number;
    if (number == 0)
        number = plx__atomic_add(&threads, 1) + 1;
    return number;
}

bool plx__uring_is_ours(const plx__backend *backend)
{
    return !backend->is_enabled || backend->owner == thread_number();
}

void plx__uring_owner_set(plx__backend *backend)
{
    backend->owner = thread_number();
    backend->owner_id = (int32_t)syscall(SYS_gettid);
}

/* One that was joined may be there for a while yet, and the first of a process until the others
 * have ended. In do_exit() of the kernel the flag comes behind io_uring_files_cancel(). */
static bool is_exiting(int32_t thread)
{
    unsigned long flags = 0;
    char name[64];
    char text[512] = {0};
    (void)snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(name, "re");
    if (file == NULL)
        return false;
    bool is_read = fread(text, 1, sizeof text - 1, file) > 0;
    (void)fclose(file);
    /* Behind the name, which may hold anything: state, five numbers, flags (proc(5)). */
    const char *name_end = strrchr(text, ')');
    return is_read && name_end != NULL &&
           sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 &&
           (flags & TASK_IS_EXITING) != 0;
}

static bool has_ended(int32_t thread)
{
    return syscall(SYS_tgkill, getpid(), thread, 0) != 0 || is_exiting(thread);
}

bool plx__uring_can_leave(const plx__backend *backend)
{
    const struct io_uring *ring = &backend->ring;
    if (plx__uring_is_ours(backend) || ((ring->flags & IORING_SETUP_DEFER_TASKRUN) != 0 &&
                                        (ring->features & FEATURE_OF_6_12) != 0))
        return true;
    return has_ended(backend->owner_id);
}
