// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A program that is careless with secrets, for the test of wipe.c. It reads seven of them from standard input, the sixth
// an address, leaves each in another part of its memory, says "ready", and waits in the call that its argument names.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FREED, GROWN, SHRUNK, EMPTIED, STACK, DOTTED, THREAD, KINDS, LENGTH = 16 };
static char secrets[KINDS][LENGTH];

static void require(int true) {
  if (!true) abort();
}

static void leave_in_heap(void) {
  char *freed = malloc(400), *grown = malloc(300), *shrunk = malloc(400), *emptied = malloc(600);
  memcpy(freed + 64, secrets[FREED], LENGTH);
  memcpy(grown + 64, secrets[GROWN], LENGTH);
  memcpy(shrunk + 352, secrets[SHRUNK], LENGTH);
  memcpy(emptied + 64, secrets[EMPTIED], LENGTH);
  free(freed);
  char *moved = realloc(grown, 5000);
  require(moved != NULL && memcmp(moved + 64, secrets[GROWN], LENGTH) == 0);
  memset(moved, 0, 5000);
  require(realloc(shrunk, 300) != NULL);
  require(realloc(emptied, 0) == NULL);
}

// What the library must not change: large blocks, blocks that do not fit, and freeing nothing.
static void use_heap(void) {
  char *big = realloc(NULL, 1 << 20);
  strcpy(big, "large");
  big = realloc(big, 3 << 20);
  big = realloc(big, 1 << 19);
  require(strcmp(big, "large") == 0);
  free(big);
  free(NULL);
  free(reallocarray(NULL, 10, 10));
  volatile size_t huge = (size_t)1 << 40;
  errno = 0;
  require(reallocarray(NULL, huge, huge) == NULL && errno == ENOMEM);
  require(realloc(malloc(10), huge << 20) == NULL);
}

static void leave_in_stack(int kind) {
  char deep[16384];
  memcpy(deep + 100, secrets[kind], LENGTH);
}

static void wait_for_connection(int with_flags) {
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr any = {.sa_family = AF_UNIX};
  require(bind(listener, &any, sizeof any.sa_family) == 0 && listen(listener, 1) == 0);
  if (with_flags)
    accept4(listener, NULL, NULL, 0);
  else
    accept(listener, NULL, NULL);
}

static void wait_for_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigwaitinfo(&set, NULL);
}

static void wait_for_condition(const struct timespec *deadline) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  if (deadline == NULL)
    pthread_cond_wait(&condition, &mutex);
  else
    pthread_cond_timedwait(&condition, &mutex, deadline);
  pthread_mutex_unlock(&mutex);
}

static void wait_in(const char *call) {
  struct timespec minute = {.tv_sec = 60}, deadline;
  struct timeval minute_too = {.tv_sec = 60};
  struct epoll_event event;
  sem_t semaphore;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  sem_init(&semaphore, 0, 0);
  if (!strcmp(call, "poll")) poll(NULL, 0, 60000);
  if (!strcmp(call, "ppoll")) ppoll(NULL, 0, &minute, NULL);
  if (!strcmp(call, "select")) select(0, NULL, NULL, NULL, &minute_too);
  if (!strcmp(call, "pselect")) pselect(0, NULL, NULL, NULL, &minute, NULL);
  if (!strcmp(call, "epoll_wait")) epoll_wait(epoll_create1(0), &event, 1, 60000);
  if (!strcmp(call, "epoll_pwait")) epoll_pwait(epoll_create1(0), &event, 1, 60000, NULL);
  if (!strcmp(call, "pthread_cond_wait")) wait_for_condition(NULL);
  if (!strcmp(call, "pthread_cond_timedwait")) wait_for_condition(&deadline);
  if (!strcmp(call, "sem_wait")) sem_wait(&semaphore);
  if (!strcmp(call, "sem_timedwait")) sem_timedwait(&semaphore, &deadline);
  if (!strcmp(call, "accept")) wait_for_connection(0);
  if (!strcmp(call, "accept4")) wait_for_connection(1);
  if (!strcmp(call, "sigwaitinfo")) wait_for_signal();
  if (!strcmp(call, "usleep")) usleep(60000000);
  if (!strcmp(call, "sleep")) sleep(60);
}

static pthread_barrier_t both_left;

static void *work(void *call) {
  leave_in_stack(THREAD);
  pthread_barrier_wait(&both_left);
  wait_in(call);
  return NULL;
}

// A handler that waits on a stack of its own: what is below that stack must stay as it was.
static void poll_at_once(int signal) {
  (void)signal;
  poll(NULL, 0, 0);
}

static void wait_on_another_stack(void) {
  enum { BELOW = 4096, SIZE = 16384 };
  static char memory[BELOW + SIZE];
  memset(memory, 7, sizeof memory);
  stack_t other = {.ss_sp = memory + BELOW, .ss_size = SIZE};
  struct sigaction action = {.sa_handler = poll_at_once, .sa_flags = SA_ONSTACK};
  sigaltstack(&other, NULL);
  sigaction(SIGUSR2, &action, NULL);
  raise(SIGUSR2);
  for (int i = 0; i < BELOW; i++) require(memory[i] == 7);
}

// A small stack: wiping must end above its guard page.
static void start_thread(char *call) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 40 * 1024);
  require(pthread_create(&thread, &attributes, work, call) == 0);
}

int main(int count, char **arguments) {
  require(count == 2);
  for (int kind = FREED; kind < KINDS; kind++) require(read(0, secrets[kind], LENGTH) == LENGTH);
  wait_on_another_stack();
  pthread_barrier_init(&both_left, NULL, 2);
  start_thread(arguments[1]);
  use_heap();
  leave_in_heap();
  pthread_barrier_wait(&both_left);
  if (write(1, "ready\n", 6) != 6) return 1;
  leave_in_stack(STACK);
  inet_ntoa((struct in_addr){inet_addr(secrets[DOTTED])});
  memset(secrets, 0, sizeof secrets);
  wait_in(arguments[1]);
}
