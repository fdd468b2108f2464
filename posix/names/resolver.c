/* posix/names/resolver.c - questions to the domain name system: what they are asked with, of which
 * names, and what the answers mean for h_errno.
 *
 * A program may change all that res_init() has found in _res, and is followed. This file speaks
 * POSIX only, by the headers of programs.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/names/resolver.h"

/* --- the state ------------------------------------------------------------------------------
 */

struct __res_state *plx_posix_res_state(void)
{
    static _Thread_local struct __res_state state;
    return &state;
}

/* The next word of a list with blanks; false at its end. */
static bool word_next(const char **list, const char **word_out, size_t *length_out)
{
    *word_out = *list + strspn(*list, " \t\n");
    *length_out = strcspn(*word_out, " \t\n");
    *list = *word_out + *length_out;
    return *length_out > 0;
}

/* Adds a domain to those that are searched; their texts are one after the other in defdname. */
static void domain_add(res_state state, const char *domain, size_t length)
{
    size_t used = 0;
    int count = 0;
    for (; state->dnsrch[count] != NULL; count++)
        used += strlen(state->dnsrch[count]) + 1;
    if (count == MAXDNSRCH || length >= sizeof state->defdname - used)
        return;
    state->dnsrch[count] = memcpy(state->defdname + used, domain, length);
    state->defdname[used + length] = '\0';
    state->dnsrch[count + 1] = NULL;
}

static void domains_set(res_state state, const plx__name_setup *setup)
{
    const char *list = getenv("LOCALDOMAIN");
    const char *word;
    size_t length;
    memset(state->dnsrch, 0, sizeof state->dnsrch);
    state->defdname[0] = '\0';
    while (list != NULL && word_next(&list, &word, &length))
        domain_add(state, word, length);
    for (size_t i = 0; list == NULL && i < setup->domains_count; i++)
        domain_add(state, setup->domains[i], strlen(setup->domains[i]));
}

static void server_set(res_state state, int number, const plx__name_server *server)
{
    struct sockaddr_in *four = &state->nsaddr_list[number];
    struct sockaddr_in6 *six = &state->plx_storage[number];
    memset(four, 0, sizeof *four);
    memset(six, 0, sizeof *six);
    state->_u._ext.nsaddrs[number] = NULL;
    if (!server->is_ipv6) {
        four->sin_family = AF_INET;
        four->sin_port = htons(NAMESERVER_PORT);
        memcpy(&four->sin_addr, server->bytes, sizeof four->sin_addr);
        return;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(NAMESERVER_PORT);
    six->sin6_scope_id = server->scope;
    memcpy(&six->sin6_addr, server->bytes, sizeof six->sin6_addr);
    state->_u._ext.nsaddrs[number] = six;
    state->_u._ext.nscount6++;
}

/* This machine is asked where the system knows of no server. */
static void servers_set(res_state state, const plx__name_setup *setup)
{
    static const plx__name_server here = {.bytes = {127, 0, 0, 1}};
    state->nscount = setup->servers_count > 0 ? (int)setup->servers_count : 1;
    memset(&state->_u, 0, sizeof state->_u);
    for (int i = 0; i < state->nscount; i++)
        server_set(state, i, setup->servers_count > 0 ? &setup->servers[i] : &here);
    state->_u._ext.nscount = (uint16_t)state->nscount;
}

static int number_bounded(const char *text, int most)
{
    const long number = strtol(text, NULL, 10);
    return number < 0 ? 0 : number < most ? (int)number : most;
}

/* Words of RES_OPTIONS, as in resolv.conf(5). */
static void option_set(res_state state, const char *word, size_t length)
{
    static const struct {
        const char *word;
        unsigned long option;
    } options[] = {{"rotate", RES_ROTATE},
                   {"edns0", RES_USE_EDNS0},
                   {"use-vc", RES_USEVC},
                   {"no-tld-query", RES_NOTLDQUERY},
                   {"trust-ad", RES_TRUSTAD}};
    if (strncmp(word, "ndots:", 6) == 0)
        state->ndots = (unsigned)number_bounded(word + 6, RES_MAXNDOTS) & 15;
    else if (strncmp(word, "timeout:", 8) == 0)
        state->retrans = number_bounded(word + 8, RES_MAXRETRANS);
    else if (strncmp(word, "attempts:", 9) == 0)
        state->retry = number_bounded(word + 9, RES_MAXRETRY);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strlen(options[i].word) == length && strncmp(word, options[i].word, length) == 0)
            state->options |= options[i].option;
    }
}

