/* arpa/telnet.h - the commands of Telnet (RFC 854). */
#ifndef PLX_POSIX_ARPA_TELNET_H
#define PLX_POSIX_ARPA_TELNET_H

#define IAC  255
#define DONT 254
#define DO   253
#define WONT 252
#define WILL 251
#define SB   250
#define SE   240

#endif
