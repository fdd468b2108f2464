/* core/conn/option.c - what the system lets a program set and ask of a connection's socket. */
#include "core/conn/conn.h"

typedef struct option_bounds {
    int least, most;
    bool is_of_tcp; /* A Unix-domain socket has no such thing. */
} option_bounds;

/* By plx_conn_option. Linux allows no more seconds (MAX_TCP_KEEPIDLE). */
static const option_bounds bounds[] = {
    [PLX_CONN_OPTION_KEEPALIVE_SECONDS] = {0, 32767, true},
    [PLX_CONN_OPTION_SEND_BYTES] = {1, INT32_MAX, false},
    [PLX_CONN_OPTION_RECEIVE_BYTES] = {1, INT32_MAX, false},
    [PLX_CONN_OPTION_TRAFFIC_CLASS] = {0, 255, true},
};

/* Whether the connection's socket has the option, and in `*family_out` its family. */
static int option_check(const plx_loop *loop, const plx__conn *conn, enum plx_conn_option option,
                        uint32_t *family_out)
{
    plx__address address;
    if (option < PLX_CONN_OPTION_KEEPALIVE_SECONDS || option > PLX_CONN_OPTION_TRAFFIC_CLASS)
        return PLX_EINVAL;
    int status = loop->host->name(conn->object.endpoint.socket, &address);
    if (status != 0)
        return status;
    *family_out = address.family;
    return bounds[option].is_of_tcp && address.family == PLX__FAMILY_UNIX ? PLX_ENOSYS : 0;
}

int plx_conn_set_option(plx_loop *loop, plx_conn conn, enum plx_conn_option option, int64_t value)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    uint32_t family;
    if (found == NULL)
        return PLX_ESTALE;
    int status = option_check(loop, found, option, &family);
    if (status != 0)
        return status;
    if (value < bounds[option].least || value > bounds[option].most)
        return PLX_EINVAL;
    return loop->host->option_set(found->object.endpoint.socket, family, (int)option, (int)value);
}

int plx_conn_get_option(const plx_loop *loop, plx_conn conn, enum plx_conn_option option,
                        int64_t *value_out)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    uint32_t family;
    int value;
    if (found == NULL)
        return PLX_ESTALE;
    int status = option_check(loop, found, option, &family);
    if (status == 0)
        status = loop->host->option_get(found->object.endpoint.socket, family, (int)option, &value);
    if (status == 0)
        *value_out = value;
    return status;
}

int plx_conn_peer_credentials(const plx_loop *loop, plx_conn conn, int64_t *process_out,
                              int64_t *user_out, int64_t *group_out)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__credentials peer;
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_CONNECTING) != 0)
        return PLX_ENOTCONN;
    plx_socket socket = found->object.endpoint.socket;
    int status = loop->host->name(socket, &address);
    if (status == 0)
        status = address.family == PLX__FAMILY_UNIX ? loop->host->credentials(socket, &peer)
                                                    : PLX_ENOSYS;
    if (status != 0)
        return status;
    if (process_out != NULL)
        *process_out = peer.process;
    if (user_out != NULL)
        *user_out = peer.user;
    if (group_out != NULL)
        *group_out = peer.group;
    return 0;
}
