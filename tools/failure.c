/* tools/failure.c - sentences for people; programs look at the exit code. */
#include "tools/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/command.h"
#include "tools/suggestion.h"

#define BACKENDS_MAX 16u

/* The port of "tcp://host:port", else NULL. */
static const char *port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return strncmp(address, "tcp://", 6) == 0 && colon != NULL ? colon + 1 : NULL;
}

static const char *way_out(int status, const char *address)
{
    bool is_tcp = port_of(address) != NULL;
    switch (status) {
    case PLX_EADDRINUSE:
        return is_tcp ? "; choose another port or stop the program that has it"
                      : "; choose another path or stop the program that has it";
    case PLX_EACCES:
#ifdef _WIN32
        if (is_tcp)
            return "; Windows reserves it (\"netsh interface ipv4 show excludedportrange tcp\" "
                   "lists such ports); choose another port";
#endif
        return is_tcp ? "; ports below 1024 may need privileges" : "; choose another path";
    case PLX_EADDRNOTAVAIL:
        return "; name an address of this machine, or tcp://:port for all of them";
    case PLX_ESCHEME:
        return "; write tcp://host:port or unix:/path";
    case PLX_ECONNREFUSED:
        return "; is the server running there?";
    case PLX_EMFILE:
        return "; use fewer connections or raise the limit (ulimit -n)";
    default:
        return "";
    }
}

void failure_of_address(char *text, size_t size, const char *address, int status)
{
    const char *port = port_of(address);
    char detail[32] = "";
    if (port != NULL && (status == PLX_EADDRINUSE || status == PLX_EACCES))
        (void)snprintf(detail, sizeof detail, " (port %.8s)", port);
    (void)snprintf(text, size, "%s: %s%s%s", address, plx_error_text(status), detail,
                   way_out(status, address));
}

const char *failure_backend_of_environment(void)
{
    const char *name = getenv("POLLUX_BACKEND");
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static void backend_unknown(char *text, size_t size, const char *source, const char *backend)
{
    const char *names[BACKENDS_MAX];
    char list[256];
    size_t count = 0;
    while (count < BACKENDS_MAX && plx_backend_name(count) != NULL) {
        names[count] = plx_backend_name(count);
        count++;
    }
    suggestion_list(list, sizeof list, names, count);
    const char *meant = suggestion_find(backend, names, count);
    if (meant != NULL)
        (void)snprintf(
            text, size,
            "%sunknown backend \"%s\"; did you mean \"%s\"? 'pollux backends' lists them", source,
            backend, meant);
    else
        (void)snprintf(text, size, "%sunknown backend \"%s\"; choose %s", source, backend, list);
}

void failure_of_backend(char *text, size_t size, const char *backend, int status)
{
    const char *source = backend == NULL ? "POLLUX_BACKEND: " : "";
    if (backend == NULL)
        backend = failure_backend_of_environment();
    if (status == PLX_EBACKEND && backend != NULL)
        backend_unknown(text, size, source, backend);
    else if (status == PLX_ENOSYS && backend != NULL)
        (void)snprintf(text, size,
                       "%sthis machine cannot run the backend \"%s\"; "
                       "'pollux backends' shows which ones it can",
                       source, backend);
    else
        (void)snprintf(text, size, "no loop can be opened: %s", plx_error_text(status));
}

int failure_print(const char *name, const char *text)
{
    fprintf(stderr, "pollux %s: %s\n", name, text);
    return COMMAND_FAILED;
}

static bool is_misuse(int status)
{
    return status == PLX_EADDRESS || status == PLX_ESCHEME || status == PLX_ENAMETOOLONG ||
           status == PLX_EBACKEND;
}

int failure_print_of(const char *name, const char *text, int status)
{
    if (is_misuse(status))
        return command_misused(name, "%s", text);
    return failure_print(name, text);
}
