/* core/handover/takeover.c - the process that gets the sockets: it asks, and waits for answers. */
#include "core/handover/handover.h"

#include <pollux/conn.h>

#include <string.h>

#define NAMES_MAX (PLX_SOCKETS_MAX * PLX_SOCKET_NAME_MAX)

struct plx_takeover {
    plx_socket channel;
    plx_sockets *sockets;
    uint64_t start_ns, timeout_ns; /* Of the call that waits. */
    unsigned char offered[NAMES_MAX + PLX_SOCKETS_MAX * PLX__PACKED_BYTES]; /* Behind the frame. */
    plx_socket
        received[PLX_SOCKETS_MAX]; /* What the system has carried, and not in the list yet. */
    uint32_t received_count;
};

static void timeout_start(plx_takeover *t, uint64_t timeout_ns)
{
    t->start_ns = plx__clock_now();
    t->timeout_ns = timeout_ns;
}

/* PLX_FOREVER minus what has passed is still centuries. */
static uint64_t timeout_left(const plx_takeover *t)
{
    const uint64_t passed_ns = plx__clock_now() - t->start_ns;
    return passed_ns < t->timeout_ns ? t->timeout_ns - passed_ns : 0;
}

/* --- talking ---------------------------------------------------------------------------------- */

/* 0, PLX_ETIMEDOUT, PLX_EEOF, or a code. */
static int receive(plx_takeover *t, unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ptrdiff_t got =
            plx__sockets_receive(t->channel, bytes, length, t->received, &t->received_count);
        if (got > 0) {
            bytes += got;
            length -= (size_t)got;
            continue;
        }
        if (got == 0 || got == PLX_ECONNRESET)
            return PLX_EEOF;
        int status = got == PLX_EAGAIN ? plx__socket_await(t->channel, timeout_left(t)) : (int)got;
        if (status != 0)
            return status;
    }
    return 0;
}

/* Frames are so short that a channel that is not full takes one as a whole. One that cannot be sent
 * is not an error yet: whoever was refused at once finds the channel closed, and the refusal in it.
 */
static void frame_send(const plx_takeover *t, enum plx__frame_kind kind)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    const plx__frame frame = {.kind = (uint32_t)kind, .process = plx__process_id()};
    plx__frame_write(&frame, bytes);
    (void)plx__socket_send(t->channel, bytes, sizeof bytes);
}

/* The code of a refusal: one that means something here. */
static int refusal_code(const plx__frame *frame)
{
    static const int codes[] = {PLX_EACCES, PLX_EBUSY, PLX_ETIMEDOUT, PLX_ENOMEM, PLX_EMFILE};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (frame->count == (uint32_t)-codes[i])
            return codes[i];
    }
    return PLX_EVERSION;
}

static int frame_expect(plx_takeover *t, enum plx__frame_kind kind, plx__frame *frame_out)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    int status = receive(t, bytes, sizeof bytes);
    if (status == 0)
        status = plx__frame_read(frame_out, bytes);
    if (status != 0)
        return status;
    if (frame_out->kind == PLX__FRAME_REFUSAL)
        return refusal_code(frame_out);
    return frame_out->kind == (uint32_t)kind ? 0 : PLX_EVERSION;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Windows connects in the background, to a Unix-domain socket too. */
static int connect_await(const plx_takeover *t)
{
    while (plx__socket_look(t->channel, PLX__LOOK_WRITE) == 0) {
        if (timeout_left(t) == 0)
            return PLX_ETIMEDOUT;
        plx__sleep(PLX_MILLISECOND);
    }
    return plx__socket_connect_result(t->channel);
}

static int channel_open(plx_takeover *t, const char *address)
{
    plx__address parsed;
    uint64_t process;
    int status = plx__address_parse(&parsed, address);
    if (status != 0)
        return status;
    if (parsed.family != PLX__FAMILY_UNIX)
        return PLX_ESCHEME;
    status = plx__socket_open(&t->channel, PLX__FAMILY_UNIX);
    if (status == 0)
        status = plx__socket_connect(t->channel, &parsed);
    if (status == PLX_EAGAIN)
        status = connect_await(t);
    return status == 0 ? plx__peer_check(t->channel, &process) : status;
}

/* The sockets get their names, and are the list's. */
static int sockets_list(plx_takeover *t, size_t names_length)
{
    const char *name = (const char *)t->offered;
    const char *end = name + names_length;
    while (t->received_count > 0) {
        const char *zero = memchr(name, '\0', (size_t)(end - name));
        if (zero == NULL)
            return PLX_EVERSION;
        int status = plx_sockets_add(t->sockets, name, t->received[0]);
        if (status != 0)
            return status;
        t->received_count--;
        memmove(t->received, t->received + 1, t->received_count * sizeof t->received[0]);
        name = zero + 1;
    }
    return 0;
}

static int offer_receive(plx_takeover *t)
{
    plx__frame offer;
    frame_send(t, PLX__FRAME_REQUEST);
    int status = frame_expect(t, PLX__FRAME_OFFER, &offer);
    if (status != 0)
        return status;
    if (offer.count > PLX_SOCKETS_MAX || offer.length > NAMES_MAX)
        return PLX_EVERSION;
    status = receive(t, t->offered, offer.length + offer.count * PLX__PACKED_BYTES);
    if (status == 0)
        status = plx__sockets_unpack(t->offered + offer.length, t->received, &t->received_count,
                                     offer.count);
    if (status == 0)
        status = sockets_list(t, offer.length);
    /* Another count of sockets than the frame's, or a name that is none. */
    return status == PLX_EINVAL ? PLX_EVERSION : status;
}

int plx_takeover_open(plx_takeover **takeover_out, const char *address, uint64_t timeout_ns)
{
    *takeover_out = NULL;
    int status = plx__sockets_start();
    if (status != 0)
        return status;
    plx_takeover *t = plx__allocate_zeroed(1, sizeof *t);
    if (t == NULL) {
        plx__sockets_end();
        return PLX_ENOMEM;
    }
    t->channel = PLX_SOCKET_NONE;
    timeout_start(t, timeout_ns);
    status = plx_sockets_open(&t->sockets);
    if (status == 0)
        status = channel_open(t, address);
    if (status == 0)
        status = offer_receive(t);
    if (status != 0) {
        plx_takeover_close(t);
        return status;
    }
    *takeover_out = t;
    return 0;
}

plx_sockets *plx_takeover_sockets(plx_takeover *takeover)
{
    return takeover->sockets;
}

int plx_takeover_confirm(plx_takeover *takeover, uint64_t timeout_ns)
{
    plx__frame yours;
    timeout_start(takeover, timeout_ns);
    /* What is there already is a refusal, or the end: whoever sends then may lose it on Windows. */
    if (plx__socket_look(takeover->channel, PLX__LOOK_READ) == 0)
        frame_send(takeover, PLX__FRAME_CONFIRM);
    int status = frame_expect(takeover, PLX__FRAME_YOURS, &yours);
    return status == PLX_EEOF ? 0 : status;
}

void plx_takeover_close(plx_takeover *takeover)
{
    if (takeover == NULL)
        return;
    plx__socket_close(takeover->channel);
    while (takeover->received_count > 0)
        plx_socket_close(takeover->received[--takeover->received_count]);
    plx_sockets_close(takeover->sockets);
    plx__free(takeover);
    plx__sockets_end();
}
