/* plx_posix/prelude.h - pure mode: what comes before a program that is not to know of Windows.
 *
 * It declares nothing, so that configure scripts find what a program of theirs includes and no
 * more. The headers of mingw-w64 that ask for these names get them: mingw_begin.h.
 */
#ifndef PLX_POSIX_PRELUDE_H
#define PLX_POSIX_PRELUDE_H
#pragma GCC system_header

#undef _WIN32
#undef _WIN64
#undef WIN32
#undef WIN64
#undef __WIN32
#undef __WIN32__
#undef __WIN64
#undef __WIN64__
#undef WINNT
#undef __WINNT
#undef __WINNT__
#undef __MINGW32__
#undef __MINGW64__
#define PLX_POSIX_PURE 1
#define __unix__       1
#define __unix         1

#endif
