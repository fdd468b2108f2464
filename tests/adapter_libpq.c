/* tests/adapter_libpq.c - libpq's connections on a loop, with a small server on the same loop. */
#include <pollux/adapters/libpq.h>

#include <stdio.h>
#include <string.h>

#include "tests/adapter_postgres.h"

enum { LONG_BYTES = PLENTY - 1 };

/* --- the client ----------------------------------------------------------------------------------
 */

typedef struct client {
    plx_pq *pq;
    size_t connected;
    size_t results;  /* Without those that are NULL, */
    size_t complete; /* which count here. */
    size_t wrong;    /* Results that are errors. */
    size_t rows;     /* Of the last result that has some, */
    char text[128];  /* and its first value. */
    char tag[32];    /* Of the last command. */
    size_t notified;
    char payload[32];
    size_t failed;
    int status; /* Of on_fail. */
    void (*then_connect)(struct client *c);
    void (*then_result)(struct client *c, PGresult *result);
    void (*then_notify)(struct client *c);
    void (*then_fail)(struct client *c);
} client;

static void on_connect(plx_pq *pq, void *data)
{
    client *c = data;
    ck_assert_ptr_eq(pq, c->pq);
    c->connected++;
    if (c->then_connect != NULL)
        c->then_connect(c);
}

static void on_result(plx_pq *pq, void *data, PGresult *result)
{
    client *c = data;
    ck_assert_ptr_eq(pq, c->pq);
    if (result == NULL) {
        c->complete++;
    } else {
        c->results++;
        c->wrong += PQresultStatus(result) == PGRES_FATAL_ERROR;
        (void)snprintf(c->tag, sizeof c->tag, "%s", PQcmdStatus(result));
        if (PQntuples(result) > 0) {
            c->rows = (size_t)PQntuples(result);
            (void)snprintf(c->text, sizeof c->text, "%s", PQgetvalue(result, 0, 0));
        }
    }
    if (c->then_result != NULL)
        c->then_result(c, result);
    PQclear(result);
}

static void on_notify(plx_pq *pq, void *data, const PGnotify *notification)
{
    client *c = data;
    ck_assert_ptr_eq(pq, c->pq);
    ck_assert_str_eq(notification->relname, "news");
    (void)snprintf(c->payload, sizeof c->payload, "%s", notification->extra);
    c->notified++;
    if (c->then_notify != NULL)
        c->then_notify(c);
}

static void on_fail(plx_pq *pq, void *data, int status)
{
    client *c = data;
    ck_assert_ptr_eq(pq, c->pq);
    c->failed++;
    c->status = status;
    if (c->then_fail != NULL)
        c->then_fail(c);
}

/* `next` is tried after `address`, unless it is NULL. */
static PGconn *conn_start(const char *address, const char *next, const char *encryption)
{
    char words[256], hosts[32] = "127.0.0.1", ports[32];
    (void)snprintf(ports, sizeof ports, "%u", address_port(address));
    if (next != NULL) {
        (void)snprintf(hosts, sizeof hosts, "127.0.0.1,127.0.0.1");
        (void)snprintf(ports, sizeof ports, "%u,%u", address_port(address), address_port(next));
    }
    (void)snprintf(words, sizeof words,
                   "host=%s port=%s user=me dbname=mine gssencmode=disable sslmode=%s", hosts,
                   ports, encryption);
    PGconn *conn = PQconnectStart(words);
    ck_assert_ptr_nonnull(conn);
    ck_assert_msg(PQstatus(conn) != CONNECTION_BAD, "%s", PQerrorMessage(conn));
    return conn;
}

static PGconn *conn_start_plain(const char *address)
{
    return conn_start(address, NULL, "disable");
}

static plx_pq_options client_options(client *c)
{
    return (plx_pq_options){.on_connect = on_connect,
                            .on_result = on_result,
                            .on_notify = on_notify,
                            .on_fail = on_fail,
                            .data = c};
}

static void client_open_with(world *w, client *c, PGconn *conn)
{
    memset(c, 0, sizeof *c);
    const plx_pq_options options = client_options(c);
    ck_ok(plx_pq_open(w->loop, &c->pq, conn, &options));
}

/* A client of the server, which opens with the first of them. */
static void client_open(world *w, client *c)
{
    if (the_server.address[0] == '\0')
        postgres_open(w);
    client_open_with(w, c, conn_start_plain(the_server.address));
}

static void client_connect(world *w, client *c)
{
    client_open(w, c);
    turn_until(w, &c->connected, 1);
}

static void client_ask(client *c, const char *statement)
{
    ck_assert_int_eq(PQsendQuery(plx_pq_conn(c->pq), statement), 1);
    ck_ok(plx_pq_flush(c->pq));
}

