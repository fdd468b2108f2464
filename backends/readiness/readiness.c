/* backends/readiness/readiness.c - operations over readiness, written once for all pollers.
 *
 * It keeps, for each endpoint, which operations are wanted; tells the poller the interest that
 * follows from them; and when the poller names an endpoint, tries the operation. A try that finds
 * nothing (a readiness that was spurious, or somebody else's) is no completion. It owns the buffer
 * that received bytes stand in, and nothing else of the endpoints.
 */
#include "backends/readiness/readiness.h"

#include "platform/fault.h"
#include "platform/os.h"

#define OPERATIONS_READING                                                                         \
    (PLX__OPERATION_ACCEPT | PLX__OPERATION_RECEIVE | PLX__OPERATION_WATCH_READ)
#define OPERATIONS_WRITING                                                                         \
    (PLX__OPERATION_CONNECT | PLX__OPERATION_SEND | PLX__OPERATION_WATCH_WRITE)
#define OPERATIONS_WATCH (PLX__OPERATION_WATCH_READ | PLX__OPERATION_WATCH_WRITE)

/* Events that are taken from the poller at a time. */
#define EVENTS_MAX 64

/* The most connections that one listener brings in one turn, so that it starves nobody. */
#define ACCEPTS_MAX 64

/* So many accepted in a row had nothing to say yet: then some are not asked (fresh_try). */
#define SILENT_MAX 8

struct plx__backend {
    plx__completion received; /* Of the one kind that most are, with the buffer in it. */
    const plx__poller_ops *ops;
    plx__poller *poller;
    unsigned char *buffer;
    size_t receive_bytes;
    plx__completion other;
    plx__completion readable; /* Of a watch. */
    plx__poller_event *event; /* The one that `next` is at; its `ready` is what is left to try. */
    plx__poller_event *end;
    plx__polled *unapplied; /* Its interest may be out of date; or NULL. */
    plx__polled *fresh;     /* Was accepted in this turn and has just begun to receive; or NULL. */
    plx_socket accepted;    /* That was handed out last. */
    uint8_t silent;         /* How many fresh ones in a row had sent nothing; wraps. */
    uint32_t accepts;       /* How many more the present one may accept in this turn. */
    uint8_t turn;           /* Of waits, wrapping. */
    bool is_drained;        /* The poller has no more events of this wait. */
    plx__poller_event events[EVENTS_MAX];
};

int plx__readiness_open(plx__backend **backend_out, const plx__backend_config *config,
                        const plx__poller_ops *ops)
{
    plx__backend *backend = plx__allocate_zeroed(1, sizeof *backend);
    if (backend == NULL)
        return PLX_ENOMEM;
    backend->ops = ops;
    backend->event = backend->end = backend->events;
    backend->receive_bytes = config->receive_bytes;
    backend->accepted = PLX_SOCKET_NONE;
    backend->buffer = plx__allocate(config->receive_bytes);
    backend->received = (plx__completion){.kind = PLX__RECEIVED, .bytes = backend->buffer};
    backend->readable = (plx__completion){.kind = PLX__READY, .ready = PLX_READABLE};
    int status = backend->buffer != NULL ? ops->open(&backend->poller, config) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(backend->buffer);
        plx__free(backend);
        return status;
    }
    *backend_out = backend;
    return 0;
}

void plx__readiness_close(plx__backend *backend)
{
    backend->ops->close(backend->poller);
    plx__free(backend->buffer);
    plx__free(backend);
}

void plx__readiness_abandon(plx__backend *backend)
{
    backend->ops->abandon(backend->poller);
    plx__free(backend->buffer);
    plx__free(backend);
}

int plx__readiness_renew(plx__backend *backend)
{
    return backend->ops->renew(backend->poller); /* Sockets and interest are the child's too. */
}

/* Tells the poller of the interest that follows from the operations. */
static int interest_update(plx__backend *backend, plx__polled *polled)
{
    uint32_t interest = 0;
    if ((polled->operations & OPERATIONS_READING) != 0)
        interest |= PLX_READABLE;
    if ((polled->operations & OPERATIONS_WRITING) != 0)
        interest |= PLX_WRITABLE;
    if (interest == polled->interest)
        return 0;
    int status = backend->ops->set(backend->poller, polled, interest);
    if (status == 0)
        polled->interest = (uint8_t)interest;
    return status;
}

static int operation_start(plx__backend *backend, plx__endpoint *endpoint, unsigned operation)
{
    plx__polled *polled = plx__polled_of(endpoint);
    uint8_t before = polled->operations;
    polled->operations = (uint8_t)(before | operation);
    int status = interest_update(backend, polled);
    if (status != 0)
        polled->operations = before;
    return status;
}

