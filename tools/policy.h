/* tools/policy.h - what `pollux serve --dispatch` offers: which loop gets a connection.
 *
 * The one list of them; `pollux compare --dispatch` measures what is in it.
 */
#ifndef TOOLS_POLICY_H
#define TOOLS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICIES_MAX 16u

typedef struct policy {
    const char *name;  /* As the command line has it. */
    uint32_t dispatch; /* One of plx_dispatch. */
    bool has_loops;    /* Several loops can serve under it; else it is for one. */
    bool has_handlers; /* Each connection is a call of on_socket: --handlers says how many. */
} policy;

/* Number `index` of those that are offered; false past the last. */
bool policy_at(size_t index, policy *policy_out);
/* Finds the policy of that name. False: `why`, of `size` bytes, says what is wrong and what can be
 * chosen. */
bool policy_find(policy *policy_out, const char *name, char *why, size_t size);
/* Whether servers on the backend (NULL: the one that a loop picks) can have it: 0; PLX_ENOSYS, and
 * plx_dispatch_needs() tells what is missing; or as plx_server_open() and plx_server_listen(). */
int policy_probe(const policy *p, const char *backend);

#endif
