// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Messages to a family of netlink and back (include/uapi/linux/netlink.h, genetlink.h, netfilter/nfnetlink.h). One at a time: both buffers
// are here, and forget_messages() overwrites them.
//
// Built with -DFAKE_KERNEL it speaks with a fake kernel; its socket is named in the environment (see kernel.test.ts).
#define _GNU_SOURCE
#include "netlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned char message[MESSAGE];    // to the kernel
static unsigned char heard[65536];        // from the kernel: at most NLMSG_GOODSIZE, and never more than 32 KiB
static size_t heard_length;
static int kernel;
static uint32_t sequence;

void forget_messages(void) {
  explicit_bzero(message, sizeof message);
  explicit_bzero(heard, sizeof heard);
  heard_length = 0;
}

int open_kernel(int protocol) {
#ifdef FAKE_KERNEL
  (void)protocol;
  struct sockaddr_un place = {.sun_family = AF_UNIX};
  strncpy(place.sun_path, getenv("FAKE_KERNEL"), sizeof place.sun_path - 1);
  kernel = socket(AF_UNIX, SOCK_STREAM, 0);
  return connect(kernel, (struct sockaddr *)&place, sizeof place);
#else
  struct timeval timeout = {.tv_sec = 5};
  kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  return setsockopt(kernel, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
#endif
}

// ---- to the kernel ----

static struct nlmsghdr *head(void) { return (struct nlmsghdr *)message; }

void begin(int type, int command, int flags) {
  *head() = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
                              .nlmsg_type = (uint16_t)type,
                              .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                              .nlmsg_seq = ++sequence};
  *(struct genlmsghdr *)NLMSG_DATA(head()) = (struct genlmsghdr){.cmd = (uint8_t)command, .version = 1};
}

static struct nlattr *tail(void) { return (struct nlattr *)(message + head()->nlmsg_len); }

void *put(int type, size_t size) {
  struct nlattr *attribute = tail();
  *attribute = (struct nlattr){.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = (uint16_t)type};
  memset((char *)attribute + NLA_HDRLEN, 0, NLA_ALIGN(size));
  head()->nlmsg_len += (uint32_t)(NLA_HDRLEN + NLA_ALIGN(size));
  return (char *)attribute + NLA_HDRLEN;
}

struct nlattr *open_nest(int type) {
  struct nlattr *nest = tail();
  put(type | NLA_F_NESTED, 0);
  return nest;
}

size_t message_length(void) { return head()->nlmsg_len; }

void close_nest(struct nlattr *nest) { nest->nla_len = (uint16_t)((char *)tail() - (char *)nest); }

// ---- from the kernel ----

int collect(const struct nlattr *first, size_t length, const struct nlattr **found, int count) {
  memset(found, 0, (size_t)count * sizeof *found);
  while (length >= NLA_HDRLEN) {
    if (first->nla_len < NLA_HDRLEN || first->nla_len > length) return -EPROTO;
    int type = first->nla_type & NLA_TYPE_MASK;
    if (type < count) found[type] = first;
    size_t step = NLA_ALIGN(first->nla_len);
    if (step >= length) break;
    length -= step;
    first = (const struct nlattr *)((const char *)first + step);
  }
  return 0;
}

size_t size_of(const struct nlattr *attribute) { return attribute->nla_len - NLA_HDRLEN; }
const void *value_of(const struct nlattr *attribute) { return (const char *)attribute + NLA_HDRLEN; }
int has(const struct nlattr *attribute, size_t size) { return attribute != NULL && size_of(attribute) >= size; }

// One datagram. Other processes may send to this socket too; only the kernel has the number 0.
static int hear(void) {
  for (;;) {
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
#ifdef FAKE_KERNEL
    ssize_t got = read(kernel, heard, sizeof heard);
#else
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(kernel, heard, sizeof heard, MSG_TRUNC, (struct sockaddr *)&from, &length);
#endif
    if (got <= 0 || (size_t)got > sizeof heard) return -EIO;
    heard_length = (size_t)got;
    if (from.nl_pid == 0) return 0;
  }
}

int ask(listener *listen) {
  if (send(kernel, message, head()->nlmsg_len, 0) != (ssize_t)head()->nlmsg_len) return -EIO;
  uint32_t expected = head()->nlmsg_seq;
  for (;;) {
    int problem = hear();
    if (problem != 0) return problem;
    size_t left = heard_length;
    for (struct nlmsghdr *one = (struct nlmsghdr *)heard; left >= sizeof *one;) {
      if (one->nlmsg_len < sizeof *one || one->nlmsg_len > left) return -EPROTO;
      size_t length = one->nlmsg_len - NLMSG_HDRLEN;
      if (one->nlmsg_seq == expected) {
        if (one->nlmsg_type == NLMSG_ERROR || one->nlmsg_type == NLMSG_DONE)
          return length < sizeof(int) ? (one->nlmsg_type == NLMSG_DONE ? 0 : -EPROTO) : *(int *)NLMSG_DATA(one);
        if (length < GENL_HDRLEN) return -EPROTO;
        problem = listen((struct nlattr *)((char *)NLMSG_DATA(one) + GENL_HDRLEN), length - GENL_HDRLEN);
        if (problem != 0) return problem;
      }
      size_t step = NLMSG_ALIGN(one->nlmsg_len);
      if (step >= left) break;
      left -= step;
      one = (struct nlmsghdr *)((char *)one + step);
    }
  }
}

int for_each(const struct nlattr *list, int (*each)(const struct nlattr *)) {
  const struct nlattr *one = value_of(list);
  size_t left = size_of(list);
  while (left >= NLA_HDRLEN) {
    if (one->nla_len < NLA_HDRLEN || one->nla_len > left) return -EPROTO;
    int problem = each(one);
    if (problem != 0) return problem;
    size_t step = NLA_ALIGN(one->nla_len);
    if (step >= left) break;
    left -= step;
    one = (const struct nlattr *)((const char *)one + step);
  }
  return 0;
}

static int family;

static int read_family(const struct nlattr *first, size_t length) {
  const struct nlattr *found[CTRL_ATTR_FAMILY_ID + 1];
  int problem = collect(first, length, found, CTRL_ATTR_FAMILY_ID + 1);
  if (problem == 0 && has(found[CTRL_ATTR_FAMILY_ID], 2)) family = *(const uint16_t *)value_of(found[CTRL_ATTR_FAMILY_ID]);
  return problem;
}

int find_family(const char *name) {
  family = 0;
  begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
  strcpy(put(CTRL_ATTR_FAMILY_NAME, strlen(name) + 1), name);
  int problem = ask(read_family);
  return problem != 0 ? problem : family == 0 ? -ENOENT : family;
}
