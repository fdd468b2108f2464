/* tools/load.c - owns the connections of a load, and decides who asks when.
 *
 * A server may close a connection between two requests while the next one is on its way to it; no
 * client can tell that beforehand, and each sends such a request again (RFC 9112, section 9.5). So
 * does the load: a request on a connection that has had an answer before, and that closed before
 * any byte of this one's, is sent once more on the next connection. It is counted as retried, and
 * is an error if it fails there, too.
 */
#include "tools/load.h"

#include <pollux/pollux.h>

#include "platform/platform.h"
#include "tools/load_header.h"
#include "tools/load_reply.h"
#include "tools/slow_send.h"

/* So many connect at once, because what does not fit a server's backlog waits for a second. */
#define CONNECTING_MAX 128u
/* What failed to connect is tried again after so long. */
#define RETRY_NS (100 * PLX_MILLISECOND)
/* A server that has said that it closes has so long for it. */
#define ENDING_NS PLX_SECOND

enum load_conn_state {
    CONN_CLOSED, /* Until the next retry. */
    CONN_IDLE,   /* Connects when it asks: with a connection for each request. */
    CONN_CONNECTING,
    CONN_OPEN,
    CONN_ENDING /* It has its answer, and the server is to close. */
};

typedef struct load load;

typedef struct load_conn {
    load *load;
    plx_conn conn;
    enum load_conn_state state;
    bool is_waiting;        /* It stands in the list of those that could ask. */
    bool has_answered;      /* Since it opened. */
    uint32_t asked;         /* Requests on their way. */
    uint32_t retrying;      /* Of those that are to be sent first: those that were lost once. */
    uint32_t oldest;        /* The place of the oldest of them in `asked_ns`. */
    uint64_t *asked_ns;     /* A ring: when each was sent, or due. */
    struct load_conn *next; /* In that list. */
    uint64_t connect_ns;    /* When the connect of an idle one began, or was due. */
    uint64_t ending_ns;     /* Since when it is to be closed. */
    slow_send *slow;        /* NULL: it sends each request at once. */
    reply_reader reader;
} load_conn;

struct load {
    const load_options *options;
    load_result *result;
    plx_loop *loop;
    reply_format format;
    load_conn *conns;
    uint64_t *rings;   /* Of all connections, one behind the other. */
    slow_send *slow;   /* Of the first connections. */
    uint32_t tried;    /* Connections that have been told to connect for the first time. */
    uint32_t resolved; /* And those of them that have opened or failed. */
    uint32_t open;
    int first_failure;
    bool is_running;
    bool has_ended;
    uint64_t start_ns;
    uint64_t next_request; /* With a rate: the number of the next one to be sent. */
    plx_timer pace;        /* With a rate: fires when that is due. */
    plx_timer end;
    load_conn *waiting_first, *waiting_last;
};

/* --- asking ---------------------------------------------------------------------------------- */

static void conn_open(load_conn *c);

static void request_send(load_conn *c)
{
    load *l = c->load;
    /* It fails only on a connection that has, and on_close tells of that. */
    if (plx_conn_write(l->loop, c->conn, l->format.request, l->format.request_length) == 0)
        l->result->sent_bytes += l->format.request_length;
}

static void conn_asked(load_conn *c, uint64_t asked_ns)
{
    c->asked_ns[(c->oldest + c->asked) % c->load->options->pipeline] = asked_ns;
    c->asked++;
}

/* The last piece has been written. The server can answer only from here on. */
static void conn_on_slow_sent(void *data)
{
    load_conn *c = data;
    conn_asked(c, plx__clock_now());
    c->load->result->sent_bytes += c->load->format.request_length;
}

static void conn_ask(load_conn *c, uint64_t asked_ns)
{
    if (c->state == CONN_IDLE) {
        c->connect_ns = asked_ns;
        conn_open(c);
        return;
    }
    if (c->slow != NULL) {
        slow_send_start(c->slow, c->conn);
        return;
    }
    conn_asked(c, asked_ns);
    request_send(c);
}

/* On a new connection: those that the one before has lost, each with the time of its first try. */
static void conn_ask_again(load_conn *c)
{
    c->load->result->retried += c->retrying;
    for (uint32_t i = 0; i < c->retrying; i++)
        request_send(c);
}

static void waiting_append(load *l, load_conn *c)
{
    if (c->is_waiting)
        return;
    c->is_waiting = true;
    c->next = NULL;
    if (l->waiting_first == NULL)
        l->waiting_first = c;
    else
        l->waiting_last->next = c;
    l->waiting_last = c;
}

static bool can_ask(const load_conn *c)
{
    if (c->state != CONN_OPEN || (c->slow != NULL && c->slow->is_sending))
        return c->state == CONN_IDLE;
    return !c->reader.is_over && c->asked < c->load->options->pipeline;
}

