/* direct.h - mingw-w64's without mkdir, chdir and their like, which are POSIX's here. */
#pragma GCC system_header
#pragma push_macro("NO_OLDNAMES")
#undef NO_OLDNAMES
#define NO_OLDNAMES
#include_next <direct.h>
#pragma pop_macro("NO_OLDNAMES")
