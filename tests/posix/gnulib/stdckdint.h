/* tests/posix/gnulib/stdckdint.h - C23's, for compilers before it; gnulib's own is made by its
 * configure.
 */
#ifndef GNULIB_STDCKDINT_H
#define GNULIB_STDCKDINT_H

#define ckd_add(sum, a, b) ((bool)__builtin_add_overflow(a, b, sum))
#define ckd_sub(sum, a, b) ((bool)__builtin_sub_overflow(a, b, sum))
#define ckd_mul(sum, a, b) ((bool)__builtin_mul_overflow(a, b, sum))

#endif
