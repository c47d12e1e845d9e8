/*
 * What the launcher needs of the ELF format for 64 bits, little endian.
 *
 * Source: System V Application Binary Interface ("gABI"), chapters 4 and 5; the auxiliary vector is that of the processors' supplements.
 */
#ifndef ELF_H
#define ELF_H

#include "linux.h"

enum { ET_DYN = 3, PT_LOAD = 1, PT_DYNAMIC = 2, PF_X = 1, PF_W = 2, PF_R = 4, DT_NULL = 0, DT_STRTAB = 5, DT_SONAME = 14 };
enum { AT_NULL = 0, AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_ENTRY = 9 };
#if defined(__x86_64__)
enum { EM_NATIVE = 62 };
#elif defined(__aarch64__)
enum { EM_NATIVE = 183 };
#endif

struct header {
  u8 e_ident[16];
  u16 e_type, e_machine;
  u32 e_version;
  u64 e_entry, e_phoff, e_shoff;
  u32 e_flags;
  u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct segment {
  u32 p_type, p_flags;
  u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

struct dynamic {
  u64 d_tag, d_val;
};

struct auxiliary {
  u64 a_type, a_val;
};

#endif
