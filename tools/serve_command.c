/* tools/serve_command.c - `pollux serve`: its options. tools/serve.c runs it. */
#include <stdio.h>

#include "tools/failure.h"
#include "tools/options.h"
#include "tools/policy.h"
#include "tools/serve.h"
#include "tools/suggestion.h"

#define NAMES_MAX     10u
#define LOOPS_MAX     1024u
#define DRAIN_SECONDS 10
#define BLOCK_MS_MAX  60000u

enum {
    BACKEND,
    SET,
    LISTEN,
    MODE,
    IDLE_TIMEOUT,
    LOOPS,
    DISPATCH,
    HANDLERS,
    DRAIN,
    PIN,
    TAKEOVER,
    PROXY_PROTOCOL,
    PROXY_FROM,
    HEALTH,
    LIVE,
    BLOCK,
    UNTIL_STDIN_ENDS,
    JSON
};

static const char help[] =
    "usage: pollux serve [OPTION]...\n"
    "\n"
    "Listens and serves connections until Ctrl-C, SIGTERM or SIGQUIT. Prints one line for each\n"
    "address that it listens on, and a summary at the end.\n"
    "\n"
    "  --listen ADDRESS       tcp://host:port with a numeric host, or unix:/path. For port 0\n"
    "                         the system chooses one. May be given up to 16 times.\n"
    "                         \"inherited\" stands for all sockets that a supervisor has opened\n"
    "                         (systemd: LISTEN_FDS), inherited:NAME for those of that name.\n"
    "                         Default: tcp://127.0.0.1:7000\n"
    "  --mode MODE            The service. Default: echo\n"
    "                           echo     sends back what it receives\n"
    "                           http     answers every HTTP/1 request with a small page\n"
    "                           discard  receives, and sends nothing (RFC 863)\n"
    "                           chargen  sends lines of text as fast as they are read (RFC 864)\n"
    "  --backend NAME         'pollux backends' lists them. Default: POLLUX_BACKEND in the\n"
    "                         environment, else the build's default\n"
    "  --set KEY=VALUE        A setting of the backend, as in idle_set=off; may be given up to 16\n"
    "                         times. 'pollux backends --settings' lists them\n"
    "  --idle-timeout SECONDS Closes a connection that was idle for so long; 0 means never.\n"
    "                         Default: 60 for http, 0 for the others\n"
    "  --loops N              How many loops serve, each on a thread; 0 means one for each\n"
    "                         processor. Default: 1\n"
    "  --dispatch POLICY      Which loop gets a connection. Default: inline for one loop,\n"
    "                         least-connections for more\n"
    "                           inline             the loop that accepts serves; for one loop\n"
    "                           round-robin        one loop accepts, the others in turn\n"
    "                           least-connections  one loop accepts, the one with the fewest\n"
    "                           kernel             each loop has a socket, the system chooses\n"
    "                           shared             all loops accept from one socket\n"
    "                           thread             one loop accepts, threads that block serve\n"
    "                           prefork            --loops processes share a socket (Unix)\n"
    "                           fork               a process for each connection (Unix)\n"
    "  --handlers N           Threads of --dispatch thread, and processes of --dispatch fork.\n"
    "                         Default: 64\n"
    "  --pin                  Each loop runs on a processor of its own\n";