/* Asks, and waits until the answer is complete. */
static void client_ask_all(world *w, client *c, const char *statement)
{
    size_t before = c->complete;
    client_ask(c, statement);
    turn_until(w, &c->complete, before + 1);
}

static void close_it(client *c)
{
    plx_pq *pq = c->pq;
    c->pq = NULL;
    plx_pq_close(pq);
}

static void close_at_result(client *c, PGresult *result)
{
    (void)result;
    close_it(c);
}

/* --- connecting ----------------------------------------------------------------------------------
 */

static void connection_is_made(world *w)
{
    client c;
    client_open(w, &c);
    ck_assert_int_eq(plx_pq_flush(c.pq), PLX_ENOTCONN);
    turn_until(w, &c.connected, 1);
    ck_assert_int_eq(PQstatus(plx_pq_conn(c.pq)), CONNECTION_OK);
    ck_assert_str_eq(PQparameterStatus(plx_pq_conn(c.pq), "server_version"), "15.0");
    plx_pq_close(c.pq);
    turn_until(w, &the_server.conns.closed, 1);
    ck_assert_uint_eq(the_postgres.farewells, 1);
    ck_assert_uint_eq(c.failed, 0);
}

static void encryption_is_declined(world *w)
{
    client c;
    postgres_open(w);
    client_open_with(w, &c, conn_start(the_server.address, NULL, "prefer"));
    turn_until(w, &c.connected, 1);
    ck_assert_uint_eq(the_postgres.encryptions, 1);
    plx_pq_close(c.pq);
}

/* libpq closes its socket and opens another, which has the same number. */
static void next_address_is_tried(world *w)
{
    char refused[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(refused);
    client c;
    postgres_open(w);
    client_open_with(w, &c, conn_start(refused, the_server.address, "disable"));
    turn_until(w, &c.connected, 1);
    client_ask_all(w, &c, "ONE");
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    plx_pq_close(c.pq);
    plx__socket_close(refusing);
}

static void refusal_is_told(world *w)
{
    char refused[PLX_ADDRESS_TEXT_MAX];
    plx_socket refusing = socket_refusing(refused);
    client c;
    client_open_with(w, &c, conn_start_plain(refused));
    turn_until(w, &c.failed, 1);
    ck_assert_int_eq(c.status, PLX_ENOTCONN);
    ck_assert_ptr_nonnull(strstr(PQerrorMessage(plx_pq_conn(c.pq)), "refused"));
    turn_some(w);
    ck_assert_uint_eq(c.failed, 1);
    ck_assert_int_eq(plx_pq_flush(c.pq), PLX_ENOTCONN);
    plx_pq_close(c.pq);
    plx__socket_close(refusing);
    ck_ok(plx_loop_run(w->loop)); /* Nothing is left on the loop. */
}

static void end_while_connecting_is_told(world *w)
{
    client c;
    postgres_open(w);
    the_postgres.mood = POSTGRES_LEAVES;
    client_open(w, &c);
    turn_until(w, &c.failed, 1);
    ck_assert_int_eq(c.status, PLX_ENOTCONN);
    plx_pq_close(c.pq);
}

static void silence_while_connecting_times_out(world *w)
{
    client c = {.then_fail = close_it};
    plx_pq_options options = client_options(&c);
    options.connect_timeout_ns = 50 * PLX_MILLISECOND;
    postgres_open(w);
    the_postgres.mood = POSTGRES_SILENT;
    ck_ok(plx_pq_open(w->loop, &c.pq, conn_start_plain(the_server.address), &options));
    turn_until(w, &c.failed, 1);
    ck_assert_int_eq(c.status, PLX_ETIMEDOUT);
    ck_assert_uint_eq(c.connected, 0);
    turn_until(w, &the_server.conns.closed, 1);
}

static void open_connection_is_taken_over(world *w)
{
    client c;
    PostgresPollingStatusType progress;
    postgres_open(w);
    PGconn *conn = conn_start_plain(the_server.address);
    while ((progress = PQconnectPoll(conn)) != PGRES_POLLING_OK) {
        ck_assert_int_ne(progress, PGRES_POLLING_FAILED);
        turn(w);
    }
    client_open_with(w, &c, conn);
    client_ask_all(w, &c, "ONE");
    ck_assert_str_eq(c.text, "1");
    ck_assert_uint_eq(c.connected, 0);
    plx_pq_close(c.pq);
}

/* --- queries -------------------------------------------------------------------------------------
 */

static void queries_are_answered(world *w)
{
    client c;
    client_connect(w, &c);
    for (size_t i = 1; i <= 20; i++) {
        client_ask_all(w, &c, "ONE");
        ck_assert_uint_eq(c.results, i);
        ck_assert_str_eq(c.text, "1");
    }
    client_ask_all(w, &c, "TWO");
    ck_assert_uint_eq(c.results, 22);
    ck_assert_str_eq(c.text, "second");
    client_ask_all(w, &c, "WRONG");
    ck_assert_uint_eq(c.wrong, 1);
    client_ask_all(w, &c, "ONE");
    ck_assert_uint_eq(c.failed, 0);
    plx_pq_close(c.pq);
}

/* More than the system's buffers hold, there and back. */
static void long_ones_pass(world *w)
{
    char *statement = (char *)plenty();
    client c;
    memcpy(statement, "COUNT", 5);
    memset(statement + 5, 'x', LONG_BYTES - 5);
    client_connect(w, &c);
    client_ask_all(w, &c, statement);
    ck_assert_str_eq(c.text, "16777215");
    client_ask_all(w, &c, "ROWS");
    ck_assert_uint_eq(c.rows, POSTGRES_ROWS);
    plx_pq_close(c.pq);
}

static void ask_again(client *c, PGresult *result)
{
    if (result == NULL && c->complete < 10)
        client_ask(c, "ONE");
}

static void query_is_sent_in_on_result(world *w)
{
    client c;
    client_connect(w, &c);
    c.then_result = ask_again;
    client_ask(&c, "ONE");
    turn_until(w, &c.complete, 10);
    ck_assert_uint_eq(c.results, 10);
    plx_pq_close(c.pq);
}

/* libpq reads while it sends, too. Then the socket is not readable any more. */
static void answer_that_was_read_already_is_told(world *w)
{
    client c;
    world of_server = world_for_server(w);
    uint64_t until = plx__clock_now() + patience();
    postgres_open(&of_server);
    client_open(w, &c);
    turn_both_until(w, &of_server, &c.connected, 1);
    client_ask(&c, "ONE");
    while (PQisBusy(plx_pq_conn(c.pq))) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(plx_loop_run_once(of_server.loop, PLX_MILLISECOND));
        ck_assert_int_eq(PQconsumeInput(plx_pq_conn(c.pq)), 1);
    }
    ck_ok(plx_pq_flush(c.pq));
    ck_assert_uint_eq(c.results, 0); /* Not from within the call. */
    turn_until(w, &c.complete, 1);
    ck_assert_str_eq(c.text, "1");
    plx_pq_close(c.pq);
    world_loop_close(&of_server);
}

