/* posix/files/console.c - what is typed at the console.
 *
 * It comes in lines, as wide characters that end in \r\n, and a line that was asked for is gone
 * from the console, read or not. So the line is kept here, in UTF-8 and with \n, for whoever reads
 * on: a process has one console, however many descriptors of it there are. In the console's other
 * mode keys come one by one, as they are.
 */
#include "posix/files/files.h"

#include <string.h>

#define LINE_MAX 8191 /* The longest that consoles let somebody type, with the \r\n. */
#define CTRL_Z   0x1a

static SRWLOCK reading = SRWLOCK_INIT; /* Who waits for a line; taken before the other. */
static SRWLOCK lock = SRWLOCK_INIT;
static char line[3 * LINE_MAX];
static size_t line_start;
static size_t line_length; /* Of what is left. */

static bool line_is_there(void)
{
    AcquireSRWLockShared(&lock);
    bool is_there = line_length > 0;
    ReleaseSRWLockShared(&lock);
    return is_there;
}

bool plx__console_has_input(HANDLE handle)
{
    INPUT_RECORD records[128];
    DWORD count = 0;
    DWORD mode = 0;
    if (line_is_there())
        return true;
    if (!GetConsoleMode(handle, &mode) ||
        !PeekConsoleInputW(handle, records, sizeof records / sizeof records[0], &count))
        return true; /* Nothing to be known: reading tells. */
    for (DWORD i = 0; i < count; i++) {
        const KEY_EVENT_RECORD *key = &records[i].Event.KeyEvent;
        if (records[i].EventType != KEY_EVENT || !key->bKeyDown)
            continue;
        WCHAR typed = key->uChar.UnicodeChar;
        if ((mode & ENABLE_LINE_INPUT) != 0 ? typed == L'\r' : typed != 0)
            return true;
    }
    return false;
}

/* Waits for a line, or for keys. 0, also at the end of the input, or a negative errno. */
static int line_read(HANDLE handle)
{
    static WCHAR wide[LINE_MAX];
    DWORD count = 0;
    DWORD mode = 0;
    SetLastError(0);
    if (!GetConsoleMode(handle, &mode) || !ReadConsoleW(handle, wide, LINE_MAX, &count, NULL))
        return plx__errno_of((int)GetLastError());
    if (count == 0 && GetLastError() == ERROR_OPERATION_ABORTED)
        return -EINTR; /* Ctrl-C. */
    bool is_line = (mode & ENABLE_LINE_INPUT) != 0;
    if (is_line && count > 0 && wide[0] == CTRL_Z)
        return 0;
    if (is_line && count > 1 && wide[count - 2] == L'\r' && wide[count - 1] == L'\n')
        wide[--count - 1] = L'\n';
    int bytes =
        WideCharToMultiByte(CP_UTF8, 0, wide, (int)count, line, (int)sizeof line, NULL, NULL);
    AcquireSRWLockExclusive(&lock);
    line_start = 0;
    line_length = bytes > 0 ? (size_t)bytes : 0;
    ReleaseSRWLockExclusive(&lock);
    return 0;
}

static size_t line_take(char *bytes, size_t size)
{
    AcquireSRWLockExclusive(&lock);
    size_t taken = size < line_length ? size : line_length;
    memcpy(bytes, line + line_start, taken);
    line_start += taken;
    line_length -= taken;
    ReleaseSRWLockExclusive(&lock);
    return taken;
}

ptrdiff_t plx__console_read(HANDLE handle, void *bytes, size_t size)
{
    int status = 0;
    AcquireSRWLockExclusive(&reading);
    /* While nothing is left nobody but this thread touches its bytes. */
    if (size > 0 && !line_is_there())
        status = line_read(handle);
    size_t taken = status == 0 ? line_take(bytes, size) : 0;
    ReleaseSRWLockExclusive(&reading);
    return status != 0 ? status : (ptrdiff_t)taken;
}

int plx__console_control(plx__file *file, unsigned long request, void *argument)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    uint16_t size[4] = {0, 0, 0, 0};
    if (request != PLX__TIOCGWINSZ || !GetConsoleScreenBufferInfo(file->handle, &info))
        return -ENOTTY;
    size[0] = (uint16_t)(info.srWindow.Bottom - info.srWindow.Top + 1);
    size[1] = (uint16_t)(info.srWindow.Right - info.srWindow.Left + 1);
    memcpy(argument, size, sizeof size);
    return 0;
}
