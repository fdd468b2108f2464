/* The server of examples/retry.c: applies each transfer once, however often it is requested.
 *
 * It remembers a client for KEEP_NS after the client's last connection has closed. By then a client
 * without an answer has given up (GIVE_UP_NS in retry_client.c), so no transfer can be repeated
 * that the server does not remember.
 */
#include "retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP_NS (30 * PLX_SECOND)
#define IDLE_NS (300 * PLX_SECOND)

/* What the server remembers of a client. */
struct retry_session {
    struct retry_session *next;
    struct retry_server *server;
    uint64_t client;
    uint32_t connection; /* The client's newest. */
    uint32_t applied;    /* The number of the last transfer that was applied. */
    plx_timer timer;     /* Runs while the client is away. */
};

/* A connection. */
struct peer {
    struct retry_server *server;
    plx_conn conn;
    uint64_t client; /* 0 before its hello. */
    uint32_t connection;
};

static void tell(const struct retry_session *session, enum retry_kind kind, uint32_t number,
                 uint32_t units)
{
    const struct retry_event event = {kind, session->client, number, units};
    session->server->on_event(session->server->data, &event);
}

/* --- sessions -------------------------------------------------------------------------------- */

static struct retry_session *session_find(const struct retry_server *server, uint64_t client)
{
    struct retry_session *session = server->first;
    while (session != NULL && session->client != client)
        session = session->next;
    return session;
}

static struct retry_session *session_make(struct retry_server *server, uint64_t client)
{
    struct retry_session *session = malloc(sizeof *session);
    if (session == NULL)
        return NULL;
    *session = (struct retry_session){.next = server->first, .server = server, .client = client};
    server->first = session;
    return session;
}

static void session_forget(plx_loop *loop, plx_timer timer, void *data)
{
    struct retry_session *session = data;
    struct retry_session **link = &session->server->first;
    (void)loop;
    (void)timer;
    tell(session, RETRY_FORGOTTEN, session->applied, 0);
    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    free(session);
}

/* The client is away. If there is no memory for a timer, the server remembers it forever. */
static void session_leave(plx_loop *loop, struct retry_session *session)
{
    tell(session, RETRY_AWAY, session->applied, 0);
    plx_timer_cancel(loop, session->timer);
    if (plx_timer_start(loop, &session->timer, KEEP_NS, 0, session_forget, session) == 0)
        plx_timer_set_background(loop, session->timer, 1);
}

/* --- requests -------------------------------------------------------------------------------- */

static void hello_take(plx_loop *loop, struct peer *peer, uint64_t client, uint32_t connection)
{
    struct retry_session *session = session_find(peer->server, client);
    if (session == NULL)
        session = session_make(peer->server, client);
    /* Connections overtake each other: this one may be older than the one we know. */
    if (session == NULL || connection < session->connection) {
        plx_conn_close(loop, peer->conn);
        return;
    }
    peer->client = client;
    peer->connection = connection;
    session->connection = connection;
    plx_timer_cancel(loop, session->timer);
}

static void transfer_take(plx_loop *loop, const struct peer *peer, uint32_t number, uint32_t units)
{
    struct retry_session *session = session_find(peer->server, peer->client);
    char answer[32];
    /* What an older connection still brings, the client has sent again by the newest one. */
    if (session == NULL || session->connection != peer->connection) {
        plx_conn_close(loop, peer->conn);
        return;
    }
    bool is_new = number > session->applied;
    if (is_new)
        session->applied = number;
    tell(session, is_new ? RETRY_APPLIED : RETRY_REPEATED, number, units);
    int length = snprintf(answer, sizeof answer, "done %" PRIu32 "\n", number);
    if (plx_conn_write(loop, peer->conn, answer, (size_t)length) != 0)
        plx_conn_close(loop, peer->conn); /* To the client, an answer that was lost. */
}

static void line_take(void *data, const char *line)
{
    struct peer *peer = data;
    plx_loop *loop = peer->server->loop;
    uint64_t client;
    uint32_t connection, number, units;
    if (!plx_conn_is_open(loop, peer->conn))
        return; /* An earlier line has closed it. */
    if (sscanf(line, "hello %" SCNu64 " %" SCNu32, &client, &connection) == 2)
        hello_take(loop, peer, client, connection);
    else if (sscanf(line, "transfer %" SCNu32 " %" SCNu32, &number, &units) == 2)
        transfer_take(loop, peer, number, units);
    else
        plx_conn_close(loop, peer->conn);
}

/* --- callbacks ------------------------------------------------------------------------------- */

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    struct peer *peer = malloc(sizeof *peer);
    plx_conn_set_data(loop, conn, peer);
    if (peer == NULL)
        plx_conn_close(loop, conn);
    else
        *peer = (struct peer){.server = data, .conn = conn};
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    return retry_lines_take(bytes, length, line_take, data);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    struct peer *peer = data;
    struct retry_session *session;
    (void)conn;
    (void)reason;
    if (peer == NULL)
        return; /* There was no memory for it. */
    session = session_find(peer->server, peer->client);
    /* Without the second condition the program seems to work: nearly always the newest connection
     * is the one that closes. That is the bug of `retry --bug`. */
    if (session != NULL && (session->connection == peer->connection || peer->server->has_bug))
        session_leave(loop, session);
    free(peer);
}

int retry_server_open(plx_loop *loop, struct retry_server *server, const char *address)
{
    const plx_conn_options peers = {
        .on_open = on_open,
        .on_data = on_data,
        .on_close = on_close,
        .data = server,
        .idle_timeout_ns = IDLE_NS,
        .receive_limit = RETRY_LINE_MAX,
    };
    server->loop = loop;
    return plx_listen(loop, &server->listener, address, &(plx_listen_options){.conn = &peers});
}

void retry_server_free(struct retry_server *server)
{
    while (server->first != NULL) {
        struct retry_session *session = server->first;
        server->first = session->next;
        free(session);
    }
}
