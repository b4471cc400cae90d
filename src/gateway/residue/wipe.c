// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Preloaded into every daemon of a gateway, so that a customer who is gone is also gone from the daemon's memory:
//   1. a heap block is overwritten when it is freed or moved;
//   2. before a call in which a daemon waits for its next event, the dead part of the stack is overwritten, where the
//      functions that handled the last event left their variables; and the buffer into which addresses are written.
// What it cannot reach: blocks that are still in use, static buffers, registers, and the kernel.
// It needs glibc. A statically linked program (everything written in Go) does not load it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

// ---- heap ----

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

// glibc marks a block that has a mapping of its own. The kernel takes its pages back, so wiping would be for nothing.
static int has_own_mapping(const void *block) {
  const size_t is_mmapped = 2;
  return (((const size_t *)block)[-1] & is_mmapped) != 0;
}

EXPORTED void free(void *block) {
  if (block == NULL) return;
  if (!has_own_mapping(block)) explicit_bzero(block, malloc_usable_size(block));
  __libc_free(block);
}

EXPORTED void *realloc(void *block, size_t size) {
  if (block == NULL) return __libc_malloc(size);
  if (has_own_mapping(block)) return __libc_realloc(block, size);
  if (size == 0) {
    free(block);
    return NULL;
  }
  size_t usable = malloc_usable_size(block);
  if (size <= usable && size >= usable / 2) {
    explicit_bzero((char *)block + size, usable - size);
    return block;
  }
  void *moved = __libc_malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, size < usable ? size : usable);
  free(block);
  return moved;
}

EXPORTED void *reallocarray(void *block, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return NULL;
  }
  return realloc(block, total);
}

// ---- the last address that was written out ----

// glibc keeps the result of inet_ntoa until the next one, which may come with the next customer.
static __thread char dotted[INET_ADDRSTRLEN] __attribute__((tls_model("initial-exec")));

EXPORTED char *inet_ntoa(struct in_addr address) {
  return (char *)inet_ntop(AF_INET, &address, dotted, sizeof dotted);
}

// ---- stack ----

// Deeper than the frames that OpenVPN, charon and unbound were seen to leave.
#define DEPTH (48 * 1024)
// Room for the wiping itself and for a signal that arrives meanwhile.
#define SPARE (8 * 1024)

struct stack {
  uintptr_t low, high;
  int known;
};
static __thread struct stack stack __attribute__((tls_model("initial-exec")));

// Asked once a thread, because for the first thread it reads /proc/self/maps. `known` is set first: what is called
// here may wait or free as well, and comes back.
static void measure_stack(void) {
  stack.known = 1;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void *low;
  size_t size;
  if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
    stack.low = (uintptr_t)low;
    stack.high = stack.low + size;
  }
  pthread_attr_destroy(&attributes);
}

static __attribute__((noinline)) void overwrite_below(size_t depth) {
  char dead[depth];
  explicit_bzero(dead, depth);
}

// Outside the thread's own stack (a signal handler's alternate stack, a coroutine) nothing is known about what is
// below, so nothing is touched there.
static void wipe_before_waiting(void) {
  int saved = errno;
  explicit_bzero(dotted, sizeof dotted);
  if (!stack.known) measure_stack();
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (here > stack.low + SPARE && here < stack.high) {
    size_t below = here - stack.low - SPARE;
    overwrite_below(below < DEPTH ? below : DEPTH);
  }
  errno = saved;
}

// ---- calls in which a daemon waits ----
//
// Receiving is not among them: the daemons poll first, and would pay twice for every packet.

// The real function. Two threads may look for it at once; both find the same address.
#define REAL(result, name, parameters)                                                                                 \
  static result(*real) parameters;                                                                                     \
  result(*wait) parameters = __atomic_load_n(&real, __ATOMIC_RELAXED);                                                 \
  if (wait == NULL) {                                                                                                  \
    *(void **)&wait = dlsym(RTLD_NEXT, #name);                                                                         \
    __atomic_store_n(&real, wait, __ATOMIC_RELAXED);                                                                   \
  }

#define WAITS(result, name, parameters, ...)                                                                           \
  EXPORTED result name parameters {                                                                                    \
    REAL(result, name, parameters)                                                                                     \
    wipe_before_waiting();                                                                                             \
    return wait(__VA_ARGS__);                                                                                          \
  }

// A busy daemon finds the next packet waiting, and overwrites its stack with that. Only one that would fall asleep is
// made to wipe first: wiping before every packet costs OpenVPN a fifth of its time; this way it is hard to measure.
#define WAITS_WHEN_IDLE(name, parameters, at_once, ...)                                                                \
  EXPORTED int name parameters {                                                                                       \
    REAL(int, name, parameters)                                                                                        \
    int ready = wait at_once;                                                                                          \
    if (ready != 0) return ready;                                                                                      \
    wipe_before_waiting();                                                                                             \
    return wait(__VA_ARGS__);                                                                                          \
  }

static const struct timespec no_time;

// What poll becomes in programs that were built with _FORTIFY_SOURCE.
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);

WAITS_WHEN_IDLE(poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, 0), fds, count, timeout)
WAITS_WHEN_IDLE(__poll_chk, (struct pollfd *fds, nfds_t count, int timeout, size_t size), (fds, count, 0, size), fds,
                count, timeout, size)
WAITS_WHEN_IDLE(ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
                (fds, count, &no_time, mask), fds, count, timeout, mask)
WAITS_WHEN_IDLE(__ppoll_chk,
                (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size),
                (fds, count, &no_time, mask, size), fds, count, timeout, mask, size)
WAITS_WHEN_IDLE(epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), (epoll, events, most, 0),
                epoll, events, most, timeout)
WAITS_WHEN_IDLE(epoll_pwait, (int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
                (epoll, events, most, 0, mask), epoll, events, most, timeout, mask)

WAITS(int, select, (int count, fd_set *in, fd_set *out, fd_set *failed, struct timeval *timeout), count, in, out,
      failed, timeout)
WAITS(int, pselect,
      (int count, fd_set *in, fd_set *out, fd_set *failed, const struct timespec *timeout, const sigset_t *mask), count,
      in, out, failed, timeout, mask)
WAITS(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex), condition, mutex)
WAITS(int, pthread_cond_timedwait,
      (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *deadline), condition, mutex, deadline)
WAITS(int, sem_wait, (sem_t * semaphore), semaphore)
WAITS(int, sem_timedwait, (sem_t * semaphore, const struct timespec *deadline), semaphore, deadline)
WAITS(int, accept, (int socket, struct sockaddr *address, socklen_t *length), socket, address, length)
WAITS(int, accept4, (int socket, struct sockaddr *address, socklen_t *length, int flags), socket, address, length,
      flags)
WAITS(int, sigwaitinfo, (const sigset_t *set, siginfo_t *info), set, info)
WAITS(int, usleep, (useconds_t microseconds), microseconds)
WAITS(unsigned int, sleep, (unsigned int seconds), seconds)
