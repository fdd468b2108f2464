/**
 * @file types.h
 * The handles, and the macros that every public header uses.
 *
 * A handle is a value of 64 bits: a kind, a generation and a slot. It is never a pointer, so it
 * may be copied, compared, stored and outlive what it names. A call on a handle whose object is
 * gone, or that came from another loop, does nothing and returns PLX_ESTALE.
 */
#ifndef POLLUX_TYPES_H
#define POLLUX_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(POLLUX_SHARED) && defined(POLLUX_BUILDING)
#define PLX_API __declspec(dllexport)
#elif defined(_WIN32) && defined(POLLUX_SHARED)
#define PLX_API __declspec(dllimport)
#elif defined(__GNUC__) && defined(POLLUX_SHARED)
#define PLX_API __attribute__((visibility("default")))
#else
#define PLX_API /* A shared library that contains a static Pollux does not export it. */
#endif

/** Marks a function whose result must be looked at. */
#if defined(__GNUC__)
#define PLX_NODISCARD __attribute__((warn_unused_result))
#elif defined(_MSC_VER)
#define PLX_NODISCARD _Check_return_
#else
#define PLX_NODISCARD
#endif

#define PLX_VERSION_MAJOR 0       /**< Changes when a program must be changed. */
#define PLX_VERSION_MINOR 2       /**< Changes when something is added. */
#define PLX_VERSION_PATCH 0       /**< Changes with each release. */
#define PLX_VERSION_TEXT  "0.2.0" /**< The three as text. */

/** The three as one number: a later version has a larger one. 0x000102 is 0.1.2. */
#define PLX_VERSION (PLX_VERSION_MAJOR << 16 | PLX_VERSION_MINOR << 8 | PLX_VERSION_PATCH)

/** A duration that never ends; as a timeout it turns the timeout off. In nanoseconds. */
#define PLX_FOREVER UINT64_MAX

#define PLX_MICROSECOND UINT64_C(1000)       /**< In nanoseconds. */
#define PLX_MILLISECOND UINT64_C(1000000)    /**< In nanoseconds. */
#define PLX_SECOND      UINT64_C(1000000000) /**< In nanoseconds. */

/** Room enough for any address as text, the closing zero included, in bytes. */
#define PLX_ADDRESS_TEXT_MAX 128

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that runs, as PLX_VERSION is that of the header. The two may differ in
 * a program that uses a shared library. Any thread.
 */
PLX_API uint32_t plx_version(void);

/** The same as text, as "0.2.0". The string is static. Any thread. */
PLX_API const char *plx_version_text(void);

/** An event loop. It belongs to the thread that runs it. */
typedef struct plx_loop plx_loop;

/** A socket of the operating system: a descriptor on Unix, a SOCKET on Windows. */
#if defined(_WIN32) || defined(PLX_POSIX_PURE) /* Which hides _WIN32. */
typedef uintptr_t plx_socket;
#else
typedef int plx_socket;
#endif

/** The value of a plx_socket that is none. */
#define PLX_SOCKET_NONE ((plx_socket)-1)

/** Names a listener. All zero names none. */
typedef struct plx_listener {
    uint64_t bits; /**< Opaque; to compare and to store only. */
} plx_listener;

/** Names a connection. All zero names none. */
typedef struct plx_conn {
    uint64_t bits; /**< Opaque; to compare and to store only. */
} plx_conn;

/** Names a timer. All zero names none. */
typedef struct plx_timer {
    uint64_t bits; /**< Opaque; to compare and to store only. */
} plx_timer;

/** Names the watch over a foreign socket. All zero names none. */
typedef struct plx_watch {
    uint64_t bits; /**< Opaque; to compare and to store only. */
} plx_watch;

/** Names a subscription to a signal. All zero names none. */
typedef struct plx_signal {
    uint64_t bits; /**< Opaque; to compare and to store only. */
} plx_signal;

#ifdef __cplusplus
}
#endif
#endif
