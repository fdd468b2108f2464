/* tools/http_error.c - the errors of messages in words, and as status codes. */
#include "tools/http.h"

#define BAD_REQUEST "400 Bad Request"

static const struct {
    const char *text;
    const char *status;
} errors[HTTP_ERRORS] = {
    [HTTP_OK] = {"", BAD_REQUEST},
    [HTTP_BAD_METHOD] = {"invalid character in the method", BAD_REQUEST},
    [HTTP_BAD_TARGET] = {"invalid character in the request target", BAD_REQUEST},
    [HTTP_BAD_VERSION] = {"no HTTP version where one is expected", BAD_REQUEST},
    [HTTP_OTHER_VERSION] = {"an HTTP version other than 1", "505 HTTP Version Not Supported"},
    [HTTP_BAD_STATUS] = {"invalid status line", BAD_REQUEST},
    [HTTP_BAD_LINE_END] = {"CR or LF alone at the end of a line", BAD_REQUEST},
    [HTTP_BAD_FIELD_NAME] = {"invalid character in a field name", BAD_REQUEST},
    [HTTP_SPACE_BEFORE_COLON] = {"whitespace between a field name and its colon", BAD_REQUEST},
    [HTTP_FOLDED_LINE] = {"a field line that begins with whitespace", BAD_REQUEST},
    [HTTP_BAD_FIELD_VALUE] = {"invalid character in a field value", BAD_REQUEST},
    [HTTP_NO_HOST] = {"an HTTP/1.1 request without Host", BAD_REQUEST},
    [HTTP_REPEATED_HOST] = {"more than one Host", BAD_REQUEST},
    [HTTP_BAD_HOST] = {"invalid Host", BAD_REQUEST},
    [HTTP_REPEATED_LENGTH] = {"more than one Content-Length", BAD_REQUEST},
    [HTTP_BAD_LENGTH] = {"invalid Content-Length", BAD_REQUEST},
    [HTTP_BAD_CODING] = {"invalid Transfer-Encoding", BAD_REQUEST},
    [HTTP_OTHER_CODING] = {"a transfer coding other than chunked", "501 Not Implemented"},
    [HTTP_CODING_IN_1_0] = {"Transfer-Encoding in a message of HTTP/1.0", BAD_REQUEST},
    [HTTP_CODING_AND_LENGTH] = {"both Transfer-Encoding and Content-Length", BAD_REQUEST},
    [HTTP_BAD_CHUNK_SIZE] = {"invalid chunk size", BAD_REQUEST},
    [HTTP_BAD_CHUNK_EXTENSION] = {"invalid character in a chunk extension", BAD_REQUEST},
    [HTTP_BAD_CHUNK_END] = {"a chunk longer than its size", BAD_REQUEST},
    [HTTP_TARGET_TOO_LONG] = {"the request target is too long", "414 URI Too Long"},
    [HTTP_HEAD_TOO_LONG] = {"the head is too long", "431 Request Header Fields Too Large"},
    [HTTP_CHUNK_LINE_TOO_LONG] = {"a chunk's first line is too long", BAD_REQUEST},
    [HTTP_ENDED_EARLY] = {"the connection ended within the message", BAD_REQUEST},
};

const char *http_error_text(enum http_error error)
{
    return errors[error].text;
}

const char *http_error_status(enum http_error error)
{
    return errors[error].status;
}
