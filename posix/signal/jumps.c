/* posix/signal/jumps.c - jumps out of signal handlers: sigsetjmp() and siglongjmp().
 *
 * The header's sigsetjmp is a macro, since setjmp() must be called by who is to be returned to. The
 * symbol is for configure scripts, and for programs that declare it themselves.
 */
#include "posix/signal/signal.h"

#include <setjmp.h>

/* struct plx_posix_jump of the headers. */
typedef struct jump_state {
    plx__sigset mask;
    int keeps_mask;
} jump_state;

typedef struct jump {
    jmp_buf place;
    jump_state state;
} jump;

PLX__CALL void plx_posix_jump_mask_keep(jump_state *state, int keeps_mask)
{
    state->mask = plx__signals_mask();
    state->keeps_mask = keeps_mask;
}

/* Lets go of what the call that the handler ran in holds, and restores the mask. */
PLX__CALL void plx_posix_jump_mask_leave(const jump_state *state)
{
    plx__wait_abandon();
    if (state->keeps_mask)
        plx__signals_mask_set(state->mask);
}

PLX__CALL void plx_posix_siglongjmp(jump *to, int value)
{
    plx_posix_jump_mask_leave(&to->state);
    longjmp(to->place, value);
}
