/* byteswap.h - the bytes of a number in the other order. */
#ifndef PLX_POSIX_BYTESWAP_H
#define PLX_POSIX_BYTESWAP_H

#define bswap_16(number) __builtin_bswap16(number)
#define bswap_32(number) __builtin_bswap32(number)
#define bswap_64(number) __builtin_bswap64(number)

#endif
