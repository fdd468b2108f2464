/* tests/posix/domain_names.c - domain names and messages as bytes: what arpa/nameser.h and
 * dn_comp() and its kin of resolv.h read and write, at their limits.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

static ns_msg parsed;
static ns_rr record;

/* --- the edge of what can be read -------------------------------------------------------------
 */

enum { EDGE_SIZE = 65536 };
static unsigned char *edge;

/* The byte there, and those behind it, nobody may read. */
static void edge_make(void)
{
    void *pages =
        mmap(NULL, 2 * EDGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    IS(pages != MAP_FAILED, 1);
    edge = (unsigned char *)pages + EDGE_SIZE;
    IS(mprotect(edge, EDGE_SIZE, PROT_NONE), 0);
}

static const unsigned char *at_edge(const void *bytes, size_t count)
{
    return memcpy(edge - count, bytes, count);
}

/* --- names ------------------------------------------------------------------------------------
 */

/* Letters in labels of nine, so many bytes of text. */
static void long_name_make(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = i % 10 == 9 && i + 1 < length ? '.' : 'a';
    text[length] = '\0';
}

static void limits(void)
{
    unsigned char name[300];
    char text[300];
    section("names: limits");
    memset(text, 'a', 64);
    text[63] = '\0';
    IS(ns_name_pton(text, name, sizeof name), 0);
    IS(name[0], 63);
    text[63] = 'a';
    text[64] = '\0';
    FAILS(ns_name_pton(text, name, sizeof name), EMSGSIZE);
    long_name_make(text, 253);
    IS(ns_name_pton(text, name, sizeof name), 0);
    IS(dn_comp(text, name, sizeof name, NULL, NULL), 255);
    IS(dn_comp(text, name, 255, NULL, NULL), 255);
    FAILS(dn_comp(text, name, 254, NULL, NULL), EMSGSIZE);
    strcat(text, ".");
    IS(ns_name_pton(text, name, sizeof name), 1);
    IS(ns_name_ntop(name, text, 254), 254);
    FAILS(ns_name_ntop(name, text, 253), EMSGSIZE);
    long_name_make(text, 254);
    FAILS(ns_name_pton(text, name, sizeof name), EMSGSIZE);
    FAILS(dn_comp(text, name, sizeof name, NULL, NULL), EMSGSIZE);
    FAILS(dn_comp("com", name, 4, NULL, NULL), EMSGSIZE);
    FAILS(dn_comp("com", name, 0, NULL, NULL), EMSGSIZE);
    FAILS(dn_comp("com", name, -1, NULL, NULL), EMSGSIZE);
    IS(dn_comp("com", name, 5, NULL, NULL), 5);
    IS(ns_name_pton("", name, 1), 0);
    IS(name[0], 0);
    IS(ns_name_pton(".", name, 1), 1);
    FAILS(ns_name_pton("a", name, 2), EMSGSIZE);
    IS(ns_name_pton("a", name, 3), 0);
}

static void escapes(void)
{
    static const char *const good[][2] = {{"a\\.b.c", "a\\.b.c"},
                                          {"a\\255.x", "a\\255.x"},
                                          {"a\\000b", "a\\000b"},
                                          {"\\[b1].x", "[b1].x"},
                                          {"a\\zb", "azb"},
                                          {"a b", "a\\032b"},
                                          {"\\097", "a"},
                                          {"a\\.", "a\\."},
                                          {"", "."},
                                          {"\"$();@", "\\\"\\$\\(\\)\\;\\@"},
                                          {"a\\\\b", "a\\\\b"},
                                          {"\x80", "\\128"}};
    static const char *const bad[] = {"..", ".a", "a..b", "a..", "a\\", "a\\1", "a\\12", "a\\256"};
    unsigned char name[300];
    char text[300];
    section("names: escapes");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        IS(ns_name_pton(good[i][0], name, sizeof name), 0);
        IS(ns_name_ntop(name, text, sizeof text), strlen(good[i][1]) + 1);
        check_text(text, good[i][1], good[i][0]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(ns_name_pton(bad[i], name, sizeof name), EMSGSIZE);
    IS(ns_name_pton("A\\066.Cd", name, sizeof name), 0);
    IS(ns_name_ntol(name, name, 7), 7);
    IS(memcmp(name, "\2ab\2cd", 7), 0);
    FAILS(ns_name_ntol(name, name, 6), EMSGSIZE);
}

static void reading(void)
{
    const unsigned char forward[] = {0xc0, 4, 0, 0, 1, 'a', 0};
    const unsigned char self[] = {0xc0, 0};
    const unsigned char circle[] = {0xc0, 2, 1, 'a', 0xc0, 0};
    const unsigned char cut[] = {3, 'c', 'o'};
    const unsigned char half[] = {1, 'a', 0xc0};
    const unsigned char other[] = {0x41, 1, 2, 0};
    const unsigned char deep[] = {1, 'a', 0, 1, 'b', 0xc0, 0, 0xc0, 3, 0xc0, 7, 9};
    const unsigned char *at = cut;
    unsigned char name[300];
    char text[300];
    section("names: reading");
    IS(ns_name_unpack(forward, forward + 7, forward, name, sizeof name), 2);
    FAILS(ns_name_unpack(self, self + 2, self, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(circle, circle + 6, circle + 2, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(cut, cut + 3, cut, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(half, half + 3, half, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(other, other + 4, other, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(cut, cut + 3, cut + 3, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_unpack(forward, forward + 3, forward, name, sizeof name), EMSGSIZE);
    FAILS(ns_name_ntop(other, text, sizeof text), EMSGSIZE);
    IS(dn_expand(deep, deep + sizeof deep, deep + 9, text, sizeof text), 2);
    check_text(text, "b.a", "three pointers");
    IS(ns_name_unpack(deep, deep + sizeof deep, deep + 9, name, 5), 2);
    FAILS(ns_name_unpack(deep, deep + sizeof deep, deep + 9, name, 4), EMSGSIZE);
    FAILS(dn_expand(deep, deep + sizeof deep, deep + 9, text, 3), EMSGSIZE);
    FAILS(dn_expand(deep, deep + sizeof deep, deep + 9, text, -1), EMSGSIZE);
    IS(dn_expand(deep, deep + sizeof deep, deep + 2, text, 2), 1);
    check_text(text, "", "the root by dn_expand()");
    IS(ns_name_uncompress(deep, deep + sizeof deep, deep + 2, text, 2), 1);
    check_text(text, ".", "the root by ns_name_uncompress()");
    FAILS(ns_name_skip(&at, cut + 3), EMSGSIZE);
    TRUE(at == cut);
    FAILS(dn_skipname(half, half + 3), EMSGSIZE);
    FAILS(dn_skipname(other, other + 4), EMSGSIZE);
    FAILS(dn_skipname(cut, cut), EMSGSIZE);
    IS(dn_skipname(deep + 3, deep + sizeof deep), 4);
    IS(dn_skipname(deep, deep + sizeof deep), 3);
}

static void compression(void)
{
    unsigned char message[300];
    const unsigned char *names[8] = {message, NULL};
    const unsigned char **end = names + 8;
    unsigned char *two[3] = {message, NULL};
    section("names: compression");
    IS(ns_name_compress("WWW.example.com", message + 12, 100, names, end), 17);
    IS(ns_name_compress("mail.Example.com.", message + 29, 100, names, end), 7);
    IS(message[34], 0xc0);
    IS(message[35], 16);
    IS(ns_name_compress("example.COM", message + 36, 100, names, end), 2);
    IS(ns_name_compress("com", message + 38, 100, names, end), 2);
    IS(message[39], 24);
    IS(ns_name_compress("x.mail.example.com", message + 40, 100, names, end), 4);
    IS(message[43], 29);
    FAILS(ns_name_compress("y.com", message + 44, 3, names, end), EMSGSIZE);
    IS(ns_name_compress("y.com", message + 44, 4, names, end), 4);
    IS(ns_name_compress("", message + 48, 1, names, end), 1);
    TRUE(names[1] == message + 12);
    TRUE(names[2] == message + 29);
    TRUE(names[3] == message + 40);
    TRUE(names[4] == message + 44);
    TRUE(names[5] == NULL);
    ns_name_rollback(message + 29, names, end);
    TRUE(names[1] == message + 12);
    TRUE(names[2] == NULL);
    IS(dn_comp("a.b", message + 12, 100, two, two + 3), 5);
    IS(dn_comp("c.b", message + 17, 100, two, two + 3), 4);
    TRUE(two[2] == NULL);
    IS(dn_comp("c.b", message + 21, 100, two, NULL), 4);
    IS(dn_comp("a.b", message + 25, 100, NULL, NULL), 5);
}

/* A pointer has fourteen bits. */
static void far_compression(void)
{
    static unsigned char message[0x4100];
    unsigned char *names[4] = {message, NULL};
    unsigned char **end = names + 4;
    section("names: far");
    IS(dn_comp("a.b", message + 0x3ffe, 100, names, end), 5);
    TRUE(names[1] == message + 0x3ffe);
    IS(dn_comp("a.b", message + 0x4003, 100, names, end), 2);
    IS(ns_get16(message + 0x4003), 0xfffe);
    IS(dn_comp("b", message + 0x4005, 100, names, end), 3);
    TRUE(names[2] == NULL);
    IS(dn_comp("b", message + 0x4008, 100, names, end), 3);
}

/* --- messages ---------------------------------------------------------------------------------
 */

static void numbers(void)
{
    unsigned char bytes[8] = {0};
    unsigned char *at = bytes;
    const unsigned char *from = bytes;
    unsigned value;
    unsigned long wide;
    HEADER header;
    section("messages: numbers");
    NS_PUT16(0x1234, at);
    NS_PUT32(0xfedcba98, at);
    IS(at - bytes, 6);
    NS_GET16(value, from);
    NS_GET32(wide, from);
    IS(value, 0x1234);
    TRUE(wide == 0xfedcba98);
    IS(from - bytes, 6);
    ns_put16(0xabcd, bytes);
    ns_put32(0x80000001, bytes + 2);
    IS(ns_get16(bytes), 0xabcd);
    TRUE(ns_get32(bytes + 2) == 0x80000001);
    IS(sizeof header, NS_HFIXEDSZ);
    memcpy(&header, "\1\2\x85\xa3\0\1\0\2\0\3\0\4", NS_HFIXEDSZ);
    IS(header.qr + 2 * header.aa + 4 * header.rd + 8 * header.ra + 16 * header.ad, 31);
    IS(header.tc + header.cd + header.opcode, 0);
    IS(header.rcode, NXDOMAIN);
    IS(ntohs((unsigned short)header.arcount), 4);
}

static void questions(void)
{
    unsigned char message[NS_PACKETSZ];
    section("messages: questions");
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, sizeof message), 27);
    IS(_res.options & RES_INIT, RES_INIT);
    IS(_res.retrans, RES_TIMEOUT);
    IS(_res.retry, RES_DFLRETRY);
    _res.retrans = 1;
    IS(res_init(), 0);
    IS(_res.retrans, 1);
    _res.options = RES_INIT | RES_DEFAULT;
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, sizeof message), 27);
    IS(memcmp(message + 2, "\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\41\0\1", 25), 0);
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, 27), 27);
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, 26), -1);
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, 11), -1);
    IS(res_mkquery(QUERY, "a..example", C_IN, T_SRV, NULL, 0, NULL, message, 99), -1);
    IS(res_mkquery(QUERY, "a.example", 70000, T_SRV, NULL, 0, NULL, message, 99), -1);
    IS(res_mkquery(STATUS, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, 99), -1);
    IS(res_mkquery(NS_NOTIFY_OP, "a.example", C_IN, T_SOA, NULL, 0, NULL, message, 99), 27);
    IS(message[2], 0x21);
    _res.options &= ~(unsigned long)RES_RECURSE;
    IS(res_mkquery(QUERY, "a.example", C_IN, T_SRV, NULL, 0, NULL, message, 99), 27);
    IS(message[2], 0);
    _res.options |= RES_RECURSE;
    IS(ns_initparse(message, 27, &parsed), 0);
    IS(ns_msg_count(parsed, ns_s_qd), 1);
    IS(ns_parserr(&parsed, ns_s_qd, 0, &record), 0);
    check_text(ns_rr_name(record), "a.example", "its name");
    IS(ns_rr_type(record), T_SRV);
    FAILS(ns_initparse(message, 26, &parsed), EMSGSIZE);
    FAILS(ns_initparse(message, 28, &parsed), EMSGSIZE);
    FAILS(ns_initparse(message, 11, &parsed), EMSGSIZE);
}

