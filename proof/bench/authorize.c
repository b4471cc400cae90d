// SPDX-License-Identifier: AGPL-3.0-or-later
/*
 * authorize AUTHFILE WARMUP QUERIES LENGTH: what a C program with OpenSSL makes of the same file, the same directory and the same
 * queries (usernames and passwords of LENGTH bytes), each to the same end: hash of two byte ranges, search, constant-time
 * comparison, entitlement as a struct, wipe. Prints the CPU nanoseconds of the queries after those of the warm-up, the number
 * of accepted logins and the sum of their entitlements.
 */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEADER = 160, RECORD = 32, KEY = 16, SALT = 14 };

struct entitlement {
  uint64_t licence;
  uint16_t expires_on;
  uint8_t seats;
  char usage_tag[16];
};

static const unsigned char *file, *records;
static uint32_t count, *directory;
static int shift;

static uint32_t word(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}

static unsigned char *read_whole(const char *path, size_t *length) {
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) exit(2);
  fseek(stream, 0, SEEK_END);
  *length = (size_t)ftell(stream);
  rewind(stream);
  unsigned char *bytes = malloc(*length);
  if (bytes == NULL || fread(bytes, 1, *length, stream) != *length) exit(2);
  fclose(stream);
  return bytes;
}

static void build_directory(void) {
  int bits = 30 - __builtin_clz(count);
  if (bits < 1) bits = 1;
  shift = 32 - bits;
  directory = calloc(((size_t)1 << bits) + 1, sizeof *directory);
  if (directory == NULL) exit(2);
  for (uint32_t i = 0; i < count; i++) directory[(word(records + (size_t)i * RECORD) >> shift) + 1]++;
  for (uint32_t i = 0; i < (uint32_t)1 << bits; i++) directory[i + 1] += directory[i];
}

static int login(const unsigned char *bytes, size_t user, size_t user_end, size_t password, size_t password_end,
                 struct entitlement *out) {
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[SHA256_DIGEST_LENGTH];
  int found = 0;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, file + 20, SALT);
  SHA256_Update(&context, bytes + user, user_end - user);
  SHA256_Update(&context, "", 1);
  SHA256_Update(&context, bytes + password, password_end - password);
  SHA256_Final(digest, &context);
  uint32_t bucket = word(digest) >> shift;
  for (uint32_t i = directory[bucket]; i < directory[bucket + 1]; i++) {
    const unsigned char *record = records + (size_t)i * RECORD;
    if (CRYPTO_memcmp(record, digest, KEY) != 0) continue;
    const unsigned char *at = record + KEY;
    out->licence = (uint64_t)at[0] << 32 | word(at + 1);
    out->expires_on = (uint16_t)(at[5] << 8 | at[6]);
    out->seats = at[7];
    for (int j = 0; j < 8; j++) {
      out->usage_tag[2 * j] = digits[at[8 + j] >> 4];
      out->usage_tag[2 * j + 1] = digits[at[8 + j] & 15];
    }
    found = 1;
    break;
  }
  OPENSSL_cleanse(digest, sizeof digest);
  return found;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const size_t secret = (size_t)atoi(argv[4]);
  size_t length;
  file = read_whole(argv[1], &length);
  records = file + HEADER;
  count = word(file + 36);
  build_directory();
  for (int pass = 2; pass < 4; pass++) {
    const unsigned char *queries = read_whole(argv[pass], &length);
    const size_t tries = length / (2 * secret);
    struct timespec start, end;
    uint32_t accepted = 0, sum = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (size_t i = 0; i < tries; i++) {
      struct entitlement found;
      const size_t at = i * 2 * secret;
      if (!login(queries, at, at + secret, at + secret, at + 2 * secret, &found)) continue;
      accepted++;
      sum += (uint32_t)found.licence + found.expires_on + found.seats;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    if (pass == 2) continue;
    printf("%lld %u %u\n", (end.tv_sec - start.tv_sec) * 1000000000LL + (end.tv_nsec - start.tv_nsec), accepted, sum);
  }
  return 0;
}
