// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Asks a RADIUS server as fast as it answers, and checks every answer.
//
//   radblast PORT SECRET FILE SOCKETS WINDOW
//
// FILE holds requests one after the other, each behind two bytes of length (big endian) and one byte with the code that
// must come back. Request k goes out on socket k % SOCKETS and must carry identifier (k / SOCKETS) % 256, so WINDOW, the
// requests in flight on each socket, must stay below 256. A request that is not answered within a second is sent again.
//
// Prints "SECONDS ANSWERED WRONG AGAIN".

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SOCKETS = 64, IDENTIFIERS = 256, LONGEST = 4096, HEADER = 20 };

struct request {
  const uint8_t *bytes;
  uint16_t length;
  uint8_t expected;
};

struct line {
  int socket;
  size_t next;                            // number of the next request on this socket
  const struct request *asked[IDENTIFIERS];  // what is in flight, by identifier
  int in_flight;
};

static struct request *requests;
static size_t request_count;
static const char *secret;
static EVP_MD *md5;
static EVP_MD_CTX *context;

static void die(const char *what) {
  perror(what);
  exit(2);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  uint8_t *content = malloc((size_t)size);
  if (content == NULL || fread(content, 1, (size_t)size, file) != (size_t)size) die(path);
  fclose(file);
  for (long at = 0; at < size; at += 3 + (content[at] << 8 | content[at + 1])) request_count++;
  requests = calloc(request_count, sizeof *requests);
  if (requests == NULL) die("calloc");
  long at = 0;
  for (size_t i = 0; i < request_count; i++) {
    uint16_t length = (uint16_t)(content[at] << 8 | content[at + 1]);
    requests[i] = (struct request){content + at + 3, length, content[at + 2]};
    at += 3 + length;
  }
}

// RFC 2865, section 3: the answer is for this request and from somebody who knows the secret.
static int genuine(const uint8_t *answer, size_t length, const struct request *asked) {
  uint8_t digest[16];
  EVP_DigestInit_ex2(context, md5, NULL);
  EVP_DigestUpdate(context, answer, 4);
  EVP_DigestUpdate(context, asked->bytes + 4, 16);
  EVP_DigestUpdate(context, answer + HEADER, length - HEADER);
  EVP_DigestUpdate(context, secret, strlen(secret));
  EVP_DigestFinal_ex(context, digest, NULL);
  return memcmp(digest, answer + 4, sizeof digest) == 0;
}

static void ask(struct line *line, const struct request *request) {
  if (send(line->socket, request->bytes, request->length, 0) != request->length) die("send");
}

// Fills the window of a line with requests that were not sent yet.
static void fill(struct line *line, size_t stride, int window) {
  while (line->in_flight < window && line->next < request_count) {
    const struct request *request = &requests[line->next];
    const struct request **place = &line->asked[request->bytes[1]];
    if (*place != NULL) return;
    *place = request;
    line->in_flight++;
    line->next += stride;
    ask(line, request);
  }
}

static size_t answered, wrong, again;

static void take(struct line *line) {
  uint8_t answer[LONGEST];
  for (;;) {
    ssize_t length = recv(line->socket, answer, sizeof answer, MSG_DONTWAIT);
    if (length < 0) return;
    const struct request **place = &line->asked[answer[1]];
    if (length < HEADER || *place == NULL) continue;
    if (answer[0] != (*place)->expected || !genuine(answer, (size_t)length, *place)) wrong++;
    *place = NULL;
    line->in_flight--;
    answered++;
  }
}

static void open_line(struct line *line, int port, int poll, uint32_t index) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  line->socket = socket(AF_INET, SOCK_DGRAM, 0);
  if (line->socket < 0 || connect(line->socket, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, line->socket, &event) < 0) die("epoll_ctl");
  line->next = index;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: radblast PORT SECRET FILE SOCKETS WINDOW\n");
    return 2;
  }
  secret = argv[2];
  load(argv[3]);
  int sockets = atoi(argv[4]), window = atoi(argv[5]);
  if (sockets < 1 || sockets > MOST_SOCKETS || window < 1 || window >= IDENTIFIERS) {
    fprintf(stderr, "radblast: 1 to 64 sockets, and 1 to 255 in flight on each\n");
    return 2;
  }
  md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  context = EVP_MD_CTX_new();
  if (md5 == NULL || context == NULL) die("MD5");

  static struct line lines[MOST_SOCKETS];
  int poll = epoll_create1(0);
  for (int i = 0; i < sockets; i++) open_line(&lines[i], atoi(argv[1]), poll, (uint32_t)i);
  double start = now();
  for (int i = 0; i < sockets; i++) fill(&lines[i], (size_t)sockets, window);
  while (answered < request_count) {
    struct epoll_event events[MOST_SOCKETS];
    int count = epoll_wait(poll, events, MOST_SOCKETS, 1000);
    for (int i = 0; i < count; i++) {
      struct line *line = &lines[events[i].data.u32];
      take(line);
      fill(line, (size_t)sockets, window);
    }
    for (int i = 0; count == 0 && i < sockets; i++)
      for (int id = 0; id < IDENTIFIERS; id++)
        if (lines[i].asked[id] != NULL) {
          again++;
          ask(&lines[i], lines[i].asked[id]);
        }
  }
  printf("%.6f %zu %zu %zu\n", now() - start, answered, wrong, again);
  return 0;
}
