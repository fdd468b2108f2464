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

/* The most connections that one listener brings in one turn, so that it starves nobody. */
#define ACCEPTS_MAX 64

/* So many accepted in a row had nothing to say yet: then some are not asked (fresh_try). */
#define SILENT_MAX 8

static plx__readiness *readiness_of(plx__backend *backend)
{
    return (plx__readiness *)(void *)backend;
}

static plx__poller *poller_of(plx__readiness *readiness)
{
    return (plx__poller *)(void *)readiness;
}

int plx__readiness_open(plx__poller **poller_out, size_t bytes, const plx__backend_config *config,
                        const plx__poller_ops *ops)
{
    plx__readiness *readiness = plx__allocate_zeroed(1, bytes);
    if (readiness == NULL)
        return PLX_ENOMEM;
    readiness->ops = ops;
    readiness->event = readiness->end = readiness->events;
    readiness->is_drained = true;
    readiness->receive_bytes = config->receive_bytes;
    readiness->accepted = PLX_SOCKET_NONE;
    readiness->buffer = plx__allocate(config->receive_bytes);
    readiness->received = (plx__completion){.kind = PLX__RECEIVED, .bytes = readiness->buffer};
    readiness->readable = (plx__completion){.kind = PLX__READY, .ready = PLX_READABLE};
    if (readiness->buffer == NULL) {
        plx__free(readiness);
        return PLX_ENOMEM;
    }
    *poller_out = poller_of(readiness);
    return 0;
}

void plx__readiness_close(plx__poller *poller)
{
    plx__free(readiness_of(poller)->buffer);
    plx__free(poller);
}

/* Tells the poller of the interest that follows from the operations. */
static int interest_update(plx__readiness *readiness, plx__polled *polled)
{
    uint32_t interest = 0;
    if ((polled->operations & OPERATIONS_READING) != 0)
        interest |= PLX_READABLE;
    if ((polled->operations & OPERATIONS_WRITING) != 0)
        interest |= PLX_WRITABLE;
    if (interest == polled->interest)
        return 0;
    int status = readiness->ops->set(poller_of(readiness), polled, interest);
    if (status == 0)
        polled->interest = (uint8_t)interest;
    return status;
}

static int operation_start(plx__readiness *readiness, plx__endpoint *endpoint, unsigned operation)
{
    plx__polled *polled = plx__polled_of(endpoint);
    uint8_t before = polled->operations;
    polled->operations = (uint8_t)(before | operation);
    int status = interest_update(readiness, polled);
    if (status != 0)
        polled->operations = before;
    return status;
}

static void operation_stop(plx__readiness *readiness, plx__endpoint *endpoint, unsigned operation)
{
    plx__polled *polled = plx__polled_of(endpoint);
    polled->operations = (uint8_t)(polled->operations & ~operation);
    (void)interest_update(readiness, polled); /* Less interest never fails. */
}

int plx__readiness_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    (void)backend;
    (void)endpoint; /* The poller hears of it with its first interest. */
    (void)origin;
    return 0;
}

/* It may still be `unapplied` or `fresh`, or have events. All of them end with this wait's, and
 * until then the endpoint's memory is there (poller.h): it has neither operations nor interest. */
bool plx__readiness_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__polled *polled = plx__polled_of(endpoint);
    operation_stop(readiness_of(backend), endpoint, polled->operations);
    readiness_of(backend)->ops->forget(backend, polled);
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
    /* Readiness does not tell who has sent something: `receive_first` changes nothing. */
    plx__polled_of(endpoint)->is_shared = config->is_shared;
    return operation_start(readiness_of(backend), endpoint, PLX__OPERATION_ACCEPT);
}

int plx__readiness_connect(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__address *address)
{
    int status = plx__socket_connect(endpoint->socket, address);
    if (status != 0 && status != PLX_EAGAIN)
        return status;
    /* A socket that connected at once is writable at once: one path for both. */
    return operation_start(readiness_of(backend), endpoint, PLX__OPERATION_CONNECT);
}

