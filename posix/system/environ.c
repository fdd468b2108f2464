/* posix/system/environ.c - environ, for programs that declare it themselves and do not include
 * <stdlib.h>, where mingw-w64 has a macro of that name.
 *
 * It is the C library's own variable, imported by another name: see import.c.in. Microsoft's newer
 * C library has no such variable.
 */
#include <_mingw.h>

#ifndef _UCRT
#define QUOTED(text) #text
#define QUOTE(text)  QUOTED(text)
#define IMPORTED     "__imp_" QUOTE(__USER_LABEL_PREFIX__) "environ"
__asm__(".section .idata$2\n"
        ".rva 4f\n.long 0, 0\n.rva 7f\n.rva " IMPORTED "\n"
        ".section .idata$4\n"
        "4: .rva 6f\n.long 0, 0, 0\n"
        ".section .idata$5\n"
        ".globl " IMPORTED "\n" IMPORTED ": .rva 6f\n.long 0, 0, 0\n"
        ".section .idata$6\n"
        "6: .short 0\n.asciz \"_environ\"\n.balign 2\n"
        ".section .idata$7\n"
        "7: .asciz \"msvcrt.dll\"\n.balign 2\n");
#endif
