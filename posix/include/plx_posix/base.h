/* plx_posix/base.h - what every header of the layer is made of: types and labels. */
#ifndef PLX_POSIX_BASE_H
#define PLX_POSIX_BASE_H

#include <plx_posix/label.h>
#include <plx_posix/systypes.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __clang__
#define PLX_POSIX_PRINTF(format, first) __attribute__((__format__(printf, format, first)))
#else
#define PLX_POSIX_PRINTF(format, first) __attribute__((__format__(gnu_printf, format, first)))
#endif

#endif
