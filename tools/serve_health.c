/* tools/serve_health.c - answers GET /health, GET /metrics, and a browser, each request on a
 * connection of its own.
 *
 * On a loop of its own: those of the server end one by one when it drains, and a loop that is busy
 * would answer late. A request stays unconsumed until it is complete, so one that waits has no
 * memory of its own here.
 */
#include "tools/serve_health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "tools/http.h"
#include "tools/serve_page.h"

#define REQUEST_MAX     16384u
#define HEAD_MAX        640u
#define ANSWER_MAX      (16u << 20)
#define TIMEOUT_NS      (10 * PLX_SECOND)
#define RECEIVE_RATE    1000u /* Bytes a second that a client has to send. */
#define CONNECTIONS_MAX 64u
#define LINE_MAX        128u /* Of the metrics; the longest name has 40. */

/* --- answers --------------------------------------------------------------------------------- */

/* `fields` are those of the header that the answer has of its own. The body is to follow. Writing
 * fails only on a connection that has. */
static void head_write(plx_loop *loop, plx_conn conn, const char *status, const char *fields,
                       size_t body_length)
{
    char head[HEAD_MAX];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %s\r\n"
                          "%s"
                          "Content-Length: %zu\r\n"
                          "Connection: close\r\n\r\n",
                          status, fields, body_length);
    (void)!plx_conn_write(loop, conn, head, (size_t)length);
}

static void answer(plx_loop *loop, plx_conn conn, const char *status, const char *body)
{
    head_write(loop, conn, status, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
               strlen(body));
    (void)!plx_conn_write(loop, conn, body, strlen(body));
    (void)plx_conn_finish(loop, conn, 0);
}

/* --- the page -------------------------------------------------------------------------------- */

/* It may run its own script and ask this server, and nothing else; nobody may frame it. */
static void page_answer(plx_loop *loop, plx_conn conn)
{
    size_t length = 0;
    for (size_t i = 0; serve_page_part(i) != NULL; i++)
        length += strlen(serve_page_part(i));
    head_write(loop, conn, "200 OK",
               "Content-Type: text/html; charset=utf-8\r\n"
               "Cache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\n"
               "Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; "
               "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'\r\n",
               length);
    for (size_t i = 0; serve_page_part(i) != NULL; i++)
        (void)!plx_conn_write(loop, conn, serve_page_part(i), strlen(serve_page_part(i)));
    (void)plx_conn_finish(loop, conn, 0);
}

static void counters_answer(plx_loop *loop, plx_conn conn, serve_counters *counters)
{
    char *text = serve_page_counters(counters);
    if (text == NULL) {
        answer(loop, conn, "503 Service Unavailable", "out of memory\n");
        return;
    }
    head_write(loop, conn, "200 OK",
               "Content-Type: application/json\r\n"
               "Cache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               strlen(text));
    (void)!plx_conn_write(loop, conn, text, strlen(text));
    (void)plx_conn_finish(loop, conn, 0);
    serve_page_counters_free(text);
}

/* --- metrics --------------------------------------------------------------------------------- */

typedef struct metric {
    const char *name, *type, *help;
    size_t offset; /* In plx_loop_stats. */
} metric;

#define METRIC(name, member, type, help)                                                           \
    {                                                                                              \
        name, type, help, offsetof(plx_loop_stats, member)                                         \
    }

static const metric metrics[] = {
    METRIC("connections_open", connections_open, "gauge", "Connections that are open."),
    METRIC("connections_accepted_total", connections_accepted, "counter", "Connections accepted."),
    METRIC("accepts_taken_total", accepts_taken, "counter",
           "Connections accepted for other loops or threads."),
    METRIC("connections_adopted_total", connections_adopted, "counter",
           "Connections that another loop has accepted."),
    METRIC("connections_closed_total", connections_closed, "counter", "Connections that closed."),
    METRIC("timeouts_total", timeouts, "counter", "Connections closed by a timeout."),
    METRIC("accept_pauses_total", accept_pauses, "counter",
           "Times that accepting paused for want of descriptors or memory."),
    METRIC("received_bytes_total", received_bytes, "counter", "Bytes received."),
    METRIC("sent_bytes_total", sent_bytes, "counter", "Bytes sent."),
    METRIC("queued_bytes", queued_bytes, "gauge", "Bytes that wait in send queues."),
    METRIC("read_pauses_total", read_pauses, "counter",
           "Times that reading paused because a send queue was high."),
    METRIC("turns_total", ticks, "counter", "Turns of the loop."),
    METRIC("wakes_total", wakes, "counter", "Waits that another thread cut short."),
    METRIC("wait_failures_total", wait_failures, "counter", "Waits that failed."),
};

#define METRICS (sizeof metrics / sizeof metrics[0])

/* A request for the counters, on its way through the loops. */
typedef struct question {
    plx_loop *loop;
    plx_conn conn;
    char *text; /* NULL: there was no memory for it. */
} question;

static char *metrics_print(const plx_server_counts *counts)
{
    const uint32_t loops = plx_server_counts_loops(counts);
    const size_t size = METRICS * (2 + loops) * LINE_MAX;
    char *text = malloc(size);
    size_t used = 0;
    for (size_t i = 0; text != NULL && i < METRICS; i++) {
        const metric *m = &metrics[i];
        used +=
            (size_t)snprintf(text + used, size - used, "# HELP pollux_%s %s\n# TYPE pollux_%s %s\n",
                             m->name, m->help, m->name, m->type);
        for (uint32_t loop = 0; loop < loops; loop++) {
            plx_loop_stats stats;
            uint64_t value;
            (void)plx_server_counts_get(counts, loop, &stats); /* There is one of that index. */
            memcpy(&value, (const char *)&stats + m->offset, sizeof value);
            used += (size_t)snprintf(text + used, size - used, "pollux_%s{loop=\"%u\"} %llu\n",
                                     m->name, (unsigned)loop, (unsigned long long)value);
        }
    }
    return text;
}

/* On its own loop again. */
static void on_counted(plx_loop *loop, void *data, int status)
{
    question *q = data;
    if (status == 0 && q->text != NULL)
        answer(loop, q->conn, "200 OK", q->text);
    else if (status == 0)
        answer(loop, q->conn, "503 Service Unavailable", "out of memory\n");
    free(q->text);
    free(q);
}

/* On any of the server's threads. */
static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    question *q = data;
    (void)server;
    q->text = metrics_print(counts);
    int status = plx_post(q->loop, on_counted, q);
    if (status == PLX_ENOBUFS)
        status = plx_post_notify(q->loop, on_counted, q);
    if (status != 0) {
        free(q->text);
        free(q);
    }
}