static void operation_stop(plx__backend *backend, plx__endpoint *endpoint, unsigned operation)
{
    plx__polled *polled = plx__polled_of(endpoint);
    polled->operations = (uint8_t)(polled->operations & ~operation);
    (void)interest_update(backend, polled); /* Less interest never fails. */
}

int plx__readiness_attach(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)backend;
    (void)endpoint; /* The poller hears of it with its first interest. */
    return 0;
}

/* It may still be `unapplied` or `fresh`, or have events. All of them end with this wait's, and
 * until then the endpoint's memory is there (poller.h): it has neither operations nor interest. */
bool plx__readiness_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__polled *polled = plx__polled_of(endpoint);
    operation_stop(backend, endpoint, polled->operations);
    backend->ops->forget(backend->poller, polled);
    return true;
}

bool plx__readiness_release(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)backend;
    plx__polled_of(endpoint)->is_borrowed = true; /* From now on. */
    return true;
}

int plx__readiness_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                                const plx__accept_config *config)
{
    (void)config; /* Readiness does not tell who has sent something. */
    return operation_start(backend, endpoint, PLX__OPERATION_ACCEPT);
}

void plx__readiness_accept_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    operation_stop(backend, endpoint, PLX__OPERATION_ACCEPT);
}

int plx__readiness_connect(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__address *address)
{
    int status = plx__socket_connect(endpoint->socket, address);
    if (status != 0 && status != PLX_EAGAIN)
        return status;
    /* A socket that connected at once is writable at once: one path for both. */
    return operation_start(backend, endpoint, PLX__OPERATION_CONNECT);
}

int plx__readiness_receive_start(plx__backend *backend, plx__endpoint *endpoint)
{
    if (endpoint->socket == backend->accepted)
        backend->fresh = plx__polled_of(endpoint);
    return operation_start(backend, endpoint, PLX__OPERATION_RECEIVE);
}

void plx__readiness_receive_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    operation_stop(backend, endpoint, PLX__OPERATION_RECEIVE);
}

ptrdiff_t plx__readiness_send_now(plx__backend *backend, plx__endpoint *endpoint, const void *bytes,
                                  size_t length)
{
    (void)backend;
    int fault = plx__fault_send();
    return fault == 0 ? plx__send(endpoint->socket, bytes, length) : fault;
}

ptrdiff_t plx__readiness_send_slices_now(plx__backend *backend, plx__endpoint *endpoint,
                                         const plx__slice *slices, size_t count)
{
    (void)backend;
    int fault = plx__fault_send();
    return fault == 0 ? plx__socket_send_slices(endpoint->socket, slices, count) : fault;
}

int plx__readiness_send_start(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count)
{
    (void)slices;
    (void)count; /* Once writable, core tries again by itself. */
    return operation_start(backend, endpoint, PLX__OPERATION_SEND);
}

int plx__readiness_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest)
{
    plx__polled *polled = plx__polled_of(endpoint);
    uint8_t before = polled->operations;
    polled->is_borrowed = true;
    polled->operations = 0;
    if ((interest & PLX_READABLE) != 0)
        polled->operations |= PLX__OPERATION_WATCH_READ;
    if ((interest & PLX_WRITABLE) != 0)
        polled->operations |= PLX__OPERATION_WATCH_WRITE;
    int status = interest_update(backend, polled);
    if (status != 0)
        polled->operations = before;
    return status;
}

int plx__readiness_wait(plx__backend *backend, uint64_t timeout_ns)
{
    backend->turn++;
    backend->is_drained = false;
    return backend->ops->wait(backend->poller, timeout_ns);
}

void plx__readiness_wake(plx__backend *backend)
{
    backend->ops->wake(backend->poller);
}

void plx__readiness_count(const plx__backend *backend, plx__backend_counts *counts)
{
    if (backend->ops->count != NULL)
        backend->ops->count(backend->poller, counts);
}

static plx__completion *other_set(plx__backend *backend, plx__endpoint *endpoint,
                                  enum plx__completion_kind kind, int status)
{
    backend->other.endpoint = endpoint; /* One by one: most of the rest is for other kinds. */
    backend->other.kind = kind;
    backend->other.status = status;
    backend->other.length = 0;
    return &backend->other;
}

/* The stream is over. */
static const plx__completion *receive_end(plx__backend *backend, plx__endpoint *endpoint,
                                          int status)
{
    operation_stop(backend, endpoint, PLX__OPERATION_RECEIVE);
    return other_set(backend, endpoint, PLX__ENDED, status);
}

