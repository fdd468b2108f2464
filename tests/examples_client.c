/* tests/examples_client.c - one end of a connection that does what its arguments say.
 *
 *   examples_client ADDRESS STEP...          connects
 *   examples_client listen ADDRESS STEP...   serves the first connection that comes
 *   examples_client serve ADDRESS BYTES      answers HTTP with so many bytes, until it is killed
 *
 * Steps, done one after the other:
 *
 *   expect TEXT   read lines, and print them, until one has TEXT in it
 *   send TEXT     send TEXT and the end of a line
 *   fill BYTES    send so many bytes of a pattern, while the next steps are under way
 *   count BYTES   receive so many bytes of that pattern; any other byte is a failure
 *   slow MS       from now on, rest so many milliseconds after each piece that arrives
 *   end           end the sending side, once all is sent
 *   eof           wait for the end of the stream; any byte before it is a failure
 *   gone          wait for the end of the connection, whatever comes before and however it ends
 *   hang          read nothing more, until killed
 *
 * It ends with 0 when the last step is done, and with 1 when one cannot be done or when all
 * together have taken DEADLINE_NS. For tests/examples.sh; it uses only the public interface.
 */
#include <pollux/pollux.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_NS (120 * PLX_SECOND)
#define SERVE_NS    (600 * PLX_SECOND)
#define FILL_BYTES  ((size_t)16 * 1024)
/* Each line of the pattern, its end included: long, for whoever handles line by line, as chat does,
 * pays by the line. */
#define PATTERN_BYTES 1000u

enum verb { EXPECT, SEND, FILL, COUNT, SLOW, END, END_OF_STREAM, GONE, HANG, VERBS };

static const struct {
    const char *name;
    bool takes_text;
    bool takes_number;
} verbs[VERBS] = {
    [EXPECT] = {"expect", true, false},      [SEND] = {"send", true, false},
    [FILL] = {"fill", false, true},          [COUNT] = {"count", false, true},
    [SLOW] = {"slow", false, true},          [END] = {"end", false, false},
    [END_OF_STREAM] = {"eof", false, false}, [GONE] = {"gone", false, false},
    [HANG] = {"hang", false, false},
};

struct step {
    enum verb verb;
    const char *text;
    uint64_t number; /* For COUNT, how many bytes are still to come. */
};

/* What is to be sent of the pattern. */
struct fill {
    uint64_t sent;
    uint64_t left;
    bool is_last; /* The sending side ends after it. */
};

struct client {
    plx_loop *loop;
    plx_conn conn;
    plx_listener listener;
    plx_timer rest;
    uint64_t rest_ns;
    struct step *steps;
    size_t step;
    size_t count;
    struct fill fill;
    uint64_t counted; /* Bytes of the pattern that have arrived. */
    bool has_ended;   /* The peer has ended its side. */
    bool is_gone;
    bool is_done;
};

static char pattern_at(uint64_t offset)
{
    if (offset % PATTERN_BYTES == PATTERN_BYTES - 1)
        return '\n';
    return (char)('a' + (offset + offset / PATTERN_BYTES) % 26);
}

/* Sends of the pattern what the queue takes; on_drain goes on. */
static int fill_go_on(plx_loop *loop, plx_conn conn, struct fill *fill)
{
    char bytes[FILL_BYTES];
    while (fill->left > 0) {
        size_t length = fill->left < FILL_BYTES ? (size_t)fill->left : FILL_BYTES;
        for (size_t i = 0; i < length; i++)
            bytes[i] = pattern_at(fill->sent + i);
        int status = plx_conn_write(loop, conn, bytes, length);
        if (status != 0)
            return status == PLX_ENOBUFS ? 0 : status;
        fill->sent += length;
        fill->left -= length;
    }
    return fill->is_last ? plx_conn_shutdown(loop, conn) : 0;
}

/* --- steps ----------------------------------------------------------------------------------- */

static void client_fail(struct client *client, const char *why)
{
    const struct step *step = &client->steps[client->step];
    if (client->is_done)
        return;
    fprintf(stderr, "examples_client: step %u (%s %s): %s\n", (unsigned)client->step + 1,
            verbs[step->verb].name, step->text != NULL ? step->text : "", why);
    client->step = client->count;
    plx_loop_stop(client->loop);
}

static int line_send(struct client *client, const char *text)
{
    int status = plx_conn_write(client->loop, client->conn, text, strlen(text));
    return status == 0 ? plx_conn_write(client->loop, client->conn, "\n", 1) : status;
}