int plx__readiness_receive_start(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__readiness *readiness = readiness_of(backend);
    if (endpoint->socket == readiness->accepted)
        readiness->fresh = plx__polled_of(endpoint);
    return operation_start(readiness, endpoint, PLX__OPERATION_RECEIVE);
}

void plx__readiness_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    operation_stop(readiness_of(backend), endpoint, PLX__OPERATION_ACCEPT | PLX__OPERATION_RECEIVE);
}

/* `slices` is the third of its arguments, as it is of those below: one move less for most sends. */
PLX__SLOW static ptrdiff_t send_several(plx_socket socket, size_t count, const plx__slice *slices)
{
    return plx__socket_send_slices(socket, slices, count);
}

ptrdiff_t plx__readiness_send(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count)
{
    int fault = plx__fault_send();
    (void)backend;
    if (fault != 0)
        return fault;
    if (!PLX__LIKELY(count == 1))
        return send_several(endpoint->socket, count, slices);
    return plx__send(endpoint->socket, slices->bytes, slices->length);
}

int plx__readiness_send_start(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count)
{
    (void)slices;
    (void)count; /* Once writable, core tries again by itself. */
    return operation_start(readiness_of(backend), endpoint, PLX__OPERATION_SEND);
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
    int status = interest_update(readiness_of(backend), polled);
    if (status != 0)
        polled->operations = before;
    return status;
}

static plx__completion *other_set(plx__readiness *readiness, plx__endpoint *endpoint,
                                  enum plx__completion_kind kind, int status)
{
    readiness->other.endpoint = endpoint; /* One by one: most of the rest is for other kinds. */
    readiness->other.kind = kind;
    readiness->other.status = status;
    readiness->other.length = 0;
    return &readiness->other;
}

/* The stream is over. */
static const plx__completion *receive_end(plx__readiness *readiness, plx__endpoint *endpoint,
                                          int status)
{
    operation_stop(readiness, endpoint, PLX__OPERATION_RECEIVE);
    return other_set(readiness, endpoint, PLX__ENDED, status);
}

/* `got` is 0, or negative after a call that failed. */
static const plx__completion *received_nothing(plx__readiness *readiness, ptrdiff_t got)
{
    int status = got == 0 ? PLX_EEOF : (int)plx__receive_failed();
    return status == PLX_EAGAIN ? NULL
                                : receive_end(readiness, readiness->received.endpoint, status);
}

/* The endpoint is stored before the call, so that nothing has to be saved across it. */
static ptrdiff_t receive(plx__readiness *readiness, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    readiness->received.endpoint = endpoint;
    return plx__receive_raw(endpoint->socket, readiness->buffer, readiness->receive_bytes);
}

static const plx__completion *received_set(plx__readiness *readiness, ptrdiff_t got)
{
    readiness->received.length = (size_t)got;
    return &readiness->received;
}

static const plx__completion *try_receive(plx__readiness *readiness, plx__polled *polled)
{
    ptrdiff_t got = receive(readiness, polled);
    return got > 0 ? received_set(readiness, got) : received_nothing(readiness, got);
}

/* Trying until none is left costs a call for nothing each time; trying once costs a turn for each
 * when many wait. So a listener gets twice as many tries as in the turn before, for as long as it
 * is ready turn after turn. */
static void accepts_allow(plx__readiness *readiness, plx__polled *polled)
{
    bool is_busy = polled->accepts != 0 && (uint8_t)(readiness->turn - polled->turn) == 1;
    uint32_t accepts = is_busy ? 2u * polled->accepts : 1u;
    readiness->accepts = accepts < ACCEPTS_MAX ? accepts : ACCEPTS_MAX;
    polled->accepts = (uint8_t)readiness->accepts;
    polled->turn = readiness->turn;
}

