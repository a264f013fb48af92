/* Records what a process does to the files under one directory, in one order for all its threads.
 *
 * Preloaded into the process under test; `recording.rs` reads the records and `disk.rs` makes a power cut of them. The
 * file system does the real work, except for syncs: those are only recorded, because the disk that they would reach is
 * the model's. Nothing here decides what survives. A call that is missing here shows as a difference between the model
 * and the real directory, which a test compares byte for byte.
 *
 * POWER_ROOT       the directory, absolute and without links
 * POWER_LOG        where the records go
 * POWER_CUT_AFTER  the process kills itself before the record of this number, counted from 1
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MADE = 1, MADE_DIRECTORY, WROTE, TRUNCATED, SYNCED, SYNCED_DATA, SYNCED_RANGE, RENAMED, UNLINKED };

struct head {
  uint32_t what, name_bytes, to_bytes, data_bytes;
  uint64_t inode, at, length;
};

#define FDS 65536
static unsigned char watched[FDS];
static char root[4096];
static size_t root_bytes;
static int records = -1;
static uint64_t count, cut_after;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static void fail(const char *what) {
  dprintf(2, "power shim: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("POWER_ROOT"), *log = getenv("POWER_LOG"), *after = getenv("POWER_CUT_AFTER");
  if (!path || !log) return;
  root_bytes = strlen(path);
  if (root_bytes >= sizeof root) fail("the root's name is too long");
  memcpy(root, path, root_bytes);
  cut_after = after ? strtoull(after, NULL, 10) : 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail("cannot open the records");
  records = fcntl(fd, F_DUPFD_CLOEXEC, 900);
  if (records < 0) fail("cannot move the records");
  syscall(SYS_close, fd);
  /* A child of this process is not under test. */
  unsetenv("LD_PRELOAD");
}

/* The path below the root, empty for the root itself, or NULL for what is elsewhere. */
static const char *below(const char *path) {
  if (records < 0 || !path || strncmp(path, root, root_bytes)) return NULL;
  const char *rest = path + root_bytes;
  return *rest == '/' ? rest + 1 : *rest ? NULL : rest;
}

static int is_watched(int fd) { return records >= 0 && fd >= 0 && fd < FDS && watched[fd]; }

static uint64_t inode_of(int fd) {
  struct stat data;
  if (fstat(fd, &data)) fail("fstat");
  return data.st_ino;
}

static void enter(void) {
  pthread_mutex_lock(&order);
  if (cut_after && count + 1 >= cut_after) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

static void leave(void) { pthread_mutex_unlock(&order); }

static void note(uint32_t what, uint64_t inode, const char *name, const char *to, uint64_t at, uint64_t length,
                 const void *data, size_t data_bytes) {
  int kept = errno;
  struct head head = {what, name ? strlen(name) : 0, to ? strlen(to) : 0, data_bytes, inode, at, length};
  struct iovec parts[4] = {{&head, sizeof head},
                           {(void *)name, head.name_bytes},
                           {(void *)to, head.to_bytes},
                           {(void *)data, data_bytes}};
  ssize_t all = sizeof head + head.name_bytes + head.to_bytes + data_bytes;
  if (syscall(SYS_writev, records, parts, 4) != all) fail("cannot write a record");
  count++;
  errno = kept;
}

static int opened(const char *name, int fd, int flags, int is_new) {
  if (fd < 0) return fd;
  if (fd >= FDS) fail("too many files");
  watched[fd] = 1;
  if (is_new) note(MADE, inode_of(fd), name, NULL, 0, 0, NULL, 0);
  else if (flags & O_TRUNC) note(TRUNCATED, inode_of(fd), NULL, NULL, 0, 0, NULL, 0);
  return fd;
}

static int open_below(const char *path, const char *name, int flags, mode_t mode) {
  int changes = flags & (O_CREAT | O_TRUNC);
  if (changes) enter();
  else pthread_mutex_lock(&order);
  int is_new = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
  int fd = opened(name, (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), flags, is_new);
  leave();
  return fd;
}

/* What a path under an open directory stands for; the path itself where that is elsewhere. */
static const char *under(int at, const char *path, char *whole) {
  char link[64];
  if (records < 0 || at == AT_FDCWD || !path || *path == '/') return path;
  snprintf(link, sizeof link, "/proc/self/fd/%d", at);
  ssize_t bytes = readlink(link, whole, 4000);
  if (bytes < 0 || (size_t)bytes + strlen(path) + 2 > 8000) return path;
  whole[bytes] = '/';
  strcpy(whole + bytes + 1, path);
  return whole;
}

/* A number that was a watched file's may have been closed where `close` below does not see it. */
static int elsewhere(int fd) {
  if (fd >= 0 && fd < FDS) watched[fd] = 0;
  return fd;
}

#define OPEN(at) \
  mode_t mode = 0; \
  char whole[8192]; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
  const char *resolved = under(at, path, whole), *name = below(resolved); \
  if (name && (flags & O_TMPFILE) == O_TMPFILE) fail("a file without a name is not modelled"); \
  if (name) return open_below(resolved, name, flags, mode); \
  return elsewhere((int)syscall(SYS_openat, at, path, flags, mode))

int open(const char *path, int flags, ...) { OPEN(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPEN(AT_FDCWD); }
int openat(int at, const char *path, int flags, ...) { OPEN(at); }
int openat64(int at, const char *path, int flags, ...) { OPEN(at); }

/* `closedir` closes it out of our sight. */
DIR *fdopendir(int fd) {
  REAL(DIR *, fdopendir, int);
  if (fd >= 0 && fd < FDS) watched[fd] = 0;
  return real_fdopendir(fd);
}

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < FDS) watched[fd] = 0;
  return real_close(fd);
}

