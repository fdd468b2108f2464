/* platform/windows/test_system.c - see platform/test_system.h. */
#include "platform/test_system.h"

#include <pollux/signal.h>
#include <stdlib.h>

#include <stdlib.h>
#include <string.h>

#include "platform/os.h"

#include <stdlib.h>
#ifdef _MSC_VER
#include <crtdbg.h>
#endif

void plx__test_unattended(void)
{
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
#if (defined(_UCRT) || defined(_MSC_VER)) && !defined(__WINE_USE_MSVCRT)
    /* Microsoft's abort() reports the fault to the system, and may open a dialog in a debug build
     * (learn.microsoft.com, "_set_abort_behavior"). */
    (void)_set_abort_behavior(0, _WRITE_ABORT_MSG | _CALL_REPORTFAULT);
#endif
#if defined(_MSC_VER) && defined(_CRTDBG_MODE_FILE)
    static const int kinds[] = {_CRT_WARN, _CRT_ERROR, _CRT_ASSERT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        (void)_CrtSetReportMode(kinds[i], _CRTDBG_MODE_FILE | _CRTDBG_MODE_DEBUG);
        (void)_CrtSetReportFile(kinds[i], _CRTDBG_FILE_STDERR);
    }
#endif
}

int plx__test_signal(int number)
{
    /* A console of our own: with redirected streams there is none, and no event without one. Only
     * Ctrl-C reaches every process of the console; Ctrl-Break is for groups. */
    if (number != PLX_SIGNAL_INTERRUPT)
        return PLX_ENOSYS;
    (void)FreeConsole();
    /* Ctrl-C may be off by inheritance: a CI system starts its jobs in process groups of their own
     * (learn.microsoft.com, "SetConsoleCtrlHandler" and "CREATE_NEW_PROCESS_GROUP"). */
    (void)SetConsoleCtrlHandler(NULL, FALSE);
    if (!AllocConsole() || !GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
        return plx__fail((int)GetLastError());
    return 0;
}

int plx__test_descriptor_limit(uint32_t spare)
{
    (void)spare;
    return PLX_ENOSYS;
}

int plx__test_environment(const char *name, const char *value)
{
    return _putenv_s(name, value != NULL ? value : "") == 0 ? 0 : PLX_EINVAL;
}

void plx__test_descriptors_allow(uint32_t count)
{
    (void)count;
}

int plx__test_descriptor_ceiling(uint32_t ceiling)
{
    (void)ceiling;
    return PLX_ENOSYS;
}

int plx__test_no_accepts(void)
{
    return PLX_ENOSYS;
}

int plx__test_interruptions_start(void)
{
    return PLX_ENOSYS;
}

uint32_t plx__test_interruptions_end(void)
{
    return 0;
}

int plx__test_duplicate(plx_socket socket, plx_socket *duplicate_out)
{
    (void)socket;
    (void)duplicate_out;
    return PLX_ENOSYS;
}

int plx__test_device(plx_socket *device_out)
{
    (void)device_out;
    return PLX_ENOSYS;
}

int plx__test_port(plx_socket socket)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (port == NULL)
        return plx__fail((int)GetLastError());
    int status = CreateIoCompletionPort((HANDLE)socket, port, 0, 0) != NULL
                     ? 0
                     : plx__fail((int)GetLastError());
    (void)CloseHandle(port);
    return status;
}

int plx__test_no_rings(bool is_forbidden)
{
    (void)is_forbidden;
    return PLX_ENOSYS;
}

int plx__test_keeper_start(void)
{
    return PLX_ENOSYS;
}

void plx__test_keeper_end(void)
{
}

bool plx__test_is_wine(void)
{
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    return library != NULL && GetProcAddress(library, "wine_get_version") != NULL;
}

bool plx__test_loses_sends(void)
{
    const char *(CDECL * version)(void);
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = library != NULL ? GetProcAddress(library, "wine_get_version") : NULL;
    memcpy(&version, &found, sizeof version);
    return version != NULL && strtoul(version(), NULL, 10) >= 9;
}

int plx__test_zeroes(const void **bytes_out, size_t length)
{
    *bytes_out = VirtualAlloc(NULL, length, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    return *bytes_out != NULL ? 0 : PLX_ENOMEM;
}

void plx__test_zeroes_end(const void *bytes, size_t length)
{
    (void)length;
    (void)VirtualFree((void *)(uintptr_t)bytes, 0, MEM_RELEASE); /* NOLINT */
}

int plx__test_no_registering(uint32_t operation, int os_code)
{
    (void)operation;
    (void)os_code;
    return PLX_ENOSYS;
}

int plx__test_no_entering(int os_code)
{
    (void)os_code;
    return PLX_ENOSYS;
}

int plx__test_memory_lock_limit(uint32_t bytes)
{
    (void)bytes;
    return PLX_ENOSYS;
}

int plx__test_process_start(void (*run)(void *data), void *data)
{
    (void)run;
    (void)data;
    return PLX_ENOSYS;
}

void plx__test_process_kill(int process)
{
    (void)process;
}

int plx__test_descriptors(void)
{
    return PLX_ENOSYS;
}

int plx__test_ring_lost(void)
{
    return PLX_ENOSYS;
}
