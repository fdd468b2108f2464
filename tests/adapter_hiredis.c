/* tests/adapter_hiredis.c - hiredis's asynchronous context on a loop, with a small server on the
 * same loop. */
#include <pollux/adapters/hiredis.h>

#include <stdio.h>
#include <string.h>

#include "tests/adapter_redis.h"

enum { WATCHES_MAX = 80 };

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
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", (int)address_port(address));
    ck_assert_ptr_nonnull(context);
    ck_assert_msg(context->err == 0, "%s", context->errstr);
    return context;
}

static void client_open_at(world *w, client *c, const char *address)
{
    memset(c, 0, sizeof *c);
    c->context = context_open(address);
    c->context->data = c;
    ck_ok(plx_redis_attach(w->loop, c->context));
    ck_assert_int_eq(redisAsyncSetConnectCallback(c->context, on_connect), REDIS_OK);
    ck_assert_int_eq(redisAsyncSetDisconnectCallback(c->context, on_disconnect), REDIS_OK);
}

/* A client of the server, which opens with the first of them. */
static void client_open(world *w, client *c)
{
    if (the_server.address[0] == '\0')
        redis_open(w);
    client_open_at(w, c, the_server.address);
}

static void client_ask(client *c, const char *command)
{
    ck_assert_int_eq(redisAsyncCommand(c->context, on_reply, c, command), REDIS_OK);
}

static void client_set_large(client *c)
{
    static char value[REDIS_VALUE_BYTES];
    memset(value, 'v', sizeof value);
    ck_assert_int_eq(redisAsyncCommand(c->context, on_reply, c, "SET key %b", value, sizeof value),
                     REDIS_OK);
}

/* Opens a client, and has one command answered. */
static void client_open_and_ask(world *w, client *c, const char *command)
{
    client_open(w, c);
    client_ask(c, command);
    turn_until(w, &c->replied, 1);
}

/* --- the cases -----------------------------------------------------------------------------------
 */

static void commands_are_answered(world *w)
{
    client c;
    client_open_and_ask(w, &c, "PING");
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
    turn_until(w, &the_server.conns.closed, 1);
}

/* More than the system's buffers hold, both ways: hiredis has to wait for room. */
static void large_value_passes(world *w)
{
    client c;
    client_open(w, &c);
    client_set_large(&c);
    client_ask(&c, "GET key");
    turn_until(w, &c.replied, 2);
    ck_assert_uint_eq(c.bytes, REDIS_VALUE_BYTES);
    ck_assert_uint_eq(redis_value_length(), REDIS_VALUE_BYTES);
    redisAsyncFree(c.context);
}

static void subscription_is_told(world *w)
{
    client c, other;
    client_open_and_ask(w, &c, "SUBSCRIBE news");
    client_open(w, &other);
    for (size_t i = 1; i <= 3; i++) {
        client_ask(&other, "PUBLISH news hello");
        turn_until(w, &other.replied, i);
        turn_until(w, &c.replied, i + 1);
    }
    ck_assert_str_eq(c.text, "hello");
    redisAsyncFree(c.context);
    redisAsyncFree(other.context);
}

/* An idle context costs nothing: it waits for reading alone. */
static void idle_context_is_quiet(world *w)
{
    client c;
    client_open_and_ask(w, &c, "PING");
    turn_some(w);
    uint64_t before = counter(w, completions);
    turn_some(w);
    ck_assert_uint_le(counter(w, completions), before + 1);
    redisAsyncFree(c.context);
}

static void refusal_is_told(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(address);
    client c;
    client_open_at(w, &c, address);
    client_ask(&c, "PING");
    turn_until(w, &c.connected, 1);
    ck_assert_int_eq(c.connect_status, REDIS_ERR);
    ck_assert_uint_eq(c.lost, 1);
    ck_ok(plx_loop_run(w->loop)); /* Nothing is left on the loop. */
    plx__socket_close(refusing);
}

/* hiredis has no hook to call yet when it gets its callbacks. */
static void refusal_is_told_to_earlier_callbacks(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(address);
    client c = {.context = context_open(address)};
    c.context->data = &c;
    ck_assert_int_eq(redisAsyncSetConnectCallback(c.context, on_connect), REDIS_OK);
    ck_ok(plx_redis_attach(w->loop, c.context));
    turn_until(w, &c.connected, 1);
    ck_assert_int_eq(c.connect_status, REDIS_ERR);
    plx__socket_close(refusing);
}

static void end_midway_is_told(world *w)
{
    static const char *const commands[] = {"HALF", "LEAVE"};
    client c;
    for (size_t i = 0; i < 2; i++) {
        client_open_and_ask(w, &c, "PING");
        client_ask(&c, commands[i]);
        client_ask(&c, "PING");
        turn_until(w, &c.disconnected, 1);
        ck_assert_int_eq(c.disconnect_status, REDIS_ERR);
        ck_assert_uint_eq(c.replied, 3);
        ck_assert_uint_eq(c.lost, 2);
        ck_assert_uint_eq(counter(w, sockets_lost), 0);
    }
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
    client c;
    client_open(w, &c);
    c.then_reply = free_it;
    client_ask(&c, "PING");
    client_ask(&c, "HANG");
    turn_until(w, &c.disconnected, 1);
    ck_assert_uint_eq(c.replied, 2);
    ck_assert_uint_eq(c.lost, 1);
    turn_until(w, &the_server.conns.closed, 1);
}

static void disconnect_it(client *c)
{
    redisAsyncDisconnect(c->context);
}

static void context_disconnects_in_a_reply(world *w)
{
    client c;
    client_open(w, &c);
    c.then_reply = disconnect_it;
    client_ask(&c, "PING");
    turn_until(w, &c.disconnected, 1);
    ck_assert_int_eq(c.disconnect_status, REDIS_OK);
    ck_assert_uint_eq(c.replied, 1);
    turn_until(w, &the_server.conns.closed, 1);
}

