/* tests/posix/gnulib/config.h - what gnulib's configure would find on a system that needs none of
 * its replacements: its tests then ask the system itself. For ci/posix-gnulib.sh.
 */
#ifndef GNULIB_CONFIG_H
#define GNULIB_CONFIG_H
#include <stdbool.h>
#define static_assert _Static_assert
#define _GL_INLINE        static inline
#define _GL_EXTERN_INLINE extern inline
#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_ATTRIBUTE_CONST
#define _GL_ATTRIBUTE_PURE
#define _GL_ATTRIBUTE_NODISCARD
#define _GL_ATTRIBUTE_NOTHROW
#define _GL_UNUSED                 __attribute__((__unused__))
#define MAYBE_UNUSED               __attribute__((__unused__))
#define _GL_ATTRIBUTE_MAYBE_UNUSED __attribute__((__unused__))
#define O_BINARY                   0
#define O_TEXT                     0
#define USE_POSIX_THREADS          1
#define HAVE_PTHREAD_API           1
#define _GL_ATTRIBUTE_MALLOC
#define _GL_ATTRIBUTE_DEALLOC(free, argument)
#define _GL_ATTRIBUTE_DEALLOC_FREE
#define _GL_ATTRIBUTE_FORMAT(what)
#define _GL_ATTRIBUTE_NONNULL(which)
#define _GL_ATTRIBUTE_RETURNS_NONNULL
#define _GL_ATTRIBUTE_SENTINEL(which)
#define _GL_ASYNC_SAFE
#define _GL_CMP(a, b)         (((a) > (b)) - ((a) < (b)))
#define GETTIMEOFDAY_TIMEZONE struct timezone
#define PROMOTED_MODE_T       mode_t
#define FLEXIBLE_ARRAY_MEMBER
#define SETLOCALE_NULL_ALL_MAX 3221
#define SETLOCALE_NULL_MAX     257
#define EXEEXT                 ""

#endif