/* `got` is 0, or negative after a call that failed. */
static const plx__completion *received_nothing(plx__backend *backend, ptrdiff_t got)
{
    int status = got == 0 ? PLX_EEOF : (int)plx__receive_failed();
    return status == PLX_EAGAIN ? NULL : receive_end(backend, backend->received.endpoint, status);
}

/* The endpoint is stored before the call, so that nothing has to be saved across it. */
static ptrdiff_t receive(plx__backend *backend, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    backend->received.endpoint = endpoint;
    return plx__receive_raw(endpoint->socket, backend->buffer, backend->receive_bytes);
}

static const plx__completion *received_set(plx__backend *backend, ptrdiff_t got)
{
    backend->received.length = (size_t)got;
    return &backend->received;
}

static const plx__completion *try_receive(plx__backend *backend, plx__polled *polled)
{
    ptrdiff_t got = receive(backend, polled);
    return got > 0 ? received_set(backend, got) : received_nothing(backend, got);
}

/* Trying until none is left costs a call for nothing each time; trying once costs a turn for each
 * when many wait. So a listener gets twice as many tries as in the turn before, for as long as it
 * is ready turn after turn. */
static void accepts_allow(plx__backend *backend, plx__polled *polled)
{
    bool is_busy = polled->accepts != 0 && (uint8_t)(backend->turn - polled->turn) == 1;
    uint32_t accepts = is_busy ? 2u * polled->accepts : 1u;
    backend->accepts = accepts < ACCEPTS_MAX ? accepts : ACCEPTS_MAX;
    polled->accepts = (uint8_t)backend->accepts;
    polled->turn = backend->turn;
}

static const plx__completion *try_accept(plx__backend *backend, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    if (backend->accepts == 0)
        accepts_allow(backend, polled);
    plx_socket accepted = PLX_SOCKET_NONE;
    int status = plx__socket_accept(endpoint->socket, &accepted);
    if (status != 0)
        backend->accepts = 0;
    else if (--backend->accepts > 0)
        backend->event->ready |= PLX_READABLE; /* Once more. */
    if (status == PLX_EAGAIN) {
        polled->accepts = 0;
        return NULL;
    }
    plx__completion *completion = other_set(backend, endpoint, PLX__ACCEPTED, status);
    completion->accepted = backend->accepted = accepted;
    return completion;
}

/* The interest of the endpoint that is named last may have become less; telling the poller waits
 * until core has had the chance to start something again. */
static void unapplied_set(plx__backend *backend, plx__polled *polled)
{
    if (backend->unapplied != NULL)
        (void)interest_update(backend, backend->unapplied); /* Less interest never fails. */
    backend->unapplied = polled;
}

static const plx__completion *try_connect(plx__backend *backend, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    polled->operations &= (uint8_t)~PLX__OPERATION_CONNECT;
    unapplied_set(backend, polled);
    return other_set(backend, endpoint, PLX__CONNECTED,
                     plx__socket_connect_result(endpoint->socket));
}

static const plx__completion *try_send(plx__backend *backend, plx__polled *polled)
{
    polled->operations &= (uint8_t)~PLX__OPERATION_SEND;
    unapplied_set(backend, polled);
    return other_set(backend, plx__polled_endpoint(polled), PLX__SENT, 0);
}

static const plx__completion *try_watch(plx__backend *backend, plx__polled *polled, uint32_t ready)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    ready &= polled->interest | (uint32_t)PLX_FAILED;
    if (ready == 0)
        return NULL;
    if (ready == PLX_FAILED)
        operation_stop(backend, endpoint, polled->operations);
    plx__completion *completion = other_set(backend, endpoint, PLX__READY, 0);
    completion->ready = ready;
    return completion;
}

/* A descriptor of core's own that is closed: somebody else closed it. Whatever was under way is
 * over, and core is told in terms of what that was. */
PLX__SLOW static const plx__completion *report_closed(plx__backend *backend, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    uint32_t operations = polled->operations;
    enum plx__completion_kind kind = PLX__ENDED;
    if ((operations & PLX__OPERATION_ACCEPT) != 0)
        kind = PLX__ACCEPTED;
    else if ((operations & PLX__OPERATION_CONNECT) != 0)
        kind = PLX__CONNECTED;
    operation_stop(backend, endpoint, operations);
    plx__completion *completion = other_set(backend, endpoint, kind, PLX_EBADF);
    completion->accepted = PLX_SOCKET_NONE;
    return completion;
}