static void notification_is_told(world *w)
{
    client c;
    client_connect(w, &c);
    postgres_notify(w->loop, "news", "first");
    turn_until(w, &c.notified, 1);
    ck_assert_str_eq(c.payload, "first");
    client_ask(&c, "HANG"); /* And in a query: */
    turn_until(w, &the_server.asked, 1);
    postgres_notify(w->loop, "news", "second");
    postgres_notify(w->loop, "news", "third");
    turn_until(w, &c.notified, 3);
    ck_assert_str_eq(c.payload, "third");
    plx_pq_close(c.pq);
}

static void copy_in(client *c, PGresult *result)
{
    PGconn *conn = plx_pq_conn(c->pq);
    if (result == NULL || PQresultStatus(result) != PGRES_COPY_IN)
        return;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(PQputCopyData(conn, "row\n", 4), 1);
    ck_assert_int_eq(PQputCopyEnd(conn, NULL), 1);
    ck_ok(plx_pq_flush(c->pq));
}

static void rows_are_copied_in(world *w)
{
    client c;
    client_connect(w, &c);
    c.then_result = copy_in;
    client_ask_all(w, &c, "COPYIN");
    ck_assert_str_eq(c.tag, "COPY 100");
    plx_pq_close(c.pq);
}

/* Nobody reads the rows. */
static void copy_that_is_not_ended_fails(world *w)
{
    client c;
    client_connect(w, &c);
    client_ask(&c, "COPYOUT");
    turn_until(w, &c.failed, 1);
    ck_assert_int_eq(c.status, PLX_ENOSYS);
    ck_assert_uint_eq(c.results, 1);
    plx_pq_close(c.pq);
}

/* --- failures ------------------------------------------------------------------------------------
 */

static void end_midway_is_told(world *w)
{
    static const char *const statements[] = {"HALF", "RESET", "GARBAGE"};
    client c;
    postgres_open(w);
    for (size_t i = 0; i < 3; i++) {
        client_connect(w, &c);
        client_ask(&c, statements[i]);
        turn_until(w, &c.failed, 1);
        ck_assert_int_eq(c.status, PLX_ENOTCONN);
        ck_assert_uint_ge(c.wrong, 1); /* The query has failed, */
        ck_assert_uint_eq(c.complete, 1);
        turn_some(w);
        ck_assert_uint_eq(c.failed, 1); /* and the connection, once. */
        ck_assert_int_eq(PQsendQuery(plx_pq_conn(c.pq), "ONE"), 0);
        ck_assert_int_eq(plx_pq_flush(c.pq), PLX_ENOTCONN);
        plx_pq_close(c.pq);
        ck_assert_uint_eq(counter(w, sockets_lost), 0);
    }
}