static const char help_rest[] =
    "  --drain SECONDS        After SIGTERM, when the console window closes, or with\n"
    "                         --until-stdin-ends at the end of the input: accepts no more,\n"
    "                         answers what was asked, and ends after so long at the latest;\n"
    "                         a second signal ends at once. 0: at once. Default: 10\n"
    "  --takeover PATH        Replaces the server that was started with the same PATH, without a\n"
    "                         gap: gets its listening sockets, serves, and has it drain. If\n"
    "                         there is none, it listens itself. PATH becomes a socket file for\n"
    "                         this user alone. Give both the same --listen, --loops, --dispatch\n"
    "  --limit-connections N  At most N connections are open; more clients wait\n"
    "  --limit-per-address N  At most N of each address are; more are reset. IPv6 addresses count\n"
    "                         by their first 64 bits\n"
    "  --limit-rate N         Each address may connect N times a second; more are reset\n"
    "  --limit-slow BYTES     Resets a client that is 10 seconds behind so many bytes a second,\n"
    "                         in the middle of a request or before its first\n"
    "  --allow BLOCK          Only clients in this block of addresses may connect, as in\n"
    "                         192.0.2.0/24; may be given up to 64 times\n"
    "  --deny BLOCK           Clients in this block may not, though they are in an --allow; may\n"
    "                         be given up to 64 times\n"
    "  --proxy-protocol       Connections begin with a header of the PROXY protocol, version 1 or\n"
    "                         2, as HAProxy's send-proxy-v2 sends it. One that does not is reset,\n"
    "                         or closed after 3 seconds\n"
    "  --proxy-from PREFIX    Who may connect with --proxy-protocol: a block of addresses, as\n"
    "                         10.0.0.0/8, or one address; may be given up to 16 times. All others\n"
    "                         are reset. Default: 127.0.0.0/8 and ::1\n"
    "  --health ADDRESS       GET /health answers 200 there, and 503 while the server drains; GET\n"
    "                         /metrics answers the counters of each loop, for Prometheus. In a\n"
    "                         browser, http://host:port/ plots them\n"
    "  --live WHEN            Prints a line each second on standard error, with columns for each\n"
    "                         loop: open connections and, for the last second, new connections,\n"
    "                         requests of --mode http, bytes in and out. Of more than 4 loops, "
    "the\n"
    "                         sum, the least and the most; \"-\" while a loop is in a callback "
    "for\n"
    "                         two seconds or has ended. Default: auto\n"
    "                           auto    if standard error is a terminal\n"
    "                           always  if it is not, too\n"
    "                           never   not at all\n"
    "  --block MS             For --mode http: blocks the loop for so many milliseconds before\n"
    "                         each answer, as a handler that calls a database does. For\n"
    "                         comparing policies; the system's timer may make it longer\n"
    "  --until-stdin-ends     Also ends when standard input ends. A program that starts this\n"
    "                         one can close the pipe to shut it down gracefully on every\n"
    "                         system; it also ends when that program dies\n"
    "  --json                 Prints each line as a JSON object\n"
    "  --help                 Prints this\n"
    "\n"
    "Examples:\n"
    "  pollux serve --mode http --listen tcp://:8080\n"
    "  pollux serve --listen tcp://[::1]:0 --listen unix:/tmp/echo.sock\n"
    "  pollux serve --mode http --loops 0 --dispatch kernel\n"
    "  pollux serve --mode http --listen tcp://:8080 --takeover /run/pollux.sock\n"
    "\n"
    "Exit codes: 0 shut down in order; 1 failed; 2 wrong use.\n";

/* --- options --------------------------------------------------------------------------------- */

static int mode_take(serve *s, const char *name)
{
    const char *names[NAMES_MAX];
    char list[128];
    size_t count = 0;
    s->service = service_find(name);
    if (s->service != NULL)
        return COMMAND_DONE;
    for (; count < NAMES_MAX && service_at(count) != NULL; count++)
        names[count] = service_at(count)->name;
    suggestion_list(list, sizeof list, names, count);
    return command_misused("serve", "--mode: unknown mode \"%s\"; choose %s", name, list);
}

static int dispatch_take(serve *s, const char *name)
{
    char why[FAILURE_TEXT_MAX];
    policy chosen;
    if (!policy_find(&chosen, name, why, sizeof why))
        return command_misused("serve", "--dispatch: %s", why);
    s->options.dispatch = chosen.dispatch;
    return COMMAND_DONE;
}

static int block_take(serve *s, const char *value)
{
    uint64_t milliseconds;
    if (!value_count(value, 1, BLOCK_MS_MAX, &milliseconds))
        return command_misused("serve", "--block: \"%s\" is not a number from 1 to %u", value,
                               BLOCK_MS_MAX);
    s->block_ns = milliseconds * PLX_MILLISECOND;
    return COMMAND_DONE;
}

