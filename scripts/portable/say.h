/* Text, and the last words of a launcher that cannot go on; they look like those of the program (src/sys/report.ts). */
#ifndef SAY_H
#define SAY_H

#include "linux.h"

static inline u64 length(const char *text) {
  u64 count = 0;
  while (text[count] != 0) count++;
  return count;
}

static inline int equal(const char *a, const char *b) {
  while (*a == *b && *a != 0) a++, b++;
  return *a == *b;
}

/* Writes a text and its final NUL to a place with room for it. @returns where the NUL is */
static inline char *append(char *to, const char *text) {
  while ((*to = *text++) != 0) to++;
  return to;
}

static inline char *append_number(char *to, u64 number) {
  if (number >= 10) to = append_number(to, number / 10);
  *to++ = (char)('0' + number % 10);
  *to = 0;
  return to;
}

static inline void say(const char *text) { syscall3(SYS_write, 2, text, length(text)); }

__attribute__((noreturn)) static inline void fail_with(const char *reason, long number, const char *hint) {
  char digits[24] = "";
  if (number != 0) append_number(digits, (u64)number);
  say("error: "), say(reason), say(digits), say("\n");
  if (*hint != 0) say("\nhint: "), say(hint), say("\n");
  for (;;) syscall3(SYS_exit_group, 1, 0, 0);
}

__attribute__((noreturn)) static inline void fail(const char *reason, const char *hint) { fail_with(reason, 0, hint); }

#endif
