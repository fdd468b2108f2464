/* posix/system/event_log.h - the way from syslog() to Windows' event log. */
#ifndef PLX__POSIX_EVENT_LOG_H
#define PLX__POSIX_EVENT_LOG_H

/* `level` is one of LOG_EMERG (0) to LOG_DEBUG (7). Below LOG_NOTICE nothing is kept. */
void plx__event_log(const char *source, int level, const char *text);

#endif
