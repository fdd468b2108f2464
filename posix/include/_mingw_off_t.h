/* _mingw_off_t.h - in the place of mingw-w64's: off_t has 64 bits, whatever else is asked for. */
#ifndef PLX_POSIX_OFF_T_H
#define PLX_POSIX_OFF_T_H
#pragma GCC system_header

#define _OFF_T_DEFINED
#define _OFF_T_
#define _OFF64_T_DEFINED
#define _FILE_OFFSET_BITS_SET_OFFT
typedef long _off_t;
typedef long off32_t;
typedef long long _off64_t;
typedef long long off64_t;
typedef long long off_t;

#endif
