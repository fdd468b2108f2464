/* nl_types.h - message catalogues, of which there are none. */
#ifndef PLX_POSIX_NL_TYPES_H
#define PLX_POSIX_NL_TYPES_H

#include <langinfo.h> /* nl_item. */

#define NL_SETD       1
#define NL_CAT_LOCALE 1

PLX_POSIX_BEGIN

typedef void *nl_catd;

nl_catd catopen(const char *name, int flag) PLX_POSIX_NEW(catopen);
char *catgets(nl_catd catalogue, int set, int number, const char *text) PLX_POSIX_NEW(catgets);
int catclose(nl_catd catalogue) PLX_POSIX_NEW(catclose);

PLX_POSIX_END
#endif
