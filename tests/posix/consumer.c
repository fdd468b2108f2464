/* tests/posix/consumer.c - a POSIX program of somebody else's, for tests/consumers: the POSIX layer
 * and its bridge to the loop, from where they were installed.
 */
#include <pollux/posix.h>

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int has_socket = fd >= 0 && pollux_posix_socket(fd) != PLX_SOCKET_NONE;
    printf("posix consumer: %s\n", has_socket ? "it has a socket" : "it has no socket");
    return has_socket && close(fd) == 0 ? 0 : 1;
}
