/* tests/adapter_hiredis.c - hiredis's asynchronous context on a loop, with a small server of the
 * Redis protocol on the same loop. */
#include <pollux/adapters/hiredis.h>

#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

enum { VALUE_BYTES = 2 * 1024 * 1024, WORDS_MAX = 4 };

/* --- the server: PING, SET, GET, HANG, HALF, LEAVE, SUBSCRIBE, PUBLISH
 * -----------------------------
 */

typedef struct word {
    const char *text;
    size_t length;
} word;

/* Static in each case: the loop closes its connections after the case has returned. */
typedef struct server {
    char address[PLX_ADDRESS_TEXT_MAX];
    char *value; /* Of the only key. */
    size_t value_length;
    size_t asked;
    size_t opened, closed;
    plx_conn subscriber;
} server;

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
static bool serve(plx_loop *loop, plx_conn conn, server *s, const word *words)
{
    s->asked++;
    if (word_is(&words[0], "PING")) {
        say(loop, conn, "+PONG\r\n");
    } else if (word_is(&words[0], "SET")) {
        free(s->value);
        s->value = malloc(words[2].length + 1);
        ck_assert_ptr_nonnull(s->value);
        memcpy(s->value, words[2].text, words[2].length);
        s->value_length = words[2].length;
        say(loop, conn, "+OK\r\n");
    } else if (word_is(&words[0], "GET")) {
        bulk_say(loop, conn, s->value, s->value_length);
    } else if (word_is(&words[0], "HALF")) {
        say(loop, conn, "$100\r\nnot so many");
        ck_ok(plx_conn_shutdown(loop, conn));
        return false;
    } else if (word_is(&words[0], "LEAVE")) {
        ck_ok(plx_conn_reset(loop, conn));
        return false;
    } else if (word_is(&words[0], "SUBSCRIBE")) {
        s->subscriber = conn;
        say(loop, conn, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    } else if (word_is(&words[0], "PUBLISH")) {
        say(loop, s->subscriber, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n");
        bulk_say(loop, s->subscriber, words[2].text, words[2].length);
        say(loop, conn, ":1\r\n");
    } else {
        ck_assert(word_is(&words[0], "HANG"));
    }
    return true;
}

static size_t serve_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                         size_t length)
{
    word words[WORDS_MAX];
    size_t count, consumed = 0, taken;
    while ((taken = command_read((const char *)bytes + consumed, length - consumed, words,
                                 &count)) != 0) {
        if (!serve(loop, conn, data, words))
            return length;
        consumed += taken;
    }
    return consumed;
}

static void serve_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)conn;
    ((server *)data)->opened++;
}

static void serve_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)reason;
    ((server *)data)->closed++;
}

static void server_open(world *w, server *s)
{
    const plx_conn_options options = {.on_open = serve_open,
                                      .on_data = serve_data,
                                      .on_close = serve_close,
                                      .data = s,
                                      .send_max = (size_t)2 * VALUE_BYTES,
                                      .receive_limit = (size_t)2 * VALUE_BYTES};
    memset(s, 0, sizeof *s);
    (void)listen_at(w, &options, s->address);
}

static void server_close(server *s)
{
    free(s->value);
}

/* --- the client ----------------------------------------------------------------------------------
 */

typedef struct client {
    redisAsyncContext *context;
    size_t connected, disconnected, replied;
    size_t lost; /* Commands that ended without a reply. */
    int connect_status, disconnect_status;
    size_t bytes;  /* Of the last reply, if it was a string. */
    char text[32]; /* The beginning of it. */
    void (*then_reply)(struct client *c);
} client;

static void on_connect(const redisAsyncContext *context, int status)
{
    client *c = context->data;
    c->connected++;
    c->connect_status = status;
    if (status != REDIS_OK)
        c->context = NULL; /* hiredis frees it. */
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    client *c = context->data;
    c->disconnected++;
    c->disconnect_status = status;
    c->context = NULL;
}

static void on_reply(redisAsyncContext *context, void *data, void *privdata)
{
    client *c = privdata;
    const redisReply *reply = data;
    (void)context;
    c->replied++;
    if (reply == NULL) {
        c->lost++;
    } else {
        const redisReply *last =
            reply->type == REDIS_REPLY_ARRAY ? reply->element[reply->elements - 1] : reply;
        c->bytes = (size_t)last->len;
        if (last->str != NULL)
            (void)snprintf(c->text, sizeof c->text, "%s", last->str);
    }
    if (c->then_reply != NULL)
        c->then_reply(c);
}

static redisAsyncContext *context_open(const char *address)
{
    char host[PLX_ADDRESS_TEXT_MAX];
    unsigned port;
    ck_assert_int_eq(sscanf(address, "tcp://%100[^:]:%u", host, &port), 2);
    redisAsyncContext *context = redisAsyncConnect(host, (int)port);
    ck_assert_ptr_nonnull(context);
    ck_assert_msg(context->err == 0, "%s", context->errstr);
    return context;
}

