/* The client of examples/retry.c: makes transfers one after the other.
 *
 * A connection that fails and an answer that is late are the same to it: no answer arrives in time.
 * So only the timer looks for failures.
 */
#include "retry.h"

#include <inttypes.h>
#include <stdio.h>

#define ANSWER_NS  (1 * PLX_SECOND)
#define GIVE_UP_NS (20 * PLX_SECOND) /* Less than the server remembers a client. */
#define LINGER_NS  (5 * PLX_SECOND)

static void transfer_send(struct retry_client *client);

static uint32_t units_of(uint32_t number)
{
    return 10 + number % 90;
}

static void tell(const struct retry_client *client, enum retry_kind kind)
{
    const struct retry_event event = {kind, client->id, client->number, units_of(client->number)};
    client->on_event(client->data, &event);
}

static void client_end(struct retry_client *client, enum retry_kind kind)
{
    client->is_waiting = false;
    plx_conn_finish(client->loop, client->conn, LINGER_NS);
    tell(client, kind);
}

static void on_pause_over(plx_loop *loop, plx_timer timer, void *data)
{
    struct retry_client *client = data;
    (void)timer;
    client->number++;
    client->since_ns = plx_loop_now(loop);
    client->is_waiting = true;
    tell(client, RETRY_SENT);
    transfer_send(client);
}

static void answer_take(struct retry_client *client, uint32_t number)
{
    if (!client->is_waiting || number != client->number)
        return;
    client->is_waiting = false;
    plx_timer_cancel(client->loop, client->timer);
    tell(client, RETRY_ANSWERED);
    if (client->number == client->transfers ||
        plx_timer_start(client->loop, &client->timer, client->pause_ns, 0, on_pause_over, client) !=
            0)
        client_end(client, client->number == client->transfers ? RETRY_FINISHED : RETRY_GAVE_UP);
}

static void line_take(void *data, const char *line)
{
    uint32_t number;
    if (sscanf(line, "done %" SCNu32, &number) == 1)
        answer_take(data, number);
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    return retry_lines_take(bytes, length, line_take, data);
}

/* A new connection, which says who we are. */
static int connection_open(struct retry_client *client)
{
    const plx_conn_options options = {
        .on_data = on_data,
        .data = client,
        .connect_timeout_ns = ANSWER_NS,
        .receive_limit = RETRY_LINE_MAX,
    };
    char hello[RETRY_LINE_MAX];
    int length = snprintf(hello, sizeof hello, "hello %" PRIu64 " %" PRIu32 "\n", client->id,
                          ++client->connections);
    int status = plx_connect(client->loop, &client->conn, client->address, &options);
    return status == 0 ? plx_conn_write(client->loop, client->conn, hello, (size_t)length) : status;
}

static void on_no_answer(plx_loop *loop, plx_timer timer, void *data)
{
    struct retry_client *client = data;
    (void)timer;
    if (plx_loop_now(loop) - client->since_ns >= GIVE_UP_NS) {
        client_end(client, RETRY_GAVE_UP);
        return;
    }
    tell(client, RETRY_AGAIN);
    plx_conn_close(loop, client->conn);
    transfer_send(client);
}

static void transfer_send(struct retry_client *client)
{
    char request[RETRY_LINE_MAX];
    int length = snprintf(request, sizeof request, "transfer %" PRIu32 " %" PRIu32 "\n",
                          client->number, units_of(client->number));
    int status = plx_conn_write(client->loop, client->conn, request, (size_t)length);
    if (status == PLX_ESTALE) { /* There is no connection yet, or it has closed. */
        status = connection_open(client);
        if (status == 0)
            status = plx_conn_write(client->loop, client->conn, request, (size_t)length);
    }
    /* Whatever failed, no answer arrives. */
    status = plx_timer_start(client->loop, &client->timer, ANSWER_NS, 0, on_no_answer, client);
    if (status != 0)
        client_end(client, RETRY_GAVE_UP);
}

int retry_client_open(plx_loop *loop, struct retry_client *client)
{
    client->loop = loop;
    return plx_timer_start(loop, &client->timer, 0, 0, on_pause_over, client);
}
