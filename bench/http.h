/* bench/http.h - the handler that all contestants share: it looks for the ends of requests, and
 * answers each with the same bytes. It parses nothing else, so that what is compared is the loops.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <string.h>

#include "bench/contestant.h"

#define BENCH_REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BENCH_RESPONSE                                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nServer: bench\r\n\r\n"   \
    "Hello, world.\n"
#define BENCH_RESPONSE_BYTES (sizeof(BENCH_RESPONSE) - 1)
#define BENCH_REQUEST_BYTES  (sizeof(BENCH_REQUEST) - 1)
#define BENCH_RESPONSES_MAX  4096 /* More than one receive can ask for, by BENCH_REQUEST. */

#ifdef __cplusplus
extern "C" {
#endif

/* The response, BENCH_RESPONSES_MAX times. */
extern char bench_responses[BENCH_RESPONSES_MAX * BENCH_RESPONSE_BYTES];

void bench_responses_init(void);

/* Where a request that is not complete yet stands: how many bytes of its end have been seen, in
 * bytes that are gone. Slow, for the rare case only. */
size_t bench_http_feed_slowly(uint8_t *matched, const char *bytes, size_t length);

/* Counts the requests that end in these bytes; the last of them ends at `*end_out`. The usual one,
 * whole and alone, is known by a comparison, so that what is counted for each request is the loop
 * and not this handler. In others it looks at every fourth byte (R. N. Horspool, "Practical fast
 * searching in strings", 1980). */
static inline size_t bench_http_scan(const char *bytes, size_t length, size_t *end_out)
{
    if (length == BENCH_REQUEST_BYTES && memcmp(bytes, BENCH_REQUEST, BENCH_REQUEST_BYTES) == 0) {
        *end_out = length;
        return 1;
    }
    size_t requests = 0;
    size_t end = 0;
    for (size_t at = 3; at < length;) {
        if ((unsigned char)bytes[at] > '\r') {
            at += 4;
        } else if (bytes[at] == '\r') {
            at += 1;
        } else if (bytes[at] != '\n') {
            at += 4;
        } else if (bytes[at - 1] == '\r' && bytes[at - 2] == '\n' && bytes[at - 3] == '\r') {
            requests++;
            end = at + 1;
            at += 4;
        } else {
            at += 2;
        }
    }
    *end_out = end;
    return requests < BENCH_RESPONSES_MAX ? requests : BENCH_RESPONSES_MAX;
}

/* The same for loops that keep no bytes: `*matched`, at first 0, carries over what was begun. */
static inline size_t bench_http_feed(uint8_t *matched, const char *bytes, size_t length)
{
    if (*matched != 0)
        return bench_http_feed_slowly(matched, bytes, length);
    size_t end;
    size_t requests = bench_http_scan(bytes, length, &end);
    if (end != length)
        (void)bench_http_feed_slowly(matched, bytes + end, length - end);
    return requests;
}

#ifdef __cplusplus
}
#endif
#endif
