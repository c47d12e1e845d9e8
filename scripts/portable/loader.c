/*
 * Finds the host's loader, and maps a loader as the kernel maps an interpreter.
 *
 * What lies at the path of PT_INTERP need not be glibc's loader: NixOS has a program there that prints a message, or nix-ld, Alpine a
 * translation to musl. And glibc's loader may be there without its libraries, in a small rescue system. So the file, once its symbolic
 * links are followed, must have the name wanted as its SONAME, and every library that the program needs must lie beside it.
 */
#include "loader.h"
#include "elf.h"
#include "say.h"

enum { PATH_MAX = 4096, LINKS_MAX = 40, SEGMENTS_MAX = 32 };

static const struct image NONE;

/* The text behind the last slash, within the path. */
static char *base_name(char *path) {
  char *name = path;
  for (; *path != 0; path++)
    if (*path == '/') name = path + 1;
  return name;
}

/* Replaces a path by what its last place leads to, over symbolic links. @returns whether it can be followed to an end */
static int follow_links(char path[PATH_MAX]) {
  char target[PATH_MAX];
  for (int links = 0; links < LINKS_MAX; links++) {
    long size = syscall4(SYS_readlinkat, AT_FDCWD, path, target, PATH_MAX - 1);
    if (size == -EINVAL) return 1;
    if (is_error(size)) return 0;
    target[size] = 0;
    char *to = target[0] == '/' ? path : base_name(path);
    if ((to - path) + size >= PATH_MAX) return 0;
    append(to, target);
  }
  return 0;
}

/* Whether all libraries lie in the directory of a path, which is used up. */
static int has_libraries(const struct plan *plan, char path[PATH_MAX]) {
  char *name = base_name(path);
  for (u64 i = 1; i < plan->count; i++) {
    if ((u64)(name - path) + length(plan->files[i].name) >= PATH_MAX) return 0;
    append(name, plan->files[i].name);
    if (is_error(syscall3(SYS_faccessat, AT_FDCWD, path, 0))) return 0;
  }
  return 1;
}

struct image host_loader(const struct plan *plan, u64 page) {
  char path[PATH_MAX];
  append(path, plan->interpreter);
  if (!follow_links(path)) return NONE;
  long fd = syscall4(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0);
  if (is_error(fd)) return NONE;
  struct image loader = has_libraries(plan, path) ? map_image((int)fd, page) : NONE;
  syscall3(SYS_close, fd, 0, 0);
  if (loader.size == 0 || equal(loader.soname, plan->files[0].name)) return loader;
  syscall3(SYS_munmap, loader.base, loader.size, 0);
  return NONE;
}

static u64 page_start(u64 address, u64 page) { return address & ~(page - 1); }

static u64 page_end(u64 address, u64 page) { return page_start(address + page - 1, page); }

static int protection(u32 flags) {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

/* mmap at a fixed address; nothing to do for no bytes. @returns whether it was done */
static int map_at(u64 start, u64 end, int protect, int fd, u64 offset) {
  if (start >= end) return 1;
  int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
  return !is_error(syscall6(SYS_mmap, (long)start, (long)(end - start), protect, flags, fd, (long)offset));
}

/* Maps a segment's bytes, and zeros for what is longer in memory. */
static int map_segment(const struct segment *one, u64 base, int fd, u64 page) {
  u64 first = base + one->p_vaddr, start = page_start(first, page), end = first + one->p_filesz;
  u64 zeros = page_end(one->p_filesz == 0 ? start : end, page);
  int protect = protection(one->p_flags);
  if (one->p_filesz != 0 && !map_at(start, zeros, protect, fd, one->p_offset - (first - start))) return 0;
  if (one->p_memsz > one->p_filesz && one->p_flags & PF_W)
    for (volatile u8 *byte = (u8 *)end; byte < (u8 *)zeros; byte++) *byte = 0;
  return map_at(zeros, page_end(first + one->p_memsz, page), protect, -1, 0);
}

/* A shared object's own name; empty if it has none. */
static const char *soname_of(const struct dynamic *entry, u64 base) {
  u64 strings = 0, name = 0;
  for (; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_STRTAB) strings = base + entry->d_val;
    if (entry->d_tag == DT_SONAME) name = entry->d_val;
  }
  return strings == 0 || name == 0 ? "" : (const char *)(strings + name);
}

/* Reads the program header table of a loader for this processor. @returns how many segments there are; 0 if it is no such file */
static int read_segments(int fd, struct header *header, struct segment segments[SEGMENTS_MAX]) {
  const u8 *magic = header->e_ident;
  if (syscall4(SYS_pread64, fd, header, sizeof *header, 0) != sizeof *header) return 0;
  if (magic[0] != 0x7f || magic[1] != 'E' || magic[2] != 'L' || magic[3] != 'F') return 0;
  if (header->e_machine != EM_NATIVE || header->e_type != ET_DYN || header->e_phnum > SEGMENTS_MAX) return 0;
  long size = (long)(header->e_phnum * sizeof(struct segment));
  return syscall4(SYS_pread64, fd, segments, size, header->e_phoff) == size ? header->e_phnum : 0;
}

struct image map_image(int fd, u64 page) {
  struct header header;
  struct segment segments[SEGMENTS_MAX];
  int count = read_segments(fd, &header, segments);

  /* A loader is linked to address 0, so its end is its size. */
  u64 size = 0;
  for (int i = 0; i < count; i++) {
    u64 end = page_end(segments[i].p_vaddr + segments[i].p_memsz, page);
    if (segments[i].p_type == PT_LOAD && end > size) size = end;
  }
  long base = syscall6(SYS_mmap, 0, (long)size, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (size == 0 || is_error(base)) return NONE;

  struct image image = {(u64)base, size, (u64)base + header.e_entry, ""};
  for (int i = 0; i < count; i++)
    if (segments[i].p_type == PT_LOAD && !map_segment(&segments[i], image.base, fd, page)) return NONE;
  for (int i = 0; i < count; i++)
    if (segments[i].p_type == PT_DYNAMIC) image.soname = soname_of((struct dynamic *)(image.base + segments[i].p_vaddr), image.base);
  return image;
}