/* Does what can be done of a step at once. Those that wait for the peer have PLX_EAGAIN. */
static int step_do(struct client *client, const struct step *step)
{
    switch (step->verb) {
    case SEND:
        return line_send(client, step->text);
    case FILL:
        client->fill.left += step->number;
        return fill_go_on(client->loop, client->conn, &client->fill);
    case SLOW:
        client->rest_ns = step->number * PLX_MILLISECOND;
        return 0;
    case END:
        client->fill.is_last = true;
        return fill_go_on(client->loop, client->conn, &client->fill);
    case END_OF_STREAM:
        return client->has_ended ? 0 : PLX_EAGAIN;
    case GONE:
        return client->has_ended || client->is_gone ? 0 : PLX_EAGAIN;
    case HANG:
        plx_conn_pause(client->loop, client->conn);
        return PLX_EAGAIN;
    default: /* on_data does these. */
        if (step->verb == COUNT && step->number == 0)
            return 0;
        return client->has_ended ? PLX_EEOF : PLX_EAGAIN;
    }
}

static void steps_go_on(struct client *client)
{
    while (client->step < client->count) {
        int status = step_do(client, &client->steps[client->step]);
        if (status == PLX_EAGAIN)
            return;
        if (status != 0) {
            client_fail(client, plx_error_text(status));
            return;
        }
        client->step++;
    }
    client->is_done = true;
    plx_loop_stop(client->loop);
}

/* Takes a whole line, if there is one. */
static size_t line_take(struct client *client, const struct step *step, const char *bytes,
                        size_t length)
{
    size_t wanted = strlen(step->text);
    const char *newline = memchr(bytes, '\n', length);
    if (newline == NULL)
        return 0;
    size_t line = (size_t)(newline - bytes);
    printf("%.*s\n", (int)line, bytes);
    fflush(stdout); /* Whoever looks at a log looks at it now. */
    for (size_t i = 0; i + wanted <= line; i++) {
        if (memcmp(bytes + i, step->text, wanted) == 0) {
            client->step++;
            steps_go_on(client);
            break;
        }
    }
    return line + 1;
}

static size_t pattern_take(struct client *client, struct step *step, const char *bytes,
                           size_t length)
{
    size_t taken = length < step->number ? length : (size_t)step->number;
    for (size_t i = 0; i < taken; i++) {
        if (bytes[i] != pattern_at(client->counted + i)) {
            client_fail(client, "a byte that is not of the pattern");
            return length;
        }
    }
    client->counted += taken;
    step->number -= taken;
    steps_go_on(client);
    return taken;
}

static void on_rested(plx_loop *loop, plx_timer timer, void *data)
{
    struct client *client = data;
    (void)timer;
    plx_conn_resume(loop, client->conn);
}

/* --- callbacks ------------------------------------------------------------------------------- */

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    struct client *client = data;
    const char *text = bytes;
    size_t used = 0;
    bool is_progress = true;
    while (used < length && is_progress && client->step < client->count) {
        struct step *step = &client->steps[client->step];
        size_t before = used;
        if (step->verb == EXPECT)
            used += line_take(client, step, text + used, length - used);
        else if (step->verb == COUNT)
            used += pattern_take(client, step, text + used, length - used);
        else if (step->verb == GONE)
            used = length;
        else if (step->verb == END_OF_STREAM)
            client_fail(client, "there is more");
        is_progress = used > before;
    }
    if (client->rest_ns > 0) {
        plx_conn_pause(loop, conn);
        if (plx_timer_start(loop, &client->rest, client->rest_ns, 0, on_rested, client) != 0)
            client_fail(client, "no timer");
    }
    return used;
}

static void on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    struct client *client = data;
    int status = fill_go_on(loop, conn, &client->fill);
    if (status != 0)
        client_fail(client, plx_error_text(status));
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    struct client *client = data;
    (void)loop;
    (void)conn;
    client->has_ended = true;
    steps_go_on(client);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    struct client *client = data;
    (void)loop;
    (void)conn;
    client->is_gone = true;
    client->has_ended = client->has_ended || reason == 0;
    steps_go_on(client);
    if (client->step < client->count)
        client_fail(client, plx_error_text(reason != 0 ? reason : PLX_EEOF));
}

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    struct client *client = data;
    client->conn = conn;
    plx_listener_close(loop, client->listener); /* If there is one: it was for this connection. */
    steps_go_on(client);
}

static void on_deadline(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    if (data != NULL)
        client_fail(data, "no time left");
    plx_loop_stop(loop);
}

/* --- the HTTP server ------------------------------------------------------------------------- */

