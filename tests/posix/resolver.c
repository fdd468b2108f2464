/* tests/posix/resolver.c - questions to name servers, by the resolver of the system's library.
 *
 * The servers are this program's own (name_server.h), so that nobody else is asked.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "name_server.h"

static unsigned short ports[3];
static unsigned char answer[8192];
static ns_msg parsed;
static ns_rr record;

/* --- servers ----------------------------------------------------------------------------------
 */

/* The first `count` of these, and nothing of the system's own. */
static void ask_ours(int count)
{
    _res.options = RES_INIT | RES_DEFAULT;
    _res.retrans = 5;
    _res.retry = 2;
    _res.ndots = 1;
    _res.dnsrch[0] = NULL;
    _res.nscount = count;
    for (int i = 0; i < count; i++) {
        memset(&_res.nsaddr_list[i], 0, sizeof _res.nsaddr_list[i]);
        _res.nsaddr_list[i].sin_family = AF_INET;
        _res.nsaddr_list[i].sin_port = htons(ports[i]);
        _res.nsaddr_list[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
}

/* Asks, and says what the servers saw of it. */
static int ask(const char *name, int type, const char *seen)
{
    memset(answer, 0, sizeof answer);
    h_errno = 0;
    const int length = res_query(name, C_IN, type, answer, sizeof answer);
    check_text(servers_asked(), seen, name);
    return length;
}

/* The last byte of the one address that there is; -1: it is not so. */
static int address_of(int length)
{
    if (length < 0 || ns_initparse(answer, length, &parsed) != 0 ||
        ns_msg_count(parsed, ns_s_an) != 1 || ns_parserr(&parsed, ns_s_an, 0, &record) != 0 ||
        ns_rr_type(record) != ns_t_a || ns_rr_rdlen(record) != 4)
        return -1;
    return ns_rr_rdata(record)[3];
}

static void records(void)
{
    char text[NS_MAXDNAME];
    section("records");
    ask_ours(1);
    int length = ask("_xmpp-client.example.test", ns_t_srv, "u0:_xmpp-client.example.test");
    IS(length, 80);
    IS(ns_initparse(answer, length, &parsed), 0);
    IS(ns_msg_count(parsed, ns_s_an), 1);
    IS(ns_msg_getflag(parsed, ns_f_qr) + ns_msg_getflag(parsed, ns_f_ra), 2);
    IS(ns_msg_getflag(parsed, ns_f_tc) + ns_msg_getflag(parsed, ns_f_rcode), 0);
    IS(ns_parserr(&parsed, ns_s_an, 0, &record), 0);
    IS(ns_rr_ttl(record), 300);
    IS(ns_rr_class(record), ns_c_in);
    IS(ns_get16(ns_rr_rdata(record)), 1);
    IS(ns_get16(ns_rr_rdata(record) + 4), 5222);
    IS(dn_expand(ns_msg_base(parsed), ns_msg_end(parsed), ns_rr_rdata(record) + 6, text,
                 sizeof text),
       19);
    check_text(text, "chat.example.test", "target");

    length = ask("mx.example.test", ns_t_mx, "u0:mx.example.test");
    IS(ns_initparse(answer, length, &parsed), 0);
    IS(ns_msg_count(parsed, ns_s_an), 2);
    IS(ns_parserr(&parsed, ns_s_an, 1, &record), 0);
    IS(ns_get16(ns_rr_rdata(record)), 20);
    IS(ns_parserr(&parsed, ns_s_an, 0, &record), 0);
    IS(ns_get16(ns_rr_rdata(record)), 10);
    IS(ns_name_uncompress(ns_msg_base(parsed), ns_msg_end(parsed), ns_rr_rdata(record) + 2, text,
                          sizeof text),
       7);
    check_text(text, "mail.example.test", "exchange");
    IS(ns_parserr(&parsed, ns_s_an, -1, &record), 0);
    IS(ns_get16(ns_rr_rdata(record)), 20);
    FAILS(ns_parserr(&parsed, ns_s_an, -1, &record), ENODEV);
    FAILS(ns_parserr(&parsed, ns_s_an, 2, &record), ENODEV);
    FAILS(ns_parserr(&parsed, ns_s_ar, 0, &record), ENODEV);
    FAILS(ns_parserr(&parsed, ns_s_max, 0, &record), ENODEV);
    IS(ns_parserr(&parsed, ns_s_qd, 0, &record), 0);
    check_text(ns_rr_name(record), "mx.example.test", "question");

    length = ask("txt.example.test", ns_t_txt, "u0:txt.example.test");
    IS(ns_initparse(answer, length, &parsed), 0);
    IS(ns_parserr(&parsed, ns_s_an, 0, &record), 0);
    IS(memcmp(ns_rr_rdata(record), "\5hello\0\6world!", ns_rr_rdlen(record)), 0);
    IS(address_of(ask("a.example.test", ns_t_a, "u0:a.example.test")), 1);
}

static void failures(void)
{
    section("failures");
    ask_ours(1);
    IS(ask("none.example.test", ns_t_a, "u0:none.example.test"), -1);
    IS(h_errno, HOST_NOT_FOUND);
    IS(answer[3] & 15, NXDOMAIN);
    IS(ask("empty.example.test", ns_t_a, "u0:empty.example.test"), -1);
    IS(h_errno, NO_DATA);
    IS(ask("failing.example.test", ns_t_a, "u0:failing.example.test u0:failing.example.test"), -1);
    IS(h_errno, TRY_AGAIN);
    IS(ask("refused.example.test", ns_t_a, "u0:refused.example.test u0:refused.example.test"), -1);
    IS(h_errno, TRY_AGAIN);
    IS(ask("a..example.test", ns_t_a, ""), -1);
    IS(h_errno, NO_RECOVERY);
    _res.nscount = 0;
    FAILS(res_send((const unsigned char *)"\1\2\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, answer, 512),
          ESRCH);
    ask_ours(1);
    FAILS(res_send((const unsigned char *)"\1\2\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, answer, 11),
          EINVAL);
    check_text(hstrerror(NETDB_INTERNAL), "Resolver internal error", "hstrerror(-1)");
    check_text(hstrerror(NO_DATA), "No address associated with name", "hstrerror(4)");
}

static void lies(void)
{
    section("lies");
    ask_ours(1);
    IS(address_of(ask("forged.example.test", ns_t_a, "u0:forged.example.test")), 1);
    IS(address_of(ask("strange.example.test", ns_t_a, "u0:strange.example.test")), 1);
    IS(address_of(ask("other.example.test", ns_t_a, "u0:other.example.test")), 1);
    IS(address_of(ask("outside.example.test", ns_t_a, "u0:outside.example.test")), -1);
    FAILS(ns_parserr(&parsed, ns_s_an, 0, &record), EMSGSIZE);
    IS(address_of(ask("loop.example.test", ns_t_a, "u0:loop.example.test")), -1);
    FAILS(ns_parserr(&parsed, ns_s_an, 0, &record), EMSGSIZE);
    IS(address_of(ask("circle.example.test", ns_t_a, "u0:circle.example.test")), -1);
    FAILS(ns_parserr(&parsed, ns_s_an, 0, &record), EMSGSIZE);
    int length = ask("beyond.example.test", ns_t_a, "u0:beyond.example.test");
    IS(length, 53);
    FAILS(ns_initparse(answer, length, &parsed), EMSGSIZE);
    FAILS(ns_skiprr(answer + 37, answer + length, ns_s_an, 1), EMSGSIZE);
    IS(ns_skiprr(answer + 12, answer + length, ns_s_qd, 1), 25);
    length = ask("many.example.test", ns_t_a, "u0:many.example.test");
    IS(length, 51);
    FAILS(ns_initparse(answer, length, &parsed), EMSGSIZE);
    for (int i = 12; i < length; i++) {
        if (ns_initparse(answer, i, &parsed) == 0)
            IS(i, -1);
    }
}

static void silence(void)
{
    section("silence");
    ask_ours(1);
    _res.retrans = 1;
    _res.retry = 4;
    IS(address_of(ask("late.example.test", ns_t_a, "u0:late.example.test u0:late.example.test")),
       1);
    _res.retry = 2;
    double start = seconds_now();
    IS(ask("silent.example.test", ns_t_a, "u0:silent.example.test u0:silent.example.test"), -1);
    check_text(errno_name(errno), "ETIMEDOUT", "errno");
    IS(h_errno, TRY_AGAIN);
    TRUE(seconds_now() - start > 1.9);
    ask_ours(2);
    _res.retrans = 1;
    _res.retry = 1;
    start = seconds_now();
    IS(ask("silent.example.test", ns_t_a, "u0:silent.example.test u1:silent.example.test"), -1);
    TRUE(seconds_now() - start > 1.9);
    /* Who says much that is no answer is not waited for any longer. */
    ask_ours(1);
    _res.retrans = 1;
    _res.retry = 1;
    start = seconds_now();
    IS(ask("flood.example.test", ns_t_a, "u0:flood.example.test"), -1);
    TRUE(seconds_now() - start < 15);
    /* Nor who sends an answer byte by byte; Linux waits for it. */
    _res.options |= RES_USEVC;
    const int length = ask("drip.example.test", ns_t_a, "t0:drip.example.test");
    TRUE((length < 0) == IS_WINDOWS);
}

static void several(void)
{
    section("several servers");
    ask_ours(2);
    IS(address_of(
           ask("failing.example.test", ns_t_a, "u0:failing.example.test u1:failing.example.test")),
       2);
    IS(address_of(ask("lame.example.test", ns_t_a, "u0:lame.example.test u1:lame.example.test")),
       2);
    IS(address_of(ask("a.example.test", ns_t_a, "u0:a.example.test")), 1);
    _res.options |= RES_USEVC;
    _res.nsaddr_list[0].sin_port = htons(1); /* Where nobody listens. */
    IS(address_of(ask("a.example.test", ns_t_a, "t1:a.example.test")), 2);
}

static void streams(void)
{
    section("streams");
    ask_ours(1);
    int length = ask("big.example.test", ns_t_txt, "u0:big.example.test t0:big.example.test");
    IS(length, 34 + 2120);
    IS(ns_initparse(answer, length, &parsed), 0);
    IS(ns_msg_count(parsed, ns_s_an), 10);
    IS(ns_msg_getflag(parsed, ns_f_tc), 0);
    IS(ns_parserr(&parsed, ns_s_an, 9, &record), 0);
    IS(ns_rr_rdlen(record), 200);
    memset(answer, 0, sizeof answer);
    IS(res_query("big.example.test", C_IN, ns_t_txt, answer, 512), 34 + 2120);
    IS(answer[2] & 2, 2);
    check_text(servers_asked(), "u0:big.example.test t0:big.example.test", "with less room");
    IS(answer[511], 'x');
    IS(answer[512], 0);
    IS(ask("hangup.example.test", ns_t_txt, "u0:hangup.example.test t0:hangup.example.test"), -1);
    IS(h_errno, TRY_AGAIN);
    _res.options |= RES_IGNTC;
    length = ask("big.example.test", ns_t_txt, "u0:big.example.test");
    IS(length, 34 + 212);
    IS(answer[2] & 2, 2);
    ask_ours(1);
    _res.options |= RES_USEVC;
    IS(address_of(ask("a.example.test", ns_t_a, "t0:a.example.test")), 1);
    IS(address_of(ask("forged.example.test", ns_t_a, "t0:forged.example.test")), 1);
    IS(ask("none.example.test", ns_t_a, "t0:none.example.test"), -1);
    IS(h_errno, HOST_NOT_FOUND);
}

static void extensions(void)
{
    section("extensions");
    ask_ours(1);
    IS(address_of(ask("extension.example.test", ns_t_a, "u0:extension.example.test")), 0);
    _res.options |= RES_USE_EDNS0;
    IS(address_of(ask("extension.example.test", ns_t_a, "u0:extension.example.test")), 0);
    IS(memcmp(ns_rr_rdata(record), "\1\51\1\0", 4), 0);
    _res.options |= RES_USE_DNSSEC;
    IS(address_of(ask("extension.example.test", ns_t_a, "u0:extension.example.test")), 0x80);
    IS(ask("old.example.test", ns_t_a, "u0:old.example.test"), -1);
    IS(h_errno, NO_RECOVERY);
}

/* --- searches ---------------------------------------------------------------------------------
 */

static int search_for(const char *name, const char *seen)
{
    memset(answer, 0, sizeof answer);
    h_errno = 0;
    const int length = res_search(name, C_IN, ns_t_a, answer, sizeof answer);
    check_text(servers_asked(), seen, name);
    return length;
}

static void searches(void)
{
    static char void_domain[] = "void.test";
    static char example_domain[] = "example.test";
    section("searches");
    ask_ours(1);
    _res.dnsrch[0] = void_domain;
    _res.dnsrch[1] = example_domain;
    _res.dnsrch[2] = NULL;
    IS(address_of(search_for("a", "u0:a.void.test u0:a.example.test")), 1);
    IS(address_of(search_for("a.example.test", "u0:a.example.test")), 1);
    IS(search_for("a.", "u0:a"), -1);
    IS(h_errno, HOST_NOT_FOUND);
    IS(search_for("empty", "u0:empty.void.test u0:empty.example.test u0:empty"), -1);
    IS(h_errno, NO_DATA);
    IS(search_for("none", "u0:none.void.test u0:none.example.test u0:none"), -1);
    IS(h_errno, HOST_NOT_FOUND);
    IS(search_for("b.none", "u0:b.none u0:b.none.void.test u0:b.none.example.test"), -1);
    IS(h_errno, HOST_NOT_FOUND);
    _res.ndots = 2;
    IS(search_for("b.none", "u0:b.none.void.test u0:b.none.example.test u0:b.none"), -1);
    _res.options &= ~(unsigned long)RES_DNSRCH;
    IS(search_for("a", "u0:a.void.test u0:a"), -1);
    _res.options &= ~(unsigned long)RES_DEFNAMES;
    IS(search_for("a", "u0:a"), -1);
    ask_ours(1);
    memset(answer, 0, sizeof answer);
    IS(address_of(res_querydomain("a", "example.test", C_IN, ns_t_a, answer, sizeof answer)), 1);
    check_text(servers_asked(), "u0:a.example.test", "res_querydomain()");
}

/* --- states -----------------------------------------------------------------------------------
 */

#define LONG_DOMAIN  "a-domain-whose-name-has-as-many-letters-as-sixty.example.test "
#define MANY_DOMAINS LONG_DOMAIN LONG_DOMAIN LONG_DOMAIN LONG_DOMAIN LONG_DOMAIN LONG_DOMAIN

/* The first of all, for the GNU C library looks at the environment once. */
static void environment(void)
{
    int count = 0;
    section("environment");
    IS(setenv("LOCALDOMAIN", "one.example two.example\t" MANY_DOMAINS, 1), 0);
    IS(setenv("RES_OPTIONS", "ndots:3 timeout:2 attempts:99 rotate", 1), 0);
    IS(res_init(), 0);
    while (_res.dnsrch[count] != NULL)
        count++;
    IS(count, 5); /* As many as there is room for. */
    check_text(_res.dnsrch[0], "one.example", "first of LOCALDOMAIN");
    check_text(_res.dnsrch[1], "two.example", "second of LOCALDOMAIN");
    IS(_res.ndots, 3);
    IS(_res.retrans, 2);
    IS(_res.retry, RES_MAXRETRY);
    TRUE((_res.options & RES_ROTATE) != 0);
}

static void states(void)
{
    struct __res_state state;
    section("states");
    IS(res_init(), 0);
    TRUE((_res.options & RES_INIT) != 0);
    TRUE(_res.nscount >= 1 && _res.nscount <= MAXNS);
    _res.options |= RES_USEVC;
    IS(res_init(), 0);
    TRUE((_res.options & RES_USEVC) != 0);
    memset(&state, 0, sizeof state);
    IS(res_ninit(&state), 0);
    IS(state.retrans, 2);
    TRUE((state.options & RES_INIT) != 0);
    state.options = RES_INIT | RES_DEFAULT;
    state.nscount = 1;
    ask_ours(1);
    state.nsaddr_list[0] = _res.nsaddr_list[0];
    memset(answer, 0, sizeof answer);
    IS(address_of(res_nquery(&state, "a.example.test", C_IN, ns_t_a, answer, sizeof answer)), 1);
    IS(res_nquery(&state, "none.example.test", C_IN, ns_t_a, answer, sizeof answer), -1);
    IS(state.res_h_errno, HOST_NOT_FOUND);
    (void)servers_asked();
    res_nclose(&state);
}

/* A server of IPv6 is where the list has none of IPv4. */
static void six(void)
{
    struct sockaddr_in6 *address = calloc(1, sizeof *address);
    if (ports[2] == 0 || address == NULL)
        return;
    section("IPv6");
    res_nclose(&_res);
    ask_ours(1);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(ports[2]);
    address->sin6_addr = in6addr_loopback;
    memset(&_res.nsaddr_list[0], 0, sizeof _res.nsaddr_list[0]);
    _res._u._ext.nsaddrs[0] = address;
    _res._u._ext.nscount = 1;
    IS(address_of(ask("a.example.test", ns_t_a, "u2:a.example.test")), 3);
    _res._u._ext.nsaddrs[0] = NULL;
    _res._u._ext.nscount = 0;
    free(address);
}

int main(void)
{
    environment();
    servers_start(ports);
    states();
    records();
    failures();
    lies();
    silence();
    several();
    streams();
    extensions();
    searches();
    six();
    servers_stop();
    return check_end();
}
