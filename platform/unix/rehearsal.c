/* platform/unix/rehearsal.c - see platform/rehearsal.h. */
#include "platform/rehearsal.h"

#include <fcntl.h>
#include <pollux/signal.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

int plx__rehearse_signal(int number)
{
    static const int system_numbers[] = {
        [PLX_SIGNAL_INTERRUPT] = SIGINT, [PLX_SIGNAL_TERMINATE] = SIGTERM,
        [PLX_SIGNAL_HANGUP] = SIGHUP,    [PLX_SIGNAL_QUIT] = SIGQUIT,
        [PLX_SIGNAL_USER1] = SIGUSR1,    [PLX_SIGNAL_USER2] = SIGUSR2,
        [PLX_SIGNAL_CHILD] = SIGCHLD,
    };
    return raise(system_numbers[number]) == 0 ? 0 : plx__fail_last();
}

int plx__rehearse_descriptor_limit(uint32_t spare)
{
    static rlim_t before;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return plx__fail_last();
    if (before == 0)
        before = limit.rlim_cur;
    if (spare == UINT32_MAX) {
        limit.rlim_cur = before;
    } else {
        /* The lowest free number; those above it may be in use, and then are spare ones less. */
        int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (lowest < 0)
            return plx__fail_last();
        (void)close(lowest);
        limit.rlim_cur = (rlim_t)lowest + spare;
    }
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : plx__fail_last();
}

void plx__rehearse_old_poll(bool is_old)
{
    (void)is_old;
}

int plx__rehearse_port(plx_socket socket)
{
    (void)socket;
    return PLX_ENOSYS;
}

bool plx__rehearsal_is_wine(void)
{
    return false;
}