static void metrics_ask(plx_loop *loop, plx_conn conn, const serve_health *h)
{
    question *q = malloc(sizeof *q);
    if (q != NULL) {
        *q = (question){.loop = loop, .conn = conn};
        (void)plx_conn_pause(loop, conn); /* It has asked, and ends with its answer. */
        if (plx_server_count(h->server, on_count, q) == 0)
            return;
    }
    free(q);
    answer(loop, conn, "503 Service Unavailable", "out of memory\n");
}

/* --- requests -------------------------------------------------------------------------------- */

/* Whether the request line, which the parser has accepted, asks for this. */
static bool asks_for(const char *bytes, size_t length, const char *target)
{
    const char *start = memchr(bytes, ' ', length);
    size_t wanted = strlen(target);
    if (start == NULL || (size_t)(bytes + length - start) < wanted + 2)
        return false;
    return memcmp(start + 1, target, wanted) == 0 &&
           (start[1 + wanted] == ' ' || start[1 + wanted] == '?');
}

static void request_answer(plx_loop *loop, plx_conn conn, const serve_health *h,
                           const http_parser *parser, const char *bytes, size_t length)
{
    if (parser->method != HTTP_GET)
        answer(loop, conn, "405 Method Not Allowed", "");
    else if (asks_for(bytes, length, "/metrics"))
        metrics_ask(loop, conn, h);
    else if (asks_for(bytes, length, "/"))
        page_answer(loop, conn);
    else if (asks_for(bytes, length, "/counters.json"))
        counters_answer(loop, conn, h->counters);
    else if (!asks_for(bytes, length, "/health"))
        answer(loop, conn, "404 Not Found", "there is /, /health, /metrics and /counters.json\n");
    else if (plx_server_is_ending(h->server))
        answer(loop, conn, "503 Service Unavailable", "draining\n");
    else
        answer(loop, conn, "200 OK", "ok\n");
}

/* There are few connections: who sends a byte now and then would have one for hours. Without memory
 * for that it is not judged. */
static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)data;
    (void)!plx_conn_set_receive_rate(loop, conn, RECEIVE_RATE, TIMEOUT_NS);
}

/* The parser begins anew with each piece, which a request this short allows. */
static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    http_parser parser;
    size_t used;
    size_t more;
    http_parser_init(&parser, HTTP_REQUEST);
    enum http_event event = http_parser_read(&parser, bytes, length, &used);
    if (event == HTTP_HEAD)
        event =
            http_parser_read(&parser, (const unsigned char *)bytes + used, length - used, &more);
    if (event == HTTP_FAILED)
        answer(loop, conn, http_error_status(parser.error), "");
    else if (event == HTTP_COMPLETE)
        request_answer(loop, conn, data, &parser, bytes, length);
    return event == HTTP_FAILED || event == HTTP_COMPLETE ? length : 0;
}

int serve_health_open(serve_health *h, plx_server *server, serve_counters *counters)
{
    const plx_conn_options conn = {.on_open = on_open,
                                   .on_data = on_data,
                                   .data = h,
                                   .idle_timeout_ns = TIMEOUT_NS,
                                   .receive_limit = REQUEST_MAX,
                                   .send_high = ANSWER_MAX,
                                   .send_max = ANSWER_MAX};
    const plx_listen_options options = {.conn = &conn};
    const plx_loop_options loop = {.connections_max = CONNECTIONS_MAX};
    h->server = server;
    h->counters = counters;
    int status = plx_loop_open(&h->loop, &loop);
    return status == 0 ? plx_listen(h->loop, &h->listener, h->address, &options) : status;
}

/* Should its waits fail for good, nobody is answered; the server is not concerned. */
static void loop_run(void *data)
{
    (void)!plx_loop_run(data);
}

int serve_health_run(serve_health *h)
{
    int status = h->loop != NULL ? plx__thread_start(&h->thread, loop_run, h->loop) : 0;
    h->is_running = h->loop != NULL && status == 0;
    return status;
}

void serve_health_stop(serve_health *h)
{
    if (!h->is_running)
        return;
    plx_loop_stop(h->loop);
    plx__thread_join(&h->thread);
    h->is_running = false;
}

void serve_health_close(serve_health *h)
{
    (void)plx_loop_close(h->loop);
}
