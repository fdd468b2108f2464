/* Transfers over a network that fails, each applied once; and how to test that it is once.
 *
 *   retry --serve ADDRESS     on a network: the server,
 *   retry --connect ADDRESS   and a client
 *   retry --search            in a simulation: thousands of bad days a second
 *
 * Server and client are retry_server.c and retry_client.c, wherever they run; retry.h has the
 * protocol. With --bug the server has a bug that ordinary tests do not find, and the search does.
 */
#include "retry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arguments {
    const char *serve;
    const char *connect;
    bool is_search, is_replay;
    uint64_t transfers;
    struct retry_search search;
};

static const char help[] =
    "usage: retry --serve ADDRESS [--bug]\n"
    "       retry --connect ADDRESS [--transfers N]\n"
    "       retry --search [--from N] [--count N] [--bug]\n"
    "       retry --seed N [--trace FILE] [--json FILE] [--bug]\n"
    "\n"
    "A client requests transfers, and requests them again when no answer arrives.\n"
    "The server applies each of them once.\n"
    "\n"
    "On a network:\n"
    "  --serve ADDRESS    run the server, for instance at tcp://127.0.0.1:7000\n"
    "  --connect ADDRESS  run a client, which makes some transfers and ends\n"
    "  --transfers N      how many; 10 by default\n"
    "\n"
    "In a simulation:\n"
    "  --search           run seed after seed, until one fails\n"
    "  --from N           the first seed; 1 by default\n"
    "  --count N          how many seeds; 10000 by default\n"
    "  --seed N           run one seed\n"
    "  --trace FILE       write what happens as text\n"
    "  --json FILE        write what happens in the Trace Event Format, for ui.perfetto.dev\n"
    "\n"
    "  --bug              the server has a bug\n"
    "  --help             print this\n"
    "\n"
    "Exit codes: 0 if all is well, 1 if a seed or the network failed, 2 for wrong use.\n";

/* --- on a network ---------------------------------------------------------------------------- */

struct account {
    uint64_t balance;
    bool has_failed;
};

static void on_event(void *data, const struct retry_event *event)
{
    struct account *account = data;
    char text[128];
    retry_event_text(event, text, sizeof text);
    account->has_failed = account->has_failed || event->kind == RETRY_GAVE_UP;
    if (event->kind == RETRY_APPLIED) {
        account->balance += event->units;
        printf("%s; balance %" PRIu64 "\n", text, account->balance);
    } else {
        printf("%s\n", text);
    }
    fflush(stdout);
}

static void on_interrupt(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    (void)data;
    (void)number;
    plx_loop_stop(loop);
}

static int serve(plx_loop *loop, struct retry_server *server, const char *address)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    int status = plx_signal_open(loop, NULL, PLX_SIGNAL_INTERRUPT, on_interrupt, NULL);
    if (status == 0)
        status = retry_server_open(loop, server, address);
    if (status == 0)
        status = plx_listener_address(loop, server->listener, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s\n", text);
    return plx_loop_run(loop);
}

static int client_run(plx_loop *loop, struct retry_client *client)
{
    /* Two clients at once differ by the clock; the time alone changes too seldom. */
    client->id = (uint64_t)time(NULL) << 32 ^ plx_loop_now(loop);
    int status = retry_client_open(loop, client);
    return status == 0 ? plx_loop_run(loop) : status;
}

static int network_run(const struct arguments *arguments)
{
    struct account account = {0};
    struct retry_server server = {
        .on_event = on_event,
        .data = &account,
        .has_bug = arguments->search.has_bug,
    };
    struct retry_client client = {
        .address = arguments->connect,
        .transfers = (uint32_t)arguments->transfers,
        .on_event = on_event,
        .data = &account,
    };
    const char *address = arguments->serve != NULL ? arguments->serve : arguments->connect;
    plx_loop *loop = NULL;
    int status = plx_address_check(address);
    bool is_wrong_use = status != 0;
    if (status == 0)
        status = plx_loop_open(&loop, NULL);
    if (status == 0)
        status =
            arguments->serve != NULL ? serve(loop, &server, address) : client_run(loop, &client);
    plx_loop_close(loop);
    retry_server_free(&server);
    if (status != 0)
        fprintf(stderr, "retry: %s: %s\n", address, plx_error_text(status));
    if (is_wrong_use)
        return 2;
    return status == 0 && !account.has_failed ? 0 : 1;
}

/* --- the command line ------------------------------------------------------------------------ */

static bool number_take(const char *text, uint64_t *value_out)
{
    char *end;
    errno = 0;
    *value_out = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

/* The options with a value. Returns false if there is none of that name, or its value is wrong. */
static bool value_take(struct arguments *arguments, const char *name, const char *value)
{
    struct retry_search *search = &arguments->search;
    if (value == NULL)
        return false;
    if (strcmp(name, "--serve") == 0)
        arguments->serve = value;
    else if (strcmp(name, "--connect") == 0)
        arguments->connect = value;
    else if (strcmp(name, "--trace") == 0)
        search->trace_file = value;
    else if (strcmp(name, "--json") == 0)
        search->json_file = value;
    else if (strcmp(name, "--from") == 0)
        return number_take(value, &search->from);
    else if (strcmp(name, "--count") == 0)
        return number_take(value, &search->count) && search->count > 0;
    else if (strcmp(name, "--seed") == 0)
        return arguments->is_replay = number_take(value, &search->from);
    else if (strcmp(name, "--transfers") == 0)
        return number_take(value, &arguments->transfers) && arguments->transfers > 0 &&
               arguments->transfers <= UINT32_MAX;
    else
        return false;
    return true;
}

static bool arguments_take(struct arguments *arguments, char **words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, "--search") == 0)
            arguments->is_search = true;
        else if (strcmp(*words, "--bug") == 0)
            arguments->search.has_bug = true;
        else if (value_take(arguments, words[0], words[1]))
            words++;
        else
            return false;
    }
    if (arguments->is_replay)
        arguments->search.count = 1;
    bool has_file = arguments->search.trace_file != NULL || arguments->search.json_file != NULL;
    int modes = (arguments->serve != NULL) + (arguments->connect != NULL) + arguments->is_search +
                arguments->is_replay;
    return modes == 1 && (arguments->is_replay || !has_file);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.transfers = 10, .search = {.from = 1, .count = 10000}};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (!arguments_take(&arguments, argv + 1)) {
        fprintf(stderr, "retry: wrong arguments; \"retry --help\" lists them\n");
        return 2;
    }
    if (arguments.is_search || arguments.is_replay)
        return retry_search(&arguments.search);
    return network_run(&arguments);
}
