// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How kernel.c and flows.c are asked: a request of lines that ends with an empty one, an answer of lines that ends with
// `errno=0`, or with another number, and an empty one. One request of one client at a time. All of it is a part of the program
// that includes it.
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINE = 160 };

static char asked[65536 + 1];    // one request
static char said[16384];    // the part of the answer that has not been sent
static size_t said_length;
static int client;

static int send_said(void) {
  size_t sent = 0;
  while (sent < said_length) {
    ssize_t now = write(client, said + sent, said_length - sent);
    if (now <= 0) return -EPIPE;
    sent += (size_t)now;
  }
  explicit_bzero(said, said_length);
  said_length = 0;
  return 0;
}

// 0 when a line fits, or -EPIPE when the client is gone.
static int room(void) { return said_length + LINE <= sizeof said ? 0 : send_said(); }

#define SAY(...) (said_length += (size_t)snprintf(said + said_length, sizeof said - said_length, __VA_ARGS__))

// Reads up to the empty line that ends a request. 0 when the client is gone, or says what no client of ours would.
static int read_request(int in) {
  size_t length = 0;
  while (length < sizeof asked - 1) {
    struct pollfd waiting = {.fd = in, .events = POLLIN};
    poll(&waiting, 1, -1);
    ssize_t got = read(in, asked + length, sizeof asked - 1 - length);
    if (got <= 0) return 0;
    length += (size_t)got;
    asked[length] = '\0';
    char *end = strstr(asked, "\n\n");
    if (end != NULL) {
      if (end + 2 != asked + length) return 0;
      end[1] = '\0';
      return 1;
    }
    if (strlen(asked) != length) return 0;
  }
  return 0;
}

// ---- what a program brings along ----

// Gets a request, which it may change; gives 0, or an error as the kernel numbers it, negative.
static int answer(char *request);
// Overwrites what was kept for a request.
static void forget(void);

static void forget_all(void) {
  explicit_bzero(asked, sizeof asked);
  explicit_bzero(said, sizeof said);
  said_length = 0;
  forget();
}

static void serve(int in, int out) {
  client = out;
  while (read_request(in)) {
    int problem = answer(asked);
    int sent = problem == -EPIPE ? -EPIPE : room();
    if (sent == 0) {
      SAY("errno=%d\n\n", problem);
      sent = send_said();
    }
    forget_all();
    if (sent != 0) return;
  }
  forget_all();
}

// Answers everybody who connects. Returns only when it cannot go on.
static int serve_socket(int listening) {
  struct timeval timeout = {.tv_sec = 10};
  for (;;) {
    int connected = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (connected < 0) return 1;
    setsockopt(connected, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    serve(connected, connected);
    close(connected);
  }
}