/* No beginning of a message is one, and nothing behind it is looked at. */
static void pieces(void)
{
    static const unsigned char whole[] =
        "\1\2\x81\x80\0\1\0\1\0\0\0\0\2mx\7example\4test\0\0\17\0\1"
        "\xc0\14\0\17\0\1\0\0\1\54\0\11\0\12\4mail\xc0\17";
    static const unsigned char name[] = "\2mx\7example\xc0\0";
    char text[NS_MAXDNAME];
    unsigned char unpacked[300];
    int good = 0;
    section("messages: pieces");
    for (int i = 0; i < (int)sizeof whole; i++) {
        const unsigned char *at = at_edge(whole, (size_t)i);
        if (ns_initparse(at, i, &parsed) != 0)
            continue;
        good = i;
        IS(ns_parserr(&parsed, ns_s_an, 0, &record), 0);
        IS(ns_name_uncompress(at, edge, ns_rr_rdata(record) + 2, text, sizeof text), 7);
    }
    IS(good, sizeof whole - 1);
    FAILS(ns_name_unpack(at_edge("\0\0\0\0\xc0", 5), edge, edge - 1, unpacked, sizeof unpacked),
          EMSGSIZE);
    for (int i = 0; i < (int)sizeof name; i++) {
        const unsigned char *at = at_edge(name, (size_t)i);
        good += ns_name_unpack(at, edge, at, unpacked, sizeof unpacked) != -1;
        good += dn_skipname(at, edge) != -1 && i != 13;
        good += ns_skiprr(at, edge, ns_s_qd, 1) != -1 || ns_skiprr(at, edge, ns_s_an, 1) != -1;
    }
    IS(good, sizeof whole - 1);
}

int main(void)
{
    edge_make();
    limits();
    escapes();
    reading();
    compression();
    far_compression();
    numbers();
    questions();
    pieces();
    return check_end();
}
