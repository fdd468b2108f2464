/* tests/unit_clients.c - the clients that limits remember, and lists of addresses. */
#include <string.h>

#include "core/server/address_list.h"
#include "core/server/clients.h"
#include "core/server/limits.h"
#include "tests/chance.h"
#include "tests/harness.h"

extern const test_case unit_clients_cases[];

uint64_t chance_state = 1;

static plx__client_key key_of(const char *text, uint32_t ipv4_bits, uint32_t ipv6_bits)
{
    plx__ip ip;
    ck_ok(plx__ip_parse(&ip, text));
    return plx__client_key_of(&ip, ipv4_bits, ipv6_bits);
}

static bool is_one(const char *left, const char *right, uint32_t ipv4_bits, uint32_t ipv6_bits)
{
    const plx__client_key first = key_of(left, ipv4_bits, ipv6_bits);
    const plx__client_key second = key_of(right, ipv4_bits, ipv6_bits);
    return memcmp(&first, &second, sizeof first) == 0;
}

static void clients_are_told_apart_by_their_bits(world *w)
{
    (void)w;
    ck_assert(is_one("10.1.2.3", "10.1.2.3", 32, 64));
    ck_assert(!is_one("10.1.2.3", "10.1.2.2", 32, 64));
    ck_assert(is_one("10.1.2.3", "10.1.2.2", 31, 64));
    ck_assert(is_one("10.1.2.3", "10.1.255.9", 16, 64));
    ck_assert(!is_one("10.1.2.3", "10.2.2.3", 16, 64));
    ck_assert(is_one("10.1.2.3", "10.1.127.3", 17, 64));
    ck_assert(!is_one("10.1.2.3", "10.1.128.3", 17, 64));
    ck_assert(is_one("2001:db8:0:1::1", "2001:db8:0:1:ffff::", 32, 64));
    ck_assert(!is_one("2001:db8:0:1::1", "2001:db8:0:2::1", 32, 64));
    ck_assert(is_one("2001:db8:0:1::1", "2001:db8:0:2::1", 32, 48));
    ck_assert(!is_one("2001:db8::1", "2001:db8::2", 32, 128));
    ck_assert(is_one("2001:db8::1", "3fff::1", 32, 3));
    ck_assert(!is_one("2001:db8::1", "3fff::1", 32, 4));
    ck_assert(is_one("::ffff:10.1.2.3", "10.1.2.3", 32, 64));
    ck_assert(!is_one("::ffff:10.1.2.3", "::ffff:10.1.2.4", 32, 64));
    ck_assert(!is_one("::1", "10.1.2.3", 1, 1));
}

enum { KEYS = 512, STEPS = 100000 };

/* Keys with few bits set are near each other, and differ late. */
static plx__client_key chance_key(uint32_t number)
{
    plx__client_key key = {{0}};
    for (uint32_t bit = 0; bit < 9; bit++)
        key.bytes[bit * 15 / 8] |= (unsigned char)((number >> bit & 1) << bit % 8);
    return key;
}

/* Against an array that is as simple as can be. */
static void clients_are_found_again(world *w)
{
    static plx__client *known[KEYS];
    plx__clients clients = {0};
    uint32_t count = 0, idle = 0;
    (void)w;
    for (int step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)chance_below(KEYS);
        const plx__client_key key = chance_key(number);
        plx__client *client = plx__clients_find(&clients, &key);
        ck_assert_ptr_eq(client, known[number]);
        if (client == NULL && one_in(2)) {
            known[number] = client = plx__clients_add(&clients, &key);
            ck_assert_ptr_eq(plx__clients_find(&clients, &key), client);
            client->open = 1;
            count++;
        } else if (client != NULL && client->open == 0) {
            idle--;
            if (one_in(2)) {
                plx__clients_take(&clients, client);
                client->open = 1;
            } else {
                plx__clients_forget(&clients, client);
                known[number] = NULL;
                count--;
            }
        } else if (client != NULL) {
            client->open = 0;
            plx__clients_rest(&clients, client);
            idle++;
        }
        ck_assert_uint_eq(clients.count, count);
        ck_assert_uint_eq(clients.idle_count, idle);
    }
    ck_assert_uint_gt(count, KEYS / 4);
    plx__clients_close(&clients);
    ck_assert_uint_eq(clients.count, 0);
    ck_assert_ptr_null(clients.oldest);
    ck_assert_ptr_null(clients.newest);
}

