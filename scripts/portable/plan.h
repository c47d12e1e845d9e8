/*
 * What the build tells the launcher (make.ts writes it), all of it numbers of 64 bits; an address is that of the running program, which is
 * linked to a fixed one.
 */
#ifndef PLAN_H
#define PLAN_H

#include "linux.h"

/* A program header table, as AT_PHDR and AT_PHNUM tell it to a loader. */
struct table {
  u64 address, count;
};

/* A file that is bundled. */
struct bundled {
  const char *name;
  const u8 *start;
  u64 size;
  /* d_val of the DT_NEEDED entry that is to name it; null for the loader. */
  u64 *needed;
  /* Room for the name that it gets. */
  char path[32];
};

struct plan {
  /* PT_INTERP and e_entry of the program as it was. */
  const char *interpreter;
  u64 entry;
  /* The program's own table, and the one whose PT_DYNAMIC names the bundled libraries. */
  struct table own, bundling;
  /* DT_STRTAB, from which a DT_NEEDED is counted. */
  u64 strings;
  u64 count;
  /* The loader first. */
  struct bundled files[];
};

#endif
