/* backends/sim/pipe.c - owns bytes on their way.
 *
 * What one call sends is a chunk, which arrives as a whole, after all that was sent before. The
 * pipe has room for so many bytes, be they on their way, here and not received, or received without
 * the sender knowing of it yet.
 */
#include "backends/sim/sim.h"

#include <string.h>

#define RING_FIRST 1024u

static uint32_t used(const plx__sim_pipe *pipe)
{
    return pipe->readable + pipe->in_flight + pipe->returning;
}

uint32_t plx__sim_room(const plx__sim_socket *socket)
{
    if (socket->other == NULL) /* It does not know yet: what it sends is lost. */
        return UINT32_MAX;
    return socket->other->input.room - used(&socket->other->input);
}

/* Copies the first bytes that are in the ring out of it. */
static void bytes_copy(const plx__sim_pipe *pipe, unsigned char *bytes, uint32_t length)
{
    uint32_t first = pipe->ring - pipe->first;
    first = length < first ? length : first;
    if (length == 0)
        return;
    memcpy(bytes, pipe->bytes + pipe->first, first);
    memcpy(bytes + first, pipe->bytes, length - first);
}

/* Most connections never fill their buffer, so the ring grows up to it. 0 or PLX_ENOMEM. */
static int bytes_reserve(plx__sim_pipe *pipe, uint32_t length)
{
    const uint32_t held = pipe->readable + pipe->in_flight;
    if (held + length <= pipe->ring)
        return 0;
    uint32_t ring = pipe->ring > RING_FIRST ? pipe->ring : RING_FIRST;
    while (ring < held + length)
        ring *= 2;
    ring = ring < pipe->room ? ring : pipe->room;
    unsigned char *bytes = plx__allocate(ring);
    if (bytes == NULL)
        return PLX_ENOMEM;
    bytes_copy(pipe, bytes, held);
    plx__free(pipe->bytes);
    pipe->bytes = bytes;
    pipe->ring = ring;
    pipe->first = 0;
    return 0;
}

/* Copies into the ring, behind all that is in it. */
static void bytes_append(plx__sim_pipe *pipe, const unsigned char *bytes, uint32_t length)
{
    uint32_t at =
        (uint32_t)(((uint64_t)pipe->first + pipe->readable + pipe->in_flight) % pipe->ring);
    uint32_t first = length < pipe->ring - at ? length : pipe->ring - at;
    memcpy(pipe->bytes + at, bytes, first);
    memcpy(pipe->bytes, bytes + first, length - first);
    pipe->in_flight += length;
}

/* There is always room for the end of the stream. */
static int chunks_reserve(plx__sim_pipe *pipe)
{
    if (pipe->chunks_count + 2 <= pipe->chunks_room)
        return 0;
    plx__sim_chunk *chunks = plx__allocate(2 * pipe->chunks_room * sizeof *chunks);
    if (chunks == NULL)
        return PLX_ENOMEM;
    for (uint32_t i = 0; i < pipe->chunks_count; i++)
        chunks[i] = pipe->chunks[(pipe->chunks_first + i) % pipe->chunks_room];
    plx__free(pipe->chunks);
    pipe->chunks = chunks;
    pipe->chunks_first = 0;
    pipe->chunks_room *= 2;
    return 0;
}

static void arrive(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_pipe *pipe = &socket->input;
    const plx__sim_chunk chunk = pipe->chunks[pipe->chunks_first];
    pipe->chunks_first = (pipe->chunks_first + 1) % pipe->chunks_room;
    pipe->chunks_count--;
    plx__sim_tell_of(sim, "arrive", socket, chunk.length);
    pipe->in_flight -= chunk.length;
    if (socket->is_reset)
        return;
    if (chunk.length == 0)
        pipe->has_ended = true;
    pipe->readable += chunk.length;
    plx__sim_notify(socket);
}

static void chunk_send(plx_sim *sim, plx__sim_socket *other, uint32_t length)
{
    plx__sim_pipe *pipe = &other->input;
    uint64_t at_ns = sim->now_ns + plx__sim_latency(sim);
    if (at_ns < pipe->arrives_ns)
        at_ns = pipe->arrives_ns;
    if (sim->options.bytes_per_second != 0)
        at_ns += length * PLX_SECOND / sim->options.bytes_per_second;
    pipe->arrives_ns = at_ns;
    uint32_t at = (pipe->chunks_first + pipe->chunks_count++) % pipe->chunks_room;
    pipe->chunks[at].length = length;
    plx__sim_schedule(sim, PLX__SIM_OF_STREAM, arrive, other, at_ns);
}

/* What has arrived is lost. */
static void discard(plx__sim_pipe *pipe)
{
    if (pipe->readable > 0)
        pipe->first = (pipe->first + pipe->readable) % pipe->ring;
    pipe->readable = 0;
}

/* Some systems then discard what has arrived and was not received. */
static void reset(plx_sim *sim, plx__sim_socket *socket)
{
    plx__sim_tell_of(sim, "reset", socket, socket->input.readable);
    socket->is_reset = true;
    socket->error = PLX_ECONNRESET;
    if (plx__sim_chance(sim, 2) == 0)
        discard(&socket->input);
    plx__sim_notify(socket);
}

