// Drives a libcrypto that is loaded at run time: libcrypto-driver LIBRARY [by-name]. Protocol: see ../peer.ts. Prototypes as in openssl/evp.h.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *pointer;
static const char *NAMES[] = {"sm4-ctr", "sm4-cbc-encrypt", "sm4-cbc-decrypt", "sm4-gcm", "aes-256-gcm", "sm3", "sha256"};
enum { COUNT = 7, MAX_BYTES = 65536, SLICE_RUNS = 16 };

static pointer (*cipher_new)(void), (*cipher_by_name)(const char *), (*digest_by_name)(const char *);
static pointer (*cipher_fetch)(pointer, const char *, const char *);
static int (*cipher_init)(pointer, pointer, pointer, const unsigned char *, const unsigned char *, int);
static int (*cipher_update)(pointer, unsigned char *, int *, const unsigned char *, int);
static int (*cipher_final)(pointer, unsigned char *, int *);
static int (*cipher_control)(pointer, int, int, pointer);
static int (*set_padding)(pointer, int);
static int (*digest)(const void *, size_t, unsigned char *, unsigned *, pointer, pointer);

static unsigned char key[32], iv[16], data[MAX_BYTES], out[MAX_BYTES + 64];
static pointer ciphers[COUNT], hashes[COUNT], context;

static const char *cipher_name(int op) {
  return op == 0 ? "SM4-CTR" : op <= 2 ? "SM4-CBC" : op == 3 ? "SM4-GCM" : "AES-256-GCM";
}

// One message: key and IV are set each time, as they are between messages. Returns the length of the output.
static int run(int op, int size) {
  int length = 0, more = 0;
  if (op >= 5) {
    unsigned bytes = 32;
    digest(data, size, out, &bytes, hashes[op], NULL);
    return 32;
  }
  cipher_init(context, ciphers[op], NULL, key, iv, op != 2);
  if (op < 3) set_padding(context, 0);
  cipher_update(context, out, &length, data, size);
  if (op < 3) return length;
  cipher_final(context, out + length, &more);
  cipher_control(context, 0x10, 16, out + length);
  return length + 16;
}

static void fill(int op, int size) {
  for (int i = 0; i < size; i++) data[i] = (unsigned char)(7 * i + 3);
  if (op == 2) {
    run(1, size);
    memcpy(data, out, size);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double rate(int op, int size, double milliseconds) {
  double best = 0, end = now() + milliseconds;
  int runs = SLICE_RUNS;
  while (now() < end) {
    double start = now();
    for (int i = 0; i < runs; i++) run(op, size);
    double took = now() - start;
    if (took < 1) runs *= 2;
    else if (runs / took * 1e3 > best) best = runs / took * 1e3;
  }
  return best;
}

static void print_digest(int length) {
  unsigned char sum[32];
  unsigned bytes = 32;
  digest(out, length, sum, &bytes, digest_by_name("sha256"), NULL);
  for (int i = 0; i < 32; i++) printf("%02x", sum[i]);
  printf("\n");
}

int main(int count, char **arguments) {
  pointer library = dlopen(count > 1 ? arguments[1] : "libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  *(pointer *)&cipher_new = dlsym(library, "EVP_CIPHER_CTX_new");
  *(pointer *)&cipher_by_name = dlsym(library, "EVP_get_cipherbyname");
  *(pointer *)&cipher_fetch = dlsym(library, "EVP_CIPHER_fetch");
  *(pointer *)&digest_by_name = dlsym(library, "EVP_get_digestbyname");
  *(pointer *)&cipher_init = dlsym(library, "EVP_CipherInit_ex");
  *(pointer *)&cipher_update = dlsym(library, "EVP_CipherUpdate");
  *(pointer *)&cipher_final = dlsym(library, "EVP_CipherFinal_ex");
  *(pointer *)&cipher_control = dlsym(library, "EVP_CIPHER_CTX_ctrl");
  *(pointer *)&set_padding = dlsym(library, "EVP_CIPHER_CTX_set_padding");
  *(pointer *)&digest = dlsym(library, "EVP_Digest");
  if (!cipher_new || !cipher_by_name || !digest || !cipher_init) return fprintf(stderr, "the library exports no libcrypto\n"), 1;
  context = cipher_new();
  for (int i = 0; i < 32; i++) key[i] = (unsigned char)i;
  for (int i = 0; i < 16; i++) iv[i] = (unsigned char)(16 + i);
  // OpenSSL 3 fetches an algorithm once (looking it up by name costs with every message); Tongsuo 8.3 has names only.
  int fetch = count < 3 && cipher_fetch;
  for (int op = 0; op < 5; op++) ciphers[op] = fetch ? cipher_fetch(NULL, cipher_name(op), NULL) : cipher_by_name(cipher_name(op));
  for (int op = 5; op < COUNT; op++) hashes[op] = digest_by_name(NAMES[op]);
  char line[128], verb[16], name[32];
  while (fgets(line, sizeof line, stdin)) {
    int size = 0, op = 0;
    double milliseconds = 0;
    sscanf(line, "%15s %31s %d %lf", verb, name, &size, &milliseconds);
    if (!strcmp(verb, "offers")) {
      for (op = 0; op < COUNT; op++) if (ciphers[op] || hashes[op]) printf("%s ", NAMES[op]);
      printf("\n");
    } else {
      while (op < COUNT && strcmp(NAMES[op], name)) op++;
      if (op == COUNT || size < 0 || size > MAX_BYTES) return 1;
      fill(op, size);
      if (!strcmp(verb, "digest")) print_digest(run(op, size));
      else printf("%f\n", rate(op, size, milliseconds));
    }
    fflush(stdout);
  }
  return 0;
}
