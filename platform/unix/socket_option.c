/* platform/unix/socket_option.c - what a program may set and ask of a connected socket. */
#include "platform/os.h"

#include <pollux/conn.h>

/* How long a connection is idle before the first probe, in seconds. OpenBSD has it for the whole
 * system alone. */
#if defined(TCP_KEEPIDLE)
#define KEEPALIVE_IDLE TCP_KEEPIDLE
#elif defined(TCP_KEEPALIVE)
#define KEEPALIVE_IDLE TCP_KEEPALIVE /* macOS. */
#endif

static int raw_set(plx_socket socket, int level, int name, int value)
{
    return setsockopt(socket, level, name, &value, sizeof value) == 0 ? 0 : plx__fail_last();
}

static int raw_get(plx_socket socket, int level, int name, int *value_out)
{
    socklen_t size = sizeof *value_out;
    *value_out = 0;
    return getsockopt(socket, level, name, value_out, &size) == 0 ? 0 : plx__fail_last();
}

#ifdef KEEPALIVE_IDLE
static int keepalive_set(plx_socket socket, int seconds)
{
    int status = seconds > 0 ? raw_set(socket, IPPROTO_TCP, KEEPALIVE_IDLE, seconds) : 0;
    return status == 0 ? raw_set(socket, SOL_SOCKET, SO_KEEPALIVE, seconds > 0) : status;
}

static int keepalive_get(plx_socket socket, int *seconds_out)
{
    int status = raw_get(socket, SOL_SOCKET, SO_KEEPALIVE, seconds_out);
    if (status != 0 || *seconds_out == 0)
        return status;
    return raw_get(socket, IPPROTO_TCP, KEEPALIVE_IDLE, seconds_out);
}
#else
static int keepalive_set(plx_socket socket, int seconds)
{
    (void)socket;
    (void)seconds;
    return PLX_ENOSYS;
}

static int keepalive_get(plx_socket socket, int *seconds_out)
{
    (void)socket;
    (void)seconds_out;
    return PLX_ENOSYS;
}
#endif

int plx__socket_option_set(plx_socket socket, uint32_t family, int option, int value)
{
    switch (option) {
    case PLX_CONN_OPTION_KEEPALIVE_SECONDS:
        return keepalive_set(socket, value);
    case PLX_CONN_OPTION_SEND_BYTES:
        return raw_set(socket, SOL_SOCKET, SO_SNDBUF, value);
    case PLX_CONN_OPTION_RECEIVE_BYTES:
        return raw_set(socket, SOL_SOCKET, SO_RCVBUF, value);
    default: /* PLX_CONN_OPTION_TRAFFIC_CLASS */
        return family == PLX__FAMILY_IPV6 ? raw_set(socket, IPPROTO_IPV6, IPV6_TCLASS, value)
                                          : raw_set(socket, IPPROTO_IP, IP_TOS, value);
    }
}

int plx__socket_option_get(plx_socket socket, uint32_t family, int option, int *value_out)
{
    switch (option) {
    case PLX_CONN_OPTION_KEEPALIVE_SECONDS:
        return keepalive_get(socket, value_out);
    case PLX_CONN_OPTION_SEND_BYTES:
        return raw_get(socket, SOL_SOCKET, SO_SNDBUF, value_out);
    case PLX_CONN_OPTION_RECEIVE_BYTES:
        return raw_get(socket, SOL_SOCKET, SO_RCVBUF, value_out);
    default: /* PLX_CONN_OPTION_TRAFFIC_CLASS */
        return family == PLX__FAMILY_IPV6 ? raw_get(socket, IPPROTO_IPV6, IPV6_TCLASS, value_out)
                                          : raw_get(socket, IPPROTO_IP, IP_TOS, value_out);
    }
}

/* Linux has an option for it (unix(7)); BSDs and macOS have a function that does not tell the
 * process (getpeereid(3)). */
#if defined(__linux__)
int plx__socket_credentials(plx_socket socket, plx__credentials *credentials_out)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return plx__fail_last();
    *credentials_out = (plx__credentials){.process = peer.pid, .user = peer.uid, .group = peer.gid};
    return 0;
}
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
int plx__socket_credentials(plx_socket socket, plx__credentials *credentials_out)
{
    uid_t user;
    gid_t group;
    if (getpeereid(socket, &user, &group) != 0)
        return plx__fail_last();
    *credentials_out = (plx__credentials){.process = -1, .user = user, .group = group};
    return 0;
}
#else
int plx__socket_credentials(plx_socket socket, plx__credentials *credentials_out)
{
    (void)socket;
    (void)credentials_out;
    return PLX_ENOSYS;
}
#endif
