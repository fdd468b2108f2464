/* sys/un.h - addresses that are paths. */
#ifndef PLX_POSIX_SYS_UN_H
#define PLX_POSIX_SYS_UN_H

#include <sys/socket.h>

struct sockaddr_un {
    sa_family_t sun_family;
    char sun_path[108];
};

#define SUN_LEN(address)                                                                           \
    (offsetof(struct sockaddr_un, sun_path) + __builtin_strlen((address)->sun_path))

#endif
