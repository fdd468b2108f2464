/* core/server/limits.c - the limits of a server, and who is within them.
 *
 * A bucket is one number: when the next connection is due, if they come evenly (the generic cell
 * rate algorithm, ITU-T I.371). One that comes earlier than that, by no more than the burst, is
 * within the rate. A bucket whose due time has passed is full.
 *
 * A connection is looked at under all limits before it counts for any.
 */
#include "core/server/limits.h"

#include "core/server/server.h"
#include "platform/sized.h"

#define IPV4_BITS_DEFAULT 32u
#define IPV6_BITS_DEFAULT 64u
#define GRACE_NS_DEFAULT  (10 * PLX_SECOND)
/* Of the idle clients that are looked at when one connects. */
#define FORGOTTEN_AT_ONCE 4

/* --- rules ------------------------------------------------------------------------------------ */

static uint32_t or_default(uint32_t value, uint32_t by_default)
{
    return value != 0 ? value : by_default;
}

static int numbers_fill(plx_server_limits *numbers)
{
    if (numbers->ipv4_bits > 32 || numbers->ipv6_bits > 128 || numbers->client_rate > PLX_SECOND ||
        numbers->server_rate > PLX_SECOND || numbers->receive_rate > PLX_SECOND ||
        numbers->open_max_action > PLX_LIMIT_REFUSE || numbers->rate_action > PLX_LIMIT_REFUSE ||
        (numbers->client_burst != 0 && numbers->client_rate == 0) ||
        (numbers->server_burst != 0 && numbers->server_rate == 0))
        return PLX_EINVAL;
    numbers->ipv4_bits = or_default(numbers->ipv4_bits, IPV4_BITS_DEFAULT);
    numbers->ipv6_bits = or_default(numbers->ipv6_bits, IPV6_BITS_DEFAULT);
    numbers->client_burst = or_default(numbers->client_burst, numbers->client_rate);
    numbers->server_burst = or_default(numbers->server_burst, numbers->server_rate);
    if (numbers->receive_grace_ns == 0)
        numbers->receive_grace_ns = GRACE_NS_DEFAULT;
    return 0;
}

static void rules_close(plx__limit_rules *rules)
{
    plx__address_list_close(&rules->allow);
    plx__address_list_close(&rules->deny);
}

static int rules_open(plx__limit_rules *rules, const plx_server_limits *limits, size_t limits_bytes,
                      const char **wrong_out)
{
    plx_server_limits *numbers = &rules->numbers;
    *rules = (plx__limit_rules){0};
    int status = plx__sized_take(numbers, sizeof *numbers, limits, limits_bytes);
    if (status == 0)
        status = numbers_fill(numbers);
    if (status == 0)
        status =
            plx__address_list_open(&rules->allow, numbers->allow, numbers->allow_count, wrong_out);
    if (status == 0)
        status =
            plx__address_list_open(&rules->deny, numbers->deny, numbers->deny_count, wrong_out);
    if (status != 0)
        rules_close(rules);
    return status;
}

/* --- setting them ----------------------------------------------------------------------------- */

/* Listeners that are there already open connections without asking. */
static int limits_open(plx_server *server)
{
    if (server->limits != NULL)
        return 0;
    if (server->listeners_count > 0)
        return PLX_EBUSY;
    plx__limits *limits = plx__allocate_zeroed(1, sizeof *limits);
    int status = limits != NULL ? plx__holdings_open(server) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(limits);
        return status;
    }
    limits->server = server;
    limits->nobody.limits = limits;
    plx__mutex_open(&limits->mutex);
    server->limits = limits;
    return 0;
}

int plx_server_set_limits_sized(plx_server *server, const plx_server_limits *limits,
                                size_t limits_bytes, const char **wrong_out)
{
    plx__limit_rules rules;
    const char *wrong = NULL;
    int status = rules_open(&rules, limits, limits_bytes, &wrong);
    if (wrong_out != NULL)
        *wrong_out = wrong;
    if (status != 0)
        return status;
    status = limits_open(server);
    if (status == 0) {
        plx__limit_rules before;
        plx__mutex_lock(&server->limits->mutex);
        before = server->limits->rules;
        server->limits->rules = rules;
        plx__mutex_unlock(&server->limits->mutex);
        rules = before;
    }
    rules_close(&rules);
    return status;
}

