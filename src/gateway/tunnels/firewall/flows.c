// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Makes the kernel forget the flows of customers who have left, for the agent, which has no rights at all:
//   flows            serves one client at a time on the socket that systemd hands over
//   flows PATH       or on one that it makes itself, for its own user alone.
// It reads `get=1`, which names the sources of all flows, and `forget=1` with addresses, whose flows are deleted. It tells of
// no destination. Where customers went is in the buffers below and in those of
// netlink.c for as long as a request takes; they are overwritten then, and poll() wipes the stack (see residue/wipe.c).
#define _GNU_SOURCE
#include "../bridge.h"
#include "../netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// A tuple: two addresses, two ports and their frames. FLOWS of them are deleted before the kernel is asked again, and one
// request names so many ADDRESSES of each family.
enum { TUPLE = 128, FLOWS = 1024, ADDRESSES = 512, FILTER_BY_SOURCE = 1, ROUNDS = 1024 };
// CTA_FILTER and its parts, where headers are older.
enum { FILTER = 25, FILTER_ORIGINAL = 1, FILTER_REPLY = 2 };

static unsigned char tuples[FLOWS][TUPLE];
static size_t count;
static unsigned char wanted4[ADDRESSES][4], wanted6[ADDRESSES][16];    // whose flows are deleted
static size_t wanted4_count, wanted6_count;
static const unsigned char *sought;    // in the list that the kernel gives: so many addresses of one family
static size_t sought_count;
static int kind;
static unsigned char last[16];    // the source that was told last, and its family
static int last_kind;

static void forget(void) {
  explicit_bzero(tuples, sizeof tuples);
  explicit_bzero(wanted4, sizeof wanted4);
  explicit_bzero(wanted6, sizeof wanted6);
  explicit_bzero(last, sizeof last);
  count = wanted4_count = wanted6_count = 0;
  last_kind = 0;
  forget_messages();
}

static size_t width(int family) { return family == AF_INET ? 4 : 16; }

// ---- what the kernel lists (include/uapi/linux/netfilter/nfnetlink_conntrack.h) ----

// The tuple of a flow as it began, and its source, of which *family says the kind. NULL for what cannot be read.
static const struct nlattr *tuple_of(const struct nlattr *first, size_t length, int *family, const void **source) {
  const struct nlattr *flow[CTA_TUPLE_ORIG + 1], *parts[CTA_TUPLE_IP + 1], *ip[CTA_IP_V6_SRC + 1];
  if (collect(first, length, flow, CTA_TUPLE_ORIG + 1) != 0 || flow[CTA_TUPLE_ORIG] == NULL) return NULL;
  const struct nlattr *tuple = flow[CTA_TUPLE_ORIG];
  if (collect(value_of(tuple), size_of(tuple), parts, CTA_TUPLE_IP + 1) != 0 || parts[CTA_TUPLE_IP] == NULL) return NULL;
  if (collect(value_of(parts[CTA_TUPLE_IP]), size_of(parts[CTA_TUPLE_IP]), ip, CTA_IP_V6_SRC + 1) != 0) return NULL;
  *family = has(ip[CTA_IP_V4_SRC], 4) ? AF_INET : AF_INET6;
  const struct nlattr *address = *family == AF_INET ? ip[CTA_IP_V4_SRC] : ip[CTA_IP_V6_SRC];
  if (!has(address, width(*family))) return NULL;
  *source = value_of(address);
  return tuple;
}

