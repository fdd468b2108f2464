/* tests/posix/control.h - one message with control, made and looked through. */
#ifndef CONTROL_H
#define CONTROL_H

#include <string.h>
#include <sys/socket.h>

static union {
    struct cmsghdr head; /* For its alignment. */
    unsigned char bytes[2048];
} control;
static struct iovec part;
static struct msghdr message;

/* A message of these bytes with room for this much control. */
static void message_make(void *at, size_t length, size_t control_length)
{
    memset(&message, 0, sizeof message);
    part.iov_base = at;
    part.iov_len = length;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control_length > 0 ? &control : NULL;
    message.msg_controllen = control_length;
}

/* Adds to a message that message_make() has made without control. */
static void control_add(int level, int type, const void *data, size_t length)
{
    struct cmsghdr *head = (struct cmsghdr *)(void *)(control.bytes + message.msg_controllen);
    memset(head, 0, CMSG_SPACE(length));
    head->cmsg_len = CMSG_LEN(length);
    head->cmsg_level = level;
    head->cmsg_type = type;
    if (length > 0)
        memcpy(CMSG_DATA(head), data, length);
    message.msg_control = &control;
    message.msg_controllen += CMSG_SPACE(length);
}

static struct cmsghdr *control_find(int level, int type)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    while (head != NULL && (head->cmsg_level != level || head->cmsg_type != type))
        head = CMSG_NXTHDR(&message, head);
    return head;
}

#endif