static void state_fill(res_state state)
{
    const char *list = getenv("RES_OPTIONS");
    const char *word;
    size_t length;
    plx__name_setup setup;
    plx__name_setup_get(&setup);
    servers_set(state, &setup);
    domains_set(state, &setup);
    state->ndots = 1;
    state->_vcsock = -1;
    state->options |= RES_INIT;
    while (list != NULL && word_next(&list, &word, &length))
        option_set(state, word, length);
}

int res_ninit(res_state state)
{
    memset(state, 0, sizeof *state);
    state->retrans = RES_TIMEOUT;
    state->retry = RES_DFLRETRY;
    state->options = RES_DEFAULT;
    state_fill(state);
    return 0;
}

/* What the program has set before stays. */
int res_init(void)
{
    res_state state = &_res;
    if (state->retrans == 0)
        state->retrans = RES_TIMEOUT;
    if (state->retry == 0)
        state->retry = RES_DFLRETRY;
    if ((state->options & RES_INIT) == 0)
        state->options = RES_DEFAULT;
    state->id = (unsigned short)arc4random();
    state_fill(state);
    return 0;
}

void plx__resolver_start(struct __res_state *state)
{
    if ((state->options & RES_INIT) != 0)
        return;
    if (state == &_res)
        (void)res_init();
    else
        (void)res_ninit(state);
}

/* No socket stays open between questions. */
void res_nclose(res_state state)
{
    (void)state;
}

void res_close(void)
{
    res_nclose(&_res);
}

/* --- one question ---------------------------------------------------------------------------
 */

static int failed(res_state state, int code)
{
    h_errno = state->res_h_errno = code;
    return -1;
}

/* What h_errno says of an answer without records of what was asked for. */
static int error_of(unsigned code)
{
    switch (code) {
    case ns_r_noerror:
        return NO_DATA;
    case ns_r_nxdomain:
        return HOST_NOT_FOUND;
    case ns_r_servfail:
        return TRY_AGAIN;
    default:
        return NO_RECOVERY;
    }
}

int res_nquery(res_state state, const char *name, int class_of, int type, unsigned char *answer,
               int size)
{
    unsigned char question[NS_PACKETSZ];
    plx__resolver_start(state);
    int length = res_nmkquery(state, ns_o_query, name, class_of, type, NULL, 0, NULL, question,
                              sizeof question);
    if (length < 0)
        return failed(state, NO_RECOVERY);
    if ((state->options & (RES_USE_EDNS0 | RES_USE_DNSSEC)) != 0)
        length = plx__question_extend(question, length, sizeof question, size,
                                      (state->options & RES_USE_DNSSEC) != 0);
    const int got = res_nsend(state, question, length, answer, size);
    if (got < 0)
        return failed(state, TRY_AGAIN);
    if ((answer[3] & 15) != ns_r_noerror || ns_get16(answer + 6) == 0)
        return failed(state, error_of(answer[3] & 15));
    return got;
}

int res_nquerydomain(res_state state, const char *name, const char *domain, int class_of, int type,
                     unsigned char *answer, int size)
{
    char whole[NS_MAXDNAME];
    const size_t length = strlen(name);
    plx__resolver_start(state);
    if (domain == NULL)
        return length < sizeof whole ? res_nquery(state, name, class_of, type, answer, size)
                                     : failed(state, NO_RECOVERY);
    if (length + 1 + strlen(domain) >= sizeof whole)
        return failed(state, NO_RECOVERY);
    (void)snprintf(whole, sizeof whole, "%s.%s", name, domain);
    return res_nquery(state, whole, class_of, type, answer, size);
}

