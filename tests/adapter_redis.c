/* tests/adapter_redis.c - a small server of the Redis protocol. */
#include "tests/adapter_redis.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 4 };

static char value[REDIS_VALUE_BYTES]; /* Of the only key. */
static size_t value_length;
static plx_conn subscriber;

typedef struct word {
    const char *text;
    size_t length;
} word;

/* Reads "X<number>\r\n" at `*at`. Whether it is complete. */
static bool number_read(const char *bytes, size_t length, size_t *at, char mark, size_t *number_out)
{
    size_t i = *at;
    *number_out = 0;
    if (i >= length)
        return false;
    ck_assert_int_eq(bytes[i], mark);
    for (i++; i < length && bytes[i] != '\r'; i++)
        *number_out = *number_out * 10 + (size_t)(bytes[i] - '0');
    if (i + 2 > length)
        return false;
    *at = i + 2;
    return true;
}

/* Reads one command. Returns its length in bytes, or 0 if it is not complete. */
static size_t command_read(const char *bytes, size_t length, word *words, size_t *count_out)
{
    size_t at = 0;
    if (!number_read(bytes, length, &at, '*', count_out))
        return 0;
    ck_assert_uint_le(*count_out, WORDS_MAX);
    for (size_t i = 0; i < *count_out; i++) {
        if (!number_read(bytes, length, &at, '$', &words[i].length))
            return 0;
        words[i].text = bytes + at;
        at += words[i].length + 2;
        if (at > length)
            return 0;
    }
    return at;
}

static bool word_is(const word *w, const char *text)
{
    return w->length == strlen(text) && memcmp(w->text, text, w->length) == 0;
}

static void say(plx_loop *loop, plx_conn conn, const char *text)
{
    ck_ok(plx_conn_write(loop, conn, text, strlen(text)));
}

static void bulk_say(plx_loop *loop, plx_conn conn, const char *bytes, size_t length)
{
    char head[32];
    (void)snprintf(head, sizeof head, "$%lu\r\n", (unsigned long)length);
    say(loop, conn, head);
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    say(loop, conn, "\r\n");
}

/* Whether the connection goes on. */
static bool serve(plx_loop *loop, plx_conn conn, const word *words)
{
    the_server.asked++;
    if (word_is(&words[0], "PING")) {
        say(loop, conn, "+PONG\r\n");
    } else if (word_is(&words[0], "SET")) {
        ck_assert_uint_le(words[2].length, sizeof value);
        memcpy(value, words[2].text, words[2].length);
        value_length = words[2].length;
        say(loop, conn, "+OK\r\n");
    } else if (word_is(&words[0], "GET")) {
        bulk_say(loop, conn, value, value_length);
    } else if (word_is(&words[0], "HALF")) {
        say(loop, conn, "$100\r\nnot so many");
        ck_ok(plx_conn_shutdown(loop, conn));
        return false;
    } else if (word_is(&words[0], "LEAVE")) {
        ck_ok(plx_conn_reset(loop, conn));
        return false;
    } else if (word_is(&words[0], "SUBSCRIBE")) {
        subscriber = conn;
        say(loop, conn, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    } else if (word_is(&words[0], "PUBLISH")) {
        say(loop, subscriber, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n");
        bulk_say(loop, subscriber, words[2].text, words[2].length);
        say(loop, conn, ":1\r\n");
    } else {
        ck_assert(word_is(&words[0], "HANG"));
    }
    return true;
}

static size_t serve_data(plx_loop *loop, plx_conn conn, probe *conns, const void *bytes,
                         size_t length)
{
    word words[WORDS_MAX];
    size_t count, consumed = 0, taken;
    (void)conns;
    while ((taken = command_read((const char *)bytes + consumed, length - consumed, words,
                                 &count)) != 0) {
        if (!serve(loop, conn, words))
            return length;
        consumed += taken;
    }
    return consumed;
}

void redis_open(world *w)
{
    (void)server_open(w, serve_data);
}

size_t redis_value_length(void)
{
    return value_length;
}