/* Tries what the event stands for, one operation at a time; what is left to try stays in it. */
static const plx__completion *try_event(plx__backend *backend, plx__poller_event *event)
{
    plx__polled *polled = event->polled;
    uint32_t ready = event->ready;
    uint32_t operations = polled->operations;
    event->ready = ready & PLX_WRITABLE;
    if ((operations & OPERATIONS_WATCH) != 0) {
        event->ready = 0;
        return try_watch(backend, polled, ready);
    }
    if ((ready & PLX_READABLE) != 0 && (operations & PLX__OPERATION_RECEIVE) != 0)
        return try_receive(backend, polled);
    if ((ready & PLX_READABLE) != 0 && (operations & PLX__OPERATION_ACCEPT) != 0)
        return try_accept(backend, polled);
    event->ready = 0;
    if ((ready & PLX_WRITABLE) != 0 && (operations & PLX__OPERATION_CONNECT) != 0)
        return try_connect(backend, polled);
    if ((ready & PLX_WRITABLE) != 0 && (operations & PLX__OPERATION_SEND) != 0)
        return try_send(backend, polled);
    if (ready == PLX_FAILED && operations != 0)
        return report_closed(backend, polled);
    return NULL;
}

/* Gets the next events from the poller; false when there is none left. */
PLX__SLOW static bool events_collect(plx__backend *backend)
{
    backend->accepted = PLX_SOCKET_NONE;
    if (backend->unapplied != NULL)
        unapplied_set(backend, NULL);
    if (backend->is_drained)
        return false;
    size_t count = backend->ops->collect(backend->poller, backend->events, EVENTS_MAX);
    backend->is_drained = count < EVENTS_MAX;
    backend->event = backend->events;
    backend->end = backend->events + count;
    return count > 0;
}

/* A client that speaks first has most often spoken by the time it is accepted. It is served in this
 * turn then, and the next wait has one less to bring: with poll(), 64 at a time that ask once and
 * close cost 4 % less CPU time. Where clients wait to be spoken to, each try is a call for nothing:
 * then 8 of 256 are tried. */
static const plx__completion *fresh_try(plx__backend *backend)
{
    plx__polled *polled = backend->fresh;
    backend->fresh = NULL;
    if (polled->operations != PLX__OPERATION_RECEIVE)
        return NULL;
    if (backend->silent >= SILENT_MAX) {
        backend->silent++;
        return NULL;
    }
    const plx__completion *completion = try_receive(backend, polled);
    backend->silent = completion != NULL ? 0 : (uint8_t)(backend->silent + 1);
    return completion;
}

/* Whatever is next, when it is not the most frequent thing. */
PLX__SLOW static const plx__completion *next_slowly(plx__backend *backend)
{
    const plx__completion *completion;
    backend->accepted = PLX_SOCKET_NONE;
    if (backend->fresh != NULL && (completion = fresh_try(backend)) != NULL)
        return completion;
    do {
        if (backend->event == backend->end && !events_collect(backend))
            return NULL;
        completion = try_event(backend, backend->event);
        if (backend->event->ready == 0) {
            backend->accepts = 0;
            backend->event++;
        }
    } while (completion == NULL);
    return completion;
}

PLX__SLOW static const plx__completion *nothing_then_next(plx__backend *backend, ptrdiff_t got)
{
    const plx__completion *completion = received_nothing(backend, got);
    return completion != NULL ? completion : next_slowly(backend);
}

/* Most events: something to receive, on an endpoint that does nothing else. */
static bool is_to_receive(const plx__poller_event *event)
{
    return event->ready == PLX_READABLE && event->polled->operations == PLX__OPERATION_RECEIVE;
}

/* The second kind in number: a watched socket is readable, and nothing else is asked of it. */
PLX__APART static const plx__completion *next_watched(plx__backend *backend)
{
    plx__poller_event *event = backend->event;
    if (event->ready != PLX_READABLE || event->polled->operations != PLX__OPERATION_WATCH_READ)
        return next_slowly(backend);
    backend->accepted = PLX_SOCKET_NONE;
    backend->event = event + 1;
    backend->readable.endpoint = plx__polled_endpoint(event->polled);
    return &backend->readable;
}

/* All events are used up. */
PLX__SLOW static const plx__completion *collect_then_next(plx__backend *backend)
{
    if (backend->fresh != NULL)
        return next_slowly(backend);
    return events_collect(backend) ? plx__readiness_next(backend) : NULL;
}

const plx__completion *plx__readiness_next(plx__backend *backend)
{
    plx__poller_event *event = backend->event;
    if (event == backend->end)
        return collect_then_next(backend);
    if (!PLX__LIKELY(is_to_receive(event)))
        return next_watched(backend);
    backend->event = event + 1;
    ptrdiff_t got = receive(backend, event->polled);
    return got > 0 ? received_set(backend, got) : nothing_then_next(backend, got);
}
