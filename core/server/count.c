/* core/server/count.c - the counters of all loops, each read on its own thread.
 *
 * Each loop gets a post. One that has ended is read where it ended; one that is just ending, and
 * one that cannot be told for want of memory, when it has.
 */
#include "core/server/server.h"

#include "platform/sized.h"

typedef struct plx__count plx__count;

struct plx_server_counts {
    plx_loop_stats total;
    plx_loop_stats *each;
    uint32_t loops;
};

/* What one loop has to do with it. */
typedef struct plx__count_part {
    plx__count *count;
    plx__worker *worker;
    struct plx__count_part *next; /* Of those that wait for the end of the same loop. */
} plx__count_part;

struct plx__count {
    plx_server *server;
    plx_server_count_fn on_count;
    void *data;
    plx__atomic_u32 left; /* Parts that are not done. */
    plx_server_counts counts;
    plx__count_part *parts;
};

static void count_free(plx__count *count)
{
    plx__free(count->counts.each);
    plx__free(count->parts);
    plx__free(count);
}

static plx__count *count_open(plx_server *server, plx_server_count_fn on_count, void *data)
{
    plx__count *count = plx__allocate_zeroed(1, sizeof *count);
    if (count == NULL)
        return NULL;
    *count = (plx__count){.server = server, .on_count = on_count, .data = data};
    count->counts.each = plx__allocate_zeroed(server->loops_count, sizeof *count->counts.each);
    count->parts = plx__allocate_zeroed(server->loops_count, sizeof *count->parts);
    if (count->counts.each == NULL || count->parts == NULL) {
        count_free(count);
        return NULL;
    }
    count->counts.loops = server->loops_count;
    plx__atomic_store(&count->left, server->loops_count);
    return count;
}

/* The struct has counters of 64 bits, and nothing else. */
void plx__loop_stats_add(plx_loop_stats *total, const plx_loop_stats *one)
{
    uint64_t *sum = (uint64_t *)(void *)total;
    const uint64_t *value = (const uint64_t *)(const void *)one;
    for (size_t i = 0; i < sizeof *total / sizeof *sum; i++)
        sum[i] += value[i];
}

void plx__count_read(const plx__worker *worker, plx_loop_stats *stats_out)
{
    plx_loop_stats_get(worker->loop, stats_out);
    if (worker->server->is_parent)
        plx__loop_stats_add(stats_out, &worker->server->children_final);
}

static void part_done(plx__count_part *part)
{
    plx__count *count = part->count;
    if (plx__atomic_add(&count->left, UINT32_MAX) != 1)
        return;
    for (uint32_t i = 0; i < count->counts.loops; i++)
        plx__loop_stats_add(&count->counts.total, &count->counts.each[i]);
    plx__server_call_begin(count->server);
    count->on_count(count->server, &count->counts, count->data);
    plx__server_call_end(count->server);
    count_free(count);
}

static void part_count(plx_loop *loop, void *data, int status)
{
    plx__count_part *part = data;
    (void)loop;
    (void)status; /* The loop may be ending: its counters are there. */
    plx__count_read(part->worker, &part->count->counts.each[part->worker->index]);
    part_done(part);
}

/* Now, if the loop has ended; or when it has. */
static void part_count_ended(plx__count_part *part)
{
    plx__worker *worker = part->worker;
    plx_server *server = worker->server;
    plx__mutex_lock(&server->mutex);
    bool has_ended = worker->has_ended;
    if (has_ended) {
        part->count->counts.each[worker->index] = worker->final;
    } else {
        part->next = worker->counts;
        worker->counts = part;
    }
    plx__mutex_unlock(&server->mutex);
    if (has_ended)
        part_done(part);
}

void plx__count_ended(plx__worker *worker)
{
    plx_server *server = worker->server;
    plx__mutex_lock(&server->mutex);
    plx__count_part *part = worker->counts;
    worker->counts = NULL;
    plx__mutex_unlock(&server->mutex);
    for (plx__count_part *next; part != NULL; part = next) {
        next = part->next;
        part->count->counts.each[worker->index] = worker->final;
        part_done(part);
    }
}

int plx_server_count(plx_server *server, plx_server_count_fn on_count, void *data)
{
    if (on_count == NULL)
        return PLX_EINVAL;
    plx__count *count = count_open(server, on_count, data);
    if (count == NULL)
        return PLX_ENOMEM;
    const uint32_t loops = count->counts.loops; /* `count` is freed with the last part. */
    for (uint32_t i = 0; i < loops; i++) {
        plx__count_part *part = &count->parts[i];
        part->count = count;
        part->worker = &server->workers[i];
        if (plx__server_post(part->worker->loop, part_count, part) != 0)
            part_count_ended(part);
    }
    return 0;
}

uint32_t plx_server_counts_loops(const plx_server_counts *counts)
{
    return counts->loops;
}

void plx_server_counts_total_sized(const plx_server_counts *counts, plx_loop_stats *stats_out,
                                   size_t stats_bytes)
{
    plx__sized_give(stats_out, stats_bytes, &counts->total, sizeof counts->total);
}

int plx_server_counts_get_sized(const plx_server_counts *counts, uint32_t index,
                                plx_loop_stats *stats_out, size_t stats_bytes)
{
    if (index >= counts->loops)
        return PLX_EINVAL;
    plx__sized_give(stats_out, stats_bytes, &counts->each[index], sizeof counts->each[index]);
    return 0;
}

void plx_server_stats_get_sized(plx_server *server, plx_server_stats *stats_out, size_t stats_bytes)
{
    plx__mutex_lock(&server->mutex);
    plx_server_stats stats = server->stats;
    plx__mutex_unlock(&server->mutex);
    if (server->limits != NULL)
        stats.clients = plx__limits_clients(server->limits);
    plx__sized_give(stats_out, stats_bytes, &stats, sizeof stats);
}
