/* core/error.c - the names and the sentences of the codes. */
#include <pollux/error.h>

const char *plx_error_name(int code)
{
    switch (code) {
    case PLX_OK:
        return "PLX_OK";
#define ERROR_NAME(name, number, text)                                                             \
    case number:                                                                                   \
        return "PLX_" #name;
        PLX_ERROR_MAP(ERROR_NAME)
#undef ERROR_NAME
    default:
        return "PLX_?";
    }
}

const char *plx_error_text(int code)
{
    switch (code) {
    case PLX_OK:
        return "success";
#define ERROR_TEXT(name, number, text)                                                             \
    case number:                                                                                   \
        return text;
        PLX_ERROR_MAP(ERROR_TEXT)
#undef ERROR_TEXT
    default:
        return "not a code of Pollux";
    }
}
