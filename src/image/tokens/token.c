// SPDX-License-Identifier: AGPL-3.0-or-later
/*
 * The one program that talks to a PKCS#11 token (OASIS PKCS #11 2.40) and the one that sees the PIN: it comes on
 * standard input, lives in locked memory that is left out of core dumps, and is wiped before the program ends.
 *
 *   token MODULE list                              every token: flags, serial number, label
 *   token MODULE public TOKEN KEY                  modulus and exponent of an RSA key
 *   token MODULE sign TOKEN KEY DIGESTINFO         PIN on standard input; RSASSA-PKCS1-v1_5 signature of it
 *   token MODULE generate TOKEN LABEL ID BITS      PIN on standard input; a new RSA key that cannot leave the token
 *
 * TOKEN is a label. KEY is `object:LABEL` or `id:HEX`. Bytes are printed in hex. The exit code is 0, or 1 after one line
 * on standard error: the function that failed and the code it gave (CKR_…), as a hex number.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOST_TOKENS = 64, MOST_PIN = 255, MOST_BYTES = 1024 };

static CK_FUNCTION_LIST *p11;
static struct {
  CK_BYTE bytes[MOST_PIN + 1];
  CK_ULONG length;
} pin;

static void fail(const char *what, CK_RV code) {
  explicit_bzero(&pin, sizeof pin);
  fprintf(stderr, "%s %lx\n", what, code);
  exit(1);
}

static void check(const char *what, CK_RV code) {
  if (code != CKR_OK) fail(what, code);
}

static void print_hex(const CK_BYTE *bytes, CK_ULONG length) {
  for (CK_ULONG at = 0; at < length; at++) printf("%02x", bytes[at]);
  printf("\n");
}

static CK_ULONG parse_hex(const char *text, CK_BYTE *bytes) {
  CK_ULONG length = strlen(text) / 2;
  if (strlen(text) % 2 != 0 || length == 0 || length > MOST_BYTES) fail("hex", CKR_ARGUMENTS_BAD);
  for (CK_ULONG at = 0; at < length; at++) {
    unsigned value;
    if (sscanf(text + 2 * at, "%2x", &value) != 1) fail("hex", CKR_ARGUMENTS_BAD);
    bytes[at] = (CK_BYTE)value;
  }
  return length;
}

static void read_pin(void) {
  if (mlock(&pin, sizeof pin) != 0) fail("mlock", CKR_HOST_MEMORY);
  ssize_t got;
  while (pin.length <= MOST_PIN && (got = read(0, pin.bytes + pin.length, MOST_PIN + 1 - pin.length)) > 0)
    pin.length += (CK_ULONG)got;
  if (pin.length == 0 || pin.length > MOST_PIN) fail("pin", CKR_PIN_LEN_RANGE);
}

static void load(const char *module) {
  void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail("module", CKR_GENERAL_ERROR);
  CK_C_GetFunctionList get = NULL;
  *(void **)&get = dlsym(library, "C_GetFunctionList");
  if (get == NULL) fail("module", CKR_GENERAL_ERROR);
  check("C_GetFunctionList", get(&p11));
  check("C_Initialize", p11->C_Initialize(NULL));
}

/* Labels are padded with blanks to 32 bytes, serial numbers to 16. */
static int printed_length(const CK_UTF8CHAR *text, int size) {
  while (size > 0 && text[size - 1] == ' ') size--;
  return size;
}

