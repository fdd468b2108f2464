/* tests/posix/name_server.h - a name server for tests of the resolver, in a thread of the program.
 *
 * The first label of a name says what it answers: "mx.example.test" has records of MX, to "silent"
 * it says nothing. Names that it does not know, and those of other domains, do not exist.
 */
#ifndef NAME_SERVER_H
#define NAME_SERVER_H

/* Three servers: 0 and 1 on 127.0.0.1, 2 on ::1; port 0: there is none. */
void servers_start(unsigned short ports_out[3]);
void servers_stop(void);
/* What they were asked since it was called last, as in "u0:mx.example.test t1:a.example.test": by
 * UDP or TCP, which server, the name. The text is valid until the next call. */
const char *servers_asked(void);

#endif
