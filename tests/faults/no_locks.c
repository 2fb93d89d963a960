/* To be preloaded: a file system without locks, as Lustre without -o flock is. NO_LOCKS: ENOSYS or ENOLCK, what it answers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int refused(void) {
  const char* answer = getenv("NO_LOCKS");
  errno = answer != NULL && strcmp(answer, "ENOLCK") == 0 ? ENOLCK : ENOSYS;
  return -1;
}

int flock(int descriptor, int operation) {
  (void)descriptor;
  (void)operation;
  return refused();
}

static int without_locks(const char* name, int descriptor, int command, void* argument) {
  if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) return refused();
  int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
  return real(descriptor, command, argument);
}

#define WRAPPED(name)                                           \
  int name(int descriptor, int command, ...) {                  \
    va_list arguments;                                          \
    va_start(arguments, command);                               \
    void* argument = va_arg(arguments, void*);                  \
    va_end(arguments);                                          \
    return without_locks(#name, descriptor, command, argument); \
  }
WRAPPED(fcntl)
WRAPPED(fcntl64)
