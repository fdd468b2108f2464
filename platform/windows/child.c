/* platform/windows/child.c - there is no fork(). */
#include "platform/child.h"

#include <stdlib.h>

uint32_t plx__process_threads(void)
{
    return 0;
}

int plx__child_fork(int64_t *process_out)
{
    *process_out = -1;
    return PLX_ENOSYS;
}

bool plx__child_reap(int64_t process, bool waits, int *code_out)
{
    (void)process;
    (void)waits;
    *code_out = PLX__CHILD_KILLED;
    return true;
}

void plx__child_kill(int64_t process)
{
    (void)process;
}

void plx__child_exit(int code)
{
    _Exit(code);
}

void plx__child_pipes_ignore(void)
{
}

int plx__child_channel(plx_socket pair_out[2])
{
    pair_out[0] = pair_out[1] = PLX_SOCKET_NONE;
    return PLX_ENOSYS;
}
