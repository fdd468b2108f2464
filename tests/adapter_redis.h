/* tests/adapter_redis.h - a small server of the Redis protocol (RESP 2), for hiredis to talk to.
 *
 * Its commands: PING; SET and GET, of one key; SUBSCRIBE and PUBLISH, of one channel, "news"; HANG,
 * which is not answered; HALF, with a part of an answer, and the end; LEAVE, with a reset.
 */
#ifndef ADAPTER_REDIS_H
#define ADAPTER_REDIS_H

#include "tests/adapter_fixture.h"

enum { REDIS_VALUE_BYTES = 2 * 1024 * 1024 };

/* Has the_server speak it. */
void redis_open(world *w);
/* The length of the key's value. */
size_t redis_value_length(void);

#endif