/* The next connection that could ask, or NULL. Those that could not any more are left out. */
static load_conn *waiting_take(load *l)
{
    load_conn *c = l->waiting_first;
    while (c != NULL && !can_ask(c)) {
        c->is_waiting = false;
        c = c->next;
    }
    l->waiting_first = c;
    if (c == NULL)
        return NULL;
    l->waiting_first = c->next;
    c->is_waiting = false;
    return c;
}

static uint64_t due_ns(const load *l, uint64_t request)
{
    uint64_t rate = l->options->rate;
    return l->start_ns + request / rate * PLX_SECOND + request % rate * PLX_SECOND / rate;
}

/* Sends all that is due and has a connection to go on. */
static void pace_keep(load *l)
{
    uint64_t now = plx__clock_now();
    uint64_t due = due_ns(l, l->next_request);
    while (due <= now) {
        load_conn *c = waiting_take(l);
        if (c == NULL)
            return; /* The next one that is free comes here. */
        conn_ask(c, due);
        if (can_ask(c))
            waiting_append(l, c);
        due = due_ns(l, ++l->next_request);
    }
    (void)plx_timer_restart(l->loop, l->pace, due - now);
}

static void on_pace(plx_loop *loop, plx_timer timer, void *data)
{
    load *l = data;
    /* One that is not restarted is gone, and with no connection free nobody restarts it. */
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    if (l->is_running)
        pace_keep(l);
}

/* The connection has room for requests. */
static void conn_go_on(load_conn *c)
{
    load *l = c->load;
    if (!l->is_running || !can_ask(c))
        return;
    if (l->options->rate != 0) {
        waiting_append(l, c);
        pace_keep(l);
        return;
    }
    uint64_t now = plx__clock_now();
    while (can_ask(c))
        conn_ask(c, now);
}

/* --- connections ----------------------------------------------------------------------------- */

static int conn_connect(load_conn *c);

static void load_end(load *l)
{
    if (l->is_running)
        l->result->elapsed_ns = plx__clock_now() - l->start_ns;
    l->is_running = false;
    l->has_ended = true;
    plx_loop_stop(l->loop);
}

/* Every connection has opened or failed: now time starts. */
static void load_start(load *l)
{
    if (l->open == 0) {
        load_end(l);
        return;
    }
    l->is_running = true;
    l->start_ns = plx__clock_now();
    (void)plx_timer_restart(l->loop, l->end, l->options->duration_ns);
    for (uint32_t i = 0; i < l->options->connections; i++)
        conn_go_on(&l->conns[i]);
}

static void conn_failed(load_conn *c, int status)
{
    load *l = c->load;
    tally_add(&l->result->errors, TALLY_CONNECT, status, 1);
    if (l->first_failure == 0)
        l->first_failure = status;
    c->state = CONN_CLOSED;
    if (!l->is_running)
        l->resolved++;
}

/* Before the start: connects more when some have opened or failed. */
static void load_continue(load *l)
{
    while (l->tried < l->options->connections && l->tried - l->resolved < CONNECTING_MAX) {
        load_conn *c = &l->conns[l->tried++];
        int status = conn_connect(c);
        if (status != 0)
            conn_failed(c, status);
    }
    if (l->resolved == l->options->connections)
        load_start(l);
}

/* Once it runs. */
static void conn_open(load_conn *c)
{
    int status = conn_connect(c);
    if (status != 0)
        conn_failed(c, status);
}

/* Once it runs: the connection is gone, or could not be opened, and another one takes its slot. */
static void conn_renew(load_conn *c)
{
    if (!c->load->options->is_reconnecting) {
        conn_open(c);
        return;
    }
    c->state = CONN_IDLE;
    conn_go_on(c);
}

/* It has had its answer, and is to carry no further one. A server that has said so closes it first:
 * then the port that waits for stray segments of the connection is the server's, of which there is
 * one for all, and not one of the load's, of which the system has only some ten thousand. No port
 * waits after a reset. */
static void conn_end(load_conn *c)
{
    c->state = CONN_ENDING;
    c->ending_ns = plx__clock_now();
    if (!c->reader.is_over)
        (void)plx_conn_reset(c->load->loop, c->conn);
}

static void conn_on_open(plx_loop *loop, plx_conn conn, void *data)
{
    load_conn *c = data;
    load *l = c->load;
    if (l->options->proxy_version != 0)
        l->result->sent_bytes += load_header_write(loop, conn, l->options->proxy_version);
    c->state = CONN_OPEN;
    c->asked = c->retrying;
    c->has_answered = false;
    reply_reader_init(&c->reader);
    l->open++;
    l->result->connections++;
    conn_ask_again(c);
    if (!l->is_running) {
        l->resolved++;
        load_continue(l);
        return;
    }
    l->result->connects++;
    if (l->options->is_reconnecting)
        conn_ask(c, c->connect_ns);
    else
        conn_go_on(c);
}

