/* posix/data/random.c - random numbers by POSIX's and GNU's names.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct generator {
    uint64_t bits;
} generator;

/* What random() draws from: a program's own bytes, as initstate() and setstate() say, at any
 * address.
 */
static generator first = {UINT64_C(88172645463325252)};
static char *current = (char *)&first;

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016). */
static int32_t state_next(char *state)
{
    generator from;
    memcpy(&from, state, sizeof from);
    from.bits ^= from.bits >> 12;
    from.bits ^= from.bits << 25;
    from.bits ^= from.bits >> 27;
    memcpy(state, &from, sizeof from);
    return (int32_t)((from.bits * UINT64_C(2685821657736338717)) >> 33);
}

static void state_seed(char *state, unsigned int seed)
{
    generator to = {seed * UINT64_C(2862933555777941757) + UINT64_C(3037000493)};
    memcpy(state, &to, sizeof to);
}

long random(void)
{
    return state_next(current);
}

void srandom(unsigned int seed)
{
    state_seed(current, seed);
}

char *setstate(char *state)
{
    char *before = current;
    if (state == NULL) {
        errno = EINVAL;
        return NULL;
    }
    current = state;
    return before;
}

char *initstate(unsigned int seed, char *state, size_t size)
{
    if (size < sizeof(generator)) {
        errno = EINVAL;
        return NULL;
    }
    state_seed(state, seed);
    return setstate(state);
}

int setstate_r(char *state, struct random_data *data)
{
    if (state == NULL) {
        errno = EINVAL;
        return -1;
    }
    data->state = state;
    return 0;
}

int initstate_r(unsigned int seed, char *state, size_t size, struct random_data *data)
{
    if (size < sizeof(generator)) {
        errno = EINVAL;
        return -1;
    }
    state_seed(state, seed);
    return setstate_r(state, data);
}

int srandom_r(unsigned int seed, struct random_data *data)
{
    state_seed(data->state, seed);
    return 0;
}

int random_r(struct random_data *data, int32_t *number)
{
    *number = state_next(data->state);
    return 0;
}

/* The C library's own has 15 bits. */
int rand(void)
{
    return (int)random();
}

void srand(unsigned int seed)
{
    srandom(seed);
}

/* The finalizer of MurmurHash3 (Appleby, public domain) over a counter. */
int rand_r(unsigned int *state)
{
    uint32_t bits = *state += UINT32_C(0x9e3779b9);
    bits = (bits ^ bits >> 16) * UINT32_C(0x85ebca6b);
    bits = (bits ^ bits >> 13) * UINT32_C(0xc2b2ae35);
    return (int)((bits ^ bits >> 16) >> 1);
}