static void begin_list(int family) { begin((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, family, NLM_F_DUMP); }

// ---- `get` ----

// Neighbours in the kernel's list often have the same source: those are told once.
static int say_source(const struct nlattr *first, size_t length) {
  int family;
  const void *source;
  if (tuple_of(first, length, &family, &source) == NULL) return 0;
  if (family == last_kind && memcmp(source, last, width(family)) == 0) return 0;
  int problem = room();
  if (problem != 0) return problem;
  memcpy(last, source, width(family));
  last_kind = family;
  SAY("address=");
  if (inet_ntop(family, source, said + said_length, (socklen_t)(sizeof said - said_length)) != NULL)
    said_length += strlen(said + said_length);
  SAY("\n");
  return 0;
}

static int get(void) {
  begin_list(AF_UNSPEC);
  return ask(say_source);
}

// ---- `forget` ----

static int is_sought(const void *source) {
  for (size_t i = 0; i < sought_count; i++)
    if (memcmp(sought + i * width(kind), source, width(kind)) == 0) return 1;
  return 0;
}

static int collect_flow(const struct nlattr *first, size_t length) {
  int family;
  const void *source;
  const struct nlattr *tuple = tuple_of(first, length, &family, &source);
  if (tuple == NULL || family != kind || !is_sought(source)) return 0;
  if (count == FLOWS || tuple->nla_len > TUPLE) return 0;
  memcpy(tuples[count++], tuple, tuple->nla_len);
  return 0;
}

// The kernel is asked for one address where it can be, so that it tells of no other. For IPv6 it cannot: the filter of
// many kernels gives all but the one.
static int list_sought(void) {
  begin_list(kind);
  if (kind == AF_INET) {
    struct nlattr *tuple = open_nest(CTA_TUPLE_ORIG), *ip = open_nest(CTA_TUPLE_IP);
    memcpy(put(CTA_IP_V4_SRC, 4), sought, 4);
    close_nest(ip);
    close_nest(tuple);
    struct nlattr *filter = open_nest(FILTER);
    *(uint32_t *)put(FILTER_ORIGINAL, 4) = FILTER_BY_SOURCE;
    *(uint32_t *)put(FILTER_REPLY, 4) = 0;
    close_nest(filter);
  }
  count = 0;
  return ask(collect_flow);
}

static int nothing(const struct nlattr *first, size_t length) {
  (void)first, (void)length;
  return 0;
}

// One that has ended by itself meanwhile is gone as well.
static int delete_flow(const unsigned char *bytes) {
  const struct nlattr *tuple = (const struct nlattr *)bytes;
  begin((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, kind, NLM_F_ACK);
  memcpy(put(tuple->nla_type, size_of(tuple)), value_of(tuple), size_of(tuple));
  int problem = ask(nothing);
  return problem == -ENOENT ? 0 : problem;
}

static int forget_sought(int family, const unsigned char *addresses, size_t number) {
  kind = family, sought = addresses, sought_count = number;
  for (int round = 0; round < ROUNDS; round++) {
    int problem = list_sought();
    for (size_t i = 0; i < count && problem == 0; i++) problem = delete_flow(tuples[i]);
    if (problem != 0) return problem;
    if (count < FLOWS) return 0;
  }
  return -EAGAIN;
}

static int read_address(const char *text) {
  if (strchr(text, ':') == NULL)
    return wanted4_count < ADDRESSES && inet_pton(AF_INET, text, wanted4[wanted4_count++]) == 1 ? 0 : -EINVAL;
  return wanted6_count < ADDRESSES && inet_pton(AF_INET6, text, wanted6[wanted6_count++]) == 1 ? 0 : -EINVAL;
}

static int read_addresses(char *line) {
  static const char name[] = "address=";
  while (*line != '\0') {
    char *end = strchr(line, '\n');
    *end = '\0';
    if (strncmp(line, name, sizeof name - 1) != 0) return -EINVAL;
    int problem = read_address(line + sizeof name - 1);
    if (problem != 0) return problem;
    line = end + 1;
  }
  return 0;
}

static int forget_addresses(char *lines) {
  int problem = read_addresses(lines);
  for (size_t i = 0; i < wanted4_count && problem == 0; i++) problem = forget_sought(AF_INET, wanted4[i], 1);
  if (problem == 0 && wanted6_count > 0) problem = forget_sought(AF_INET6, wanted6[0], wanted6_count);
  return problem;
}

// ---- clients ----

static int answer(char *request) {
  if (strcmp(request, "get=1\n") == 0) return get();
  return strncmp(request, "forget=1\n", 9) == 0 ? forget_addresses(request + 9) : -EINVAL;
}

static int listen_at(const char *path) {
  struct sockaddr_un place = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof place.sun_path) return -1;
  strcpy(place.sun_path, path);
  int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  umask(0177);
  unlink(path);
  if (bind(listening, (struct sockaddr *)&place, sizeof place) != 0 || listen(listening, 8) != 0) return -1;
  return listening;
}

int main(int arguments, char **argument) {
  const int handed_over = 3;
  int listening = getenv("LISTEN_FDS") != NULL ? handed_over : arguments == 2 ? listen_at(argument[1]) : -1;
  if (listening < 0 || open_kernel(NETLINK_NETFILTER) != 0) return 1;
  return serve_socket(listening);
}