static CK_ULONG slots(CK_SLOT_ID *found) {
  CK_ULONG count = MOST_TOKENS;
  check("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, found, &count));
  return count;
}

static void list(void) {
  CK_SLOT_ID found[MOST_TOKENS];
  CK_ULONG count = slots(found);
  for (CK_ULONG at = 0; at < count; at++) {
    CK_TOKEN_INFO info;
    if (p11->C_GetTokenInfo(found[at], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED)) continue;
    printf("%lx %.*s %.*s\n", info.flags, printed_length(info.serialNumber, sizeof info.serialNumber),
           info.serialNumber, printed_length(info.label, sizeof info.label), info.label);
  }
}

static CK_SESSION_HANDLE open_token(const char *label, CK_FLAGS flags) {
  CK_SLOT_ID found[MOST_TOKENS];
  CK_ULONG count = slots(found);
  for (CK_ULONG at = 0; at < count; at++) {
    CK_TOKEN_INFO info;
    if (p11->C_GetTokenInfo(found[at], &info) != CKR_OK) continue;
    int length = printed_length(info.label, sizeof info.label);
    if ((size_t)length != strlen(label) || memcmp(info.label, label, (size_t)length) != 0) continue;
    CK_SESSION_HANDLE session;
    check("C_OpenSession", p11->C_OpenSession(found[at], CKF_SERIAL_SESSION | flags, NULL, NULL, &session));
    return session;
  }
  fail("token", CKR_TOKEN_NOT_PRESENT);
  return 0;
}

static void login(CK_SESSION_HANDLE session, CK_USER_TYPE user) {
  check("C_Login", p11->C_Login(session, user, pin.bytes, pin.length));
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *key) {
  CK_BYTE id[MOST_BYTES];
  CK_ATTRIBUTE wanted[2] = {{CKA_CLASS, &class, sizeof class}, {0, NULL, 0}};
  if (strncmp(key, "id:", 3) == 0) {
    wanted[1] = (CK_ATTRIBUTE){CKA_ID, id, parse_hex(key + 3, id)};
  } else if (strncmp(key, "object:", 7) == 0) {
    wanted[1] = (CK_ATTRIBUTE){CKA_LABEL, (void *)(key + 7), strlen(key + 7)};
  } else {
    fail("key", CKR_ARGUMENTS_BAD);
  }
  check("C_FindObjectsInit", p11->C_FindObjectsInit(session, wanted, 2));
  CK_OBJECT_HANDLE found[2];
  CK_ULONG count = 0;
  check("C_FindObjects", p11->C_FindObjects(session, found, 2, &count));
  check("C_FindObjectsFinal", p11->C_FindObjectsFinal(session));
  /* Two keys of one name: it would be open which of them signs. */
  if (count != 1) fail("key", CKR_OBJECT_HANDLE_INVALID);
  return found[0];
}

static void public_key(const char *token, const char *key) {
  CK_SESSION_HANDLE session = open_token(token, 0);
  CK_OBJECT_HANDLE object = find(session, CKO_PUBLIC_KEY, key);
  CK_BYTE modulus[MOST_BYTES], exponent[MOST_BYTES];
  CK_ATTRIBUTE parts[] = {{CKA_MODULUS, modulus, sizeof modulus}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
  check("C_GetAttributeValue", p11->C_GetAttributeValue(session, object, parts, 2));
  print_hex(modulus, parts[0].ulValueLen);
  print_hex(exponent, parts[1].ulValueLen);
}

static void sign(const char *token, const char *key, const char *digest_info) {
  CK_BYTE message[MOST_BYTES], signature[MOST_BYTES];
  CK_ULONG length = parse_hex(digest_info, message), signed_length = sizeof signature;
  CK_SESSION_HANDLE session = open_token(token, 0);
  read_pin();
  login(session, CKU_USER);
  CK_OBJECT_HANDLE object = find(session, CKO_PRIVATE_KEY, key);
  CK_BBOOL always = CK_FALSE;
  CK_ATTRIBUTE attribute = {CKA_ALWAYS_AUTHENTICATE, &always, sizeof always};
  if (p11->C_GetAttributeValue(session, object, &attribute, 1) != CKR_OK) always = CK_FALSE;
  CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
  check("C_SignInit", p11->C_SignInit(session, &mechanism, object));
  /* Slot 9c of a PIV card asks for the PIN again for each signature. */
  if (always) login(session, CKU_CONTEXT_SPECIFIC);
  explicit_bzero(&pin, sizeof pin);
  check("C_Sign", p11->C_Sign(session, message, length, signature, &signed_length));
  print_hex(signature, signed_length);
}

static void generate(const char *token, const char *label, const char *hex, const char *number) {
  CK_BYTE id[MOST_BYTES], exponent[] = {1, 0, 1};
  CK_ULONG id_length = parse_hex(hex, id), bits = strtoul(number, NULL, 10);
  CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  void *name = (void *)label;
  CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof yes},
                           {CKA_VERIFY, &yes, sizeof yes},
                           {CKA_LABEL, name, strlen(label)},
                           {CKA_ID, id, id_length},
                           {CKA_MODULUS_BITS, &bits, sizeof bits},
                           {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
  CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes},    {CKA_PRIVATE, &yes, sizeof yes},
                            {CKA_SIGN, &yes, sizeof yes},     {CKA_SENSITIVE, &yes, sizeof yes},
                            {CKA_EXTRACTABLE, &no, sizeof no}, {CKA_LABEL, name, strlen(label)},
                            {CKA_ID, id, id_length}};
  CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
  CK_OBJECT_HANDLE made[2];
  CK_SESSION_HANDLE session = open_token(token, CKF_RW_SESSION);
  read_pin();
  login(session, CKU_USER);
  explicit_bzero(&pin, sizeof pin);
  check("C_GenerateKeyPair", p11->C_GenerateKeyPair(session, &mechanism, public, sizeof public / sizeof *public,
                                                    private, sizeof private / sizeof *private, &made[0], &made[1]));
}

int main(int count, char **words) {
  prctl(PR_SET_DUMPABLE, 0);
  madvise(&pin, sizeof pin, MADV_DONTDUMP);
  if (count < 3) fail("usage", CKR_ARGUMENTS_BAD);
  load(words[1]);
  if (count == 3 && strcmp(words[2], "list") == 0) {
    list();
  } else if (count == 5 && strcmp(words[2], "public") == 0) {
    public_key(words[3], words[4]);
  } else if (count == 6 && strcmp(words[2], "sign") == 0) {
    sign(words[3], words[4], words[5]);
  } else if (count == 7 && strcmp(words[2], "generate") == 0) {
    generate(words[3], words[4], words[5], words[6]);
  } else {
    fail("usage", CKR_ARGUMENTS_BAD);
  }
  p11->C_Finalize(NULL);
  return 0;
}
