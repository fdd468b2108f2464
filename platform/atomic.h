/* platform/atomic.h - the few atomic operations that Pollux needs, for C11 and for MSVC, and two
 * hints to the processor, which do nothing where there is no such hint.
 *
 * MSVC has C11 atomics only behind an experimental switch, so its intrinsics are used there. Each
 * name says its ordering; those without one are sequentially consistent.
 */
#ifndef PLX__ATOMIC_H
#define PLX__ATOMIC_H

#include <stdint.h>

#ifdef _MSC_VER
/* As <intrin.h> declares them, which itself wants to come after <windows.h>. */
long _InterlockedOr(long volatile *target, long bits);
long _InterlockedExchange(long volatile *target, long value);
long _InterlockedExchangeAdd(long volatile *target, long value);
long _InterlockedCompareExchange(long volatile *target, long desired, long expected);
#pragma intrinsic(_InterlockedOr, _InterlockedExchange)
#pragma intrinsic(_InterlockedExchangeAdd, _InterlockedCompareExchange)

typedef struct plx__atomic_u32 {
    volatile long value;
} plx__atomic_u32;

static inline uint32_t plx__atomic_load(plx__atomic_u32 *atomic)
{
    return (uint32_t)_InterlockedOr(&atomic->value, 0);
}

static inline uint32_t plx__atomic_load_acquire(plx__atomic_u32 *atomic)
{
    return plx__atomic_load(atomic);
}

/* No more than that: what it counts, and nothing else. Aligned accesses of 32 bits are single ones
 * (Microsoft, "Interlocked Variable Access"). */
static inline uint32_t plx__atomic_load_relaxed(const plx__atomic_u32 *atomic)
{
    return (uint32_t)atomic->value;
}

static inline void plx__atomic_store_relaxed(plx__atomic_u32 *atomic, uint32_t value)
{
    atomic->value = (long)value;
}

static inline void plx__atomic_store(plx__atomic_u32 *atomic, uint32_t value)
{
    (void)_InterlockedExchange(&atomic->value, (long)value);
}

static inline void plx__atomic_store_release(plx__atomic_u32 *atomic, uint32_t value)
{
    plx__atomic_store(atomic, value);
}

static inline uint32_t plx__atomic_exchange(plx__atomic_u32 *atomic, uint32_t value)
{
    return (uint32_t)_InterlockedExchange(&atomic->value, (long)value);
}

static inline uint32_t plx__atomic_add(plx__atomic_u32 *atomic, uint32_t value)
{
    return (uint32_t)_InterlockedExchangeAdd(&atomic->value, (long)value);
}

static inline uint32_t plx__atomic_or(plx__atomic_u32 *atomic, uint32_t bits)
{
    return (uint32_t)_InterlockedOr(&atomic->value, (long)bits);
}

/* Returns whether `*expected` was there and `desired` took its place; else fills in what was. */
static inline int plx__atomic_compare_exchange(plx__atomic_u32 *atomic, uint32_t *expected,
                                               uint32_t desired)
{
    long seen = _InterlockedCompareExchange(&atomic->value, (long)desired, (long)*expected);
    int same = (uint32_t)seen == *expected;
    *expected = (uint32_t)seen;
    return same;
}

#if defined _M_X64 || defined _M_IX86
void _mm_pause(void);
#pragma intrinsic(_mm_pause)
#define PLX__PAUSE() _mm_pause()
#ifndef __clang__ /* Which has the dialect, and not this intrinsic. */
void _m_prefetchw(void const volatile *at);
#pragma intrinsic(_m_prefetchw)
#define PLX__PREFETCH_WRITE(at) _m_prefetchw(at)
#endif
#endif

#else
#include <stdatomic.h>

typedef struct plx__atomic_u32 {
    _Atomic uint32_t value;
} plx__atomic_u32;

static inline uint32_t plx__atomic_load(plx__atomic_u32 *atomic)
{
    return atomic_load(&atomic->value);
}

static inline uint32_t plx__atomic_load_acquire(plx__atomic_u32 *atomic)
{
    return atomic_load_explicit(&atomic->value, memory_order_acquire);
}

/* No more than that: what it counts, and nothing else. */
static inline uint32_t plx__atomic_load_relaxed(const plx__atomic_u32 *atomic)
{
    return atomic_load_explicit(&atomic->value, memory_order_relaxed);
}

static inline void plx__atomic_store_relaxed(plx__atomic_u32 *atomic, uint32_t value)
{
    atomic_store_explicit(&atomic->value, value, memory_order_relaxed);
}

static inline void plx__atomic_store(plx__atomic_u32 *atomic, uint32_t value)
{
    atomic_store(&atomic->value, value);
}

static inline void plx__atomic_store_release(plx__atomic_u32 *atomic, uint32_t value)
{
    atomic_store_explicit(&atomic->value, value, memory_order_release);
}

static inline uint32_t plx__atomic_exchange(plx__atomic_u32 *atomic, uint32_t value)
{
    return atomic_exchange(&atomic->value, value);
}

static inline uint32_t plx__atomic_add(plx__atomic_u32 *atomic, uint32_t value)
{
    return atomic_fetch_add(&atomic->value, value);
}

static inline uint32_t plx__atomic_or(plx__atomic_u32 *atomic, uint32_t bits)
{
    return atomic_fetch_or(&atomic->value, bits);
}

/* Returns whether `*expected` was there and `desired` took its place; else fills in what was. */
static inline int plx__atomic_compare_exchange(plx__atomic_u32 *atomic, uint32_t *expected,
                                               uint32_t desired)
{
    return atomic_compare_exchange_strong(&atomic->value, expected, desired);
}

#if defined __x86_64__ || defined __i386__
#define PLX__PAUSE() __builtin_ia32_pause()
#endif
#ifdef __x86_64__
/* Compilers have __builtin_prefetch() load for reading unless they are told which processor this
 * is; all of 64 bits have this one, or skip it (Intel's manual, volume 2, PREFETCHW). */
#define PLX__PREFETCH_WRITE(at) __asm__ volatile("prefetchw %0" : : "m"(*(const char *)(at)))
#elif defined __GNUC__
#define PLX__PREFETCH_WRITE(at) __builtin_prefetch((at), 1)
#endif
#endif

/* In a loop that waits for another processor. */
static inline void plx__pause(void)
{
#ifdef PLX__PAUSE
    PLX__PAUSE();
#endif
}

/* This processor is about to write to the line of the cache at `at`. */
static inline void plx__prefetch_write(const void *at)
{
#ifdef PLX__PREFETCH_WRITE
    PLX__PREFETCH_WRITE(at);
#else
    (void)at;
#endif
}

#endif