static void end_while_idle_is_told(world *w)
{
    client c;
    client_connect(w, &c);
    ck_ok(plx_conn_shutdown(w->loop, the_server.conns.conn));
    turn_until(w, &c.failed, 1);
    ck_assert_int_eq(c.status, PLX_ENOTCONN);
    ck_assert_uint_eq(c.results, 0);
    plx_pq_close(c.pq);
}

static void adapter_closes_in_its_callbacks(world *w)
{
    client c;
    client_open(w, &c);
    c.then_connect = close_it;
    turn_until(w, &the_server.conns.closed, 1);
    ck_assert_uint_eq(c.connected, 1);

    client_connect(w, &c);
    c.then_result = close_at_result;
    client_ask(&c, "TWO");
    turn_until(w, &the_server.conns.closed, 2);
    ck_assert_uint_eq(c.results, 1);
    ck_assert_uint_eq(c.complete, 0);

    client_connect(w, &c);
    c.then_notify = close_it;
    postgres_notify(w->loop, "news", "first");
    postgres_notify(w->loop, "news", "second");
    turn_until(w, &the_server.conns.closed, 3);
    ck_assert_uint_eq(c.notified, 1);

    client_connect(w, &c);
    c.then_fail = close_it;
    client_ask(&c, "RESET");
    turn_until(w, &the_server.conns.closed, 4);
    turn_until(w, &c.failed, 1);
    turn_some(w);
    ck_assert_ptr_null(c.pq);
}

static void adapter_closes_while_connecting(world *w)
{
    client c;
    client_open(w, &c);
    plx_pq_close(c.pq);
    turn_some(w);
    ck_assert_uint_eq(c.connected + c.failed, 0);
}

static void loop_closes_first(world *w)
{
    client c;
    client_connect(w, &c);
    client_ask(&c, "HANG");
    turn_until(w, &the_server.asked, 1);
    world_loop_close(w);
    plx_pq_loop_closed(c.pq);
    ck_assert_int_eq(plx_pq_flush(c.pq), PLX_ENOTCONN);
    plx_pq_close(c.pq);
    ck_assert_uint_eq(c.failed, 0);
}

static void open_is_refused(world *w)
{
    client c = {0};
    plx_pq_options options = client_options(&c);
    plx_pq *pq;
    PGconn *bad = PQconnectStart("nonsense");
    ck_assert_ptr_nonnull(bad);
    ck_assert_int_eq(plx_pq_open(w->loop, &pq, bad, &options), PLX_ENOTCONN);
    ck_assert_ptr_null(pq);
    options.on_fail = NULL;
    ck_assert_int_eq(plx_pq_open(w->loop, &pq, bad, &options), PLX_EINVAL);
    PQfinish(bad);
    plx_pq_close(NULL);
    ck_ok(plx_loop_run(w->loop));
}

/* Whichever allocation of the client's loop fails: the adapter opens and connects, or does not
 * open. */
static void memory_runs_out(world *w)
{
    shortage lack = {0};
    world of_server = world_for_server(w);
    postgres_open(&of_server);
    while (shortage_next(w, &lack)) {
        client c = {0};
        const plx_pq_options options = client_options(&c);
        PGconn *conn = conn_start_plain(the_server.address);
        shortage_begin(&lack);
        int status = plx_pq_open(w->loop, &c.pq, conn, &options);
        shortage_end(&lack, status);
        if (status == 0)
            turn_both_until(w, &of_server, &c.connected, 1);
        else
            PQfinish(conn);
        plx_pq_close(c.pq);
        ck_ok(plx_loop_run(w->loop));
    }
    ck_assert_uint_gt(lack.refused, 1);
    world_loop_close(&of_server);
}

const test_case adapter_cases[] = {
    CASE(connection_is_made),
    CASE(encryption_is_declined),
    CASE(next_address_is_tried),
    CASE(refusal_is_told),
    CASE(end_while_connecting_is_told),
    CASE(silence_while_connecting_times_out),
    CASE(open_connection_is_taken_over),
    CASE(queries_are_answered),
    CASE(long_ones_pass),
    CASE(query_is_sent_in_on_result),
    CASE(answer_that_was_read_already_is_told),
    CASE(notification_is_told),
    CASE(rows_are_copied_in),
    CASE(copy_that_is_not_ended_fails),
    CASE(end_midway_is_told),
    CASE(end_while_idle_is_told),
    CASE(adapter_closes_in_its_callbacks),
    CASE(adapter_closes_while_connecting),
    CASE(loop_closes_first),
    CASE(open_is_refused),
    CASE(memory_runs_out),
    CASES_END,
};
