/* posix/signal/sigsetjmp.c - the symbol sigsetjmp: keeps the mask, and goes on as the C library's
 * setjmp(), which so returns to the caller. An object of its own, as names.cmake has them.
 *
 * With 0 for a frame, longjmp() restores registers and unwinds nothing, which a jump in C wants.
 */
#include <setjmp.h>

_Static_assert(sizeof(jmp_buf) == 256, "the mask comes after that");

__asm__(".globl sigsetjmp\n"
        "sigsetjmp:\n"
        "    push %rcx\n"
        "    sub $32, %rsp\n"
        "    add $256, %rcx\n"
        "    call plx_posix_jump_mask_keep\n"
        "    add $32, %rsp\n"
        "    pop %rcx\n"
        "    xor %edx, %edx\n"
        "    jmp _setjmp\n");
