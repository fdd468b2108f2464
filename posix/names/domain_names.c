/* posix/names/domain_names.c - domain names, as text and as messages have them (RFC 1035, 3.1
 * and 4.1.4).
 *
 * In a message a name is labels, each behind its length, up to an empty one; a pointer may stand
 * for the last of them. What is read may be anybody's bytes: nothing is read from its end on, and
 * no loop takes more steps than the message has room for. This file speaks POSIX only, by the
 * headers of programs.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The two highest bits of a label's first byte. */
enum { IS_LABEL = 0, IS_POINTER = NS_CMPRSFLGS };
enum { OFFSETS = 0x4000 }; /* How many a pointer can tell apart. */

static int refused(void)
{
    errno = EMSGSIZE;
    return -1;
}

static unsigned kind_of(const unsigned char *label)
{
    return *label & NS_CMPRSFLGS;
}

static size_t offset_of(const unsigned char *pointer)
{
    return (size_t)(pointer[0] & ~NS_CMPRSFLGS) << 8 | pointer[1];
}

static unsigned char lower_of(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

/* The bytes that a name without pointers has; 0: it is none. */
static size_t length_of(const unsigned char *name)
{
    size_t length = 0;
    while (name[length] != 0) {
        if (kind_of(name + length) != IS_LABEL)
            return 0;
        length += name[length] + 1u;
        if (length >= NS_MAXCDNAME) /* RFC 1035, 2.3.4. */
            return 0;
    }
    return length + 1;
}

/* --- text -----------------------------------------------------------------------------------
 */

/* A text that is being written. */
typedef struct text_room {
    char *text;
    size_t size;
    size_t length; /* What it would have; it may be more than the size. */
} text_room;

static void text_put(text_room *to, char one)
{
    if (to->length < to->size)
        to->text[to->length] = one;
    to->length++;
}

/* As in a file of a zone: RFC 1035, 5.1. */
static void byte_put(text_room *to, unsigned char byte)
{
    if (byte <= ' ' || byte >= 0x7f) {
        text_put(to, '\\');
        text_put(to, (char)('0' + byte / 100));
        text_put(to, (char)('0' + byte / 10 % 10));
        text_put(to, (char)('0' + byte % 10));
        return;
    }
    if (strchr("\"$().;@\\", byte) != NULL)
        text_put(to, '\\');
    text_put(to, (char)byte);
}

int ns_name_ntop(const unsigned char *name, char *text, size_t size)
{
    text_room to = {text, size, 0};
    if (length_of(name) == 0)
        return refused();
    if (*name == 0)
        text_put(&to, '.');
    while (*name != 0) {
        if (to.length > 0)
            text_put(&to, '.');
        for (unsigned i = 1; i <= *name; i++)
            byte_put(&to, name[i]);
        name += *name + 1;
    }
    text_put(&to, '\0');
    return to.length <= size ? (int)to.length : refused();
}

static int digit_of(char one)
{
    return one >= '0' && one <= '9' ? one - '0' : -1;
}

/* Takes a byte of a label from the text, which is not at its end; -1: it is none. */
static int byte_take(const char **text)
{
    const char *at = *text;
    if (*at != '\\') {
        (*text)++;
        return (unsigned char)*at;
    }
    at++;
    if (digit_of(*at) < 0) {
        *text = at + (*at != '\0');
        return *at != '\0' ? (unsigned char)*at : -1;
    }
    int byte = 0;
    for (int i = 0; i < 3; i++, at++) {
        if (digit_of(*at) < 0)
            return -1;
        byte = byte * 10 + digit_of(*at);
    }
    *text = at;
    return byte <= 255 ? byte : -1;
}

int ns_name_pton(const char *text, unsigned char *name, size_t size)
{
    const size_t room = size < NS_MAXCDNAME ? size : NS_MAXCDNAME;
    size_t length = 0;
    bool is_whole = strcmp(text, ".") == 0;
    text += is_whole;
    while (*text != '\0') {
        const size_t label = length++;
        while (*text != '\0' && *text != '.') {
            int byte = byte_take(&text);
            if (byte < 0 || length >= room)
                return refused();
            name[length++] = (unsigned char)byte;
        }
        const size_t count = length - label - 1;
        if (count == 0 || count > NS_MAXLABEL)
            return refused();
        name[label] = (unsigned char)count;
        is_whole = *text == '.';
        text += is_whole;
    }
    if (length >= room)
        return refused();
    name[length] = 0;
    return is_whole;
}

int ns_name_ntol(const unsigned char *name, unsigned char *lower, size_t size)
{
    const size_t length = length_of(name);
    if (length == 0 || length > size)
        return refused();
    /* Lengths are below the letters. */
    for (size_t i = 0; i < length; i++)
        lower[i] = lower_of(name[i]);
    return (int)length;
}

/* --- reading --------------------------------------------------------------------------------
 */

int ns_name_unpack(const unsigned char *message, const unsigned char *end, const unsigned char *at,
                   unsigned char *name, size_t size)
{
    const unsigned char *next = at;
    int taken = -1; /* The bytes of it at `at`, where a pointer ends them. */
    size_t length = 0;
    /* Bytes that were read: as many as the message has, and a pointer goes in circles. */
    ptrdiff_t seen = 0;
    if (at < message)
        return refused();
    while (next < end) {
        if (kind_of(next) == IS_LABEL) {
            const size_t bytes = *next + 1u;
            if (bytes > (size_t)(end - next) || bytes > size - length)
                return refused();
            memcpy(name + length, next, bytes);
            length += bytes;
            next += bytes;
            seen += (ptrdiff_t)bytes;
            if (bytes == 1)
                return taken >= 0 ? taken : (int)(next - at);
        } else if (kind_of(next) == IS_POINTER) {
            seen += 2;
            if (end - next < 2 || seen >= end - message ||
                offset_of(next) >= (size_t)(end - message))
                return refused();
            if (taken < 0)
                taken = (int)(next + 2 - at);
            next = message + offset_of(next);
        } else {
            break;
        }
    }
    return refused();
}

int ns_name_uncompress(const unsigned char *message, const unsigned char *end,
                       const unsigned char *at, char *text, size_t size)
{
    unsigned char name[NS_MAXCDNAME];
    const int taken = ns_name_unpack(message, end, at, name, sizeof name);
    return taken < 0 || ns_name_ntop(name, text, size) < 0 ? -1 : taken;
}

int ns_name_skip(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *next = *at;
    while (next < end && kind_of(next) == IS_LABEL && *next != 0 && *next < end - next)
        next += *next + 1;
    if (next >= end || (*next != 0 && (kind_of(next) != IS_POINTER || end - next < 2)))
        return refused();
    *at = next + (*next != 0 ? 2 : 1);
    return 0;
}

int dn_skipname(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *next = at;
    return ns_name_skip(&next, end) == 0 ? (int)(next - at) : -1;
}

int dn_expand(const unsigned char *message, const unsigned char *end, const unsigned char *at,
              char *text, int size)
{
    const int taken = ns_name_uncompress(message, end, at, text, size > 0 ? (size_t)size : 0);
    if (taken > 0 && strcmp(text, ".") == 0)
        *text = '\0';
    return taken;
}

/* --- writing --------------------------------------------------------------------------------
 */

/* Whether this is the name; `prior` is in the message and may go on by a pointer. */
static bool name_is(const unsigned char *name, const unsigned char *message,
                    const unsigned char *prior)
{
    for (int steps = 0; steps < NS_MAXCDNAME; steps++) {
        if (kind_of(prior) == IS_POINTER) {
            prior = message + offset_of(prior);
            continue;
        }
        if (*prior != *name)
            return false;
        if (*name == 0)
            return true;
        for (unsigned i = 1; i <= *name; i++) {
            if (lower_of(prior[i]) != lower_of(name[i]))
                return false;
        }
        prior += *prior + 1;
        name += *name + 1;
    }
    return false;
}

/* Where the message has this name already, at the end of one of `names`; -1: nowhere. */
static int name_find(const unsigned char *name, const unsigned char *message,
                     const unsigned char *const *names)
{
    for (; *names != NULL; names++) {
        const unsigned char *prior = *names;
        while (kind_of(prior) == IS_LABEL && *prior != 0 && prior - message < OFFSETS) {
            if (name_is(name, message, prior))
                return (int)(prior - message);
            prior += *prior + 1;
        }
    }
    return -1;
}

int ns_name_pack(const unsigned char *name, unsigned char *packed, int size,
                 const unsigned char **names, const unsigned char **names_end)
{
    const unsigned char *message = names != NULL ? names[0] : NULL;
    const size_t room = size > 0 ? (size_t)size : 0;
    size_t length = 0;
    int offset = -1;
    if (length_of(name) == 0)
        return refused();
    while (*name != 0 && offset < 0) {
        if (message != NULL)
            offset = name_find(name, message, names + 1);
        if (offset >= 0)
            break;
        if (*name >= room - length)
            return refused();
        memcpy(packed + length, name, *name + 1u);
        length += *name + 1u;
        name += *name + 1;
    }
    const size_t labels = length;
    if (room - length < (offset >= 0 ? 2u : 1u))
        return refused();
    if (offset >= 0)
        packed[length++] = (unsigned char)(NS_CMPRSFLGS | offset >> 8);
    packed[length++] = (unsigned char)(offset >= 0 ? offset : 0);
    if (message != NULL && names_end != NULL && labels > 0 && packed - message < OFFSETS) {
        while (*names != NULL)
            names++;
        if (names + 1 < names_end) {
            names[0] = packed;
            names[1] = NULL;
        }
    }
    return (int)length;
}

int ns_name_compress(const char *text, unsigned char *packed, size_t size,
                     const unsigned char **names, const unsigned char **names_end)
{
    unsigned char name[NS_MAXCDNAME];
    if (ns_name_pton(text, name, sizeof name) < 0)
        return -1;
    return ns_name_pack(name, packed, size < NS_MAXMSG ? (int)size : NS_MAXMSG, names, names_end);
}

int dn_comp(const char *text, unsigned char *packed, int size, unsigned char **names,
            unsigned char **names_end)
{
    return ns_name_compress(text, packed, size > 0 ? (size_t)size : 0,
                            (const unsigned char **)names, (const unsigned char **)names_end);
}

void ns_name_rollback(const unsigned char *from, const unsigned char **names,
                      const unsigned char **names_end)
{
    while (names < names_end && *names != NULL && *names < from)
        names++;
    if (names < names_end)
        *names = NULL;
}
