// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What kernel.c and flows.c need of netlink. Functions give 0, or an error as the kernel numbers it, negative.
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE = 16384 };

// Gets the attributes of one answer.
typedef int listener(const struct nlattr *first, size_t length);

// `protocol` is NETLINK_GENERIC, or NETLINK_NETFILTER, whose header has as many bytes: `command` is its address family.
int open_kernel(int protocol);
// The number of a family, which is positive.
int find_family(const char *name);
// Overwrites what was said and heard.
void forget_messages(void);

// ---- the message to the kernel: it is begun, attributes are put into it, then it is sent ----

void begin(int type, int command, int flags);
// The place where the value goes. Callers leave room: a message has MESSAGE bytes.
void *put(int type, size_t size);
struct nlattr *open_nest(int type);
void close_nest(struct nlattr *nest);
size_t message_length(void);
// Sends what was begun, and gives the attributes of each answer to `listen` until the kernel says that it is done.
int ask(listener *listen);

// ---- what the kernel says ----

// Collects the attributes of one nest by number. Whatever does not fit its frame ends the collection.
int collect(const struct nlattr *first, size_t length, const struct nlattr **found, int count);
// Calls `each` for every member of a list of nests.
int for_each(const struct nlattr *list, int (*each)(const struct nlattr *));
size_t size_of(const struct nlattr *attribute);
const void *value_of(const struct nlattr *attribute);
int has(const struct nlattr *attribute, size_t size);
