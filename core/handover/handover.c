/* core/handover/handover.c - the process that hands its sockets over.
 *
 * It talks with one process at a time, by a watch of the loop, and nothing is changed before that
 * one has confirmed. Whatever goes wrong until then refuses the other one and ends the talk.
 */
#include "core/handover/handover.h"

#include <pollux/conn.h>
#include <pollux/listener.h>
#include <pollux/timer.h>
#include <pollux/watch.h>

#include <string.h>

#include "backends/backend.h"
#include "core/shared_options.h"
#include "platform/sized.h"

#define TIMEOUT_DEFAULT_NS (10 * PLX_SECOND)
#define PATH_MODE          0600u
/* How long somebody who was refused may take to close. */
#define FINISH_NS PLX_SECOND

enum talk_state { TALK_NONE, TALK_REQUEST, TALK_OFFER, TALK_CONFIRM };

/* With a process that has connected. */
typedef struct talk {
    enum talk_state state;
    plx_socket socket;
    plx_watch watch;
    plx_timer timer;
    uint64_t process;
    unsigned char in[PLX__FRAME_BYTES];
    size_t received;
    unsigned char *offer; /* Bytes, allocated; or NULL. */
    size_t offer_length;
    size_t offer_sent;
} talk;

struct plx_handover {
    plx_loop *loop;
    plx_handover_options options;
    char *address;
    plx_listener listener;
    bool is_calling; /* A callback; plx_handover_close() is to be finished after it, */
    bool is_closed;  /* if it was called there. */
    talk talk;
};

/* --- the end of a talk ------------------------------------------------------------------------ */

/* The socket is the caller's then. */
static plx_socket talk_leave(plx_handover *h)
{
    talk *t = &h->talk;
    const plx_socket socket = t->socket;
    (void)plx_watch_close(h->loop, t->watch);
    (void)plx_timer_cancel(h->loop, t->timer);
    plx__free(t->offer);
    *t = (talk){.state = TALK_NONE};
    return socket;
}

static void talk_end(plx_handover *h)
{
    if (h->talk.state != TALK_NONE)
        plx_socket_close(talk_leave(h));
}

static void handover_free(plx_handover *h)
{
    plx__free(h->address);
    plx__free(h);
}

/* The offer may be closed in a callback: then it is freed behind that. */
static void call_end(plx_handover *h)
{
    h->is_calling = false;
    if (h->is_closed)
        handover_free(h);
}

static void refused_tell(plx_handover *h, int status, uint64_t process)
{
    if (h->options.on_refused == NULL)
        return;
    h->is_calling = true;
    h->options.on_refused(h->loop, h, h->options.data, status, (int64_t)process);
    call_end(h);
}

static void on_refused_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)data;
    (void)plx_conn_finish(loop, conn, FINISH_NS);
}

/* The other one is told why, if it listens. It may be sending: on Windows a socket that closes with
 * something unread is reset, and what was sent before is lost. So it becomes a connection that
 * finishes, never the user's; without memory or a slot for that it closes at once. */
static void refuse(plx_handover *h, plx_socket socket, int status)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    const plx__frame frame = {
        .kind = PLX__FRAME_REFUSAL, .count = (uint32_t)-status, .process = plx__process_id()};
    const plx_conn_options options = {.on_open = on_refused_open,
                                      .flags = PLX_CONN_ACCEPTED | PLX__CONN_OPTION_STAGED};
    plx__frame_write(&frame, bytes);
    (void)plx__socket_send(socket, bytes, sizeof bytes);
    if (plx_conn_adopt(h->loop, NULL, socket, &options, NULL, 0) != 0)
        plx_socket_close(socket);
}

static void talk_refuse(plx_handover *h, int status)
{
    uint64_t process = h->talk.process;
    refuse(h, talk_leave(h), status);
    refused_tell(h, status, process);
}

/* --- the conversation ------------------------------------------------------------------------- */

/* Receives the next frame, as far as it is there: 0 when it is complete, PLX_EAGAIN, or a code. */
static int frame_receive(talk *t, plx__frame *frame_out)
{
    ptrdiff_t got = plx__socket_receive(t->socket, t->in + t->received, sizeof t->in - t->received);
    if (got <= 0)
        return got == 0 ? PLX_EEOF : (int)got;
    t->received += (size_t)got;
    if (t->received < sizeof t->in)
        return PLX_EAGAIN;
    t->received = 0;
    return plx__frame_read(frame_out, t->in);
}