void plx__sim_reset_schedule(plx_sim *sim, plx__sim_socket *socket, uint64_t after_ns)
{
    uint64_t at_ns = sim->now_ns + after_ns;
    if (socket->is_resetting)
        return;
    socket->is_resetting = true;
    plx__sim_schedule(sim, PLX__SIM_OF_STREAM, reset, socket,
                      at_ns > socket->input.arrives_ns ? at_ns : socket->input.arrives_ns);
}

static int send_reserve(plx_sim *sim, plx__sim_pipe *pipe, uint32_t length)
{
    bool has_room = bytes_reserve(pipe, length) == 0 && chunks_reserve(pipe) == 0 &&
                    plx__sim_events_reserve(sim) == 0;
    return has_room ? 0 : PLX_ENOBUFS;
}

/* Why nothing can be sent at all, or 0. */
static int send_refusal(plx_sim *sim, plx__sim_socket *socket)
{
    if (socket->state != PLX__SIM_CONNECTED)
        return PLX_ENOTCONN;
    if (socket->is_reset)
        return socket->error;
    if (plx__sim_happens(sim, sim->faults.no_buffers))
        return PLX_ENOBUFS;
    if (plx__sim_happens(sim, sim->faults.resets)) {
        plx__sim_reset_schedule(sim, socket, plx__sim_latency(sim));
        if (socket->other != NULL)
            plx__sim_reset_schedule(sim, socket->other, plx__sim_latency(sim));
    }
    return 0;
}

/* The other end has closed, which this one does not know yet: it is told by a reset. */
static ptrdiff_t send_into_void(plx_sim *sim, plx__sim_socket *socket, size_t length)
{
    plx__sim_reset_schedule(sim, socket, 2 * plx__sim_latency(sim));
    size_t taken = length < socket->input.room ? length : socket->input.room;
    plx__sim_tell_of(sim, "send", socket, (int64_t)taken);
    return (ptrdiff_t)taken;
}

static size_t slices_length(const plx__slice *slices, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += slices[i].length;
    return length;
}

ptrdiff_t plx__sim_send(plx_sim *sim, plx__sim_socket *socket, const plx__slice *slices,
                        size_t count)
{
    size_t length = slices_length(slices, count);
    int status = send_refusal(sim, socket);
    if (status != 0)
        return status;
    if (socket->other == NULL)
        return send_into_void(sim, socket, length);
    plx__sim_pipe *pipe = &socket->other->input;
    if (pipe->is_shut)
        return PLX_EPIPE;
    uint32_t room = plx__sim_room(socket);
    uint32_t taken = length < room ? (uint32_t)length : room;
    if (taken == 0)
        return 0;
    if (plx__sim_happens(sim, sim->faults.short_sends))
        taken = 1 + (uint32_t)plx__sim_chance(sim, taken);
    status = send_reserve(sim, pipe, taken);
    if (status != 0)
        return status;
    uint32_t left = taken;
    for (size_t i = 0; left > 0; i++) {
        uint32_t part = slices[i].length < left ? (uint32_t)slices[i].length : left;
        bytes_append(pipe, slices[i].bytes, part);
        left -= part;
    }
    chunk_send(sim, socket->other, taken);
    plx__sim_tell_of(sim, "send", socket, taken);
    return (ptrdiff_t)taken;
}

void plx__sim_shut(plx_sim *sim, plx__sim_socket *socket)
{
    if (socket->other == NULL || socket->other->input.is_shut || socket->is_reset)
        return;
    socket->other->input.is_shut = true;
    plx__sim_tell_of(sim, "shut", socket, 0);
    chunk_send(sim, socket->other, 0);
}

static void room_returned(plx_sim *sim, plx__sim_socket *socket)
{
    if (socket->other != NULL) {
        plx__sim_tell_of(sim, "room", socket, socket->other->input.returning);
        socket->other->input.returning = 0;
    }
    plx__sim_notify(socket); /* What is sent to nobody finds room, too. */
}

/* The sender learns of it with the acknowledgements, which are several at once. */
static void room_return(plx_sim *sim, plx__sim_socket *socket, uint32_t length)
{
    bool is_under_way = socket->input.returning > 0;
    if (socket->other == NULL)
        return;
    socket->input.returning += length;
    if (!is_under_way)
        plx__sim_schedule(sim, PLX__SIM_LATE, room_returned, socket->other,
                          sim->now_ns + plx__sim_latency(sim));
}

ptrdiff_t plx__sim_receive(plx_sim *sim, plx__sim_socket *socket, void *bytes, size_t size)
{
    plx__sim_pipe *pipe = &socket->input;
    if (socket->state != PLX__SIM_CONNECTED)
        return PLX_ENOTCONN;
    if (pipe->readable == 0) {
        if (socket->is_reset)
            return socket->error;
        return pipe->has_ended ? 0 : PLX_EAGAIN;
    }
    uint32_t length = size < pipe->readable ? (uint32_t)size : pipe->readable;
    if (plx__sim_happens(sim, sim->faults.short_receives))
        length = 1 + (uint32_t)plx__sim_chance(sim, length);
    bytes_copy(pipe, bytes, length);
    pipe->first = (pipe->first + length) % pipe->ring;
    pipe->readable -= length;
    plx__sim_tell_of(sim, "receive", socket, length);
    room_return(sim, socket, length);
    return (ptrdiff_t)length;
}

void plx__sim_pipe_free(plx__sim_pipe *pipe)
{
    plx__free(pipe->bytes);
    plx__free(pipe->chunks);
    *pipe = (plx__sim_pipe){.bytes = NULL};
}