/* Whoever has a connection is never forgotten. */
static void memory_of_clients_is_bounded(world *w)
{
    plx__clients clients = {0};
    plx__client_key first = {{0}}, key = {{0}};
    (void)w;
    plx__client *busy = plx__clients_add(&clients, &first);
    for (uint32_t i = 1; i <= PLX__CLIENTS_IDLE_MAX + 100; i++) {
        memcpy(key.bytes, &i, sizeof i);
        plx__clients_rest(&clients, plx__clients_add(&clients, &key));
        uint32_t bound = i < PLX__CLIENTS_IDLE_MAX ? i : PLX__CLIENTS_IDLE_MAX;
        ck_assert_uint_eq(clients.idle_count, bound);
        ck_assert_uint_eq(clients.count, bound + 1);
    }
    for (uint32_t i = 1; i <= 101; i++) { /* The oldest hundred are gone. */
        memcpy(key.bytes, &i, sizeof i);
        ck_assert_int_eq(plx__clients_find(&clients, &key) == NULL, i <= 100);
    }
    ck_assert_ptr_eq(plx__clients_find(&clients, &first), busy);
    plx__clients_close(&clients);
}

static void clients_need_memory(world *w)
{
    plx__clients clients = {0};
    const plx__client_key first = chance_key(1), second = chance_key(2);
    (void)w;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_ptr_null(plx__clients_add(&clients, &first));
    ck_assert_ptr_nonnull(plx__clients_add(&clients, &first));
    for (uint32_t i = 0; i < 2; i++) {
        plx__fault_arm(PLX__FAULT_MEMORY, i, 1);
        ck_assert_ptr_null(plx__clients_add(&clients, &second));
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    ck_assert_uint_eq(clients.count, 1);
    ck_assert_ptr_null(plx__clients_find(&clients, &second));
    plx__clients_close(&clients);
}

static void lists_have_what_is_in_a_block(world *w)
{
    static const char *const texts[] = {"10.0.0.0/8", "::1", "192.0.2.7"};
    plx__address_list list;
    plx__ip ip;
    const char *wrong = NULL;
    (void)w;
    ck_ok(plx__address_list_open(&list, texts, 3, &wrong));
    ck_assert_ptr_null(wrong);
    ck_ok(plx__ip_parse(&ip, "192.0.2.7"));
    ck_assert(plx__address_list_has(&list, &ip));
    ck_ok(plx__ip_parse(&ip, "192.0.2.8"));
    ck_assert(!plx__address_list_has(&list, &ip));
    ck_ok(plx__ip_parse(&ip, "::ffff:10.200.0.1"));
    ck_assert(plx__address_list_has(&list, &ip));
    plx__address_list_close(&list);
    ck_assert(!plx__address_list_has(&list, &ip));
    ck_ok(plx__address_list_open(&list, NULL, 0, &wrong));
    ck_assert(!plx__address_list_has(&list, &ip));
    plx__address_list_close(&list);
}

/* The parent adds a child's refusals to its own, reason by reason. */
static void limits_of_children_add_up(world *w)
{
    const plx_server_stats child = {.refused_address = 1,
                                    .refused_client_open = 2,
                                    .refused_client_rate = 3,
                                    .refused_server_open = 4,
                                    .refused_server_rate = 5,
                                    .slow_peers = 6,
                                    .limit_pauses = 7};
    plx_server_stats total = {0};
    (void)w;
    for (int i = 0; i < 2; i++)
        plx__limits_stats_add(&total, &child);
    ck_assert_uint_eq(total.refused_address, 2);
    ck_assert_uint_eq(total.refused_client_open, 4);
    ck_assert_uint_eq(total.refused_client_rate, 6);
    ck_assert_uint_eq(total.refused_server_open, 8);
    ck_assert_uint_eq(total.refused_server_rate, 10);
    ck_assert_uint_eq(total.slow_peers, 12);
    ck_assert_uint_eq(total.limit_pauses, 14);
}

const test_case unit_clients_cases[] = {
    CASE(clients_are_told_apart_by_their_bits),
    CASE(clients_are_found_again),
    CASE(memory_of_clients_is_bounded),
    CASE(clients_need_memory),
    CASE(lists_have_what_is_in_a_block),
    CASE(limits_of_children_add_up),
    CASES_END,
};
