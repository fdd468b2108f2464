/**
 * @file error.h
 * The codes that Pollux returns.
 *
 * A call returns 0 or one of these. The numbers are Pollux's own, are the same on every system,
 * and are never given to another meaning. They are not errno values.
 */
#ifndef POLLUX_ERROR_H
#define POLLUX_ERROR_H

#include <pollux/types.h>

/** Every code once: name, number, and the sentence that plx_error_text() returns. */
#define PLX_ERROR_MAP(X)                                                                           \
    X(EINVAL, -1, "an argument is out of its range")                                               \
    X(ENOMEM, -2, "out of memory")                                                                 \
    X(ESTALE, -3, "the handle names nothing that is open on this loop")                            \
    X(ENOSYS, -4, "this system cannot do that")                                                    \
    X(EBUSY, -5, "the loop is in the middle of something that excludes this call")                 \
    X(ECANCELED, -6, "the operation was cancelled because its owner closes")                       \
    X(ELIMIT, -7, "a limit from the options is reached")                                           \
    X(ENOBUFS, -8, "the queue is full")                                                            \
    X(EMSGSIZE, -9, "the message is larger than the limit")                                        \
    X(EEXIST, -10, "that is there already")                                                        \
    X(EBACKEND, -11, "no backend of that name is compiled in")                                     \
    X(EADDRESS, -12, "not an address; write tcp://host:port with a numeric host, or unix:/path")   \
    X(ESCHEME, -13, "the address has a scheme that this call does not take")                       \
    X(EADDRINUSE, -14, "the address is in use")                                                    \
    X(EADDRNOTAVAIL, -15, "the address is not one of this machine")                                \
    X(EAFNOSUPPORT, -16, "this system has no sockets of that address family")                      \
    X(EACCES, -17, "permission denied")                                                            \
    X(ENOENT, -18, "no such file or directory")                                                    \
    X(ECONNREFUSED, -19, "connection refused")                                                     \
    X(ECONNRESET, -20, "connection reset by the peer")                                             \
    X(ECONNABORTED, -21, "connection aborted")                                                     \
    X(ETIMEDOUT, -22, "timed out")                                                                 \
    X(EHOSTUNREACH, -23, "no route to the host")                                                   \
    X(ENETUNREACH, -24, "the network is unreachable")                                              \
    X(ENETDOWN, -25, "the network is down")                                                        \
    X(ENOTCONN, -26, "the connection is not open for that")                                        \
    X(EPIPE, -27, "the sending side is shut")                                                      \
    X(EMFILE, -28, "this process has no descriptor left")                                          \
    X(ENFILE, -29, "this system has no descriptor left")                                           \
    X(EBADF, -30, "not an open descriptor")                                                        \
    X(ENOTSOCK, -31, "not a descriptor that can be waited for")                                    \
    X(ENAMETOOLONG, -32, "the path is too long for a socket")                                      \
    X(EIO, -33, "input/output error")                                                              \
    X(EEOF, -34, "the peer has ended the connection")                                              \
    X(EAGAIN, -35, "not ready yet")                                                                \
    X(EUNKNOWN, -36, "an error of the system that Pollux has no code for")                         \
    X(EDEADLK, -37, "all loops of the simulation wait, and nothing will happen: see its trace")    \
    X(ETHREADS, -38, "this process has several threads, so it cannot fork")                        \
    X(ESLOW, -39, "the peer sends more slowly than it must")                                       \
    X(EPROTO, -40, "the peer does not keep to the protocol")                                       \
    X(EVERSION, -41, "the other process speaks another protocol, or another version of it")

#ifdef __cplusplus
extern "C" {
#endif

/** The codes; see PLX_ERROR_MAP. */
enum plx_error {
    PLX_OK = 0,                                                   /**< Success. */
#define PLX_ERROR_ENUM(name, number, text) PLX_##name = (number), /**< text */
    PLX_ERROR_MAP(PLX_ERROR_ENUM)
#undef PLX_ERROR_ENUM
};

/**
 * The name of a code, as "PLX_EADDRINUSE". Never NULL; "PLX_?" for a number that is no code.
 * Any thread. The string is static.
 */
PLX_API const char *plx_error_name(int code);

/**
 * A sentence without a full stop that says what the code means. Never NULL. Any thread. The
 * string is static.
 */
PLX_API const char *plx_error_text(int code);

#ifdef __cplusplus
}
#endif
#endif
