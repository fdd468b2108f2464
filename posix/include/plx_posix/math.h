/* plx_posix/math.h - what mingw-w64's <math.h> lacks, or hides from programs in strict C. */
#ifndef PLX_POSIX_MATH_H
#define PLX_POSIX_MATH_H

#include <plx_posix/base.h>

#define MATH_ERRNO       1
#define MATH_ERREXCEPT   2
#define math_errhandling MATH_ERRNO /* As a rule; see docs/posix.md. */

/* As the GNU C library does, for programs call their own variables so. */
#if !defined __STRICT_ANSI__ || defined _XOPEN_SOURCE || defined _GNU_SOURCE ||                    \
    defined _DEFAULT_SOURCE || defined _BSD_SOURCE
#ifndef MAXFLOAT
#define MAXFLOAT __FLT_MAX__
#endif
#ifdef __STRICT_ANSI__
PLX_POSIX_BEGIN

double j0(double x);
double j1(double x);
double jn(int n, double x);
double y0(double x);
double y1(double x);
double yn(int n, double x);

PLX_POSIX_END
#endif
#endif

#endif
