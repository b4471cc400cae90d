// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Carries https://www.wireguard.com/xplatform/ to the kernel's WireGuard, so that the agent, which has no rights at all,
// keeps the peers of a device as if it spoke with wireguard-go. Its argument is the device, which it never makes:
//   kernel wg0    serves one client at a time on the socket that systemd hands over, or standard input without one.
// It reads `get=1`, and `set=1` with public_key, remove, replace_allowed_ips and allowed_ip; nothing else can be asked.
// It never tells the private key. Keys and addresses of customers are in the buffers below and in those of netlink.c. They
// are overwritten after each request, and are nowhere else; poll() wipes the stack (see residue/wipe.c).
#define _GNU_SOURCE
#include "../bridge.h"
#include "../netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEY = WG_KEY_LEN, PEER_ATTRIBUTES = 16, ROOM_FOR_A_LINE = 64 };

static unsigned char last_peer[KEY];    // whose description goes on in the next message
static int family;
static const char *device;

static void forget(void) {
  explicit_bzero(last_peer, sizeof last_peer);
  forget_messages();
}

// ---- messages about the device (include/uapi/linux/wireguard.h) ----

static void begin_device(int command, int flags) {
  begin(family, command, flags);
  size_t length = strlen(device);
  memcpy(put(WGDEVICE_A_IFNAME, length + 1), device, length);
}

// ---- the answer to `get` ----

static void say_key(const unsigned char *key) {
  static const char digits[] = "0123456789abcdef";
  SAY("public_key=");
  for (int i = 0; i < KEY; i++) {
    said[said_length++] = digits[key[i] >> 4];
    said[said_length++] = digits[key[i] & 15];
  }
  said[said_length++] = '\n';
}

static void say_address(int kind, const void *address) {
  if (inet_ntop(kind, address, said + said_length, (socklen_t)(sizeof said - said_length)) != NULL)
    said_length += strlen(said + said_length);
}

static void say_endpoint(const struct nlattr *endpoint) {
  if (has(endpoint, sizeof(struct sockaddr_in6)) && *(const sa_family_t *)value_of(endpoint) == AF_INET6) {
    const struct sockaddr_in6 *six = value_of(endpoint);
    SAY("endpoint=[");
    say_address(AF_INET6, &six->sin6_addr);
    SAY("]:%u\n", ntohs(six->sin6_port));
  } else if (has(endpoint, sizeof(struct sockaddr_in)) && *(const sa_family_t *)value_of(endpoint) == AF_INET) {
    const struct sockaddr_in *four = value_of(endpoint);
    SAY("endpoint=");
    say_address(AF_INET, &four->sin_addr);
    SAY(":%u\n", ntohs(four->sin_port));
  }
}

static void say_number(const char *name, const struct nlattr *number) {
  if (has(number, sizeof(uint64_t))) {
    uint64_t value;
    memcpy(&value, value_of(number), sizeof value);
    SAY("%s=%llu\n", name, (unsigned long long)value);
  }
}

static void say_handshake(const struct nlattr *time) {
  if (!has(time, 2 * sizeof(int64_t))) return;
  int64_t value[2];
  memcpy(value, value_of(time), sizeof value);
  SAY("last_handshake_time_sec=%lld\nlast_handshake_time_nsec=%lld\n", (long long)value[0], (long long)value[1]);
}

static int say_allowed(const struct nlattr *allowed) {
  const struct nlattr *found[WGALLOWEDIP_A_CIDR_MASK + 1];
  int problem = collect(value_of(allowed), size_of(allowed), found, WGALLOWEDIP_A_CIDR_MASK + 1);
  if (problem != 0 || (problem = room()) != 0) return problem;
  if (!has(found[WGALLOWEDIP_A_FAMILY], 2) || !has(found[WGALLOWEDIP_A_CIDR_MASK], 1)) return -EPROTO;
  int kind = *(const uint16_t *)value_of(found[WGALLOWEDIP_A_FAMILY]);
  if (!has(found[WGALLOWEDIP_A_IPADDR], kind == AF_INET ? 4 : 16)) return -EPROTO;
  SAY("allowed_ip=");
  say_address(kind, value_of(found[WGALLOWEDIP_A_IPADDR]));
  SAY("/%u\n", *(const uint8_t *)value_of(found[WGALLOWEDIP_A_CIDR_MASK]));
  return 0;
}

// A peer with many addresses is told in several messages: those after the first hold its key and more addresses.
static int say_peer(const struct nlattr *peer) {
  const struct nlattr *found[PEER_ATTRIBUTES];
  int problem = collect(value_of(peer), size_of(peer), found, PEER_ATTRIBUTES);
  if (problem != 0) return problem;
  if (!has(found[WGPEER_A_PUBLIC_KEY], KEY)) return -EPROTO;
  const unsigned char *key = value_of(found[WGPEER_A_PUBLIC_KEY]);
  if (memcmp(key, last_peer, KEY) != 0) {
    memcpy(last_peer, key, KEY);
    if ((problem = room()) != 0) return problem;
    say_key(key);
    if ((problem = room()) != 0) return problem;
    say_endpoint(found[WGPEER_A_ENDPOINT]);
    if ((problem = room()) != 0) return problem;
    say_handshake(found[WGPEER_A_LAST_HANDSHAKE_TIME]);
    if ((problem = room()) != 0) return problem;
    say_number("tx_bytes", found[WGPEER_A_TX_BYTES]);
    say_number("rx_bytes", found[WGPEER_A_RX_BYTES]);
  }
  return found[WGPEER_A_ALLOWEDIPS] == NULL ? 0 : for_each(found[WGPEER_A_ALLOWEDIPS], say_allowed);
}

