/* tests/adapter_postgres.c - a small server of PostgreSQL's protocol 3.0. */
#include "tests/adapter_postgres.h"

#include <stdio.h>
#include <string.h>

enum {
    PROTOCOL_3 = 196608,
    WANT_TLS = 80877103,
    WANT_GSSAPI = 80877104,
    TYPE_TEXT = 25,
    MESSAGE_MAX = 1024
};

postgres the_postgres;

/* --- messages ------------------------------------------------------------------------------------
 */

typedef struct message {
    unsigned char bytes[MESSAGE_MAX];
    size_t length;
} message;

static void put(message *m, const void *bytes, size_t length)
{
    ck_assert_uint_le(m->length + length, sizeof m->bytes);
    memcpy(m->bytes + m->length, bytes, length);
    m->length += length;
}

static void put_16(message *m, unsigned number)
{
    const unsigned char bytes[] = {(unsigned char)(number >> 8), (unsigned char)number};
    put(m, bytes, sizeof bytes);
}

static void put_32(message *m, uint32_t number)
{
    put_16(m, number >> 16);
    put_16(m, number & 0xFFFF);
}

static void put_text(message *m, const char *text)
{
    put(m, text, strlen(text) + 1);
}

static void begin(message *m, char type)
{
    m->length = 0;
    put(m, &type, 1);
    put_32(m, 0); /* The length, which is not known yet. */
}

static void finish(plx_loop *loop, plx_conn conn, message *m)
{
    message head = {.length = 0};
    put_32(&head, (uint32_t)m->length - 1);
    memcpy(m->bytes + 1, head.bytes, 4);
    ck_ok(plx_conn_write(loop, conn, m->bytes, m->length));
}

static uint32_t get_32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* --- what it says --------------------------------------------------------------------------------
 */

static void say_ready(plx_loop *loop, plx_conn conn)
{
    message m;
    begin(&m, 'Z');
    put(&m, "I", 1);
    finish(loop, conn, &m);
}

static void say_greeting(plx_loop *loop, plx_conn conn)
{
    message m;
    begin(&m, 'R'); /* AuthenticationOk */
    put_32(&m, 0);
    finish(loop, conn, &m);
    begin(&m, 'S'); /* ParameterStatus */
    put_text(&m, "server_version");
    put_text(&m, "15.0");
    finish(loop, conn, &m);
    begin(&m, 'K'); /* BackendKeyData */
    put_32(&m, 1);
    put_32(&m, 2);
    finish(loop, conn, &m);
    say_ready(loop, conn);
}

static void say_columns(plx_loop *loop, plx_conn conn)
{
    message m;
    begin(&m, 'T'); /* RowDescription */
    put_16(&m, 1);
    put_text(&m, "column");
    put_32(&m, 0);
    put_16(&m, 0);
    put_32(&m, TYPE_TEXT);
    put_16(&m, 0xFFFF); /* Of varying length, */
    put_32(&m, UINT32_MAX);
    put_16(&m, 0); /* as text. */
    finish(loop, conn, &m);
}

static void say_row(plx_loop *loop, plx_conn conn, const char *text)
{
    message m;
    begin(&m, 'D'); /* DataRow */
    put_16(&m, 1);
    put_32(&m, (uint32_t)strlen(text));
    put(&m, text, strlen(text));
    finish(loop, conn, &m);
}

static void say_complete(plx_loop *loop, plx_conn conn, const char *tag)
{
    message m;
    begin(&m, 'C');
    put_text(&m, tag);
    finish(loop, conn, &m);
}

static void say_result(plx_loop *loop, plx_conn conn, const char *text)
{
    say_columns(loop, conn);
    say_row(loop, conn, text);
    say_complete(loop, conn, "SELECT 1");
}

static void say_error(plx_loop *loop, plx_conn conn)
{
    message m;
    begin(&m, 'E');
    put_text(&m, "SERROR");
    put_text(&m, "C42601");
    put_text(&m, "Mthat is wrong");
    put(&m, "", 1);
    finish(loop, conn, &m);
}

static void say_rows(plx_loop *loop, plx_conn conn)
{
    char text[64];
    say_columns(loop, conn);
    for (int i = 0; i < POSTGRES_ROWS; i++) {
        (void)snprintf(text, sizeof text, "row number %d of many, and all of them are long", i);
        say_row(loop, conn, text);
    }
    say_complete(loop, conn, "SELECT 20000");
}

static void say_copy(plx_loop *loop, plx_conn conn, char type)
{
    message m;
    begin(&m, type); /* CopyInResponse or CopyOutResponse */
    put(&m, "", 1);  /* As text, */
    put_16(&m, 1);   /* with one column. */
    put_16(&m, 0);
    finish(loop, conn, &m);
}

