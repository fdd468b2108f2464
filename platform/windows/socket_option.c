/* platform/windows/socket_option.c - what a program may set and ask of a connected socket. */
#include "platform/os.h"

#include <mstcpip.h>
#include <pollux/conn.h>

/* Since Windows 10 1709 (16299); not in every SDK (ws2ipdef.h). */
#define KEEPALIVE_IDLE 3

/* What older systems are told along with the idle time: their own default between two probes
 * (Microsoft, "SIO_KEEPALIVE_VALS Control Code"). */
#define KEEPALIVE_INTERVAL_MS 1000u

static int raw_set(plx_socket socket, int level, int name, int value)
{
    return setsockopt(socket, level, name, (const char *)&value, sizeof value) == 0
               ? 0
               : plx__fail_last();
}

static int raw_get(plx_socket socket, int level, int name, int *value_out)
{
    int size = sizeof *value_out;
    *value_out = 0;
    return getsockopt(socket, level, name, (char *)value_out, &size) == 0 ? 0 : plx__fail_last();
}

static int keepalive_set_old(plx_socket socket, int seconds)
{
    struct tcp_keepalive values = {1, (ULONG)seconds * 1000u, KEEPALIVE_INTERVAL_MS};
    DWORD returned;
    return WSAIoctl(socket, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &returned, NULL,
                    NULL) == 0
               ? 0
               : plx__fail_last();
}

static int keepalive_set(plx_socket socket, int seconds)
{
    int status = raw_set(socket, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
    if (status != 0 || seconds == 0 || raw_set(socket, IPPROTO_TCP, KEEPALIVE_IDLE, seconds) == 0)
        return status;
    return keepalive_set_old(socket, seconds);
}

static int keepalive_get(plx_socket socket, int *seconds_out)
{
    int status = raw_get(socket, SOL_SOCKET, SO_KEEPALIVE, seconds_out);
    if (status != 0 || *seconds_out == 0)
        return status;
    return raw_get(socket, IPPROTO_TCP, KEEPALIVE_IDLE, seconds_out);
}

int plx__socket_option_set(plx_socket socket, uint32_t family, int option, int value)
{
    (void)family;
    switch (option) {
    case PLX_CONN_OPTION_KEEPALIVE_SECONDS:
        return keepalive_set(socket, value);
    case PLX_CONN_OPTION_SEND_BYTES:
        return raw_set(socket, SOL_SOCKET, SO_SNDBUF, value);
    case PLX_CONN_OPTION_RECEIVE_BYTES:
        return raw_set(socket, SOL_SOCKET, SO_RCVBUF, value);
    default:
        /* PLX_CONN_OPTION_TRAFFIC_CLASS. IP_TOS: "Do not use" (Microsoft, "IPPROTO_IP Socket
         * Options"); the system takes it, and sends packets without it. */
        return PLX_ENOSYS;
    }
}

int plx__socket_option_get(plx_socket socket, uint32_t family, int option, int *value_out)
{
    (void)family;
    switch (option) {
    case PLX_CONN_OPTION_KEEPALIVE_SECONDS:
        return keepalive_get(socket, value_out);
    case PLX_CONN_OPTION_SEND_BYTES:
        return raw_get(socket, SOL_SOCKET, SO_SNDBUF, value_out);
    case PLX_CONN_OPTION_RECEIVE_BYTES:
        return raw_get(socket, SOL_SOCKET, SO_RCVBUF, value_out);
    default:
        return PLX_ENOSYS;
    }
}

int plx__socket_credentials(plx_socket socket, plx__credentials *credentials_out)
{
    (void)socket;
    (void)credentials_out;
    return PLX_ENOSYS;
}