/* So many of the oldest requests have been answered. */
static void conn_answered(load_conn *c, size_t answers)
{
    load_result *result = c->load->result;
    uint64_t now = plx__clock_now();
    for (; answers > 0 && c->asked > 0; answers--) {
        histogram_record(&result->latency_ns, now - c->asked_ns[c->oldest]);
        c->oldest = (c->oldest + 1) % c->load->options->pipeline;
        c->asked--;
        c->retrying -= c->retrying > 0;
        result->requests++;
        c->has_answered = true;
    }
    if (answers > 0) {
        tally_add(&result->errors, TALLY_UNASKED, 0, answers);
        c->reader.is_over = true;
    }
}

static size_t conn_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                           size_t length)
{
    load_conn *c = data;
    load *l = c->load;
    if (l->has_ended || c->state == CONN_ENDING)
        return length;
    l->result->received_bytes += length;
    size_t answers = reply_reader_take(&c->reader, &l->format, bytes, length);
    if (answers > 0)
        conn_answered(c, answers);
    if (answers > 0 && l->options->is_reconnecting)
        conn_end(c);
    else if (c->reader.is_over)
        (void)plx_conn_close(loop, conn);
    else
        conn_go_on(c);
    return length;
}

/* The requests that had no answer when the connection closed: lost, or to be sent again on the next
 * one, of which conn_failed() may tell that there is none. */
static void lost_count(load_conn *c, int reason)
{
    uint32_t lost = c->asked;
    bool is_usual = c->slow == NULL && !c->load->options->is_reconnecting;
    if (is_usual && c->has_answered && (!c->reader.is_over || c->reader.is_last)) {
        lost = c->retrying; /* For the second time. */
        if (lost == 0 && c->asked > 0 && c->reader.position > 0)
            lost = 1; /* Its answer had begun. */
    }
    if (lost > 0)
        tally_add(&c->load->result->errors, TALLY_LOST, reason, lost);
    c->oldest = (c->oldest + lost) % c->load->options->pipeline;
    c->retrying = c->asked - lost;
}

static void conn_on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    load_conn *c = data;
    load *l = c->load;
    (void)loop;
    (void)conn;
    if (l->has_ended)
        return;
    if (c->state == CONN_CONNECTING) {
        conn_failed(c, reason);
        if (!l->is_running)
            load_continue(l);
        return;
    }
    if (reason == 0 && c->state == CONN_OPEN)
        conn_answered(c, reply_reader_end(&c->reader, &l->format));
    if (c->slow != NULL && slow_send_stop(c->slow))
        c->asked++; /* A part of a request has been sent. */
    lost_count(c, reason);
    c->state = CONN_CLOSED;
    l->open--;
    if (!l->options->is_reconnecting || !c->has_answered)
        l->result->closed++;
    /* A server that closes after each answer is met anew at once, one that closes without any is
     * left in peace for a while. */
    if (c->has_answered)
        conn_renew(c);
}

static int conn_connect(load_conn *c)
{
    load *l = c->load;
    const plx_conn_options options = {
        .on_open = conn_on_open,
        .on_data = conn_on_data,
        .on_close = conn_on_close,
        .data = c,
        .send_max = (size_t)LOAD_BYTES_MAX + l->format.request_length,
        .send_high = LOAD_BYTES_MAX,
        /* An echo that waits until we read, while we wait until it reads, would wait forever. */
        .flags = PLX_CONN_READ_WHILE_HIGH,
    };
    c->state = CONN_CONNECTING;
    return plx_connect(l->loop, &c->conn, l->options->address, &options);
}

/* --- timers and signals ---------------------------------------------------------------------- */

static void on_retry(plx_loop *loop, plx_timer timer, void *data)
{
    load *l = data;
    (void)timer;
    if (!l->is_running)
        return;
    uint64_t now = plx__clock_now();
    for (uint32_t i = 0; i < l->options->connections; i++) {
        load_conn *c = &l->conns[i];
        if (c->state == CONN_CLOSED)
            conn_renew(c);
        else if (c->state == CONN_ENDING && now - c->ending_ns >= ENDING_NS)
            (void)plx_conn_reset(loop, c->conn);
    }
}

static void on_second(plx_loop *loop, plx_timer timer, void *data)
{
    load *l = data;
    (void)loop;
    (void)timer;
    if (!l->is_running)
        return;
    l->result->elapsed_ns = plx__clock_now() - l->start_ns;
    l->options->on_second(l->options->data, l->result);
}

/* The timer counts from the start of the turn that set it, and the load from when all had opened,
 * which may be much later in that turn. */