void postgres_notify(plx_loop *loop, const char *channel, const char *payload)
{
    message m;
    begin(&m, 'A');
    put_32(&m, 1);
    put_text(&m, channel);
    put_text(&m, payload);
    finish(loop, the_server.conns.conn, &m);
}

/* --- what it does --------------------------------------------------------------------------------
 */

/* Whether it is ready for the next statement. */
static bool statement_run(plx_loop *loop, plx_conn conn, const char *statement)
{
    char text[32];
    if (strcmp(statement, "ONE") == 0) {
        say_result(loop, conn, "1");
    } else if (strcmp(statement, "TWO") == 0) {
        say_result(loop, conn, "first");
        say_result(loop, conn, "second");
    } else if (strncmp(statement, "COUNT", 5) == 0) {
        (void)snprintf(text, sizeof text, "%lu", (unsigned long)strlen(statement));
        say_result(loop, conn, text);
    } else if (strcmp(statement, "ROWS") == 0) {
        say_rows(loop, conn);
    } else if (strcmp(statement, "WRONG") == 0) {
        say_error(loop, conn);
    } else if (strcmp(statement, "HALF") == 0) {
        say_columns(loop, conn);
        ck_ok(plx_conn_write(loop, conn, "D\0\0", 3));
        ck_ok(plx_conn_shutdown(loop, conn));
        return false;
    } else if (strcmp(statement, "RESET") == 0) {
        ck_ok(plx_conn_reset(loop, conn));
        return false;
    } else if (strcmp(statement, "GARBAGE") == 0) {
        ck_ok(plx_conn_write(loop, conn, "\1\0\0\0\0\0\0\0", 8));
        return false;
    } else if (strcmp(statement, "COPYIN") == 0) {
        say_copy(loop, conn, 'G');
        return false;
    } else if (strcmp(statement, "COPYOUT") == 0) {
        say_copy(loop, conn, 'H');
        return false;
    } else {
        ck_assert_str_eq(statement, "HANG");
        return false;
    }
    return true;
}

static void message_take(plx_loop *loop, postgres_session *s, char type, const char *body)
{
    char tag[32];
    switch (type) {
    case 'Q':
        the_server.asked++;
        if (statement_run(loop, s->conn, body))
            say_ready(loop, s->conn);
        break;
    case 'd': /* CopyData */
        s->copied++;
        break;
    case 'c': /* CopyDone */
        (void)snprintf(tag, sizeof tag, "COPY %lu", (unsigned long)s->copied);
        say_complete(loop, s->conn, tag);
        say_ready(loop, s->conn);
        break;
    default:
        ck_assert_int_eq(type, 'X'); /* Terminate */
        the_postgres.farewells++;
        break;
    }
}

static void start(plx_loop *loop, postgres_session *s, uint32_t wanted)
{
    if (wanted == WANT_TLS || wanted == WANT_GSSAPI) {
        the_postgres.encryptions++;
        ck_ok(plx_conn_write(loop, s->conn, "N", 1));
        return;
    }
    ck_assert_uint_eq(wanted, PROTOCOL_3);
    s->has_started = true;
    if (the_postgres.mood == POSTGRES_LEAVES)
        ck_ok(plx_conn_shutdown(loop, s->conn));
    else if (the_postgres.mood == POSTGRES_KIND)
        say_greeting(loop, s->conn);
}

static postgres_session *session_of(plx_conn conn)
{
    size_t i = 0;
    while (i < POSTGRES_SESSIONS && the_postgres.sessions[i].conn.bits != conn.bits)
        i++;
    ck_assert_uint_lt(i, POSTGRES_SESSIONS);
    return &the_postgres.sessions[i];
}

static size_t serve(plx_loop *loop, plx_conn conn, probe *conns, const void *bytes, size_t length)
{
    postgres_session *s = session_of(conn);
    const unsigned char *at = bytes;
    size_t head = s->has_started ? 1 : 0; /* The first message has no type. */
    if (length < head + 4 || length < head + get_32(at + head))
        return 0;
    size_t taken = head + get_32(at + head);
    if (s->has_started)
        message_take(loop, s, (char)at[0], (const char *)at + 5);
    else
        start(loop, s, get_32(at + 4));
    return taken + (taken < length ? serve(loop, conn, conns, at + taken, length - taken) : 0);
}

static void session_open(plx_loop *loop, plx_conn conn, probe *conns)
{
    (void)loop;
    ck_assert_uint_le(conns->opened, POSTGRES_SESSIONS);
    the_postgres.sessions[conns->opened - 1].conn = conn;
}

void postgres_open(world *w)
{
    (void)server_open(w, serve);
    the_server.conns.then_open = session_open;
    memset(&the_postgres, 0, sizeof the_postgres);
}