static int loops_take(serve *s, const char *value)
{
    uint64_t loops;
    if (!value_count(value, 0, LOOPS_MAX, &loops))
        return command_misused("serve", "--loops: \"%s\" is not a number from 0 to %u", value,
                               LOOPS_MAX);
    s->options.loops = (uint32_t)loops;
    return COMMAND_DONE;
}

static int handlers_take(serve *s, const char *value)
{
    uint64_t handlers;
    if (!value_count(value, 1, LOOPS_MAX, &handlers))
        return command_misused("serve", "--handlers: \"%s\" is not a number from 1 to %u", value,
                               LOOPS_MAX);
    s->options.handlers = (uint32_t)handlers;
    return COMMAND_DONE;
}

static int seconds_take(const option_given *given, uint64_t *value_ns_out)
{
    if (value_seconds(given->value, value_ns_out))
        return COMMAND_DONE;
    return command_misused("serve", "--%s: \"%s\" is not a number of seconds", given->name,
                           given->value);
}

static int takeover_take(serve *s, const char *path)
{
    int length = snprintf(s->takeover_address, sizeof s->takeover_address, "unix:%s", path);
    s->takeover_path = path;
    if (path[0] != '\0' && length < (int)sizeof s->takeover_address)
        return COMMAND_DONE;
    return command_misused("serve", "--takeover: \"%s\" is no path, or too long for a socket",
                           path);
}

static int option_take(void *data, const option_given *given)
{
    serve *s = data;
    switch (given->id) {
    case BACKEND:
        s->loop_options.backend = given->value;
        return COMMAND_DONE;
    case SET:
        return setting_list_add(&s->settings, "serve", given->value);
    case LISTEN:
        if (s->addresses_count == SERVE_LISTENERS_MAX)
            return command_misused("serve", "--listen: at most %u addresses", SERVE_LISTENERS_MAX);
        s->addresses[s->addresses_count++] = given->value;
        return COMMAND_DONE;
    case MODE:
        return mode_take(s, given->value);
    case IDLE_TIMEOUT:
        s->has_idle_timeout = true;
        return seconds_take(given, &s->idle_timeout_ns);
    case LOOPS:
        return loops_take(s, given->value);
    case DISPATCH:
        return dispatch_take(s, given->value);
    case HANDLERS:
        return handlers_take(s, given->value);
    case DRAIN:
        return seconds_take(given, &s->drain_ns);
    case TAKEOVER:
        return takeover_take(s, given->value);
    case PIN:
        s->options.pin = 1;
        return COMMAND_DONE;
    case PROXY_PROTOCOL:
        s->proxy.is_wanted = true;
        return COMMAND_DONE;
    case PROXY_FROM:
        return serve_proxy_from(&s->proxy, given->value);
    case HEALTH:
        s->health.address = given->value;
        return COMMAND_DONE;
    case LIVE:
        return serve_live_take(&s->live, given->value);
    case BLOCK:
        return block_take(s, given->value);
    case UNTIL_STDIN_ENDS:
        s->until_input_ends = true;
        return COMMAND_DONE;
    case JSON:
        s->is_json = true;
        return COMMAND_DONE;
    default:
        return serve_limits_take(&s->limits, given);
    }
}

