/* tools/serve_sockets.c - see tools/serve_sockets.h.
 *
 * A socket is known to the next process by the address as --listen had it, also if that was port 0:
 * so the same command line gets the same sockets.
 */
#include "tools/serve_sockets.h"

#include <stdio.h>
#include <string.h>

#include "tools/failure.h"
#include "tools/json.h"

#define INHERITED        "inherited"
#define INHERITED_LENGTH (sizeof INHERITED - 1)
/* How long the other process may take for an answer. */
#define ANSWER_NS (10 * PLX_SECOND)

/* --- getting them ----------------------------------------------------------------------------- */

static bool is_inherited(const char *address)
{
    return strncmp(address, INHERITED, INHERITED_LENGTH) == 0 &&
           (address[INHERITED_LENGTH] == '\0' || address[INHERITED_LENGTH] == ':');
}

static bool wants_inherited(const serve *s)
{
    bool wants = false;
    for (size_t i = 0; i < s->addresses_count; i++)
        wants = wants || is_inherited(s->addresses[i]);
    return wants;
}

static int takeover_failed(const serve *s, int status)
{
    char text[FAILURE_TEXT_MAX];
    const char *why = plx_error_text(status);
    if (status == PLX_EACCES)
        why = "permission denied: the path, or the process there, belongs to another user";
    else if (status == PLX_EBUSY)
        why = "the process there is handing over to another one; try again later";
    else if (status == PLX_EEOF)
        why = "the process there ended before it had handed over; start this one again";
    else if (status == PLX_ETIMEDOUT)
        why = "the process there does not answer; it serves on, if it can";
    (void)snprintf(text, sizeof text, "--takeover %s: %s", s->takeover_path, why);
    return failure_print("serve", text);
}

static int takeover_open(serve *s)
{
    int status = plx_takeover_open(&s->takeover, s->takeover_address, ANSWER_NS);
    if (status == PLX_ENOENT || status == PLX_ECONNREFUSED)
        return COMMAND_DONE; /* Nobody is there: this process is the first. */
    return status == 0 ? COMMAND_DONE : takeover_failed(s, status);
}

int serve_sockets_open(serve *s)
{
    char text[FAILURE_TEXT_MAX];
    int ended = s->takeover_path != NULL ? takeover_open(s) : COMMAND_DONE;
    if (ended != COMMAND_DONE || !wants_inherited(s))
        return ended;
    int status = plx_inherited_sockets(&s->inherited);
    if (status == 0)
        return COMMAND_DONE;
    (void)snprintf(text, sizeof text, "--listen inherited: LISTEN_FDS, LISTEN_PID: %s",
                   plx_error_text(status));
    return failure_print("serve", text);
}

/* --- listening with them ---------------------------------------------------------------------- */

static plx_sockets *sockets_of(const serve *s, const char *address)
{
    if (s->takeover != NULL)
        return plx_takeover_sockets(s->takeover);
    return is_inherited(address) ? s->inherited : NULL;
}

/* Whether a socket of that name is for the address. The names of another process's are addresses;
 * those of a supervisor's follow "inherited:". */
static bool is_for(const serve *s, const char *address, const char *name)
{
    if (s->takeover != NULL)
        return strcmp(name, address) == 0;
    return address[INHERITED_LENGTH] == '\0' || strcmp(name, address + INHERITED_LENGTH + 1) == 0;
}

/* How many sockets a listener has. */
static uint32_t group_size(const serve *s)
{
    return plx_server_dispatch(s->server) == PLX_DISPATCH_KERNEL ? plx_server_loops(s->server) : 1;
}

/* The next of them that are for the address, up to the size of a group. Returns how many. */
static uint32_t group_find(const serve *s, const char *address, uint32_t *indices)
{
    const plx_sockets *sockets = sockets_of(s, address);
    uint32_t found = 0;
    for (uint32_t i = 0; i < plx_sockets_count(sockets) && found < group_size(s); i++) {
        if (plx_sockets_at(sockets, i) != PLX_SOCKET_NONE &&
            is_for(s, address, plx_sockets_name(sockets, i)))
            indices[found++] = i;
    }
    return found;
}

