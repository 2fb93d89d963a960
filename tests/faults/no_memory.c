// No memory for large tensors: preloaded, it refuses what is larger than NO_MEMORY bytes, as a full machine would.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

int posix_memalign(void** memory, size_t alignment, size_t size) {
  static int (*real)(void**, size_t, size_t);
  const char* most = getenv("NO_MEMORY");
  if (real == NULL) real = (int (*)(void**, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  if (most != NULL && size > strtoul(most, NULL, 10)) return ENOMEM;
  return real(memory, alignment, size);
}
