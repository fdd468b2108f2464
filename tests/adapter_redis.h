/* tests/adapter_redis.h - a small server of the Redis protocol (RESP 2), for hiredis to talk to.
 *
 * Its commands: PING; SET and GET, of one key; SUBSCRIBE and PUBLISH, of one channel, "news"; HANG,
 * which is not answered; HALF, with a part of an answer, and the end; LEAVE, with a reset.
 */
#ifndef ADAPTER_REDIS_H
#define ADAPTER_REDIS_H

#include "tests/harness.h"

enum { REDIS_VALUE_BYTES = 2 * 1024 * 1024 };

/* Static in each case: the loop closes its connections after the case has returned. */
typedef struct redis {
    char address[PLX_ADDRESS_TEXT_MAX];
    char *value; /* Of the only key. */
    size_t value_length;
    size_t asked;          /* Commands. */
    size_t opened, closed; /* Connections. */
    plx_conn subscriber;
} redis;

void redis_open(world *w, redis *r);
void redis_close(redis *r);

#endif