static void client_open(world *w, client *c, const char *address)
{
    memset(c, 0, sizeof *c);
    c->context = context_open(address);
    c->context->data = c;
    ck_ok(plx_redis_attach(w->loop, c->context));
    ck_assert_int_eq(redisAsyncSetConnectCallback(c->context, on_connect), REDIS_OK);
    ck_assert_int_eq(redisAsyncSetDisconnectCallback(c->context, on_disconnect), REDIS_OK);
}

static void client_ask(client *c, const char *command)
{
    ck_assert_int_eq(redisAsyncCommand(c->context, on_reply, c, command), REDIS_OK);
}

/* --- the cases -----------------------------------------------------------------------------------
 */

static void commands_are_answered(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "PING");
    turn_until(w, &c.replied, 1);
    ck_assert_uint_eq(c.connected, 1);
    ck_assert_int_eq(c.connect_status, REDIS_OK);
    ck_assert_str_eq(c.text, "PONG");
    for (size_t i = 1; i <= 100; i++) {
        client_ask(&c, "SET key value");
        client_ask(&c, "GET key");
        if (i % 10 == 0)
            turn_until(w, &c.replied, 1 + 2 * i);
    }
    ck_assert_str_eq(c.text, "value");
    ck_assert_uint_eq(c.lost, 0);
    redisAsyncDisconnect(c.context);
    ck_assert_uint_eq(c.disconnected, 1);
    ck_assert_int_eq(c.disconnect_status, REDIS_OK);
    turn_until(w, &s.closed, 1);
    server_close(&s);
}

/* More than the system's buffers hold, both ways: hiredis has to wait for room. */
static void large_value_passes(world *w)
{
    static char value[VALUE_BYTES];
    static server s;
    client c;
    memset(value, 'v', sizeof value);
    server_open(w, &s);
    client_open(w, &c, s.address);
    ck_assert_int_eq(redisAsyncCommand(c.context, on_reply, &c, "SET key %b", value, sizeof value),
                     REDIS_OK);
    client_ask(&c, "GET key");
    turn_until(w, &c.replied, 2);
    ck_assert_uint_eq(c.bytes, sizeof value);
    ck_assert_uint_eq(s.value_length, sizeof value);
    redisAsyncFree(c.context);
    server_close(&s);
}

static void subscription_is_told(world *w)
{
    static server s;
    client c, other;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_open(w, &other, s.address);
    client_ask(&c, "SUBSCRIBE news");
    turn_until(w, &c.replied, 1);
    for (size_t i = 1; i <= 3; i++) {
        client_ask(&other, "PUBLISH news hello");
        turn_until(w, &other.replied, i);
        turn_until(w, &c.replied, i + 1);
    }
    ck_assert_str_eq(c.text, "hello");
    redisAsyncFree(c.context);
    redisAsyncFree(other.context);
    server_close(&s);
}

/* An idle context costs nothing: it waits for reading alone. */
static void idle_context_is_quiet(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "PING");
    turn_until(w, &c.replied, 1);
    turn_some(w);
    uint64_t before = counter(w, completions);
    turn_some(w);
    ck_assert_uint_le(counter(w, completions), before + 1);
    redisAsyncFree(c.context);
    server_close(&s);
}

static void refusal_is_told(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(address);
    client c;
    client_open(w, &c, address);
    client_ask(&c, "PING");
    turn_until(w, &c.connected, 1);
    ck_assert_int_eq(c.connect_status, REDIS_ERR);
    ck_assert_uint_eq(c.lost, 1);
    ck_ok(plx_loop_run(w->loop)); /* Nothing is left on the loop. */
    plx__socket_close(refusing);
}

/* A context that nobody sends a command on learns of it too. */
static void refusal_is_told_without_a_command(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(address);
    client c;
    client_open(w, &c, address);
    turn_until(w, &c.connected, 1);
    ck_assert_int_eq(c.connect_status, REDIS_ERR);
    plx__socket_close(refusing);
}

static void end_midway_is_told(world *w)
{
    static const char *const commands[] = {"HALF", "LEAVE"};
    static server s;
    client c;
    server_open(w, &s);
    for (size_t i = 0; i < 2; i++) {
        client_open(w, &c, s.address);
        client_ask(&c, "PING");
        turn_until(w, &c.replied, 1);
        client_ask(&c, commands[i]);
        client_ask(&c, "PING");
        turn_until(w, &c.disconnected, 1);
        ck_assert_int_eq(c.disconnect_status, REDIS_ERR);
        ck_assert_uint_eq(c.replied, 3);
        ck_assert_uint_eq(c.lost, 2);
        ck_assert_uint_eq(counter(w, sockets_lost), 0);
    }
    server_close(&s);
}

static void free_it(client *c)
{
    redisAsyncContext *context = c->context;
    c->context = NULL;
    if (context != NULL)
        redisAsyncFree(context);
}