static void serve_open(plx_loop *loop, plx_conn conn, void *data)
{
    struct fill *fill = malloc(sizeof *fill);
    const uint64_t *bytes = data;
    plx_conn_set_data(loop, conn, fill);
    if (fill != NULL)
        *fill = (struct fill){.left = *bytes, .is_last = true};
    else
        plx_conn_close(loop, conn);
}

static size_t serve_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                         size_t length)
{
    struct fill *fill = data;
    const char *text = bytes;
    char head[128];
    if (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4) != 0)
        return 0;
    int written = snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Length: %llu\r\n\r\n",
                           (unsigned long long)fill->left);
    if (plx_conn_write(loop, conn, head, (size_t)written) != 0 || fill_go_on(loop, conn, fill) != 0)
        plx_conn_close(loop, conn);
    return length;
}

static void serve_drain(plx_loop *loop, plx_conn conn, void *data)
{
    if (fill_go_on(loop, conn, data) != 0)
        plx_conn_close(loop, conn);
}

static void serve_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)reason;
    free(data);
}

/* --- the program ----------------------------------------------------------------------------- */

static int listener_open(plx_loop *loop, plx_listener *listener, const char *address,
                         const plx_conn_options *conn)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    int status = plx_listen(loop, listener, address, &(plx_listen_options){.conn = conn});
    if (status == 0)
        status = plx_listener_address(loop, *listener, text, sizeof text);
    if (status == 0)
        fprintf(stderr, "listening on %s\n", text);
    return status;
}

static int serve(plx_loop *loop, const char *address, const char *bytes)
{
    uint64_t number = strtoull(bytes, NULL, 10);
    plx_listener listener;
    const plx_conn_options options = {
        .on_open = serve_open,
        .on_data = serve_data,
        .on_drain = serve_drain,
        .on_close = serve_close,
        .data = &number,
    };
    int status = listener_open(loop, &listener, address, &options);
    if (status == 0)
        status = plx_timer_start(loop, NULL, SERVE_NS, 0, on_deadline, NULL);
    return status == 0 ? plx_loop_run(loop) : status;
}

static bool steps_parse(struct client *client, char **arguments)
{
    for (; *arguments != NULL; arguments++) {
        struct step *step = &client->steps[client->count++];
        int verb = 0;
        while (verb < VERBS && strcmp(*arguments, verbs[verb].name) != 0)
            verb++;
        if (verb == VERBS)
            return false;
        step->verb = (enum verb)verb;
        if (!verbs[verb].takes_text && !verbs[verb].takes_number)
            continue;
        arguments++;
        if (*arguments == NULL)
            return false;
        step->text = *arguments;
        if (verbs[verb].takes_number)
            step->number = strtoull(*arguments, NULL, 10);
    }
    return client->count > 0;
}

static int client_run(struct client *client, const char *address, bool is_listener)
{
    const plx_conn_options options = {
        .on_open = on_open,
        .on_data = on_data,
        .on_drain = on_drain,
        .on_end = on_end,
        .on_close = on_close,
        .data = client,
        /* Else two ends that both fill before they count would wait for each other. */
        .flags = PLX_CONN_READ_WHILE_HIGH,
    };
    int status = is_listener ? listener_open(client->loop, &client->listener, address, &options)
                             : plx_connect(client->loop, NULL, address, &options);
    if (status == 0)
        status = plx_timer_start(client->loop, NULL, DEADLINE_NS, 0, on_deadline, client);
    return status == 0 ? plx_loop_run(client->loop) : status;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    bool is_listener = strcmp(mode, "listen") == 0;
    bool is_server = strcmp(mode, "serve") == 0;
    char **rest = argv + (is_listener || is_server ? 2 : 1);
    struct client client = {0};
    client.steps = calloc((size_t)argc + 1, sizeof *client.steps);
    if (client.steps == NULL || argc < 3 || rest[0] == NULL || rest[1] == NULL ||
        (!is_server && !steps_parse(&client, rest + 1))) {
        fprintf(stderr, "usage: examples_client [listen] ADDRESS STEP... | serve ADDRESS BYTES\n");
        free(client.steps);
        return 2;
    }
    int status = plx_loop_open(&client.loop, NULL);
    if (status == 0)
        status = is_server ? serve(client.loop, rest[0], rest[1])
                           : client_run(&client, rest[0], is_listener);
    bool is_done = client.is_done;
    plx_loop_close(client.loop);
    free(client.steps);
    if (status != 0)
        fprintf(stderr, "examples_client: %s: %s\n", rest[0], plx_error_text(status));
    return status == 0 && (is_server || is_done) ? 0 : 1;
}