static const plx__completion *try_accept(plx__readiness *readiness, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    if (readiness->accepts == 0)
        accepts_allow(readiness, polled);
    plx_socket accepted = PLX_SOCKET_NONE;
    int status = plx__socket_accept(endpoint->socket, &accepted);
    if (status != 0)
        readiness->accepts = 0;
    else if (--readiness->accepts > 0)
        readiness->event->ready |= PLX_READABLE; /* Once more. */
    if (status == PLX_EAGAIN) {
        polled->accepts = 0;
        return NULL;
    }
    plx__completion *completion = other_set(readiness, endpoint, PLX__ACCEPTED, status);
    completion->accepted = readiness->accepted = accepted;
    return completion;
}

/* The interest of the endpoint that is named last may have become less; telling the poller waits
 * until core has had the chance to start something again. */
static void unapplied_set(plx__readiness *readiness, plx__polled *polled)
{
    if (readiness->unapplied != NULL)
        (void)interest_update(readiness, readiness->unapplied); /* Less interest never fails. */
    readiness->unapplied = polled;
}

static const plx__completion *try_connect(plx__readiness *readiness, plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    polled->operations &= (uint8_t)~PLX__OPERATION_CONNECT;
    unapplied_set(readiness, polled);
    return other_set(readiness, endpoint, PLX__CONNECTED,
                     plx__socket_connect_result(endpoint->socket));
}

static const plx__completion *try_send(plx__readiness *readiness, plx__polled *polled)
{
    polled->operations &= (uint8_t)~PLX__OPERATION_SEND;
    unapplied_set(readiness, polled);
    return other_set(readiness, plx__polled_endpoint(polled), PLX__SENT, 0);
}

static const plx__completion *try_watch(plx__readiness *readiness, plx__polled *polled,
                                        uint32_t ready)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    ready &= polled->interest | (uint32_t)PLX_FAILED;
    if (ready == 0)
        return NULL;
    if (ready == PLX_FAILED)
        operation_stop(readiness, endpoint, polled->operations);
    plx__completion *completion = other_set(readiness, endpoint, PLX__READY, 0);
    completion->ready = ready;
    return completion;
}

/* A descriptor of core's own that is closed: somebody else closed it. Whatever was under way is
 * over, and core is told in terms of what that was. */
PLX__SLOW static const plx__completion *report_closed(plx__readiness *readiness,
                                                      plx__polled *polled)
{
    plx__endpoint *endpoint = plx__polled_endpoint(polled);
    uint32_t operations = polled->operations;
    enum plx__completion_kind kind = PLX__ENDED;
    if ((operations & PLX__OPERATION_ACCEPT) != 0)
        kind = PLX__ACCEPTED;
    else if ((operations & PLX__OPERATION_CONNECT) != 0)
        kind = PLX__CONNECTED;
    operation_stop(readiness, endpoint, operations);
    plx__completion *completion = other_set(readiness, endpoint, kind, PLX_EBADF);
    completion->accepted = PLX_SOCKET_NONE;
    return completion;
}

/* Tries what the event stands for, one operation at a time; what is left to try stays in it. */
static const plx__completion *try_event(plx__readiness *readiness, plx__poller_event *event)
{
    plx__polled *polled = event->polled;
    uint32_t ready = event->ready;
    uint32_t operations = polled->operations;
    event->ready = ready & PLX_WRITABLE;
    if ((operations & OPERATIONS_WATCH) != 0) {
        event->ready = 0;
        return try_watch(readiness, polled, ready);
    }
    if ((ready & PLX_READABLE) != 0 && (operations & PLX__OPERATION_RECEIVE) != 0)
        return try_receive(readiness, polled);
    if ((ready & PLX_READABLE) != 0 && (operations & PLX__OPERATION_ACCEPT) != 0)
        return try_accept(readiness, polled);
    event->ready = 0;
    if ((ready & PLX_WRITABLE) != 0 && (operations & PLX__OPERATION_CONNECT) != 0)
        return try_connect(readiness, polled);
    if ((ready & PLX_WRITABLE) != 0 && (operations & PLX__OPERATION_SEND) != 0)
        return try_send(readiness, polled);
    if (ready == PLX_FAILED && operations != 0)
        return report_closed(readiness, polled);
    return NULL;
}