static void context_is_freed_in_a_reply(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    c.then_reply = free_it;
    client_ask(&c, "PING");
    client_ask(&c, "HANG");
    turn_until(w, &c.disconnected, 1);
    ck_assert_uint_eq(c.replied, 2);
    ck_assert_uint_eq(c.lost, 1);
    turn_until(w, &s.closed, 1);
    server_close(&s);
}

static void disconnect_it(client *c)
{
    redisAsyncDisconnect(c->context);
}

static void context_disconnects_in_a_reply(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    c.then_reply = disconnect_it;
    client_ask(&c, "PING");
    turn_until(w, &c.disconnected, 1);
    ck_assert_int_eq(c.disconnect_status, REDIS_OK);
    ck_assert_uint_eq(c.replied, 1);
    turn_until(w, &s.closed, 1);
    server_close(&s);
}

/* It is readable and writable at once, and is freed while it is read. */
static void context_is_freed_with_more_to_write(world *w)
{
    static char value[VALUE_BYTES];
    static server s;
    client c;
    memset(value, 'v', sizeof value);
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "PING");
    turn_until(w, &c.replied, 1);
    c.then_reply = free_it;
    client_ask(&c, "PING");
    ck_assert_int_eq(redisAsyncCommand(c.context, on_reply, &c, "SET key %b", value, sizeof value),
                     REDIS_OK);
    turn_until(w, &c.disconnected, 1);
    ck_assert_uint_eq(c.replied, 3);
    turn_until(w, &s.closed, 1);
    server_close(&s);
}

static void freed_while_connecting(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "PING");
    redisAsyncFree(c.context);
    ck_assert_uint_eq(c.lost, 1);
    turn_some(w);
    server_close(&s);
}

static void loop_closes_first(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "HANG");
    turn_until(w, &s.asked, 1);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    plx_redis_loop_closed(c.context);
    client_ask(&c, "PING");
    redisAsyncFree(c.context);
    ck_assert_uint_eq(c.lost, 2);
    server_close(&s);
}

static void attach_is_refused(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    ck_assert_int_eq(plx_redis_attach(w->loop, c.context), PLX_EEXIST);
    redisAsyncFree(c.context);
    redisAsyncContext *bad = redisAsyncConnectUnix("/nonexistent/socket");
    ck_assert_ptr_nonnull(bad);
    ck_assert_int_eq(plx_redis_attach(w->loop, bad), PLX_EINVAL);
    plx_redis_loop_closed(bad);
    redisAsyncFree(bad);
    server_close(&s);
}

/* Whichever allocation of the loop fails while it attaches: nothing is left behind. */
static void memory_runs_out(world *w)
{
    size_t failed = 0;
    bool struck = true;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listening = socket_listening(address);
    for (uint32_t first = 0; struck; first++) {
        world_reopen(w, (plx_loop_options){0});
        redisAsyncContext *context = context_open(address);
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        int status = plx_redis_attach(w->loop, context);
        struck = plx__fault_disarm(PLX__FAULT_MEMORY) != 0;
        failed += status != 0;
        ck_assert(status == 0 || status == PLX_ENOMEM);
        ck_assert(status == 0 || context->ev.data == NULL);
        redisAsyncFree(context);
        ck_ok(plx_loop_run(w->loop));
    }
    ck_assert_uint_gt(failed, 1);
    plx__socket_close(listening);
}

#if HIREDIS_MAJOR >= 1
/* Only the timer can tell of this. */
static void silence_times_out(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    ck_assert_int_eq(redisAsyncSetTimeout(c.context, (struct timeval){.tv_usec = 50000}), REDIS_OK);
    client_ask(&c, "HANG");
    turn_until(w, &c.disconnected, 1);
    ck_assert_int_eq(c.disconnect_status, REDIS_ERR);
    ck_assert_uint_eq(c.lost, 1);
    server_close(&s);
}
#else
/* This hiredis has no timeouts, and no hook for them: the adapter's timer has nothing to do. */
static void silence_times_out(world *w)
{
    static server s;
    client c;
    server_open(w, &s);
    client_open(w, &c, s.address);
    client_ask(&c, "HANG");
    turn_until(w, &s.asked, 1);
    turn_some(w);
    ck_assert_uint_eq(counter(w, timers_fired), 0);
    redisAsyncFree(c.context);
    server_close(&s);
}
#endif

static const test_case cases[] = {
    CASE(commands_are_answered),
    CASE(large_value_passes),
    CASE(subscription_is_told),
    CASE(idle_context_is_quiet),
    CASE(refusal_is_told),
    CASE(refusal_is_told_without_a_command),
    CASE(end_midway_is_told),
    CASE(context_is_freed_in_a_reply),
    CASE(context_disconnects_in_a_reply),
    CASE(context_is_freed_with_more_to_write),
    CASE(freed_while_connecting),
    CASE(loop_closes_first),
    CASE(attach_is_refused),
    CASE(memory_runs_out),
    CASE(silence_times_out),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {cases, NULL};
    return suite_main(argc, argv, groups, true);
}
