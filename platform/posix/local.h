/* platform/posix/local.h - AF_UNIX stream sockets, emulated over the loopback.
 *
 * Winsock's own AF_UNIX (Windows 10 1803) is not used: Wine has none, it knows neither socketpair()
 * nor unnamed clients' names, and one way that is tested on both is worth more than two. The file
 * at a socket's path names a port and a secret; who connects sends the secret first, and a
 * connection that does not is dropped. So only those who may read the file can connect, as with a
 * real one.
 */
#ifndef PLX__POSIX_LOCAL_H
#define PLX__POSIX_LOCAL_H

#include "platform/posix/layer.h"

int plx__local_bind(plx__file *file, const void *address, plx__socklen length);
int plx__local_connect(plx__file *file, const void *address, plx__socklen length);
/* A connection that was accepted: 0 once it has shown the secret, -EAGAIN when it was dropped. */
int plx__local_greet(SOCKET made, plx__file *listener);
/* What an accepted socket is called: as its listener. */
void plx__local_inherit(plx__file *made, plx__file *listener);
int plx__local_name(plx__file *file, bool is_peer, void *address, plx__socklen *length);
void plx__local_close(plx__file *file);
/* Whether the file at this path is such a socket. */
bool plx__local_is_socket(const wchar_t *path);

#endif