void plx__limits_close(plx__limits *limits)
{
    if (limits == NULL)
        return;
    PLX_ASSERT(limits->open == 0);
    plx__clients_close(&limits->clients);
    plx__mutex_close(&limits->mutex);
    rules_close(&limits->rules);
    plx__free(limits);
}

/* --- buckets ---------------------------------------------------------------------------------- */

/* How long until one more is within the rate; 0: it is. */
static uint64_t bucket_wait(uint64_t due_ns, uint32_t rate, uint32_t burst, uint64_t now_ns)
{
    if (rate == 0)
        return 0;
    const uint64_t within_ns = now_ns + (burst - 1) * (PLX_SECOND / rate);
    return due_ns > within_ns ? due_ns - within_ns : 0;
}

static uint64_t bucket_take(uint64_t due_ns, uint32_t rate, uint64_t now_ns)
{
    return rate == 0 ? due_ns : (due_ns > now_ns ? due_ns : now_ns) + PLX_SECOND / rate;
}

/* --- one that connects ------------------------------------------------------------------------ */

/* What a look at all limits has found. Under the mutex from beginning to end. */
typedef struct look {
    plx__limits *limits;
    const plx_server_limits *numbers;
    plx__ip ip; /* None, of a Unix-domain socket, and of a peer that is gone. */
    plx__client_key key;
    plx__client *client; /* NULL: it is not remembered. */
    uint64_t *refused;   /* The counter of the limit that objects. */
    uint64_t wait_ns;
} look;

static bool is_listed(const look *at)
{
    const plx__limit_rules *rules = &at->limits->rules;
    return !plx__address_list_has(&rules->deny, &at->ip) &&
           (rules->allow.count == 0 || plx__address_list_has(&rules->allow, &at->ip));
}

/* 0, or PLX_EACCES. */
static int client_look(look *at)
{
    plx__limits *limits = at->limits;
    plx_server_stats *stats = &limits->server->stats;
    const plx_server_limits *numbers = at->numbers;
    if (!is_listed(at)) {
        at->refused = &stats->refused_address;
        return PLX_EACCES;
    }
    at->key = plx__client_key_of(&at->ip, numbers->ipv4_bits, numbers->ipv6_bits);
    at->client = plx__clients_find(&limits->clients, &at->key);
    if (at->client == NULL)
        return 0;
    if (numbers->client_open_max != 0 && at->client->open >= numbers->client_open_max)
        at->refused = &stats->refused_client_open;
    else if (bucket_wait(at->client->due_ns, numbers->client_rate, numbers->client_burst,
                         limits->now_ns) > 0)
        at->refused = &stats->refused_client_rate;
    return at->refused != NULL ? PLX_EACCES : 0;
}

/* What the action says, about a limit of the server that is reached. */
static int over_server(look *at, uint32_t action, uint64_t *refused, uint64_t wait_ns)
{
    at->refused = refused;
    at->wait_ns = wait_ns;
    return action == PLX_LIMIT_REFUSE ? PLX_EACCES : PLX_ENOBUFS;
}

/* 0, PLX_EACCES or PLX_ENOBUFS. */
static int server_look(look *at)
{
    plx__limits *limits = at->limits;
    plx_server_stats *stats = &limits->server->stats;
    const plx_server_limits *numbers = at->numbers;
    if (numbers->server_open_max != 0 && limits->open >= numbers->server_open_max)
        return over_server(at, numbers->open_max_action, &stats->refused_server_open, 0);
    uint64_t wait_ns =
        bucket_wait(limits->due_ns, numbers->server_rate, numbers->server_burst, limits->now_ns);
    return wait_ns == 0
               ? 0
               : over_server(at, numbers->rate_action, &stats->refused_server_rate, wait_ns);
}

/* Clients whose bucket is full again are as if they had never come. */
static void idle_forget(plx__limits *limits)
{
    for (int i = 0; i < FORGOTTEN_AT_ONCE && limits->clients.oldest != NULL; i++) {
        if (limits->clients.oldest->due_ns > limits->now_ns)
            return;
        plx__clients_forget(&limits->clients, limits->clients.oldest);
    }
}

/* Remembers a client. NULL: there is no memory. */
static plx__client *client_new(plx__limits *limits, const plx__client_key *key)
{
    plx__client *client = plx__clients_add(&limits->clients, key);
    if (client != NULL)
        client->limits = limits;
    return client;
}

