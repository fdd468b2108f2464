/* bench/http.c - the bytes of the responses, and the slow half of the handler. */
#include "bench/http.h"

#include <string.h>

char bench_responses[BENCH_RESPONSES_MAX * BENCH_RESPONSE_BYTES];

void bench_responses_init(void)
{
    for (size_t i = 0; i < BENCH_RESPONSES_MAX; i++)
        memcpy(bench_responses + i * BENCH_RESPONSE_BYTES, BENCH_RESPONSE, BENCH_RESPONSE_BYTES);
}

size_t bench_http_feed_slowly(uint8_t *matched, const char *bytes, size_t length)
{
    size_t requests = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\r') {
            *matched = *matched == 2 ? 3 : 1;
        } else if (bytes[i] == '\n' && (*matched == 1 || *matched == 3)) {
            requests += *matched == 3;
            *matched = *matched == 3 ? 0 : 2;
        } else {
            *matched = 0;
        }
    }
    return requests < BENCH_RESPONSES_MAX ? requests : BENCH_RESPONSES_MAX;
}
