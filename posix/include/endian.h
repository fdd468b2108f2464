/* endian.h - the order of bytes. */
#ifndef PLX_POSIX_ENDIAN_H
#define PLX_POSIX_ENDIAN_H

#include <sys/param.h>

#define __LITTLE_ENDIAN LITTLE_ENDIAN
#define __BIG_ENDIAN    BIG_ENDIAN
#define __BYTE_ORDER    BYTE_ORDER
#define htobe16(value)  __builtin_bswap16(value)
#define htobe32(value)  __builtin_bswap32(value)
#define htobe64(value)  __builtin_bswap64(value)
#define be16toh(value)  __builtin_bswap16(value)
#define be32toh(value)  __builtin_bswap32(value)
#define be64toh(value)  __builtin_bswap64(value)
#define htole16(value)  ((uint16_t)(value))
#define htole32(value)  ((uint32_t)(value))
#define htole64(value)  ((uint64_t)(value))
#define le16toh(value)  ((uint16_t)(value))
#define le32toh(value)  ((uint32_t)(value))
#define le64toh(value)  ((uint64_t)(value))

#endif
