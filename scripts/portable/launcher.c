/*
 * The first code of a portable file: it brings the program its dynamic loader, as the kernel does for a program with PT_INTERP.
 *
 * The kernel sees a static program and starts this with the ordinary initial stack. If the host has glibc's loader where the program wants
 * it, that one is mapped; otherwise the one inside this file, and the libraries are put into memory files (memfd) that the program's
 * DT_NEEDED then name as /proc/self/fd/N. The auxiliary vector on the stack is changed to what a loader expects to find, and the loader is
 * entered with that very stack. Arguments, environment, standard streams and the process itself are untouched, signals too but for SIGUSR1,
 * which is ignored until the program handles it; no second program is run, and no file is written.
 *
 * The code has no data of its own that is written to, and nothing in it is relocated.
 */
#include "elf.h"
#include "linux.h"
#include "loader.h"
#include "plan.h"
#include "say.h"

/* Descriptors from here on are nobody's first choice; where so many are not allowed, at least none of the standard streams is taken. */
enum { HIGH_DESCRIPTOR = 900, FIRST_DESCRIPTOR = 3 };

#define MEMFD_HINT "Linux 3.17 or newer is needed, or glibc on the host"

/* Begins behind this code in memory, where launcher.ld says. */
extern struct plan plan __attribute__((visibility("hidden")));

static u64 *auxiliary_value(struct auxiliary *vector, u64 type) {
  for (; vector->a_type != AT_NULL; vector++)
    if (vector->a_type == type) return &vector->a_val;
  fail("Cannot start: the kernel gave an incomplete auxiliary vector", "");
}

/* SIGUSR1 asks ctar for its progress, and would kill it until it listens; whoever asks cannot know. */
static void ignore_questions(void) {
  struct action ignore = {.handler = SIG_IGN};
  syscall4(SYS_rt_sigaction, SIGUSR1, &ignore, 0, SIGNAL_SET_BYTES);
}

/* Writes all of a bundled file into a new memory file, which stays open, and which no child inherits. MFD_NOEXEC_SEAL, which old kernels do
   not know, is what vm.memfd_noexec wants; it forbids running the file as a program, not mapping it. */
static int memory_file(const struct bundled *file) {
  long low = syscall3(SYS_memfd_create, file->name, MFD_CLOEXEC | MFD_NOEXEC_SEAL, 0);
  if (low == -EINVAL) low = syscall3(SYS_memfd_create, file->name, MFD_CLOEXEC, 0);
  if (is_error(low)) fail_with("Cannot keep the C library in memory: memfd_create gives error ", -low, MEMFD_HINT);
  long fd = syscall3(SYS_fcntl, low, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
  if (is_error(fd)) fd = syscall3(SYS_fcntl, low, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
  if (is_error(fd)) fail_with("Cannot keep the C library in memory: fcntl gives error ", -fd, "ulimit -n 1024");
  syscall3(SYS_close, low, 0, 0);
  for (u64 done = 0; done < file->size;) {
    long written = syscall3(SYS_write, fd, file->start + done, file->size - done);
    if (is_error(written) && written != -EINTR) fail_with("Cannot keep the C library in memory: write gives error ", -written, "");
    if (!is_error(written)) done += (u64)written;
  }
  return (int)fd;
}

/* The loader inside this file, with the program's added DT_NEEDED naming the memory files of the libraries. */
static struct image bundled_loader(u64 page) {
  for (u64 i = 1; i < plan.count; i++) {
    struct bundled *file = &plan.files[i];
    append_number(append(file->path, "/proc/self/fd/"), (u64)memory_file(file));
    *file->needed = (u64)file->path - plan.strings;
  }
  int fd = memory_file(&plan.files[0]);
  struct image loader = map_image(fd, page);
  syscall3(SYS_close, fd, 0, 0);
  if (loader.size == 0) fail("Cannot map the loader inside this file", "");
  return loader;
}

/* Called by start.S with the initial stack: argc, argv, null, environment, null, auxiliary vector. @returns where to go on */
u64 launch(u64 *stack) {
  ignore_questions();
  u64 *word = stack + 1 + stack[0] + 1;
  while (*word != 0) word++;
  struct auxiliary *vector = (struct auxiliary *)(word + 1);
  u64 page = *auxiliary_value(vector, AT_PAGESZ);

  /* Bun needs it as well, and gives up without words that would help. */
  if (is_error(syscall3(SYS_faccessat, AT_FDCWD, "/proc/self/exe", 0)))
    fail("Cannot start: there is no /proc", "mount -t proc proc /proc");
  struct table table = plan.own;
  struct image loader = host_loader(&plan, page);
  if (loader.size == 0) {
    table = plan.bundling;
    loader = bundled_loader(page);
  }
  *auxiliary_value(vector, AT_PHDR) = table.address;
  *auxiliary_value(vector, AT_PHNUM) = table.count;
  *auxiliary_value(vector, AT_ENTRY) = plan.entry;
  *auxiliary_value(vector, AT_BASE) = loader.base;
  return loader.entry;
}