static int say_device(const struct nlattr *first, size_t length) {
  const struct nlattr *found[WGDEVICE_A_PEERS + 1];
  int problem = collect(first, length, found, WGDEVICE_A_PEERS + 1);
  if (problem == 0 && found[WGDEVICE_A_PEERS] != NULL) problem = for_each(found[WGDEVICE_A_PEERS], say_peer);
  return problem;
}

static int get(void) {
  begin_device(WG_CMD_GET_DEVICE, NLM_F_DUMP);
  return ask(say_device);
}

// ---- `set` ----

static int nothing(const struct nlattr *first, size_t length) {
  (void)first, (void)length;
  return 0;
}

// The message that is being written: at most one list of peers, one peer, one list of addresses are open.
static struct nlattr *peers, *peer, *addresses;
static uint32_t *flags;

static void begin_set(void) {
  begin_device(WG_CMD_SET_DEVICE, NLM_F_ACK);
  peers = open_nest(WGDEVICE_A_PEERS);
  peer = addresses = NULL;
}

static void close_peer(void) {
  if (addresses != NULL) close_nest(addresses);
  if (peer != NULL) close_nest(peer);
  peer = addresses = NULL;
}

static int finish_set(void) {
  close_peer();
  close_nest(peers);
  return ask(nothing);
}

static int hex(char digit) {
  return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int set_public_key(const char *value) {
  close_peer();
  // A peer never grows beyond what is left here: addresses are refused first.
  if (message_length() > MESSAGE / 2) {
    int problem = finish_set();
    if (problem != 0) return problem;
    begin_set();
  }
  peer = open_nest(0);
  unsigned char *key = put(WGPEER_A_PUBLIC_KEY, KEY);
  if (strlen(value) != 2 * KEY) return -EINVAL;
  for (int i = 0; i < KEY; i++) {
    int high = hex(value[2 * i]), low = hex(value[2 * i + 1]);
    if (high < 0 || low < 0) return -EINVAL;
    key[i] = (unsigned char)(high << 4 | low);
  }
  flags = put(WGPEER_A_FLAGS, sizeof *flags);
  return 0;
}

static int set_allowed_ip(char *value) {
  char *slash = strchr(value, '/');
  if (slash == NULL || message_length() > MESSAGE - 2 * ROOM_FOR_A_LINE) return -EINVAL;
  *slash = '\0';
  int kind = strchr(value, ':') == NULL ? AF_INET : AF_INET6;
  char *end;
  unsigned long prefix = strtoul(slash + 1, &end, 10);
  if (*end != '\0' || end == slash + 1 || prefix > (kind == AF_INET ? 32 : 128)) return -EINVAL;
  if (addresses == NULL) addresses = open_nest(WGPEER_A_ALLOWEDIPS);
  struct nlattr *allowed = open_nest(0);
  *(uint16_t *)put(WGALLOWEDIP_A_FAMILY, 2) = (uint16_t)kind;
  if (inet_pton(kind, value, put(WGALLOWEDIP_A_IPADDR, kind == AF_INET ? 4 : 16)) != 1) return -EINVAL;
  *(uint8_t *)put(WGALLOWEDIP_A_CIDR_MASK, 1) = (uint8_t)prefix;
  close_nest(allowed);
  return 0;
}

static int set_line(char *line) {
  char *value = strchr(line, '=');
  if (value == NULL) return -EINVAL;
  *value++ = '\0';
  if (strcmp(line, "public_key") == 0) return set_public_key(value);
  if (peer == NULL) return -EINVAL;
  if (strcmp(line, "allowed_ip") == 0) return set_allowed_ip(value);
  if (strcmp(value, "true") != 0) return -EINVAL;
  if (strcmp(line, "remove") == 0) *flags |= WGPEER_F_REMOVE_ME;
  else if (strcmp(line, "replace_allowed_ips") == 0) *flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
  else return -EINVAL;
  return 0;
}

// Changes before a line that is refused may have been made, as with wireguard-go.
static int set(char *line) {
  begin_set();
  while (*line != '\0') {
    char *end = strchr(line, '\n');
    *end = '\0';
    int problem = set_line(line);
    if (problem != 0) return problem;
    line = end + 1;
  }
  return finish_set();
}

// ---- clients ----

static int answer(char *request) {
  if (strcmp(request, "get=1\n") == 0) return get();
  return strncmp(request, "set=1\n", 6) == 0 ? set(request + 6) : -EINVAL;
}

int main(int count, char **arguments) {
  if (count != 2 || strlen(arguments[1]) >= IFNAMSIZ) return 2;
  device = arguments[1];
  if (open_kernel(NETLINK_GENERIC) != 0) return 1;
  family = find_family(WG_GENL_NAME);
  if (family < 0) return 1;
  const int handed_over = 3;
  if (getenv("LISTEN_FDS") != NULL) return serve_socket(handed_over);
  serve(STDIN_FILENO, STDOUT_FILENO);
  return 0;
}
