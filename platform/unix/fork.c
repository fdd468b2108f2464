/* platform/unix/fork.c - counts forks, so that a loop can tell that it is a child's copy.
 *
 * fork() runs the handlers of pthread_atfork(); vfork(), posix_spawn(), _Fork() and a bare clone()
 * do not, and their children are to call exec or _exit alone. A count costs a reader one load,
 * where getpid() is a system call.
 */
#include "platform/unix/fork.h"

#include <pthread.h>

#include "platform/platform.h"

uint32_t plx__forks_seen;

static void on_prepare(void)
{
    plx__signals_fork_begin();
}

static void on_parent(void)
{
    plx__signals_fork_end(false);
}

static void on_child(void)
{
    plx__forks_seen++;
    plx__signals_fork_end(true);
}

static int watching;

static void handlers_install(void)
{
    int os_code = pthread_atfork(on_prepare, on_parent, on_child);
    watching = os_code == 0 ? 0 : plx__fail(os_code);
}

int plx__forks_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, handlers_install);
    return watching;
}