/* --- a search -------------------------------------------------------------------------------
 */

typedef struct search {
    const char *name;
    int class_of;
    int type;
    unsigned char *answer;
    int size;
    bool has_no_data; /* Some name is there, with no such records. */
    bool has_failed;  /* Some server had difficulties with a name. */
} search;

static int domain_ask(res_state state, const search *of, const char *domain)
{
    if (of->size > 3)
        of->answer[3] = 0; /* No server has said anything yet. */
    return res_nquerydomain(state, of->name, domain, of->class_of, of->type, of->answer, of->size);
}

/* Whether the search tries the next name after one that was not found. */
static bool goes_on(res_state state, search *of)
{
    switch (state->res_h_errno) {
    case NO_DATA:
        of->has_no_data = true;
        return true;
    case HOST_NOT_FOUND:
        return true;
    case TRY_AGAIN:
        of->has_failed |= of->size > 3 && (of->answer[3] & 15) == ns_r_servfail;
        return of->size > 3 && (of->answer[3] & 15) == ns_r_servfail;
    default:
        return false;
    }
}

/* The name in each of the domains that are searched: an answer's length, -1, or 0 if there is
 * nobody to ask. */
static int domains_ask(res_state state, search *of)
{
    for (int i = 0; i < MAXDNSRCH && state->dnsrch[i] != NULL; i++) {
        const int got = domain_ask(state, of, state->dnsrch[i]);
        if (got > 0)
            return got;
        if (errno == ECONNREFUSED && state->res_h_errno == TRY_AGAIN)
            return 0;
        if (!goes_on(state, of) || (state->options & RES_DNSRCH) == 0)
            break;
    }
    return -1;
}

/* A name with enough dots, or one at its end, is asked for as it is first; else last. */
int res_nsearch(res_state state, const char *name, int class_of, int type, unsigned char *answer,
                int size)
{
    search of = {name, class_of, type, answer, size, false, false};
    unsigned dots = 0;
    int first_error = -1;
    for (const char *at = name; *at != '\0'; at++)
        dots += *at == '.';
    const bool is_whole = *name != '\0' && name[strlen(name) - 1] == '.';
    plx__resolver_start(state);
    const bool is_first = dots >= state->ndots || is_whole;
    if (is_first) {
        const int got = domain_ask(state, &of, NULL);
        if (got > 0 || is_whole)
            return got;
        first_error = state->res_h_errno;
    }
    if ((state->options & (dots > 0 ? RES_DNSRCH : RES_DEFNAMES)) != 0) {
        const int got = domains_ask(state, &of);
        if (got >= 0)
            return got > 0 ? got : -1;
    }
    if (!is_first && (dots > 0 || (state->options & RES_NOTLDQUERY) == 0)) {
        const int got = domain_ask(state, &of, NULL);
        if (got > 0)
            return got;
    }
    return failed(state, first_error >= 0 ? first_error
                         : of.has_no_data ? NO_DATA
                         : of.has_failed  ? TRY_AGAIN
                                          : state->res_h_errno);
}

/* --- the same with the thread's state -------------------------------------------------------
 */

int res_query(const char *name, int class_of, int type, unsigned char *answer, int size)
{
    return res_nquery(&_res, name, class_of, type, answer, size);
}

int res_search(const char *name, int class_of, int type, unsigned char *answer, int size)
{
    return res_nsearch(&_res, name, class_of, type, answer, size);
}

int res_querydomain(const char *name, const char *domain, int class_of, int type,
                    unsigned char *answer, int size)
{
    return res_nquerydomain(&_res, name, domain, class_of, type, answer, size);
}

int res_mkquery(int opcode, const char *name, int class_of, int type, const unsigned char *data,
                int data_length, const unsigned char *unused, unsigned char *message, int size)
{
    plx__resolver_start(&_res);
    return res_nmkquery(&_res, opcode, name, class_of, type, data, data_length, unused, message,
                        size);
}

int res_send(const unsigned char *message, int length, unsigned char *answer, int size)
{
    return res_nsend(&_res, message, length, answer, size);
}
