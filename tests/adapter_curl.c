/* tests/adapter_curl.c - libcurl's transfers on a loop, from an HTTP server on the same loop. */
#include <pollux/adapters/curl.h>

#include <stdio.h>
#include <string.h>

#include "tests/adapter_fixture.h"

enum { LARGE_BYTES = 512 * 1024, POST_BYTES = 16 * 1024 * 1024, TRANSFERS_MAX = 32 };

static unsigned char large[LARGE_BYTES];

/* --- the server ----------------------------------------------------------------------------------
 */

static bool is_for(const char *request, const char *path)
{
    const char *asked = strchr(request, ' ') + 1;
    return strncmp(asked, path, strlen(path)) == 0 && asked[strlen(path)] == ' ';
}

static void answer(plx_loop *loop, plx_conn conn, const char *request)
{
    char head[128];
    if (is_for(request, "/hello")) {
        if (plx_conn_write(loop, conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 43) !=
            0)
            ck_ok(plx_conn_reset(loop, conn)); /* No memory. */
    } else if (is_for(request, "/large")) {
        int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                              (int)LARGE_BYTES);
        ck_ok(plx_conn_write(loop, conn, head, (size_t)length));
        pattern_fill(large, sizeof large, 0);
        ck_ok(plx_conn_send(loop, conn, large, sizeof large, NULL, NULL));
    } else if (is_for(request, "/half")) {
        ck_ok(plx_conn_write(loop, conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", 42));
        ck_ok(plx_conn_shutdown(loop, conn));
    } else if (is_for(request, "/reset")) {
        ck_ok(plx_conn_reset(loop, conn));
    } else {
        ck_assert(is_for(request, "/silent"));
    }
}

/* How long the request is, with its body; 0: its head is not complete. */
static size_t request_length(const char *bytes, size_t length)
{
    for (size_t i = 4; i <= length; i++) {
        if (memcmp(bytes + i - 4, "\r\n\r\n", 4) == 0)
            return i + (bytes[0] == 'P' ? POST_BYTES : 0);
    }
    return 0;
}

static size_t serve(plx_loop *loop, plx_conn conn, probe *conns, const void *bytes, size_t length)
{
    size_t wanted = request_length(bytes, length);
    (void)conns;
    if (wanted == 0 || length < wanted)
        return 0;
    the_server.asked++;
    answer(loop, conn, bytes);
    return wanted;
}

/* --- the client ----------------------------------------------------------------------------------
 */

typedef struct client {
    plx_curl *curl;
    const char *address;
    CURL *transfers[TRANSFERS_MAX];
    size_t count; /* Of them. */
    size_t done;
    CURLcode result;  /* Of the last one that ended, */
    long http_status; /* and this. */
    CURL *last;
    size_t bytes;      /* Received, for all of them. */
    int close_refusal; /* What plx_curl_close() returned inside of libcurl. */
    bool was_refused;  /* A socket could not be watched at some time. */
    void (*then_done)(struct client *c, CURL *transfer);
    size_t (*then_write)(struct client *c, size_t length);
} client;

static void on_done(plx_curl *curl, void *data, CURL *transfer, CURLcode result)
{
    client *c = data;
    ck_assert_ptr_eq(curl, c->curl);
    c->done++;
    c->result = result;
    c->last = transfer;
    curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &c->http_status);
    if (c->then_done != NULL)
        c->then_done(c, transfer);
}

static size_t on_write(char *bytes, size_t size, size_t count, void *data)
{
    client *c = data;
    (void)bytes;
    c->bytes += size * count;
    return c->then_write != NULL ? c->then_write(c, size * count) : size * count;
}

static void client_open_at(world *w, client *c, const char *address)
{
    memset(c, 0, sizeof *c);
    c->address = address;
    ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    ck_ok(plx_curl_open(w->loop, &c->curl, on_done, c));
}

/* Opens the server, and a client that asks it. */
static void client_open(world *w, client *c)
{
    (void)server_open(w, serve);
    client_open_at(w, c, the_server.address);
}

/* A transfer that is not added yet. */
static CURL *client_prepare(client *c, const char *path)
{
    char url[PLX_ADDRESS_TEXT_MAX + 32];
    CURL *transfer = curl_easy_init();
    ck_assert_ptr_nonnull(transfer);
    ck_assert_uint_lt(c->count, TRANSFERS_MAX);
    c->transfers[c->count++] = transfer;
    (void)snprintf(url, sizeof url, "http%s%s", c->address + 3, path);
    curl_easy_setopt(transfer, CURLOPT_URL, url);
    curl_easy_setopt(transfer, CURLOPT_PROXY, "");
    curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(transfer, CURLOPT_WRITEDATA, c);
    return transfer;
}

