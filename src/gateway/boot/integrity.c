// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Looks whether this machine still runs what it was booted from.
//   integrity DEVICE LIST [PATH...]
// 1. Reads DEVICE, the dm-verity device below the root, from its first to its last block past the page cache. dm-verity
//    checks a block when it is read from below, and only then; a block in RAM that changed since ends the machine with a
//    panic, here and now. Blocks of the hash tree that the kernel holds already are not read again: a change of the tree can
//    only make good blocks look bad.
// 2. Looks at every process: what it has mapped to be executed is a file of DEVICE that LIST names (a path a line), or is
//    one of the PATHs, which images for tests have. Memory without a file behind it is executed by Node alone.
// Ends with 0 if all is well, and otherwise with 1 and one line that names no process.
//
// It holds CAP_SYS_PTRACE, to read /proc/PID/maps of others; with kernel.yama.ptrace_scope = 3 that right reads nothing
// else of them. What was changed in memory behind a mapping is not seen.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PIECE = 1 << 20, ALIGNMENT = 4096, LONGEST_LIST = 1 << 20 };

static char *list;
static char **others;
static unsigned root_major, root_minor;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static void read_device(const char *path) {
  int file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  struct stat found;
  if (file < 0 || fstat(file, &found) < 0) fail("%s cannot be opened past the page cache: %s", path, strerror(errno));
  root_major = major(found.st_rdev);
  root_minor = minor(found.st_rdev);
  off_t size = lseek(file, 0, SEEK_END), total = 0;
  void *piece;
  if (size <= 0 || lseek(file, 0, SEEK_SET) < 0) fail("%s has no size", path);
  if (posix_memalign(&piece, ALIGNMENT, PIECE) != 0) fail("no memory");
  ssize_t count;
  while ((count = read(file, piece, PIECE)) > 0) total += count;
  if (count < 0 || total != size) fail("%s cannot be read to its end", path);
  free(piece);
  close(file);
}

// Kept with a newline before and behind each path.
static void read_list(const char *path) {
  FILE *file = fopen(path, "re");
  list = malloc(LONGEST_LIST);
  if (file == NULL || list == NULL) fail("%s cannot be read", path);
  list[0] = '\n';
  size_t length = fread(list + 1, 1, LONGEST_LIST - 2, file);
  if (length == 0 || ferror(file) || !feof(file) || list[length] != '\n') fail("%s is no list", path);
  list[length + 1] = '\0';
  fclose(file);
}

static int is_listed(const char *path) {
  char line[4096 + 3];
  int length = snprintf(line, sizeof line, "\n%s\n", path);
  return length > 0 && (size_t)length < sizeof line && strstr(list, line) != NULL;
}

static int is_other(const char *path) {
  for (char **other = others; *other != NULL; other++)
    if (strcmp(*other, path) == 0) return 1;
  return 0;
}

// One line of /proc/PID/maps (proc_pid_maps(5)); sets `node` and `bare` by what it shows.
static void look_at_mapping(char *line, int *node, int *bare) {
  char rights[5];
  unsigned first, second;
  unsigned long inode;
  int at = 0;
  line[strcspn(line, "\n")] = '\0';
  if (sscanf(line, "%*x-%*x %4s %*x %x:%x %lu %n", rights, &first, &second, &inode, &at) != 4 || at == 0)
    fail("a mapping in another form");
  if (rights[2] != 'x') return;
  const char *path = line + at;
  if (inode == 0) {
    if (strcmp(path, "[vdso]") != 0 && strcmp(path, "[vsyscall]") != 0) *bare = 1;
    return;
  }
  if (is_other(path)) return;
  if (first != root_major || second != root_minor) fail("%s is executed and is no file of the root image", path);
  if (!is_listed(path)) fail("%s is executed and is not on the list", path);
  if (strcmp(path, "/usr/bin/node") == 0) *node = 1;
}

// A process may end while we look; then the rest of its file cannot be read. Kernel threads have empty ones.
static void look_at_process(const char *number) {
  char path[64], *line = NULL;
  size_t room = 0;
  int node = 0, bare = 0;
  snprintf(path, sizeof path, "/proc/%.20s/maps", number);
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    if (errno == ENOENT || errno == ESRCH) return;
    fail("a process cannot be looked at: %s", strerror(errno));
  }
  while (getline(&line, &room, file) > 0) look_at_mapping(line, &node, &bare);
  if (ferror(file) && errno != ESRCH) fail("a process cannot be looked at: %s", strerror(errno));
  if (bare && !node) fail("memory without a file is executed by another program than Node");
  free(line);
  fclose(file);
}

static void look_at_processes(void) {
  DIR *directory = opendir("/proc");
  if (directory == NULL) fail("/proc cannot be read");
  struct dirent *entry;
  int seen = 0;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    look_at_process(entry->d_name);
    seen += strcmp(entry->d_name, "1") == 0;
  }
  closedir(directory);
  // A process that may not look at the first one sees nothing of the others either.
  if (seen == 0) fail("the first process is not to be seen");
}

int main(int count, char **arguments) {
  if (count < 3) fail("usage: integrity DEVICE LIST [PATH...]");
  others = arguments + 3;
  read_device(arguments[1]);
  read_list(arguments[2]);
  look_at_processes();
  return 0;
}
