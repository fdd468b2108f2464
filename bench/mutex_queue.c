/* bench/mutex_queue.c - the queue, and the function that it carries. */
#include "bench/mutex_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "bench/contestant.h"

typedef struct queued {
    bool (*run)(void *data);
    void *data;
} queued;

typedef struct queued_array {
    queued *at;
    size_t count;
    size_t room;
} queued_array;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static queued_array filling;
static queued_array running;

static bool on_post(void *data)
{
    (void)data;
    return bench_post_ran();
}

enum mutex_queue_pushed mutex_queue_push(size_t max)
{
    (void)pthread_mutex_lock(&mutex);
    if (max != 0 && filling.count == max) {
        (void)pthread_mutex_unlock(&mutex);
        return MUTEX_QUEUE_FULL;
    }
    if (filling.count == filling.room) {
        filling.room = filling.room == 0 ? 1024 : filling.room * 2;
        filling.at = realloc(filling.at, filling.room * sizeof *filling.at);
        if (filling.at == NULL)
            bench_fail("out of memory");
    }
    filling.at[filling.count++] = (queued){on_post, NULL};
    bool was_empty = filling.count == 1;
    (void)pthread_mutex_unlock(&mutex);
    return was_empty ? MUTEX_QUEUE_FIRST : MUTEX_QUEUE_MORE;
}

bool mutex_queue_run(void)
{
    bool goes_on = true;
    (void)pthread_mutex_lock(&mutex);
    queued_array taken = filling;
    filling = running;
    (void)pthread_mutex_unlock(&mutex);
    for (size_t i = 0; i < taken.count; i++)
        goes_on = taken.at[i].run(taken.at[i].data);
    taken.count = 0;
    running = taken;
    return goes_on;
}