/* It is readable and writable at once, and is freed while it is read. */
static void context_is_freed_with_more_to_write(world *w)
{
    client c;
    client_open_and_ask(w, &c, "PING");
    c.then_reply = free_it;
    client_ask(&c, "PING");
    client_set_large(&c);
    turn_until(w, &c.disconnected, 1);
    ck_assert_uint_eq(c.replied, 3);
    turn_until(w, &the_server.conns.closed, 1);
}

static void freed_while_connecting(world *w)
{
    client c;
    client_open(w, &c);
    client_ask(&c, "PING");
    redisAsyncFree(c.context);
    ck_assert_uint_eq(c.lost, 1);
    turn_some(w);
}

static void loop_closes_first(world *w)
{
    client c;
    client_open(w, &c);
    client_ask(&c, "HANG");
    turn_until(w, &the_server.asked, 1);
    world_loop_close(w);
    plx_redis_loop_closed(c.context);
    client_ask(&c, "PING");
    redisAsyncFree(c.context);
    ck_assert_uint_eq(c.lost, 2);
}

static void attach_is_refused(world *w)
{
    client c;
    client_open(w, &c);
    plx_loop *other = world_loop_open(w);
    ck_assert_int_eq(plx_redis_attach(w->loop, c.context), PLX_EEXIST);
    ck_assert_int_eq(plx_redis_attach(other, c.context), PLX_EEXIST);
    ck_ok(plx_loop_close(other));
    redisAsyncFree(c.context);
    redisAsyncContext *bad = redisAsyncConnectUnix("/nonexistent/socket");
    ck_assert_ptr_nonnull(bad);
    ck_assert_int_eq(plx_redis_attach(w->loop, bad), PLX_EINVAL);
    plx_redis_loop_closed(bad);
    redisAsyncFree(bad);
}

/* Whichever allocation of the loop fails while it attaches: nothing is left behind. */
static void memory_runs_out(world *w)
{
    shortage lack = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listening = socket_listening(address);
    while (shortage_next(w, &lack)) {
        redisAsyncContext *context = context_open(address);
        shortage_begin(&lack);
        int status = plx_redis_attach(w->loop, context);
        shortage_end(&lack, status);
        ck_assert(status == 0 || context->ev.data == NULL);
        redisAsyncFree(context);
        ck_ok(plx_loop_run(w->loop));
    }
    ck_assert_uint_gt(lack.refused, 1);
    plx__socket_close(listening);
}

static void look_away(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                      uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    ck_abort_msg("an idle socket is ready: %u", (unsigned)ready);
}

/* hiredis asks for something else while there is no memory for it. Where that takes memory depends
 * on how many are watched: with poll and select it does for one of these numbers. */
static void memory_runs_out_for_interest(world *w)
{
    couple idle[WATCHES_MAX];
    size_t count = 0;
    bool struck = false;
    client c, other;
    client_open_and_ask(w, &c, "SUBSCRIBE news");
    client_open(w, &other);
    turn_until(w, &other.connected, 1);
    while (!struck && count < WATCHES_MAX) {
        c.context->ev.delRead(c.context->ev.data);
        idle[count] = couple_open();
        ck_ok(plx_watch_open(w->loop, NULL, idle[count++].ours.socket, PLX_READABLE, look_away,
                             NULL));
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
        c.context->ev.addRead(c.context->ev.data);
        struck = plx__fault_disarm(PLX__FAULT_MEMORY) != 0;
    }
    if (strcmp(w->backend, "poll") == 0 || strcmp(w->backend, "select") == 0)
        ck_assert(struck);
    client_ask(&other, "PUBLISH news hello");
    turn_until(w, &c.replied, 2);
    ck_assert_str_eq(c.text, "hello");
    redisAsyncFree(c.context);
    redisAsyncFree(other.context);
    world_loop_close(w); /* Before the sockets that it watches. */
    while (count > 0)
        couple_close(&idle[--count]);
}

#if HIREDIS_MAJOR >= 1
/* Only the timer can report this. */
static void silence_times_out(world *w)
{
    client c;
    client_open(w, &c);
    ck_assert_int_eq(redisAsyncSetTimeout(c.context, (struct timeval){.tv_usec = 50000}), REDIS_OK);
    client_ask(&c, "HANG");
    turn_until(w, &c.disconnected, 1);
    ck_assert_int_eq(c.disconnect_status, REDIS_ERR);
    ck_assert_uint_eq(c.lost, 1);
}
#else
/* This hiredis has no timeouts, and no hook for them: the adapter's timer has nothing to do. */
static void silence_times_out(world *w)
{
    client c;
    client_open(w, &c);
    client_ask(&c, "HANG");
    turn_until(w, &the_server.asked, 1);
    turn_some(w);
    ck_assert_uint_eq(counter(w, timers_fired), 0);
    redisAsyncFree(c.context);
}
#endif

const test_case adapter_cases[] = {
    CASE(commands_are_answered),
    CASE(large_value_passes),
    CASE(subscription_is_told),
    CASE(idle_context_is_quiet),
    CASE(refusal_is_told),
    CASE(refusal_is_told_to_earlier_callbacks),
    CASE(end_midway_is_told),
    CASE(context_is_freed_in_a_reply),
    CASE(context_disconnects_in_a_reply),
    CASE(context_is_freed_with_more_to_write),
    CASE(freed_while_connecting),
    CASE(loop_closes_first),
    CASE(attach_is_refused),
    CASE(memory_runs_out),
    CASE(memory_runs_out_for_interest),
    CASE(silence_times_out),
    CASES_END,
};