/* It is within all limits. 0 or PLX_EACCES, for want of memory. */
static int count_in(look *at)
{
    plx__limits *limits = at->limits;
    const plx_server_limits *numbers = at->numbers;
    if (at->ip.length == 0)
        at->client = &limits->nobody;
    else if (at->client == NULL)
        at->client = client_new(limits, &at->key);
    if (at->client == NULL) {
        at->refused = &limits->server->stats.refused;
        return PLX_EACCES;
    }
    plx__clients_take(&limits->clients, at->client);
    at->client->open++;
    at->client->due_ns = bucket_take(at->client->due_ns, numbers->client_rate, limits->now_ns);
    limits->due_ns = bucket_take(limits->due_ns, numbers->server_rate, limits->now_ns);
    limits->open++;
    return 0;
}

/* Loops are not at the same time, and time does not go back. */
static void time_note(plx__limits *limits, uint64_t now_ns)
{
    if (now_ns > limits->now_ns)
        limits->now_ns = now_ns;
}

int plx__limits_enter(plx__limits *limits, plx_socket socket, uint64_t now_ns,
                      plx__client **client_out, uint64_t *wait_ns_out)
{
    look at = {.limits = limits, .numbers = &limits->rules.numbers};
    /* A peer that has gone has no address any more, and cannot be told from one that is denied. */
    int status = plx__socket_peer_ip(&at.ip, socket) == 0 ? 0 : PLX_EACCES;
    if (status != 0)
        at.refused = &limits->server->stats.refused_address;
    plx__mutex_lock(&limits->mutex);
    time_note(limits, now_ns);
    if (status == 0 && at.ip.length != 0)
        status = client_look(&at);
    if (status == 0)
        status = server_look(&at);
    if (status == 0)
        status = count_in(&at); /* Before the next, which may forget this client. */
    idle_forget(limits);
    plx__mutex_unlock(&limits->mutex);
    *client_out = status == 0 ? at.client : NULL;
    *wait_ns_out = at.wait_ns;
    if (status == PLX_EACCES)
        plx__server_tally(limits->server, at.refused);
    return status;
}

/* --- one that is there ------------------------------------------------------------------------ */

void plx__limits_leave(plx__client *client, uint64_t now_ns)
{
    plx__limits *limits = client->limits;
    plx__mutex_lock(&limits->mutex);
    time_note(limits, now_ns);
    limits->open--;
    if (--client->open == 0 && client != &limits->nobody) {
        if (client->due_ns > limits->now_ns)
            plx__clients_rest(&limits->clients, client);
        else
            plx__clients_forget(&limits->clients, client);
    }
    plx__mutex_unlock(&limits->mutex);
}

static void on_gone(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    plx__client *client = data;
    plx_server *server = client->limits->server;
    (void)conn;
    if (reason == PLX_ESLOW)
        plx__server_tally(server, &server->stats.slow_peers);
    plx__limits_leave(client, plx_loop_now(loop));
}

void plx__limits_follow(plx_loop *loop, plx_conn conn, plx__client *client)
{
    plx__limits *limits = client->limits;
    plx__mutex_lock(&limits->mutex);
    const plx_server_limits numbers = limits->rules.numbers;
    plx__mutex_unlock(&limits->mutex);
    int status = plx_conn_on_gone(loop, conn, on_gone, client);
    if (status != 0)
        plx__limits_leave(client, plx_loop_now(loop));
    else if (numbers.receive_rate != 0)
        status =
            plx_conn_set_receive_rate(loop, conn, numbers.receive_rate, numbers.receive_grace_ns);
    if (status != 0)
        (void)plx_conn_reset(loop, conn);
}

void plx__limits_stats_add(plx_server_stats *total, const plx_server_stats *child)
{
    total->refused_address += child->refused_address;
    total->refused_client_open += child->refused_client_open;
    total->refused_client_rate += child->refused_client_rate;
    total->refused_server_open += child->refused_server_open;
    total->refused_server_rate += child->refused_server_rate;
    total->slow_peers += child->slow_peers;
    total->limit_pauses += child->limit_pauses;
}

uint32_t plx__limits_clients(plx__limits *limits)
{
    plx__mutex_lock(&limits->mutex);
    uint32_t count = limits->clients.count;
    plx__mutex_unlock(&limits->mutex);
    return count;
}
