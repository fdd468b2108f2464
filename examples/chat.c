/* A chat: each line that a guest sends goes to all others. `chat [LISTEN]`, tcp://127.0.0.1:7000
 * if none is given; `nc 127.0.0.1 7000` or telnet joins it. Ends on Ctrl-C.
 *
 * Nobody waits for anybody: a guest whose send queue is full reads too slowly, and is dropped. So
 * a guest holds at most SEND_MAX, what it may have sent of a line, and one struct. Guests also
 * leave when they send a line longer than LINE_BYTES_MAX, and when nothing was said for IDLE_NS.
 */
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUESTS_MAX     1000
#define LINE_BYTES_MAX 1024
#define SEND_MAX       ((size_t)64 * 1024)
#define IDLE_NS        (600 * PLX_SECOND)

/* One callback brings no more than this, so that one guest alone cannot fill the queues at once. */
#define RECEIVE_BYTES 4096

struct chat {
    struct guest *first;
    unsigned names; /* How many have been given. */
};

struct guest {
    struct chat *chat;
    struct guest *next;
    plx_conn conn;
    unsigned name;
    const char *why; /* Why we closed its connection; NULL if we did not. */
};

static void guest_drop(plx_loop *loop, struct guest *guest, const char *why)
{
    /* The rest happens in on_close, which comes in a later turn: lists do not change meanwhile. */
    if (plx_conn_close(loop, guest->conn) == 0)
        guest->why = why;
}

/* Sends the text to all but `sender`, who may be NULL. */
static void chat_say(plx_loop *loop, const struct chat *chat, const struct guest *sender,
                     const char *text, size_t length)
{
    for (struct guest *guest = chat->first; guest != NULL; guest = guest->next) {
        if (guest == sender)
            continue;
        int status = plx_conn_write(loop, guest->conn, text, length);
        if (status == PLX_ENOBUFS)
            guest_drop(loop, guest, "reads too slowly");
        else if (status == PLX_ENOMEM)
            guest_drop(loop, guest, plx_error_text(status));
        /* Any other failure says that the guest is leaving; its on_close tells. */
    }
}

/* Tells all others what became of a guest. */
static void guest_announce(plx_loop *loop, const struct guest *guest, const char *what,
                           const char *why)
{
    char text[256];
    int length = snprintf(text, sizeof text, "* guest %u %s%s%s\n", guest->name, what,
                          why != NULL ? ": " : "", why != NULL ? why : "");
    if (length > 0 && (size_t)length < sizeof text)
        chat_say(loop, guest->chat, guest, text, (size_t)length);
}

static void guest_say(plx_loop *loop, const struct guest *guest, const char *line, size_t length)
{
    char text[LINE_BYTES_MAX + 64];
    int start = snprintf(text, sizeof text, "guest %u: ", guest->name);
    if (length > 0 && line[length - 1] == '\r')
        length--; /* Telnet ends its lines so. */
    if (start <= 0 || length == 0)
        return;
    char *end = text + start;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        *end++ = byte < 0x20 || byte == 0x7f ? ' ' : line[i]; /* Keeps terminals as they are. */
    }
    *end++ = '\n';
    chat_say(loop, guest->chat, guest, text, (size_t)(end - text));
}

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    struct chat *chat = data;
    char text[64];
    struct guest *guest = malloc(sizeof *guest);
    plx_conn_set_data(loop, conn, guest);
    if (guest == NULL) {
        plx_conn_close(loop, conn);
        return;
    }
    *guest = (struct guest){.chat = chat, .conn = conn, .name = ++chat->names};
    guest->next = chat->first;
    chat->first = guest;
    int length = snprintf(text, sizeof text, "* you are guest %u\n", guest->name);
    if (length > 0 && plx_conn_write(loop, conn, text, (size_t)length) != 0)
        guest_drop(loop, guest, NULL);
    guest_announce(loop, guest, "joined", NULL);
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    struct guest *guest = data;
    const char *line = bytes;
    const char *end = line + length;
    const char *newline;
    (void)conn;
    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        if (newline - line > LINE_BYTES_MAX) {
            guest_drop(loop, guest, plx_error_text(PLX_EMSGSIZE));
            return length;
        }
        guest_say(loop, guest, line, (size_t)(newline - line));
        line = newline + 1;
    }
    /* The beginning of a line is kept for us, up to receive_limit, until more has come. */
    return length - (size_t)(end - line);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    struct guest *guest = data;
    (void)conn;
    if (guest == NULL)
        return; /* There was no memory for it. */
    struct guest **place = &guest->chat->first;
    while (*place != guest)
        place = &(*place)->next;
    *place = guest->next;
    if (guest->why == NULL && reason != 0)
        guest->why = plx_error_text(reason);
    guest_announce(loop, guest, "left", guest->why);
    free(guest);
}

static void on_interrupt(plx_loop *loop, plx_signal signal, void *data, int number)
{
    static const char text[] = "* the chat ends\n";
    (void)signal;
    (void)number;
    chat_say(loop, data, NULL, text, sizeof text - 1);
    plx_loop_stop(loop);
}

static int chat_run(plx_loop *loop, struct chat *chat, const char *address)
{
    const plx_conn_options guests = {
        .on_open = on_open,
        .on_data = on_data,
        .on_close = on_close,
        .data = chat,
        .idle_timeout_ns = IDLE_NS,
        .send_high = SEND_MAX / 2,
        .send_max = SEND_MAX,
        .receive_limit = LINE_BYTES_MAX,
    };
    const plx_listen_options options = {.conn = &guests};
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    int status = plx_signal_open(loop, NULL, PLX_SIGNAL_INTERRUPT, on_interrupt, chat);
    if (status == 0)
        status = plx_listen(loop, &listener, address, &options);
    if (status == 0)
        status = plx_listener_address(loop, listener, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s\n", text);
    return plx_loop_run(loop);
}

int main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000";
    struct chat chat = {NULL, 0};
    plx_loop *loop;
    int status = plx_loop_open(
        &loop, &(plx_loop_options){.connections_max = GUESTS_MAX, .receive_bytes = RECEIVE_BYTES});
    if (status == 0)
        status = chat_run(loop, &chat, address);
    plx_loop_close(loop); /* Each on_close comes in here, and frees its guest. */
    if (status != 0)
        fprintf(stderr, "chat: %s: %s\n", address, plx_error_text(status));
    return status == 0 ? 0 : 1;
}