static void on_end(plx_loop *loop, plx_timer timer, void *data)
{
    load *l = data;
    uint64_t elapsed = plx__clock_now() - l->start_ns;
    if (elapsed < l->options->duration_ns)
        (void)plx_timer_restart(loop, timer, l->options->duration_ns - elapsed);
    else
        load_end(l);
}

static void on_interrupt(plx_loop *loop, plx_signal signal, void *data, int number)
{
    load *l = data;
    (void)loop;
    (void)signal;
    (void)number;
    l->result->is_interrupted = true;
    load_end(l);
}

static int helpers_open(load *l)
{
    static const int numbers[] = {PLX_SIGNAL_INTERRUPT, PLX_SIGNAL_TERMINATE};
    int status = plx_timer_start(l->loop, NULL, RETRY_NS, RETRY_NS, on_retry, l);
    if (status == 0)
        status = plx_timer_start(l->loop, &l->end, PLX_FOREVER, 0, on_end, l);
    if (status == 0 && l->options->rate != 0)
        status = plx_timer_start(l->loop, &l->pace, PLX_FOREVER, 0, on_pace, l);
    if (status == 0 && l->options->on_second != NULL)
        status = plx_timer_start(l->loop, NULL, PLX_SECOND, PLX_SECOND, on_second, l);
    for (size_t i = 0; status == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        status = plx_signal_open(l->loop, NULL, numbers[i], on_interrupt, l);
        if (status == PLX_ENOSYS)
            status = 0;
    }
    return status;
}

/* --- the run --------------------------------------------------------------------------------- */

/* The requests of those that send slowly. */
static int slow_open(load *l)
{
    uint32_t count = l->options->slow;
    uint64_t duration_ns = l->options->slow_ns;
    int status = 0;
    if (count == 0)
        return 0;
    l->slow = plx__allocate_zeroed(count, sizeof *l->slow);
    if (l->slow == NULL)
        return PLX_ENOMEM;
    for (uint32_t i = 0; i < count && status == 0; i++) {
        l->slow[i].on_sent = conn_on_slow_sent;
        l->slow[i].data = &l->conns[i];
        l->conns[i].slow = &l->slow[i];
        status = slow_send_open(&l->slow[i], l->loop, l->format.request, l->format.request_length,
                                duration_ns, duration_ns / count * i);
    }
    return status;
}

static int conns_open(load *l)
{
    uint32_t count = l->options->connections;
    uint32_t pipeline = l->options->pipeline;
    l->conns = plx__allocate_zeroed(count, sizeof *l->conns);
    l->rings = plx__allocate_zeroed((size_t)count * pipeline, sizeof *l->rings);
    if (l->conns == NULL || l->rings == NULL)
        return PLX_ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        l->conns[i].load = l;
        l->conns[i].asked_ns = l->rings + (size_t)i * pipeline;
    }
    int status =
        l->options->mode == LOAD_HTTP
            ? reply_format_open_http(&l->format, l->options->address, l->options->is_reconnecting,
                                     &l->result->errors)
            : reply_format_open_echo(&l->format, l->options->echo_bytes, &l->result->errors);
    return status == 0 ? slow_open(l) : status;
}

/* What was left when time was up. */
static void rest_count(load *l)
{
    load_result *result = l->result;
    uint64_t rate = l->options->rate;
    for (uint32_t i = 0; i < l->options->connections; i++) {
        const load_conn *c = &l->conns[i];
        if (c->state == CONN_OPEN)
            result->in_flight += c->asked;
        else if (c->state == CONN_CONNECTING && l->options->is_reconnecting)
            result->in_flight++;
        else
            result->in_flight += c->retrying;
    }
    uint64_t due = result->elapsed_ns / PLX_SECOND * rate +
                   result->elapsed_ns % PLX_SECOND * rate / PLX_SECOND;
    if (due > l->next_request)
        result->unsent = due - l->next_request;
}

static int load_run_on(load *l)
{
    int status = helpers_open(l);
    if (status != 0)
        return status;
    load_continue(l);
    status = plx_loop_run(l->loop);
    if (status != 0)
        return status;
    if (l->result->connections == 0 && !l->result->is_interrupted)
        return l->first_failure;
    rest_count(l);
    return 0;
}

int load_run(const load_options *options, load_result *result)
{
    load l = {.options = options, .result = result};
    *result = (load_result){0};
    int status = plx_loop_open(&l.loop, &(plx_loop_options){
                                            .backend = options->backend,
                                            .settings = options->settings,
                                            .settings_count = options->settings_count,
                                        });
    if (status != 0)
        return status;
    status = conns_open(&l);
    if (status == 0)
        status = load_run_on(&l);
    l.has_ended = true; /* The connections that close now are no loss. */
    (void)plx_loop_close(l.loop);
    reply_format_close(&l.format);
    plx__free(l.slow);
    plx__free(l.rings);
    plx__free(l.conns);
    return status;
}