/* Copies the offered sockets to `all`, and returns how many there are. */
static uint32_t offered(const plx_handover *h, plx_socket all[PLX_SOCKETS_MAX])
{
    const uint32_t count = plx_sockets_count(h->options.sockets);
    for (uint32_t i = 0; i < count; i++)
        all[i] = plx_sockets_at(h->options.sockets, i);
    return count;
}

static int offer_make(plx_handover *h, uint64_t process)
{
    talk *t = &h->talk;
    plx_socket all[PLX_SOCKETS_MAX];
    const plx_sockets *sockets = h->options.sockets;
    const uint32_t count = offered(h, all);
    const size_t names = plx__sockets_names(sockets, NULL);
    const plx__frame frame = {.kind = PLX__FRAME_OFFER,
                              .count = count,
                              .length = (uint32_t)names,
                              .process = plx__process_id()};
    t->offer_length = PLX__FRAME_BYTES + names + (size_t)count * PLX__PACKED_BYTES;
    t->offer = plx__allocate(t->offer_length);
    if (t->offer == NULL)
        return PLX_ENOMEM;
    plx__frame_write(&frame, t->offer);
    (void)plx__sockets_names(sockets, t->offer + PLX__FRAME_BYTES);
    return plx__sockets_pack(all, count, process, t->offer + PLX__FRAME_BYTES + names);
}

/* 0 when all has been sent, PLX_EAGAIN, or a code. The sockets go with the first byte. */
static int offer_send(plx_handover *h)
{
    talk *t = &h->talk;
    plx_socket all[PLX_SOCKETS_MAX];
    const uint32_t count = t->offer_sent == 0 ? offered(h, all) : 0;
    ptrdiff_t sent = plx__sockets_send(t->socket, t->offer + t->offer_sent,
                                       t->offer_length - t->offer_sent, all, count);
    if (sent < 0)
        return (int)sent;
    t->offer_sent += (size_t)sent;
    return t->offer_sent == t->offer_length ? 0 : PLX_EAGAIN;
}

static int handover_listen(plx_handover *h);

/* Its path is free when the other one learns of it, which may offer there itself then. */
static void handover_finish(plx_handover *h)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    const plx__frame yours = {.kind = PLX__FRAME_YOURS, .process = plx__process_id()};
    plx__frame_write(&yours, bytes);
    (void)plx_listener_close(h->loop, h->listener);
    if (plx__socket_send(h->talk.socket, bytes, sizeof bytes) != (ptrdiff_t)sizeof bytes) {
        /* It has just ended. If the path cannot be had again, the offer has none. */
        (void)handover_listen(h);
        talk_refuse(h, PLX_EEOF);
        return;
    }
    talk_end(h);
    plx_sockets_close(h->options.sockets);
    h->options.sockets = NULL;
    h->is_calling = true;
    h->options.on_taken(h->loop, h, h->options.data);
    call_end(h);
}

/* What can be done now: PLX_EAGAIN when the other one must do something first, 0 when it has
 * confirmed, or what is wrong. */
static int talk_continue(plx_handover *h)
{
    talk *t = &h->talk;
    plx__frame frame;
    unsigned char more;
    int status = t->state != TALK_OFFER ? frame_receive(t, &frame) : 0;
    if (status == 0 && t->state == TALK_REQUEST) {
        if (frame.kind != PLX__FRAME_REQUEST)
            return PLX_EVERSION;
        status = offer_make(h, t->process != 0 ? t->process : frame.process);
        t->state = TALK_OFFER;
    }
    if (status == 0 && t->state == TALK_OFFER) {
        status = offer_send(h);
        if (status == 0)
            t->state = TALK_CONFIRM;
        (void)plx_watch_set(h->loop, t->watch, status == 0 ? PLX_READABLE : PLX_WRITABLE);
        return status == 0 ? PLX_EAGAIN : status;
    }
    if (status != 0)
        return status;
    if (frame.kind != PLX__FRAME_CONFIRM)
        return PLX_EVERSION;
    /* One that has confirmed and died leaves the sockets to this process. */
    ptrdiff_t got = plx__socket_receive(t->socket, &more, 1);
    return got == PLX_EAGAIN ? 0 : PLX_EEOF;
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    plx_handover *h = data;
    (void)loop;
    (void)watch;
    (void)socket;
    (void)ready;
    int status = talk_continue(h);
    if (status == 0)
        handover_finish(h);
    else if (status != PLX_EAGAIN)
        talk_refuse(h, status);
}

