/* posix/socket/local.h - AF_UNIX stream sockets, emulated over the loopback.
 *
 * Winsock's own AF_UNIX (Windows 10 1803) is not used: Wine has none, it knows neither socketpair()
 * nor unnamed clients' names, and one way that is tested on both is worth more than two. The file
 * at a socket's path names a port and a secret; who connects sends the secret first, and a
 * connection that does not is dropped. So only those who may read the file can connect, as with a
 * real one.
 *
 * Descriptors can be passed to a peer in the same process; the connection carries nothing of them,
 * they wait here until the bytes that they came with are read.
 */
#ifndef PLX__POSIX_LOCAL_H
#define PLX__POSIX_LOCAL_H

#include "posix/socket/socket.h"

int plx__local_bind(plx__file *file, const void *address, plx__socklen length);
int plx__local_connect(plx__file *file, const void *address, plx__socklen length);
/* A connection that was accepted: 0 once it has shown the secret, -EAGAIN when it was dropped.
 * Which process it says that it is. */
int plx__local_greet(SOCKET made, plx__file *listener, uint32_t *process_out);
/* What an accepted socket is called: as its listener. 0 or -ENOMEM. */
int plx__local_inherit(plx__file *made, plx__file *listener, uint32_t process);
int plx__local_name(plx__file *file, bool is_peer, void *address, plx__socklen *length);
void plx__local_close(plx__file *file);
/* As send() and recv() of Winsock, of connected sockets. `*rights` (may be NULL) go with the first
 * byte, and are NULL then. */
int plx__local_send(plx__file *file, const void *bytes, int length, int flags,
                    plx__rights **rights);
int plx__local_receive(plx__file *file, void *bytes, int size, int flags, plx__extras *extras);
/* Whether the peer is in this process, so that descriptors can be passed to it. */
bool plx__local_is_here(plx__file *file);
/* The process at the other end; 0 when there is none. */
uint32_t plx__local_peer_process(plx__file *file);

/* What a child has to know of a socket that it is given. */
typedef struct plx__local_names {
    plx__sockaddr_un name;
    plx__socklen name_length;
    plx__sockaddr_un peer;
    plx__socklen peer_length;
    unsigned char secret[16];
    bool is_there;
} plx__local_names;

void plx__local_names_save(const plx__file *file, plx__local_names *names_out);
void plx__local_names_load(plx__file *file, const plx__local_names *names);
/* Whether the file at this path is such a socket. */
bool plx__local_is_socket(const wchar_t *path);

#endif
