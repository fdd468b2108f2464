/* core/assert.h - assertions that stay on, and the switch for those that cost. */
#ifndef PLX__ASSERT_H
#define PLX__ASSERT_H

/* A mistake of the programmer, never of the input: says where, and aborts. On in release too. */
#define PLX_ASSERT(condition)                                                                      \
    ((condition) ? (void)0 : plx__assert_failed(#condition, __FILE__, __LINE__))

/* Checks that walk a whole structure stand behind `if (PLX_VERIFY)`: always compiled, so that they
 * cannot rot, and run in test builds. */
#ifdef PLX_FAULTS
#define PLX_VERIFY 1
#else
#define PLX_VERIFY 0
#endif

#if defined(__GNUC__)
__attribute__((noreturn, cold))
#elif defined(_MSC_VER)
__declspec(noreturn)
#endif
void plx__assert_failed(const char *condition, const char *file, int line);

/* The same for a mistake of the user's that has figures: `text` says in the user's words what is
 * wrong. */
#if defined(__GNUC__)
__attribute__((noreturn, cold))
#elif defined(_MSC_VER)
__declspec(noreturn)
#endif
void plx__misused(const char *text);

#endif
