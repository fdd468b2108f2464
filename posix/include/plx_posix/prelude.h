/* plx_posix/prelude.h - pure mode: what comes before a program that is not to know of Windows.
 *
 * mingw-w64's own headers ask for _WIN32, and some lay their types out by _WIN64; so all that do
 * are included here, and the names are taken away after. <math.h> is not among them: programs
 * define a log() of their own.
 */
#ifndef PLX_POSIX_PRELUDE_H
#define PLX_POSIX_PRELUDE_H
#pragma GCC system_header

#include <assert.h>
#include <ctype.h>
#include <direct.h>
#include <errno.h>
#include <float.h>
#include <getopt.h>
#include <intrin.h>
#include <inttypes.h>
#include <io.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <process.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timeb.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

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