static int group_failed(const serve *s, const char *address)
{
    char text[FAILURE_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "%s: --dispatch %s needs %u sockets there, and there are more or fewer; "
                   "use the --loops and --dispatch of the process that opened them",
                   address, plx_dispatch_name(plx_server_dispatch(s->server)),
                   (unsigned)group_size(s));
    return failure_print("serve", text);
}

int serve_listen_failed(const serve *s, const char *address, int status)
{
    char text[FAILURE_TEXT_MAX];
    const uint32_t dispatch = plx_server_dispatch(s->server);
    const char *needs = plx_dispatch_needs(dispatch);
    if (status == PLX_ENOSYS && needs != NULL)
        (void)snprintf(text, sizeof text, "--dispatch %s: %s", plx_dispatch_name(dispatch), needs);
    else
        failure_of_address(text, sizeof text, address, status);
    if (status == PLX_ENOSYS && needs != NULL)
        return failure_print("serve", text);
    return failure_print_of("serve", text, status);
}

static int adopt_failed(const serve *s, const char *address, int status)
{
    char text[FAILURE_TEXT_MAX];
    if (status != PLX_EBUSY)
        return serve_listen_failed(s, address, status);
    (void)snprintf(text, sizeof text,
                   "%s: the socket belongs to the completion port of the process that has it; "
                   "choose another --backend",
                   address);
    return failure_print("serve", text);
}

static void name_add(serve *s, const char *address)
{
    s->names[s->listeners_count++] = address;
}

/* `*found_out`: there were some. */
static int group_adopt(serve *s, const char *address, const plx_listen_options *options,
                       bool *found_out)
{
    uint32_t indices[PLX_SOCKETS_MAX];
    plx_socket group[PLX_SOCKETS_MAX];
    plx_sockets *sockets = sockets_of(s, address);
    if (group_size(s) > PLX_SOCKETS_MAX)
        return group_failed(s, address);
    uint32_t count = group_find(s, address, indices);
    *found_out = count > 0;
    if (count == 0)
        return COMMAND_DONE;
    if (count != group_size(s))
        return group_failed(s, address);
    for (uint32_t i = 0; i < count; i++)
        group[i] = plx_sockets_at(sockets, indices[i]);
    int status = plx_server_listen_adopt(s->server, group, count, options);
    if (status != 0)
        return adopt_failed(s, address, status);
    for (uint32_t i = 0; i < count; i++)
        (void)plx_sockets_take(sockets, indices[i]);
    name_add(s, address);
    return COMMAND_DONE;
}

static int inherited_listen(serve *s, const char *address, const plx_listen_options *options)
{
    char text[FAILURE_TEXT_MAX];
    bool is_found = true;
    uint32_t before = s->listeners_count;
    while (is_found && s->listeners_count < SERVE_SOCKETS_MAX) {
        int ended = group_adopt(s, address, options, &is_found);
        if (ended != COMMAND_DONE)
            return ended;
    }
    if (s->listeners_count > before)
        return COMMAND_DONE;
    (void)snprintf(text, sizeof text,
                   "--listen %s: there is no such socket; have a supervisor open it (LISTEN_FDS, "
                   "LISTEN_FDNAMES: systemd.socket(5))",
                   address);
    return failure_print("serve", text);
}

int serve_sockets_listen(serve *s, const char *address, const plx_listen_options *options)
{
    bool is_found = false;
    if (is_inherited(address))
        return inherited_listen(s, address, options);
    int ended = s->takeover != NULL ? group_adopt(s, address, options, &is_found) : COMMAND_DONE;
    if (ended != COMMAND_DONE || is_found)
        return ended;
    int status = plx_server_listen(s->server, address, options);
    if (status != 0)
        return serve_listen_failed(s, address, status);
    name_add(s, address);
    return COMMAND_DONE;
}

/* --- the other process ------------------------------------------------------------------------ */

/* What is left of the other one's: more of an address of ours would wait for nobody. */
static int rest_check(const serve *s)
{
    const plx_sockets *sockets = plx_takeover_sockets(s->takeover);
    for (uint32_t i = 0; i < plx_sockets_count(sockets); i++) {
        const char *name = plx_sockets_name(sockets, i);
        if (plx_sockets_at(sockets, i) == PLX_SOCKET_NONE)
            continue;
        for (size_t k = 0; k < s->addresses_count; k++) {
            if (strcmp(name, s->addresses[k]) == 0)
                return group_failed(s, name);
        }
        fprintf(stderr, "pollux serve: %s is not served any more; no --listen names it\n", name);
    }
    return COMMAND_DONE;
}