static void client_add(client *c, CURL *transfer)
{
    ck_assert_int_eq(curl_multi_add_handle(plx_curl_multi(c->curl), transfer), CURLM_OK);
}

static void client_get(client *c, const char *path)
{
    client_add(c, client_prepare(c, path));
}

/* Adds it, and waits until it has ended. */
static void client_finish(world *w, client *c, CURL *transfer)
{
    size_t before = c->done;
    client_add(c, transfer);
    turn_until(w, &c->done, before + 1);
}

static void client_fetch(world *w, client *c, const char *path)
{
    client_finish(w, c, client_prepare(c, path));
}

/* Cleans up what is left, the adapter too unless `curl` is NULL. */
static void client_close(client *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->curl != NULL)
            curl_multi_remove_handle(plx_curl_multi(c->curl), c->transfers[i]);
        curl_easy_cleanup(c->transfers[i]);
    }
    ck_ok(plx_curl_close(c->curl));
    curl_global_cleanup();
}

/* --- the cases -----------------------------------------------------------------------------------
 */

static void transfers_are_fetched(world *w)
{
    client c;
    client_open(w, &c);
    for (int i = 0; i < 10; i++)
        client_get(&c, "/hello");
    turn_until(w, &c.done, 10);
    ck_assert_int_eq(c.result, CURLE_OK);
    ck_assert_int_eq(c.http_status, 200);
    ck_assert_uint_eq(c.bytes, 50);
    ck_assert_uint_eq(the_server.asked, 10);
    client_close(&c);
}

/* More than the system's buffers hold: the watch has to report again and again. */
static void large_body_arrives(world *w)
{
    client c;
    client_open(w, &c);
    client_get(&c, "/large");
    client_get(&c, "/large");
    turn_until(w, &c.done, 2);
    ck_assert_int_eq(c.result, CURLE_OK);
    ck_assert_uint_eq(c.bytes, 2 * (size_t)LARGE_BYTES);
    client_close(&c);
}

/* The same the other way round. */
static void large_body_is_sent(world *w)
{
    client c;
    client_open(w, &c);
    CURL *transfer = client_prepare(&c, "/hello");
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:"); /* Without asking first. */
    curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE, (long)POST_BYTES);
    curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, plenty());
    client_finish(w, &c, transfer);
    ck_assert_int_eq(c.result, CURLE_OK);
    ck_assert_uint_eq(c.bytes, 5);
    client_close(&c);
    curl_slist_free_all(headers);
}

/* Each transfer has a socket of its own, and the system gives the numbers out again. */
static void socket_numbers_are_used_again(world *w)
{
    client c;
    client_open(w, &c);
    for (size_t i = 1; i <= 20; i++) {
        CURL *transfer = client_prepare(&c, "/hello");
        curl_easy_setopt(transfer, CURLOPT_FORBID_REUSE, 1L);
        client_finish(w, &c, transfer);
        ck_assert_int_eq(c.result, CURLE_OK);
    }
    ck_assert_uint_eq(the_server.conns.opened, 20);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(&c);
}

/* The idle connection stays open between two transfers, and is used again. */
static void connection_is_reused(world *w)
{
    client c;
    client_open(w, &c);
    for (size_t i = 1; i <= 5; i++) {
        client_fetch(w, &c, "/hello");
        turn_some(w);
    }
    ck_assert_uint_eq(the_server.conns.opened, 1);
    client_close(&c);
}

static void refusal_ends_a_transfer(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(address);
    client c;
    client_open_at(w, &c, address);
    client_fetch(w, &c, "/hello");
    ck_assert_int_eq(c.result, CURLE_COULDNT_CONNECT);
    ck_ok(plx_curl_status(c.curl));
    client_close(&c);
    plx__socket_close(refusing);
}

static void end_midway_is_told(world *w)
{
    client c;
    client_open(w, &c);
    client_fetch(w, &c, "/half");
    ck_assert_int_eq(c.result, CURLE_PARTIAL_FILE);
    ck_assert_uint_eq(c.bytes, 4);
    client_fetch(w, &c, "/reset");
    ck_assert_int_ne(c.result, CURLE_OK);
    client_close(&c);
}

/* Only the timer can report this. */
static void silence_times_out(world *w)
{
    client c;
    client_open(w, &c);
    CURL *transfer = client_prepare(&c, "/silent");
    curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, 100L);
    client_finish(w, &c, transfer);
    ck_assert_int_eq(c.result, CURLE_OPERATION_TIMEDOUT);
    client_close(&c);
}

static void add_again(client *c, CURL *transfer)
{
    if (c->done < 5)
        client_add(c, transfer);
}

static void transfer_is_added_again_in_on_done(world *w)
{
    client c;
    client_open(w, &c);
    c.then_done = add_again;
    client_get(&c, "/hello");
    turn_until(w, &c.done, 5);
    ck_assert_int_eq(c.result, CURLE_OK);
    ck_assert_uint_eq(the_server.asked, 5);
    client_close(&c);
}

