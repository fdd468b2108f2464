/* resolv.h - questions to name servers (RFC 1035); arpa/nameser.h takes the answers apart. */
#ifndef PLX_POSIX_RESOLV_H
#define PLX_POSIX_RESOLV_H

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/param.h>
#include <sys/types.h>

#define MAXNS            3
#define MAXDFLSRCH       3
#define MAXDNSRCH        6
#define MAXRESOLVSORT    10
#define LOCALDOMAINPARTS 2

#define RES_TIMEOUT    5
#define RES_MAXNDOTS   15
#define RES_MAXRETRANS 30
#define RES_MAXRETRY   5
#define RES_DFLRETRY   2
#define RES_MAXTIME    65535
#define __RES          19991006
#ifndef _PATH_RESCONF
#define _PATH_RESCONF "/etc/resolv.conf" /* Which is not read here. */
#endif

#define RES_INIT        0x00000001
#define RES_DEBUG       0x00000002
#define RES_AAONLY      0x00000004
#define RES_USEVC       0x00000008
#define RES_PRIMARY     0x00000010
#define RES_IGNTC       0x00000020
#define RES_RECURSE     0x00000040
#define RES_DEFNAMES    0x00000080
#define RES_STAYOPEN    0x00000100
#define RES_DNSRCH      0x00000200
#define RES_NOALIASES   0x00001000
#define RES_ROTATE      0x00004000
#define RES_USE_EDNS0   0x00100000
#define RES_SNGLKUP     0x00200000
#define RES_SNGLKUPREOP 0x00400000
#define RES_USE_DNSSEC  0x00800000
#define RES_NOTLDQUERY  0x01000000
#define RES_NORELOAD    0x02000000
#define RES_TRUSTAD     0x04000000
#define RES_NOAAAA      0x08000000
#define RES_DEFAULT     (RES_RECURSE | RES_DEFNAMES | RES_DNSRCH)

struct __res_state {
    int retrans; /* Seconds that the first try waits for an answer. */
    int retry;   /* How often each server is asked. */
    unsigned long options;
    int nscount;
    struct sockaddr_in nsaddr_list[MAXNS]; /* Of no family: see _u._ext.nsaddrs. */
    unsigned short id;
    char *dnsrch[MAXDNSRCH + 1]; /* Ends with NULL. */
    char defdname[256];
    unsigned long pfcode;
    unsigned ndots : 4;
    unsigned nsort : 4;
    unsigned ipv6_unavail : 1;
    unsigned unused : 23;
    struct {
        struct in_addr addr;
        uint32_t mask;
    } sort_list[MAXRESOLVSORT];
    int res_h_errno;
    int _vcsock;
    unsigned _flags;
    union {
        struct {
            uint16_t nscount;
            uint16_t nscount6;
            struct sockaddr_in6 *nsaddrs[MAXNS];
        } _ext;
    } _u;
    struct sockaddr_in6 plx_storage[MAXNS]; /* What res_ninit() lets nsaddrs point to. */
};
typedef struct __res_state *res_state;

#define nsaddr nsaddr_list[0]

/* A number with its names, which programs make tables of. */
struct res_sym {
    int number;
    char *name;
    char *humanname;
};

PLX_POSIX_BEGIN

/* The thread's own. */
struct __res_state *plx_posix_res_state(void);
#define _res (*plx_posix_res_state())

int res_init(void) PLX_POSIX_NEW(res_init);
void res_close(void) PLX_POSIX_NEW(res_close);
int res_query(const char *name, int class_of, int type, unsigned char *answer, int size)
    PLX_POSIX_NEW(res_query);
int res_search(const char *name, int class_of, int type, unsigned char *answer, int size)
    PLX_POSIX_NEW(res_search);
int res_querydomain(const char *name, const char *domain, int class_of, int type,
                    unsigned char *answer, int size) PLX_POSIX_NEW(res_querydomain);
int res_mkquery(int opcode, const char *name, int class_of, int type, const unsigned char *data,
                int data_length, const unsigned char *unused, unsigned char *message, int size)
    PLX_POSIX_NEW(res_mkquery);
int res_send(const unsigned char *message, int length, unsigned char *answer, int size)
    PLX_POSIX_NEW(res_send);

int res_ninit(res_state state) PLX_POSIX_NEW(res_ninit);
void res_nclose(res_state state) PLX_POSIX_NEW(res_nclose);
int res_nquery(res_state state, const char *name, int class_of, int type, unsigned char *answer,
               int size) PLX_POSIX_NEW(res_nquery);
int res_nsearch(res_state state, const char *name, int class_of, int type, unsigned char *answer,
                int size) PLX_POSIX_NEW(res_nsearch);
int res_nquerydomain(res_state state, const char *name, const char *domain, int class_of, int type,
                     unsigned char *answer, int size) PLX_POSIX_NEW(res_nquerydomain);
int res_nmkquery(res_state state, int opcode, const char *name, int class_of, int type,
                 const unsigned char *data, int data_length, const unsigned char *unused,
                 unsigned char *message, int size) PLX_POSIX_NEW(res_nmkquery);
int res_nsend(res_state state, const unsigned char *message, int length, unsigned char *answer,
              int size) PLX_POSIX_NEW(res_nsend);

int dn_comp(const char *text, unsigned char *packed, int size, unsigned char **names,
            unsigned char **names_end) PLX_POSIX_NEW(dn_comp);
int dn_expand(const unsigned char *message, const unsigned char *end, const unsigned char *at,
              char *text, int size) PLX_POSIX_NEW(dn_expand);
int dn_skipname(const unsigned char *at, const unsigned char *end) PLX_POSIX_NEW(dn_skipname);

PLX_POSIX_END
#endif
