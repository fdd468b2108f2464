/* posix/names/dns_message.c - messages of the domain name system (RFC 1035, 4.1): their numbers,
 * their records, and those that ask.
 *
 * What is read may be anybody's bytes: nothing is read from its end on. This file speaks POSIX
 * only, by the headers of programs.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "posix/names/resolver.h"

/* --- numbers --------------------------------------------------------------------------------
 */

unsigned ns_get16(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

unsigned long ns_get32(const unsigned char *bytes)
{
    return (unsigned long)ns_get16(bytes) << 16 | ns_get16(bytes + 2);
}

void ns_put16(unsigned value, unsigned char *bytes)
{
    bytes[0] = (unsigned char)(value >> 8);
    bytes[1] = (unsigned char)value;
}

void ns_put32(unsigned long value, unsigned char *bytes)
{
    ns_put16((unsigned)(value >> 16), bytes);
    ns_put16((unsigned)value, bytes + 2);
}

/* --- reading --------------------------------------------------------------------------------
 */

static int failed(int code)
{
    errno = code;
    return -1;
}

int ns_skiprr(const unsigned char *at, const unsigned char *end, ns_sect section, int count)
{
    const unsigned char *next = at;
    for (; count > 0; count--) {
        const int name = dn_skipname(next, end);
        const ptrdiff_t fixed = section == ns_s_qd ? NS_QFIXEDSZ : NS_QFIXEDSZ + NS_INT32SZ;
        if (name < 0 || end - next - name < fixed)
            return failed(EMSGSIZE);
        next += name + fixed;
        if (section == ns_s_qd)
            continue;
        if (end - next < NS_INT16SZ || end - next - NS_INT16SZ < (ptrdiff_t)ns_get16(next))
            return failed(EMSGSIZE);
        next += NS_INT16SZ + ns_get16(next);
    }
    return (int)(next - at);
}

int ns_initparse(const unsigned char *message, int length, ns_msg *handle)
{
    if (length < NS_HFIXEDSZ)
        return failed(EMSGSIZE);
    memset(handle, 0, sizeof *handle);
    handle->_msg = message;
    handle->_eom = message + length;
    handle->_id = (uint16_t)ns_get16(message);
    handle->_flags = (uint16_t)ns_get16(message + 2);
    const unsigned char *next = message + NS_HFIXEDSZ;
    for (int i = 0; i < ns_s_max; i++) {
        handle->_counts[i] = (uint16_t)ns_get16(message + 4 + 2 * i);
        const int bytes = ns_skiprr(next, handle->_eom, (ns_sect)i, handle->_counts[i]);
        if (bytes < 0)
            return -1;
        handle->_sections[i] = handle->_counts[i] != 0 ? next : NULL;
        next += bytes;
    }
    if (next != handle->_eom)
        return failed(EMSGSIZE);
    handle->_sect = ns_s_max;
    handle->_rrnum = -1;
    return 0;
}

int ns_msg_getflag(ns_msg handle, int flag)
{
    /* In the order of ns_flag: the lowest bit of each (RFC 1035, 4.1.1; RFC 4035, 3), and how many
     * it has. */
    static const struct {
        unsigned char shift;
        unsigned char bits;
    } flags[ns_f_max] = {{15, 1}, {11, 4}, {10, 1}, {9, 1}, {8, 1},
                         {7, 1},  {6, 1},  {5, 1},  {4, 1}, {0, 4}};
    if (flag < 0 || flag >= ns_f_max)
        return 0;
    return handle._flags >> flags[flag].shift & ((1 << flags[flag].bits) - 1);
}

/* Before the record of this number, which there is, from wherever it was. */
static int record_seek(ns_msg *handle, ns_sect section, int number)
{
    if (section != handle->_sect || number < handle->_rrnum) {
        handle->_sect = section;
        handle->_rrnum = 0;
        handle->_msg_ptr = handle->_sections[section];
    }
    const int bytes = ns_skiprr(handle->_msg_ptr, handle->_eom, section, number - handle->_rrnum);
    if (bytes < 0)
        return -1;
    handle->_msg_ptr += bytes;
    handle->_rrnum = number;
    return 0;
}

int ns_parserr(ns_msg *handle, ns_sect section, int number, ns_rr *record)
{
    if ((int)section < 0 || section >= ns_s_max)
        return failed(ENODEV);
    if (number == -1) /* The next one. */
        number = section == handle->_sect ? handle->_rrnum : 0;
    if (number < 0 || number >= handle->_counts[section])
        return failed(ENODEV);
    if (record_seek(handle, section, number) != 0)
        return -1;
    const unsigned char *at = handle->_msg_ptr;
    const int bytes = ns_skiprr(at, handle->_eom, section, 1);
    const int name = dn_expand(handle->_msg, handle->_eom, at, record->name, NS_MAXDNAME);
    if (bytes < 0 || name < 0)
        return failed(EMSGSIZE);
    at += name;
    record->type = (uint16_t)ns_get16(at);
    record->rr_class = (uint16_t)ns_get16(at + 2);
    record->ttl = section != ns_s_qd ? (uint32_t)ns_get32(at + 4) : 0;
    record->rdlength = section != ns_s_qd ? (uint16_t)ns_get16(at + 8) : 0;
    record->rdata = section != ns_s_qd ? at + NS_RRFIXEDSZ : NULL;
    handle->_msg_ptr += bytes;
    handle->_rrnum = number + 1;
    return 0;
}

/* --- asking ---------------------------------------------------------------------------------
 */

enum { RECURSE = 0x0100, AUTHENTIC = 0x0020 }; /* Of the flags: RFC 1035, 4.1.1; RFC 6840, 5.7. */

int res_nmkquery(res_state state, int opcode, const char *name, int class_of, int type,
                 const unsigned char *data, int data_length, const unsigned char *unused,
                 unsigned char *message, int size)
{
    (void)data;
    (void)data_length;
    (void)unused;
    if (size < NS_HFIXEDSZ || (opcode != ns_o_query && opcode != ns_o_notify) || class_of < 0 ||
        class_of > 0xffff || type < 0 || type > 0xffff)
        return -1;
    const int bytes = dn_comp(name, message + NS_HFIXEDSZ, size - NS_HFIXEDSZ, NULL, NULL);
    if (bytes < 0 || size - NS_HFIXEDSZ - bytes < NS_QFIXEDSZ)
        return -1;
    unsigned char *const end = message + NS_HFIXEDSZ + bytes;
    state->id = (unsigned short)arc4random();
    memset(message, 0, NS_HFIXEDSZ);
    ns_put16(state->id, message);
    ns_put16((unsigned)opcode << 11 | ((state->options & RES_RECURSE) != 0 ? RECURSE : 0) |
                 ((state->options & RES_TRUSTAD) != 0 ? AUTHENTIC : 0),
             message + 2);
    ns_put16(1, message + 4);
    ns_put16((unsigned)type, end);
    ns_put16((unsigned)class_of, end + 2);
    return NS_HFIXEDSZ + bytes + NS_QFIXEDSZ;
}

int plx__question_extend(unsigned char *message, int length, int size, int answer_size,
                         int wants_proof)
{
    enum { BYTES = 11, SIZE_MIN = 512, SIZE_MAX_UDP = 1232 };
    unsigned char *at = message + length;
    if (size - length < BYTES)
        return -1;
    memset(at, 0, BYTES); /* The root's name, and no data. */
    ns_put16(ns_t_opt, at + 1);
    ns_put16((unsigned)(answer_size < SIZE_MIN       ? SIZE_MIN
                        : answer_size < SIZE_MAX_UDP ? answer_size
                                                     : SIZE_MAX_UDP),
             at + 3);
    ns_put16(wants_proof ? NS_OPT_DNSSEC_OK : 0, at + 7);
    ns_put16(ns_get16(message + 10) + 1, message + 10);
    return length + BYTES;
}
