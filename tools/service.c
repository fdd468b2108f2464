/* tools/service.c - the list of services, and those that keep no state: echo, discard, chargen. */
#include "tools/service.h"

#include <string.h>

#include "tools/service_socket.h"

#define ECHO_PIECE_MAX 65536u

static int open_nothing(void **state_out, plx_loop *loop, plx_conn_options *options)
{
    (void)loop;
    (void)options;
    *state_out = NULL;
    return 0;
}

static void count_nothing(const void *state, service_counts *counts_out)
{
    (void)state;
    *counts_out = (service_counts){0};
}

static void close_nothing(void *state)
{
    (void)state;
}

/* --- echo ------------------------------------------------------------------------------------ */

/* What the send queue has no room for is not consumed, and is shown again when there is. In pieces,
 * because what was kept may be more than the queue ever takes at once. */
static size_t echo_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                           size_t length)
{
    const unsigned char *rest = bytes;
    size_t used = 0;
    (void)data;
    while (used < length) {
        size_t piece = length - used < ECHO_PIECE_MAX ? length - used : ECHO_PIECE_MAX;
        if (plx_conn_write(loop, conn, rest + used, piece) != 0)
            break;
        used += piece;
    }
    return used;
}

static int echo_open(void **state_out, plx_loop *loop, plx_conn_options *options)
{
    (void)loop;
    *state_out = NULL;
    options->on_data = echo_on_data;
    return 0;
}

static const service service_echo = {
    .name = "echo",
    .open = echo_open,
    .counts = count_nothing,
    .close = close_nothing,
    .serve = service_echo_serve,
};

/* Without an on_data, what arrives is discarded, and counted by the loop. */
static const service service_discard = {
    .name = "discard",
    .open = open_nothing,
    .counts = count_nothing,
    .close = close_nothing,
    .serve = service_discard_serve,
};

/* --- chargen --------------------------------------------------------------------------------- */

/* The lines of RFC 864, section "TCP based character generator service": 72 of the 95 printing
 * characters, each line starting one further. After 95 lines it begins anew. */
#define CHARGEN_CHARACTERS 95u
#define CHARGEN_COLUMNS    72u
#define CHARGEN_LINE_BYTES (CHARGEN_COLUMNS + 2u)
#define CHARGEN_BYTES      (CHARGEN_CHARACTERS * CHARGEN_LINE_BYTES * 8u)
#define CHARGEN_SEND_HIGH  262144u
/* So often it sends before others have their turn. */
#define CHARGEN_SENDS 16

static char chargen_text[CHARGEN_BYTES];

static void chargen_fill(void)
{
    for (size_t i = 0; i < CHARGEN_BYTES; i++) {
        size_t line = i / CHARGEN_LINE_BYTES;
        size_t column = i % CHARGEN_LINE_BYTES;
        if (column < CHARGEN_COLUMNS)
            chargen_text[i] = (char)(' ' + (line + column) % CHARGEN_CHARACTERS);
        else
            chargen_text[i] = column == CHARGEN_COLUMNS ? '\r' : '\n';
    }
}

static void chargen_on_sent(plx_loop *loop, plx_conn conn, void *data, int status);

/* Lends the text, which is always there, until the queue is high; on_drain goes on then. A peer
 * that takes it faster than that is served again when the last of these has gone. */
static void chargen_send(plx_loop *loop, plx_conn conn, void *data)
{
    (void)data;
    for (int i = 1; i <= CHARGEN_SENDS && plx_conn_queued(loop, conn) <= CHARGEN_SEND_HIGH; i++) {
        plx_sent_fn on_sent = i == CHARGEN_SENDS ? chargen_on_sent : NULL;
        if (plx_conn_send(loop, conn, chargen_text, CHARGEN_BYTES, on_sent, NULL) != 0)
            return; /* It is closing. */
    }
}

static void chargen_on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    if (status == 0)
        chargen_send(loop, conn, data);
}

static int chargen_open(void **state_out, plx_loop *loop, plx_conn_options *options)
{
    (void)loop;
    *state_out = NULL;
    chargen_fill();
    options->on_open = chargen_send;
    options->on_drain = chargen_send;
    options->send_high = CHARGEN_SEND_HIGH;
    /* The peer may talk while it listens; what it says is discarded, and read on. */
    options->flags |= PLX_CONN_READ_WHILE_HIGH;
    return 0;
}

static void chargen_serve(service_socket *s)
{
    while (service_socket_send(s, chargen_text, sizeof chargen_text)) {}
}

static const service service_chargen = {
    .name = "chargen",
    .open = chargen_open,
    .counts = count_nothing,
    .close = close_nothing,
    .serve = chargen_serve,
};

/* --- the list -------------------------------------------------------------------------------- */

const service *service_at(size_t index)
{
    static const service *const services[] = {
        &service_echo,
        &service_http,
        &service_discard,
        &service_chargen,
    };
    return index < sizeof services / sizeof services[0] ? services[index] : NULL;
}

const service *service_find(const char *name)
{
    const service *found = NULL;
    for (size_t i = 0; found == NULL && service_at(i) != NULL; i++) {
        if (strcmp(service_at(i)->name, name) == 0)
            found = service_at(i);
    }
    return found;
}
