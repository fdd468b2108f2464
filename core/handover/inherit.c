/* core/handover/inherit.c - the sockets that a supervisor has opened for this process, by the
 * protocol of systemd (sd_listen_fds(3)). */
#include "core/handover/handover.h"

#include <stdlib.h>
#include <string.h>

#define NAME_UNKNOWN "unknown"

/* A number that is written with digits alone. */
static bool number_parse(const char *text, uint64_t *number_out)
{
    *number_out = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || *number_out > UINT32_MAX)
            return false;
        *number_out = *number_out * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

/* Sets `*count_out` only if there are some for this process. */
static int count_find(uint32_t *count_out)
{
    const char *process_text = getenv("LISTEN_PID");
    const char *count_text = getenv("LISTEN_FDS");
    uint64_t process, count;
    if (process_text == NULL || count_text == NULL)
        return 0;
    if (!number_parse(process_text, &process) || !number_parse(count_text, &count))
        return PLX_EINVAL;
    if (process != plx__process_id())
        return 0;
    if (count > PLX_SOCKETS_MAX)
        return PLX_ELIMIT;
    *count_out = (uint32_t)count;
    return 0;
}

/* The next of the names, which are separated by colons: the text behind it, or NULL. */
static const char *name_take(const char *names, char *name)
{
    size_t length = names != NULL ? strcspn(names, ":") : 0;
    if (names == NULL || length >= PLX_SOCKET_NAME_MAX) {
        memcpy(name, NAME_UNKNOWN, sizeof NAME_UNKNOWN);
    } else {
        memcpy(name, names, length);
        name[length] = '\0';
    }
    return names != NULL && names[length] == ':' ? names + length + 1 : NULL;
}

static int sockets_fill(plx_sockets *sockets, uint32_t count)
{
    const char *names = getenv("LISTEN_FDNAMES");
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++) {
        char name[PLX_SOCKET_NAME_MAX];
        plx_socket socket;
        names = name_take(names, name);
        status = plx__supervised_socket(i, &socket);
        if (status == PLX_ENOSYS)
            return 0; /* This system has no such supervisors. */
        if (status == 0)
            status = plx_sockets_add(sockets, name, socket);
    }
    return status;
}

int plx_inherited_sockets(plx_sockets **sockets_out)
{
    uint32_t count = 0;
    int status = plx_sockets_open(sockets_out);
    if (status == 0)
        status = count_find(&count);
    if (status == 0)
        status = sockets_fill(*sockets_out, count);
    plx__environment_remove("LISTEN_PID");
    plx__environment_remove("LISTEN_FDS");
    plx__environment_remove("LISTEN_FDNAMES");
    if (status == 0)
        return 0;
    for (uint32_t i = 0; i < plx_sockets_count(*sockets_out); i++)
        (void)plx_sockets_take(*sockets_out, i); /* They stay open. */
    plx_sockets_close(*sockets_out);
    *sockets_out = NULL;
    return status;
}