static void on_timeout(plx_loop *loop, plx_timer timer, void *data)
{
    plx_handover *h = data;
    (void)loop;
    (void)timer;
    talk_refuse(h, PLX_ETIMEDOUT);
}

static int talk_begin(plx_handover *h, plx_socket socket, uint64_t process)
{
    talk *t = &h->talk;
    uint64_t timeout_ns = h->options.timeout_ns != 0 ? h->options.timeout_ns : TIMEOUT_DEFAULT_NS;
    int status = plx_timer_start(h->loop, &t->timer, timeout_ns, 0, on_timeout, h);
    if (status != 0)
        return status;
    status = plx_watch_open(h->loop, &t->watch, socket, PLX_READABLE, on_ready, h);
    if (status != 0) {
        (void)plx_timer_cancel(h->loop, t->timer);
        return status;
    }
    t->state = TALK_REQUEST;
    t->socket = socket;
    t->process = process;
    return 0;
}

static enum plx_accept_verdict on_accept(plx_loop *loop, plx_listener listener, void *data,
                                         plx_socket socket, const void *bytes, size_t length)
{
    plx_handover *h = data;
    uint64_t process;
    (void)loop;
    (void)listener;
    (void)bytes;
    (void)length;
    int status = plx__peer_check(socket, &process);
    if (status == 0 && h->talk.state != TALK_NONE)
        status = PLX_EBUSY;
    if (status == 0)
        status = talk_begin(h, socket, process);
    if (status == 0)
        return PLX_ACCEPT_TAKEN;
    refuse(h, socket, status);
    refused_tell(h, status, process);
    return PLX_ACCEPT_TAKEN;
}

/* --- the offer -------------------------------------------------------------------------------- */

static int handover_listen(plx_handover *h)
{
    plx_listen_options options = {.on_accept = on_accept, .data = h, .path_mode = PATH_MODE};
    int status = plx_listen(h->loop, &h->listener, h->address, &options);
    if (status == PLX_ENOSYS) { /* Files have no mode here: the access list of the directory. */
        options.path_mode = 0;
        status = plx_listen(h->loop, &h->listener, h->address, &options);
    }
    if (status == 0)
        status = plx_listener_set_background(h->loop, h->listener, 1);
    return status;
}

static int handover_new(plx_handover **handover_out, plx_loop *loop, const char *address,
                        const plx_handover_options *options)
{
    const size_t size = strlen(address) + 1;
    plx_handover *h = plx__allocate_zeroed(1, sizeof *h);
    if (h == NULL)
        return PLX_ENOMEM;
    h->address = plx__allocate(size);
    if (h->address == NULL) {
        plx__free(h);
        return PLX_ENOMEM;
    }
    memcpy(h->address, address, size);
    h->loop = loop;
    h->options = *options;
    *handover_out = h;
    return 0;
}

/* There is a list, and nothing was taken from it. */
static bool is_whole(const plx_sockets *sockets)
{
    bool whole = sockets != NULL;
    for (uint32_t i = 0; i < plx_sockets_count(sockets); i++)
        whole = whole && plx_sockets_at(sockets, i) != PLX_SOCKET_NONE;
    return whole;
}

int plx_handover_open_sized(plx_handover **handover_out, plx_loop *loop, const char *address,
                            const plx_handover_options *options, size_t options_bytes)
{
    plx_handover_options own;
    *handover_out = NULL;
    int status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status == 0 && (own.on_taken == NULL || !is_whole(own.sockets)))
        status = PLX_EINVAL;
    if (status == 0 && strncmp(address, "unix:", 5) != 0)
        status = PLX_ESCHEME;
    if (status == 0 && plx__backend_here() != NULL)
        status = PLX_ENOSYS; /* A simulation has no other processes. */
    if (status == 0)
        status = handover_new(handover_out, loop, address, &own);
    if (status != 0)
        return status;
    status = handover_listen(*handover_out);
    if (status != 0) {
        handover_free(*handover_out);
        *handover_out = NULL;
    }
    return status;
}

void plx_handover_close(plx_handover *handover)
{
    if (handover == NULL)
        return;
    if (handover->options.sockets != NULL) /* Else it is over, and the loop may have closed. */
        (void)plx_listener_close(handover->loop, handover->listener);
    talk_end(handover);
    plx_sockets_close(handover->options.sockets);
    handover->options.sockets = NULL;
    handover->is_closed = true;
    if (!handover->is_calling)
        handover_free(handover);
}