/* Whether the policy and the other options fit together. */
static int policy_check(const serve *s)
{
    const uint32_t dispatch = s->options.dispatch;
    const bool handles = dispatch == PLX_DISPATCH_THREAD || dispatch == PLX_DISPATCH_FORK;
    const bool forks = dispatch == PLX_DISPATCH_FORK || dispatch == PLX_DISPATCH_PREFORK;
    if (dispatch == PLX_DISPATCH_INLINE && s->options.loops != 1)
        return command_misused("serve", "--dispatch inline is for one loop; leave out --loops, or "
                                        "choose round-robin");
    if (handles && s->options.loops != 1)
        return command_misused("serve",
                               "--dispatch %s has one loop, which accepts; leave out "
                               "--loops, and say with --handlers how many serve",
                               plx_dispatch_name(dispatch));
    if (!handles && s->options.handlers != 0)
        return command_misused("serve", "--handlers is for --dispatch thread and fork");
    if (forks && s->takeover_path != NULL)
        return command_misused("serve",
                               "--takeover is not for --dispatch %s, whose children have the "
                               "sockets, too; choose thread or shared",
                               plx_dispatch_name(dispatch));
    if (s->proxy.is_wanted && handles)
        return command_misused("serve",
                               "--proxy-protocol is for connections of loops, and --dispatch "
                               "%s has none; choose another policy",
                               plx_dispatch_name(dispatch));
    if (s->proxy.from_count > 0 && !s->proxy.is_wanted)
        return command_misused("serve", "--proxy-from is for --proxy-protocol");
    if (forks && s->health.address != NULL)
        return command_misused("serve",
                               "--health is for servers of one process; leave it out, or "
                               "choose another policy than %s",
                               plx_dispatch_name(dispatch));
    if (forks && s->live.when == SERVE_LIVE_ALWAYS)
        return command_misused("serve",
                               "--live is for servers of one process; leave it out, or choose "
                               "another policy than %s",
                               plx_dispatch_name(dispatch));
    return COMMAND_DONE;
}

static int options_take(serve *s, int count, char **arguments)
{
    static const option_form forms[] = {
        {"backend", BACKEND, true},
        {"set", SET, true},
        {"listen", LISTEN, true},
        {"mode", MODE, true},
        {"idle-timeout", IDLE_TIMEOUT, true},
        {"loops", LOOPS, true},
        {"dispatch", DISPATCH, true},
        {"handlers", HANDLERS, true},
        {"drain", DRAIN, true},
        {"pin", PIN, false},
        {"takeover", TAKEOVER, true},
        {"proxy-protocol", PROXY_PROTOCOL, false},
        {"proxy-from", PROXY_FROM, true},
        {"health", HEALTH, true},
        {"live", LIVE, true},
        {"block", BLOCK, true},
        {"until-stdin-ends", UNTIL_STDIN_ENDS, false},
        {"json", JSON, false},
        {"limit-connections", SERVE_LIMIT_CONNECTIONS, true},
        {"limit-per-address", SERVE_LIMIT_PER_ADDRESS, true},
        {"limit-rate", SERVE_LIMIT_RATE, true},
        {"limit-slow", SERVE_LIMIT_SLOW, true},
        {"allow", SERVE_ALLOW, true},
        {"deny", SERVE_DENY, true},
        {NULL, 0, false},
    };
    char **operands;
    int status = options_read(&serve_command, count, arguments, forms, option_take, s, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("serve", "unexpected argument \"%s\"; name addresses with --listen",
                               operands[0]);
    status = policy_check(s);
    if (status != COMMAND_DONE)
        return status;
    if (s->block_ns > 0 && s->service->block == NULL)
        return command_misused("serve", "--block is for --mode http");
    if (s->addresses_count == 0)
        s->addresses[s->addresses_count++] = "tcp://127.0.0.1:7000";
    s->loop_options.settings = s->settings.settings;
    s->loop_options.settings_count = s->settings.count;
    return setting_list_check(&s->settings, "serve", &s->loop_options.backend,
                              s->loop_options.backend != NULL);
}

static int serve_run(int count, char **arguments)
{
    serve s = {
        .service = service_at(0), .options.loops = 1, .drain_ns = DRAIN_SECONDS * PLX_SECOND};
    int ended = options_take(&s, count, arguments);
    return ended == OPTIONS_TAKEN ? serve_until_end(&s) : ended;
}

const command serve_command = {
    .name = "serve",
    .summary = "answers connections: echo, HTTP, discard, chargen",
    .help = help,
    .help_rest = help_rest,
    .run = serve_run,
};