ssize_t write(int fd, const void *data, size_t bytes) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (!is_watched(fd)) return real_write(fd, data, bytes);
  enter();
  ssize_t done = real_write(fd, data, bytes);
  if (done > 0) note(WROTE, inode_of(fd), NULL, NULL, lseek(fd, 0, SEEK_CUR) - done, 0, data, done);
  leave();
  return done;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
  if (!is_watched(fd)) return real_pwrite64(fd, data, bytes, at);
  enter();
  ssize_t done = real_pwrite64(fd, data, bytes, at);
  if (done > 0) note(WROTE, inode_of(fd), NULL, NULL, at, 0, data, done);
  leave();
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return pwrite64(fd, data, bytes, at); }

/* One piece at a time: a short write is legal, and the caller goes on. */
ssize_t writev(int fd, const struct iovec *parts, int number) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (!is_watched(fd)) return real_writev(fd, parts, number);
  for (int n = 0; n < number; n++) {
    if (parts[n].iov_len) return write(fd, parts[n].iov_base, parts[n].iov_len);
  }
  return 0;
}

int ftruncate64(int fd, off64_t length) {
  REAL(int, ftruncate64, int, off64_t);
  if (!is_watched(fd)) return real_ftruncate64(fd, length);
  enter();
  int failed = real_ftruncate64(fd, length);
  if (!failed) note(TRUNCATED, inode_of(fd), NULL, NULL, 0, length, NULL, 0);
  leave();
  return failed;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, uint32_t what, uint64_t at, uint64_t length) {
  enter();
  note(what, inode_of(fd), NULL, NULL, at, length, NULL, 0);
  leave();
  return 0;
}

int fsync(int fd) {
  REAL(int, fsync, int);
  return is_watched(fd) ? synced(fd, SYNCED, 0, 0) : real_fsync(fd);
}

int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  return is_watched(fd) ? synced(fd, SYNCED_DATA, 0, 0) : real_fdatasync(fd);
}

int sync_file_range(int fd, off64_t at, off64_t length, unsigned flags) {
  REAL(int, sync_file_range, int, off64_t, off64_t, unsigned);
  return is_watched(fd) ? synced(fd, SYNCED_RANGE, at, length) : real_sync_file_range(fd, at, length, flags);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  const char *name = below(path);
  if (!name) return real_mkdir(path, mode);
  enter();
  int failed = real_mkdir(path, mode);
  struct stat data;
  if (!failed && stat(path, &data)) fail("stat");
  if (!failed) note(MADE_DIRECTORY, data.st_ino, name, NULL, 0, 0, NULL, 0);
  leave();
  return failed;
}

int rename(const char *path, const char *to_path) {
  REAL(int, rename, const char *, const char *);
  const char *name = below(path), *to = below(to_path);
  if (!name && !to) return real_rename(path, to_path);
  if (!name || !to) fail("a renaming across the root");
  enter();
  int failed = real_rename(path, to_path);
  if (!failed) note(RENAMED, 0, name, to, 0, 0, NULL, 0);
  leave();
  return failed;
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  const char *name = below(path);
  if (!name) return real_unlink(path);
  enter();
  int failed = real_unlink(path);
  if (!failed) note(UNLINKED, 0, name, NULL, 0, 0, NULL, 0);
  leave();
  return failed;
}

int unlinkat(int at, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  char whole[8192];
  const char *name = below(under(at, path, whole));
  if (!name) return real_unlinkat(at, path, flags);
  enter();
  int failed = real_unlinkat(at, path, flags);
  if (!failed) note(UNLINKED, 0, name, NULL, 0, 0, NULL, 0);
  leave();
  return failed;
}

