/*
 * The few system calls that the launcher makes, and the numbers they need. The launcher is built for another processor as easily as for this
 * one because it includes nobody's headers.
 *
 * Numbers: Linux, include/uapi/asm-generic/unistd.h (aarch64) and arch/x86/entry/syscalls/syscall_64.tbl. A failed call returns -errno.
 */
#ifndef LINUX_H
#define LINUX_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_close = 3, SYS_mmap = 9, SYS_munmap = 11, SYS_rt_sigaction = 13, SYS_pread64 = 17, SYS_fcntl = 72, SYS_exit_group = 231,
       SYS_openat = 257, SYS_readlinkat = 267, SYS_faccessat = 269, SYS_memfd_create = 319 };
#elif defined(__aarch64__)
enum { SYS_write = 64, SYS_close = 57, SYS_mmap = 222, SYS_munmap = 215, SYS_rt_sigaction = 134, SYS_pread64 = 67, SYS_fcntl = 25, SYS_exit_group = 94,
       SYS_openat = 56, SYS_readlinkat = 78, SYS_faccessat = 48, SYS_memfd_create = 279 };
#endif

enum { AT_FDCWD = -100, O_CLOEXEC = 02000000, F_DUPFD_CLOEXEC = 1030, EINTR = 4, EINVAL = 22 };
enum { MFD_CLOEXEC = 1, MFD_NOEXEC_SEAL = 8 };
enum { SIGUSR1 = 10, SIG_IGN = 1, SIGNAL_SET_BYTES = 8 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e,
                x5 __asm__("x5") = f, x8 __asm__("x8") = number;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
  return x0;
#endif
}

#define syscall3(number, a, b, c) syscall6(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define syscall4(number, a, b, c, d) syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* What a signal does, as the kernel has it on both processors. */
struct action {
  u64 handler, flags, restorer, mask;
};

static inline int is_error(long result) { return (u64)result > (u64)-4096; }

#endif