/* Gets the next events from the poller; false when there is none left. */
PLX__SLOW static bool events_collect(plx__readiness *readiness)
{
    readiness->accepted = PLX_SOCKET_NONE;
    if (readiness->unapplied != NULL)
        unapplied_set(readiness, NULL);
    if (readiness->is_drained)
        return false;
    size_t count =
        readiness->ops->collect(poller_of(readiness), readiness->events, PLX__EVENTS_MAX);
    readiness->is_drained = count < PLX__EVENTS_MAX;
    readiness->event = readiness->events;
    readiness->end = readiness->events + count;
    return count > 0;
}

/* A client that speaks first has most often spoken by the time it is accepted. It is served in this
 * turn then, and the next wait has one less to bring: with poll(), 64 at a time that ask once and
 * close cost 4 % less CPU time. Where clients wait to be spoken to, each try is a call for nothing:
 * then 8 of 256 are tried. */
static const plx__completion *fresh_try(plx__readiness *readiness)
{
    plx__polled *polled = readiness->fresh;
    readiness->fresh = NULL;
    if (polled->operations != PLX__OPERATION_RECEIVE)
        return NULL;
    if (readiness->silent >= SILENT_MAX) {
        readiness->silent++;
        return NULL;
    }
    const plx__completion *completion = try_receive(readiness, polled);
    readiness->silent = completion != NULL ? 0 : (uint8_t)(readiness->silent + 1);
    return completion;
}

/* Whatever is next, when it is not the most frequent thing. */
PLX__SLOW static const plx__completion *next_slowly(plx__readiness *readiness)
{
    const plx__completion *completion;
    readiness->accepted = PLX_SOCKET_NONE;
    if (readiness->fresh != NULL && (completion = fresh_try(readiness)) != NULL)
        return completion;
    do {
        if (readiness->event == readiness->end && !events_collect(readiness))
            return NULL;
        completion = try_event(readiness, readiness->event);
        if (readiness->event->ready == 0) {
            readiness->accepts = 0;
            readiness->event++;
        }
    } while (completion == NULL);
    return completion;
}

PLX__SLOW static const plx__completion *nothing_then_next(plx__readiness *readiness, ptrdiff_t got)
{
    const plx__completion *completion = received_nothing(readiness, got);
    return completion != NULL ? completion : next_slowly(readiness);
}

/* Most events: something to receive, on an endpoint that does nothing else. */
static bool is_to_receive(const plx__poller_event *event)
{
    return event->ready == PLX_READABLE && event->polled->operations == PLX__OPERATION_RECEIVE;
}

/* The second kind in number: a watched socket is readable, and nothing else is asked of it. */
PLX__APART static const plx__completion *next_watched(plx__readiness *readiness)
{
    plx__poller_event *event = readiness->event;
    if (event->ready != PLX_READABLE || event->polled->operations != PLX__OPERATION_WATCH_READ)
        return next_slowly(readiness);
    readiness->accepted = PLX_SOCKET_NONE;
    readiness->event = event + 1;
    readiness->readable.endpoint = plx__polled_endpoint(event->polled);
    return &readiness->readable;
}

/* All events are used up. */
PLX__SLOW static const plx__completion *collect_then_next(plx__readiness *readiness)
{
    if (readiness->fresh != NULL)
        return next_slowly(readiness);
    return events_collect(readiness) ? plx__readiness_next(poller_of(readiness)) : NULL;
}

const plx__completion *plx__readiness_next(plx__backend *backend)
{
    plx__readiness *readiness = readiness_of(backend);
    plx__poller_event *event = readiness->event;
    if (event == readiness->end)
        return collect_then_next(readiness);
    if (!PLX__LIKELY(is_to_receive(event)))
        return next_watched(readiness);
    readiness->event = event + 1;
    ptrdiff_t got = receive(readiness, event->polled);
    return got > 0 ? received_set(readiness, got) : nothing_then_next(readiness, got);
}
