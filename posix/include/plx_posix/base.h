/* plx_posix/base.h - what every header of the layer is made of: types and labels.
 *
 * A function of POSIX binds to the layer's symbol by an assembler label, never by a macro, so that
 * members and function pointers that are called read, close or stat stay what they are.
 */
#ifndef PLX_POSIX_BASE_H
#define PLX_POSIX_BASE_H

#include <plx_posix/systypes.h>
#include <stddef.h>
#include <stdint.h>

#define PLX_POSIX_TEXT_OF(text) #text
#define PLX_POSIX_TEXT(text)    PLX_POSIX_TEXT_OF(text)
/* The symbol of the layer for the function of this name. */
#define PLX_POSIX_CALL(name)                                                                       \
    __asm__(PLX_POSIX_TEXT(__USER_LABEL_PREFIX__) "plx_posix_" PLX_POSIX_TEXT_OF(name))
#ifdef __clang__
#define PLX_POSIX_PRINTF(format, first) __attribute__((__format__(printf, format, first)))
#else
#define PLX_POSIX_PRINTF(format, first) __attribute__((__format__(gnu_printf, format, first)))
#endif

#ifdef __cplusplus
#define PLX_POSIX_BEGIN extern "C" {
#define PLX_POSIX_END   }
#else
#define PLX_POSIX_BEGIN
#define PLX_POSIX_END
#endif

#endif