static int duplicates_add(const serve *s, plx_sockets *sockets, uint32_t listener)
{
    plx_socket group[PLX_SOCKETS_MAX];
    uint32_t count;
    int status = plx_server_listener_duplicate(s->server, listener, group, PLX_SOCKETS_MAX, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (status == 0)
            status = plx_sockets_add(sockets, s->names[listener], group[i]);
        if (status != 0)
            plx_socket_close(group[i]);
    }
    return status;
}

static int duplicates_list(const serve *s, plx_sockets **sockets_out)
{
    int status = plx_sockets_open(sockets_out);
    for (uint32_t i = 0; i < s->listeners_count && status == 0; i++)
        status = duplicates_add(s, *sockets_out, i);
    if (status != 0)
        plx_sockets_close(*sockets_out);
    return status;
}

/* On the thread of the first loop. */
static void on_taken(plx_loop *loop, plx_handover *handover, void *data)
{
    (void)loop;
    (void)handover;
    serve_handed_over(data);
}

static void on_refused(plx_loop *loop, plx_handover *handover, void *data, int status,
                       int64_t process)
{
    const serve *s = data;
    const char *why = plx_error_text(status);
    (void)loop;
    (void)handover;
    if (status == PLX_EACCES)
        why = "it belongs to another user";
    else if (status == PLX_EBUSY)
        why = "another one is taking over";
    else if (status == PLX_EEOF)
        why = "it ended before it served";
    serve_note("--takeover %s: process %lld does not take over: %s", s->takeover_path,
               (long long)process, why);
}

/* `is_successor`: this process has taken over. Then it serves, whatever becomes of the next one. */
static int offer_open(serve *s, plx_sockets *sockets, bool is_successor)
{
    char text[FAILURE_TEXT_MAX];
    const plx_handover_options options = {
        .sockets = sockets, .on_taken = on_taken, .on_refused = on_refused, .data = s};
    int status = plx_handover_open(&s->handover, plx_server_loop(s->server, 0), s->takeover_address,
                                   &options);
    if (status == 0)
        return COMMAND_DONE;
    plx_sockets_close(sockets);
    (void)snprintf(text, sizeof text, "--takeover %s: %s", s->takeover_path,
                   plx_error_text(status));
    (void)failure_print("serve", text);
    return is_successor ? COMMAND_DONE : COMMAND_FAILED;
}

static int takeover_print(const serve *s, uint32_t count)
{
    if (!s->is_json) {
        printf("took over %u sockets at %s\n", (unsigned)count, s->takeover_path);
        fflush(stdout);
        return COMMAND_DONE;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "event", "takeover");
    cJSON_AddStringToObject(line, "path", s->takeover_path);
    cJSON_AddNumberToObject(line, "sockets", count);
    return json_print("serve", line, false);
}

int serve_sockets_confirm(serve *s)
{
    plx_sockets *sockets;
    if (s->takeover_path == NULL)
        return COMMAND_DONE;
    int ended = s->takeover != NULL ? rest_check(s) : COMMAND_DONE;
    if (ended != COMMAND_DONE)
        return ended;
    int status = duplicates_list(s, &sockets);
    if (status != 0)
        return takeover_failed(s, status);
    if (s->takeover != NULL)
        status = plx_takeover_confirm(s->takeover, ANSWER_NS);
    if (status != 0) {
        plx_sockets_close(sockets);
        return takeover_failed(s, status);
    }
    const bool is_successor = s->takeover != NULL;
    plx_takeover_close(s->takeover);
    s->takeover = NULL;
    if (is_successor)
        (void)takeover_print(s, plx_sockets_count(sockets)); /* It serves, whoever reads that. */
    return offer_open(s, sockets, is_successor);
}

void serve_sockets_close(serve *s)
{
    plx_handover_close(s->handover);
    plx_takeover_close(s->takeover);
    plx_sockets_close(s->inherited);
    s->handover = NULL;
    s->takeover = NULL;
    s->inherited = NULL;
}
