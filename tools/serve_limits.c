/* tools/serve_limits.c - limits from the command line. */
#include "tools/serve_limits.h"

#include <string.h>

/* A whole number, beyond which the library knows none. */
static int number_take(const option_given *given, uint64_t most, uint64_t *value_out)
{
    if (value_count(given->value, 1, most, value_out))
        return COMMAND_DONE;
    return command_misused("serve", "--%s: \"%s\" is not a number from 1 to %llu", given->name,
                           given->value, (unsigned long long)most);
}

static int count_take(const option_given *given, uint32_t most, uint32_t *value_out)
{
    uint64_t value;
    int status = number_take(given, most, &value);
    if (status == COMMAND_DONE)
        *value_out = (uint32_t)value;
    return status;
}

static int block_take(const option_given *given, const char **list, size_t *count)
{
    if (*count == SERVE_BLOCKS_MAX)
        return command_misused("serve", "--%s: at most %u blocks of addresses", given->name,
                               SERVE_BLOCKS_MAX);
    if (plx_address_block_check(given->value) != 0)
        return command_misused("serve",
                               "--%s: \"%s\" is not a block of addresses; write 192.0.2.0/24 or "
                               "2001:db8::/32, with zeros behind the prefix, or one address",
                               given->name, given->value);
    list[(*count)++] = given->value;
    return COMMAND_DONE;
}

int serve_limits_take(serve_limits *limits, const option_given *given)
{
    plx_server_limits *of = &limits->limits;
    switch (given->id) {
    case SERVE_LIMIT_CONNECTIONS:
        return count_take(given, UINT32_MAX, &of->server_open_max);
    case SERVE_LIMIT_PER_ADDRESS:
        return count_take(given, UINT32_MAX, &of->client_open_max);
    case SERVE_LIMIT_RATE:
        return count_take(given, PLX_SECOND, &of->client_rate);
    case SERVE_LIMIT_SLOW:
        return number_take(given, PLX_SECOND, &of->receive_rate);
    case SERVE_ALLOW:
        return block_take(given, limits->allow, &of->allow_count);
    default:
        return block_take(given, limits->deny, &of->deny_count);
    }
}

int serve_limits_set(serve_limits *limits, plx_server *server)
{
    static const plx_server_limits none;
    if (memcmp(&limits->limits, &none, sizeof none) == 0)
        return 0;
    limits->limits.allow = limits->allow;
    limits->limits.deny = limits->deny;
    return plx_server_set_limits(server, &limits->limits, NULL);
}