static void close_all(client *c, CURL *transfer)
{
    (void)transfer;
    for (size_t i = 0; i < c->count; i++)
        curl_multi_remove_handle(plx_curl_multi(c->curl), c->transfers[i]);
    ck_ok(plx_curl_close(c->curl));
    c->curl = NULL;
}

/* Another transfer is in flight, and a third has ended in the same turn, perhaps. */
static void adapter_closes_in_on_done(world *w)
{
    client c;
    client_open(w, &c);
    c.then_done = close_all;
    client_get(&c, "/silent");
    client_get(&c, "/hello");
    client_get(&c, "/hello");
    turn_until(w, &c.done, 1);
    turn_some(w);
    ck_assert_uint_eq(c.done, 1);
    client_close(&c);
}

/* Nothing of it is left on the loop, which would not return else. */
static void closed_adapter_lets_the_loop_end(world *w)
{
    client c;
    client_open_at(w, &c, "tcp://127.0.0.1:1");
    ck_ok(plx_curl_close(c.curl));
    c.curl = NULL;
    ck_ok(plx_loop_run(w->loop));
    client_close(&c);
    client_open(w, &c);
    client_get(&c, "/silent");
    turn_until(w, &the_server.asked, 1);
    client_close(&c);
    world_reopen(w, (plx_loop_options){0});
    ck_ok(plx_loop_run(w->loop));
}

static size_t try_to_close(client *c, size_t length)
{
    (void)length;
    c->close_refusal = plx_curl_close(c->curl);
    return 0; /* An error, which ends the transfer. */
}

static void close_inside_libcurl_is_refused(world *w)
{
    client c;
    client_open(w, &c);
    c.then_write = try_to_close;
    c.then_done = close_all;
    client_get(&c, "/hello");
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.close_refusal, PLX_EBUSY);
    ck_assert_int_eq(c.result, CURLE_WRITE_ERROR);
    client_close(&c);
}

static void loop_closes_first(world *w)
{
    client c;
    client_open(w, &c);
    client_get(&c, "/silent");
    client_get(&c, "/hello");
    turn_until(w, &c.done, 1);
    turn_until(w, &the_server.asked, 2);
    world_loop_close(w);
    plx_curl_loop_closed(c.curl);
    client_get(&c, "/hello"); /* It does not get anywhere, and does no harm. */
    client_close(&c);
    ck_assert_uint_eq(c.done, 1);
}

static void open_is_refused(world *w)
{
    plx_curl *curl;
    ck_assert_int_eq(plx_curl_open(w->loop, &curl, NULL, NULL), PLX_EINVAL);
    ck_assert_ptr_null(curl);
}

static bool all_is_watched(void *data)
{
    return plx_curl_status(data) == 0;
}

static bool both_are_done(void *data)
{
    client *c = data;
    int status = plx_curl_status(c->curl);
    ck_assert(status == 0 || status == PLX_ENOMEM);
    c->was_refused = c->was_refused || status != 0;
    return c->done == 2;
}

/* Each allocation of the loop fails once. Whatever it was for, each transfer ends, and once. What
 * could not be watched is watched later. */
static void memory_runs_out(world *w)
{
    size_t recovered = 0;
    shortage lack = {0};
    while (shortage_next(w, &lack)) {
        client c = {.address = the_server.address};
        (void)server_open(w, serve);
        shortage_begin(&lack);
        int status = plx_curl_open(w->loop, &c.curl, on_done, &c);
        if (status == 0) {
            client_get(&c, "/hello");
            client_get(&c, "/hello");
            turn_until_true(w, both_are_done, &c);
            turn_until_true(w, all_is_watched, c.curl);
            recovered += c.was_refused && c.result == CURLE_OK;
        }
        shortage_end(&lack, status);
        if (!lack.has_struck)
            ck_assert_int_eq(c.result, CURLE_OK);
        client_close(&c);
    }
    ck_assert_uint_gt(recovered, 0);
}

const test_case adapter_cases[] = {
    CASE(transfers_are_fetched),
    CASE(large_body_arrives),
    CASE(large_body_is_sent),
    CASE(socket_numbers_are_used_again),
    CASE(connection_is_reused),
    CASE(refusal_ends_a_transfer),
    CASE(end_midway_is_told),
    CASE(silence_times_out),
    CASE(transfer_is_added_again_in_on_done),
    CASE(adapter_closes_in_on_done),
    CASE(closed_adapter_lets_the_loop_end),
    CASE(close_inside_libcurl_is_refused),
    CASE(loop_closes_first),
    CASE(open_is_refused),
    CASE(memory_runs_out),
    CASES_END,
};
