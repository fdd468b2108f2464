/* plx_posix/setjmp.h - jumps out of signal handlers, which take the mask back with them. */
#ifndef PLX_POSIX_SETJMP_H
#define PLX_POSIX_SETJMP_H

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

struct plx_posix_jump_state {
    sigset_t mask;
    int keeps_mask;
};

typedef struct plx_posix_jump {
    jmp_buf place;
    struct plx_posix_jump_state state;
} sigjmp_buf[1];

PLX_POSIX_BEGIN

void plx_posix_jump_mask_keep(struct plx_posix_jump_state *state, int keeps_mask);
int sigsetjmp(sigjmp_buf from, int keeps_mask) PLX_POSIX_NEW(sigsetjmp)
    __attribute__((__returns_twice__));
void siglongjmp(sigjmp_buf to, int value) PLX_POSIX_NEW(siglongjmp) __attribute__((__noreturn__));

PLX_POSIX_END

/* Neither keeps the mask. mingw-w64's setjmp() is a macro over an _setjmp() of two arguments; that
 * of POSIX has one.
 */
#define PLX_POSIX_SETJMP_1(jump)              setjmp(jump)
#define PLX_POSIX_SETJMP_2(jump, frame)       (_setjmp)((jump), (frame))
#define PLX_POSIX_SETJMP(one, two, name, ...) name
#define _setjmp(...)                                                                               \
    PLX_POSIX_SETJMP(__VA_ARGS__, PLX_POSIX_SETJMP_2, PLX_POSIX_SETJMP_1, 0)(__VA_ARGS__)
#define _longjmp(jump, value) longjmp((jump), (value))

#define sigsetjmp(jump, keeps_mask)                                                                \
    (plx_posix_jump_mask_keep(&(jump)->state, (keeps_mask)), setjmp((jump)->place))

#endif
