/* core/bits.h - the position of the highest and the lowest bit of a word that is not 0. */
#ifndef PLX__BITS_H
#define PLX__BITS_H

#include <stdint.h>

#ifdef _MSC_VER
/* As <intrin.h> declares them. */
unsigned char _BitScanReverse64(unsigned long *position, unsigned __int64 word);
unsigned char _BitScanForward64(unsigned long *position, unsigned __int64 word);
#pragma intrinsic(_BitScanReverse64, _BitScanForward64)

static inline uint32_t plx__bits_highest(uint64_t word)
{
    unsigned long position;
    (void)_BitScanReverse64(&position, word);
    return position;
}

static inline uint32_t plx__bits_lowest(uint64_t word)
{
    unsigned long position;
    (void)_BitScanForward64(&position, word);
    return position;
}
#else
static inline uint32_t plx__bits_highest(uint64_t word)
{
    return 63u - (uint32_t)__builtin_clzll(word);
}

static inline uint32_t plx__bits_lowest(uint64_t word)
{
    return (uint32_t)__builtin_ctzll(word);
}
#endif

#endif
