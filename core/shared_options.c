/* core/shared_options.c - options of connections: fills in defaults, and counts who shares them. */
#include "core/shared_options.h"

#include <string.h>

#define CONNECT_TIMEOUT_NS  (30 * PLX_SECOND)
#define SEND_HIGH_BYTES     262144u
#define RECEIVE_LIMIT_BYTES 1048576u
#define FLAGS_KNOWN                                                                                \
    (PLX_CONN_READ_WHILE_HIGH | PLX_CONN_DELAY | PLX_CONN_PAUSED | PLX_CONN_ACCEPTED |             \
     PLX__CONN_OPTION_STAGED)

static uint64_t or_default(uint64_t value, uint64_t by_default)
{
    return value != 0 ? value : by_default;
}

static size_t discard(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)bytes;
    return length;
}

static void quiet_max_update(plx__shared_options *shared)
{
    const plx_conn_options *options = &shared->options;
    shared->quiet_max_ns = options->idle_timeout_ns < options->read_timeout_ns
                               ? options->idle_timeout_ns
                               : options->read_timeout_ns;
}

/* `filled` is all zero, so that two of the same options are the same bytes. */
static int options_fill(plx_conn_options *filled, const plx_conn_options *given)
{
    filled->on_open = given->on_open;
    filled->on_data = given->on_data != NULL ? given->on_data : discard;
    filled->on_drain = given->on_drain;
    filled->on_end = given->on_end;
    filled->on_close = given->on_close;
    filled->on_release = given->on_release;
    filled->connect_timeout_ns = or_default(given->connect_timeout_ns, CONNECT_TIMEOUT_NS);
    filled->idle_timeout_ns = or_default(given->idle_timeout_ns, PLX_FOREVER);
    filled->read_timeout_ns = or_default(given->read_timeout_ns, PLX_FOREVER);
    filled->write_timeout_ns = or_default(given->write_timeout_ns, PLX_FOREVER);
    filled->send_high = given->send_high != 0 ? given->send_high : SEND_HIGH_BYTES;
    filled->send_low = given->send_low != 0 ? given->send_low : filled->send_high / 4;
    size_t four_times = filled->send_high <= SIZE_MAX / 4 ? 4 * filled->send_high : SIZE_MAX;
    filled->send_max = given->send_max != 0 ? given->send_max : four_times;
    filled->receive_limit = given->receive_limit != 0 ? given->receive_limit : RECEIVE_LIMIT_BYTES;
    filled->flags = given->flags;
    if (filled->send_low > filled->send_high || filled->send_high > filled->send_max ||
        (filled->flags & ~(uint32_t)FLAGS_KNOWN) != 0)
        return PLX_EINVAL;
    return 0;
}

int plx__shared_options_open(plx__shared_options **shared_out, const plx_conn_options *options)
{
    plx__shared_options *shared = plx__allocate_zeroed(1, sizeof *shared);
    if (shared == NULL)
        return PLX_ENOMEM;
    int status = options_fill(&shared->options, options);
    if (status != 0) {
        plx__free(shared);
        return status;
    }
    shared->references = 1;
    quiet_max_update(shared);
    *shared_out = shared;
    return 0;
}

int plx__shared_options_find(plx_loop *loop, plx__shared_options **shared_out,
                             const plx_conn_options *options)
{
    plx__shared_options *made;
    plx__shared_options *last = loop->shared_last;
    int status = plx__shared_options_open(&made, options);
    if (status != 0)
        return status;
    if (last != NULL && memcmp(&last->options, &made->options, sizeof made->options) == 0) {
        plx__shared_options_release(made);
        made = last;
    } else {
        if (last != NULL)
            plx__shared_options_release(last);
        loop->shared_last = made;
    }
    made->references++;
    *shared_out = made;
    return 0;
}

void plx__shared_options_close(plx__shared_options *shared)
{
    if (shared->base != NULL)
        plx__shared_options_release(shared->base);
    plx__free(shared);
}

static uint64_t *timeout_of(plx__shared_options *shared, enum plx_timeout which)
{
    switch (which) {
    case PLX_TIMEOUT_IDLE:
        return &shared->options.idle_timeout_ns;
    case PLX_TIMEOUT_READ:
        return &shared->options.read_timeout_ns;
    case PLX_TIMEOUT_WRITE:
        return &shared->options.write_timeout_ns;
    }
    return NULL;
}

/* The reference becomes the copy's. */
static int shared_own(plx__shared_options **shared)
{
    plx__shared_options *own = plx__allocate(sizeof *own);
    if (own == NULL)
        return PLX_ENOMEM;
    *own = **shared;
    own->references = 1;
    own->base = *shared;
    *shared = own;
    return 0;
}

int plx__shared_options_timeout_set(plx__shared_options **shared, enum plx_timeout which,
                                    uint64_t timeout_ns)
{
    plx__shared_options *base = (*shared)->base != NULL ? (*shared)->base : *shared;
    const uint64_t *now_ns = timeout_of(*shared, which);
    if (now_ns == NULL)
        return PLX_EINVAL;
    if (timeout_ns == 0)
        timeout_ns = *timeout_of(base, which);
    if (timeout_ns == *now_ns)
        return 0;
    int status = *shared == base ? shared_own(shared) : 0;
    if (status != 0)
        return status;
    *timeout_of(*shared, which) = timeout_ns;
    quiet_max_update(*shared);
    return 0;
}
