/* core/version.c - the version that this library was compiled as. */
#include <pollux/types.h>

uint32_t plx_version(void)
{
    return PLX_VERSION;
}

const char *plx_version_text(void)
{
    return PLX_VERSION_TEXT;
}