int rmdir(const char *path) {
  REAL(int, rmdir, const char *);
  return below(path) ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : real_rmdir(path);
}

/* What the model cannot express ends the process, lest a cut leave what no disk would. */
#define NOT_BELOW(function, arguments, parameters, ...) \
  int function parameters { \
    static int (*real) parameters; \
    const char *paths[] = {__VA_ARGS__}; \
    if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #function); \
    for (size_t n = 0; n < sizeof paths / sizeof *paths; n++) \
      if (below(paths[n])) fail(#function " is not modelled"); \
    return real arguments; \
  }
#define NOT_WATCHED(result, function, fd, arguments, parameters) \
  result function parameters { \
    static result (*real) parameters; \
    if (!real) real = (result(*) parameters)dlsym(RTLD_NEXT, #function); \
    if (is_watched(fd)) fail(#function " is not modelled"); \
    return real arguments; \
  }

NOT_BELOW(link, (a, b), (const char *a, const char *b), a, b)
NOT_BELOW(symlink, (a, b), (const char *a, const char *b), b)
NOT_BELOW(linkat, (at, a, to, b, flags), (int at, const char *a, int to, const char *b, int flags), a, b)
NOT_BELOW(symlinkat, (a, to, b), (const char *a, int to, const char *b), b)
NOT_BELOW(renameat, (at, a, to, b), (int at, const char *a, int to, const char *b), a, b)
NOT_BELOW(renameat2, (at, a, to, b, flags), (int at, const char *a, int to, const char *b, unsigned flags), a, b)
NOT_BELOW(mkdirat, (at, a, mode), (int at, const char *a, mode_t mode), a)
NOT_BELOW(truncate, (a, length), (const char *a, off_t length), a)
NOT_BELOW(truncate64, (a, length), (const char *a, off64_t length), a)
NOT_BELOW(creat, (a, mode), (const char *a, mode_t mode), a)
NOT_BELOW(creat64, (a, mode), (const char *a, mode_t mode), a)
NOT_WATCHED(int, fallocate, fd, (fd, mode, at, length), (int fd, int mode, off_t at, off_t length))
NOT_WATCHED(int, fallocate64, fd, (fd, mode, at, length), (int fd, int mode, off64_t at, off64_t length))
NOT_WATCHED(int, posix_fallocate, fd, (fd, at, length), (int fd, off_t at, off_t length))
NOT_WATCHED(int, posix_fallocate64, fd, (fd, at, length), (int fd, off64_t at, off64_t length))
NOT_WATCHED(int, dup, fd, (fd), (int fd))
NOT_WATCHED(int, dup2, fd, (fd, to), (int fd, int to))
NOT_WATCHED(int, dup3, fd, (fd, to, flags), (int fd, int to, int flags))
NOT_WATCHED(ssize_t, pwritev, fd, (fd, parts, number, at), (int fd, const struct iovec *parts, int number, off_t at))
NOT_WATCHED(ssize_t, pwritev64, fd, (fd, parts, number, at), (int fd, const struct iovec *parts, int number, off64_t at))
NOT_WATCHED(ssize_t, sendfile, to, (to, fd, at, bytes), (int to, int fd, off_t *at, size_t bytes))
NOT_WATCHED(ssize_t, sendfile64, to, (to, fd, at, bytes), (int to, int fd, off64_t *at, size_t bytes))
NOT_WATCHED(ssize_t, copy_file_range, to, (fd, at, to, to_at, bytes, flags),
            (int fd, off64_t *at, int to, off64_t *to_at, size_t bytes, unsigned flags))
NOT_WATCHED(ssize_t, splice, to, (fd, at, to, to_at, bytes, flags),
            (int fd, off64_t *at, int to, off64_t *to_at, size_t bytes, unsigned flags))

static int fcntl_of(int fd, int what, va_list rest) {
  void *argument = va_arg(rest, void *);
  int result = (int)syscall(SYS_fcntl, fd, what, argument);
  /* A second number for the same file. */
  if (is_watched(fd) && (what == F_DUPFD || what == F_DUPFD_CLOEXEC) && result >= 0 && result < FDS) watched[result] = 1;
  return result;
}

int fcntl(int fd, int what, ...) { va_list rest; va_start(rest, what); int result = fcntl_of(fd, what, rest); va_end(rest); return result; }
int fcntl64(int fd, int what, ...) { va_list rest; va_start(rest, what); int result = fcntl_of(fd, what, rest); va_end(rest); return result; }

#define MAP(function, type) \
  void *function(void *address, size_t length, int protection, int flags, int fd, type at) { \
    if (is_watched(fd) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) fail("mapped writes are not modelled"); \
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, at); \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)
