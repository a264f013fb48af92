/*
 * Stands between the engine and libc: jumps the wall clock, lets fsync and writes at an offset fail.
 *
 * Loaded with LD_PRELOAD. The file that SIDESTREAM_TORTURE_SHIM names is mapped and holds five 64-bit words: the
 * wall clock's offset in nanoseconds; what fails (1: fsync and its kin, 2: pwrite); and, counted here, the clock
 * readings that were changed, the fsyncs and the writes that were refused. The monotonic clock is left alone, as a
 * real jump leaves it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

struct control {
  int64_t offset_ns;
  uint64_t fails;
  uint64_t readings, syncs, writes;
};

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("SIDESTREAM_TORTURE_SHIM");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int64_t offset(void) {
  int64_t offset = control ? __atomic_load_n(&control->offset_ns, __ATOMIC_RELAXED) : 0;
  if (offset) __atomic_add_fetch(&control->readings, 1, __ATOMIC_RELAXED);
  return offset;
}

static int refuses(uint64_t what, uint64_t *count) {
  if (!control || !(__atomic_load_n(&control->fails, __ATOMIC_RELAXED) & what)) return 0;
  __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
  errno = EIO;
  return 1;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ns = time->tv_sec * SECOND + time->tv_nsec + offset();
    time->tv_sec = ns / SECOND;
    time->tv_nsec = ns % SECOND;
  }
  return result;
}

int gettimeofday(struct timeval *time, void *zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return refuses(1, &control->syncs) ? -1 : real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return refuses(1, &control->syncs) ? -1 : real(fd);
}

int sync_file_range(int fd, off64_t from, off64_t length, unsigned flags) {
  static int (*real)(int, off64_t, off64_t, unsigned);
  if (!real) real = (int (*)(int, off64_t, off64_t, unsigned))dlsym(RTLD_NEXT, "sync_file_range");
  return refuses(1, &control->syncs) ? -1 : real(fd, from, length, flags);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  return refuses(2, &control->writes) ? -1 : real(fd, bytes, length, at);
}
