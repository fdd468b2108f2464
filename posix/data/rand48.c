/* posix/data/rand48.c - drand48() and its kin, the generator that POSIX defines, and numbers as
 * text to the base of 64.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <stdlib.h>
#include <string.h>

#define MASK       UINT64_C(0xffffffffffff)
#define MULTIPLIER UINT64_C(0x5deece66d)
#define ADDEND     UINT64_C(0xb)

static uint64_t multiplier = MULTIPLIER;
static uint64_t addend = ADDEND;
static unsigned short state[3];

static uint64_t bits_of(const unsigned short from[3])
{
    return (uint64_t)from[2] << 32 | (uint64_t)from[1] << 16 | from[0];
}

static void bits_put(unsigned short to[3], uint64_t bits)
{
    to[0] = (unsigned short)bits;
    to[1] = (unsigned short)(bits >> 16);
    to[2] = (unsigned short)(bits >> 32);
}

static uint64_t next(unsigned short of[3])
{
    uint64_t bits = (bits_of(of) * multiplier + addend) & MASK;
    bits_put(of, bits);
    return bits;
}

double erand48(unsigned short of[3])
{
    return (double)next(of) / (double)(MASK + 1);
}

long nrand48(unsigned short of[3])
{
    return (long)(next(of) >> 17);
}

long jrand48(unsigned short of[3])
{
    return (int32_t)(uint32_t)(next(of) >> 16);
}

double drand48(void)
{
    return erand48(state);
}

long lrand48(void)
{
    return nrand48(state);
}

long mrand48(void)
{
    return jrand48(state);
}

static void state_set(uint64_t bits)
{
    bits_put(state, bits);
    multiplier = MULTIPLIER;
    addend = ADDEND;
}

void srand48(long seed)
{
    state_set((uint64_t)(uint32_t)seed << 16 | 0x330eu);
}

unsigned short *seed48(unsigned short from[3])
{
    static unsigned short before[3];
    uint64_t bits = bits_of(from); /* Which may be what it returned last. */
    memcpy(before, state, sizeof before);
    state_set(bits);
    return before;
}

void lcong48(unsigned short from[7])
{
    bits_put(state, bits_of(from));
    multiplier = bits_of(from + 3);
    addend = from[6];
}

/* --- base 64 -------------------------------------------------------------------------------- */

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The first digit is the lowest, and six are looked at. */
long a64l(const char *text)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 6 && text[i] != '\0'; i++) {
        const char *digit = strchr(digits, text[i]);
        if (digit == NULL)
            break;
        bits |= (uint32_t)(digit - digits) << (6 * i);
    }
    return (int32_t)bits;
}

char *l64a(long number)
{
    static char text[7];
    uint32_t bits = (uint32_t)number;
    size_t length = 0;
    for (; bits != 0; bits >>= 6)
        text[length++] = digits[bits & 63];
    text[length] = '\0';
    return text;
}
