/* core/server/pool.c - threads that call on_socket, each for one socket at a time.
 *
 * They take sockets from the inbox of the loop that accepts. A thread that waits in a receive or a
 * send is ended by shutting its socket down; the thread closes it, so the number cannot be another
 * one's by then.
 */
#include "core/server/server.h"

struct plx__pool_thread {
    plx_server *server;
    plx__thread thread;
    plx_socket socket; /* Under the pool's mutex. */
};

int plx__pool_open(plx_server *server)
{
    plx__pool *pool = &server->pool;
    pool->threads = plx__allocate_zeroed(server->options.handlers, sizeof *pool->threads);
    if (pool->threads == NULL)
        return PLX_ENOMEM;
    plx__mutex_open(&pool->mutex);
    plx__condition_open(&pool->condition);
    return 0;
}

void plx__pool_close(plx_server *server)
{
    plx__pool *pool = &server->pool;
    if (pool->threads == NULL)
        return;
    plx__condition_close(&pool->condition);
    plx__mutex_close(&pool->mutex);
    plx__free(pool->threads);
    pool->threads = NULL;
}

void plx__pool_wake(plx_server *server)
{
    plx__mutex_lock(&server->pool.mutex);
    plx__condition_signal(&server->pool.condition);
    plx__mutex_unlock(&server->pool.mutex);
}

/* Waits for one. False at the end. */
static bool next_take(plx__pool_thread *thread, plx__handoff *handoff_out)
{
    plx__pool *pool = &thread->server->pool;
    plx__inbox *inbox = &thread->server->workers[0].inbox;
    bool has_one;
    plx__mutex_lock(&pool->mutex);
    while (!(has_one = plx__inbox_take(inbox, handoff_out)) && !pool->is_ending)
        (void)plx__condition_wait(&pool->condition, &pool->mutex, PLX_FOREVER);
    if (has_one)
        thread->socket = handoff_out->socket;
    else
        plx__condition_signal(&pool->condition); /* The next thread ends, too. */
    plx__mutex_unlock(&pool->mutex);
    return has_one;
}

static void pool_thread_main(void *data)
{
    plx__pool_thread *thread = data;
    plx_server *server = thread->server;
    plx__handoff handoff;
    while (next_take(thread, &handoff)) {
        int status = plx__handler_call(server, &handoff);
        plx__mutex_lock(&server->pool.mutex);
        thread->socket = PLX_SOCKET_NONE;
        plx__mutex_unlock(&server->pool.mutex);
        if (status == 0) {
            plx_socket_close(handoff.socket);
            plx__free(handoff.bytes);
            plx__handoff_leave(&handoff);
        } else {
            plx__handoff_drop(&handoff);
        }
        plx__inbox_done(&server->workers[0].inbox);
    }
}

int plx__pool_start(plx_server *server)
{
    plx__pool *pool = &server->pool;
    int status = 0;
    while (pool->started < server->options.handlers && status == 0) {
        plx__pool_thread *thread = &pool->threads[pool->started];
        thread->server = server;
        thread->socket = PLX_SOCKET_NONE;
        status = plx__thread_start(&thread->thread, pool_thread_main, thread);
        pool->started += status == 0;
    }
    return status;
}

/* Under the mutex. Returns how many there were. */
static uint32_t sockets_end(plx__pool *pool)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->started; i++) {
        if (pool->threads[i].socket == PLX_SOCKET_NONE)
            continue;
        plx__socket_wait_end(pool->threads[i].socket);
        count++;
    }
    return count;
}

void plx__pool_cut(plx_server *server)
{
    plx__mutex_lock(&server->pool.mutex);
    uint32_t count = sockets_end(&server->pool);
    plx__mutex_unlock(&server->pool.mutex);
    plx__server_tally_many(server, &server->stats.connections_cut, count);
}

void plx__pool_end(plx_server *server)
{
    plx__pool *pool = &server->pool;
    if (pool->started == 0)
        return;
    plx__mutex_lock(&pool->mutex);
    pool->is_ending = true;
    (void)sockets_end(pool);
    plx__condition_signal(&pool->condition);
    plx__mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->started; i++)
        plx__thread_join(&pool->threads[i].thread);
    pool->started = 0;
}
