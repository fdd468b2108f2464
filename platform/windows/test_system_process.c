/* platform/windows/test_system_process.c - files for tests, and no fork(); see
 * platform/test_system.h.
 */
#include "platform/test_system.h"

#include "platform/os.h"

static int outcome(BOOL is_done)
{
    return is_done ? 0 : plx__fail((int)GetLastError());
}

int plx__test_directory(const char *path)
{
    return outcome(CreateDirectoryA(path, NULL));
}

int plx__test_directory_path(char *path, size_t size)
{
    (void)path;
    (void)size;
    return PLX_ENOSYS;
}

int plx__test_datagram_open(const char *name, plx_socket *socket_out)
{
    (void)name;
    (void)socket_out;
    return PLX_ENOSYS;
}

int plx__test_directory_enter(const char *path)
{
    return outcome(SetCurrentDirectoryA(path));
}

int plx__test_directory_remove(const char *path)
{
    return outcome(RemoveDirectoryA(path));
}

int plx__test_symlink(const char *target, const char *path)
{
    (void)target;
    (void)path;
    return PLX_ENOSYS; /* It takes a privilege. */
}

int plx__test_path_mode(const char *path)
{
    (void)path;
    return PLX_ENOSYS;
}

int plx__test_path_set_mode(const char *path, uint32_t mode)
{
    (void)path;
    (void)mode;
    return PLX_ENOSYS;
}

bool plx__test_is_root(void)
{
    return false;
}

int plx__test_become(uint32_t user)
{
    (void)user;
    return PLX_ENOSYS;
}

int plx__test_path_lock(bool is_locked)
{
    (void)is_locked;
    return PLX_ENOSYS;
}

int plx__test_fork(void)
{
    return PLX_ENOSYS;
}

void plx__test_report(int result)
{
    (void)result;
}

void plx__test_vanish(void)
{
}

void plx__test_suspend(void)
{
}

bool plx__test_fork_suspend(bool by_itself)
{
    (void)by_itself;
    return false;
}

void plx__test_fork_continue(void)
{
}

int plx__test_fork_join(void)
{
    return -1;
}

bool plx__test_is_orphan(void)
{
    return false;
}

int plx__test_credentials(plx__credentials *credentials_out)
{
    (void)credentials_out;
    return PLX_ENOSYS;
}
