/* A dynamic loader in memory (loader.c). */
#ifndef LOADER_H
#define LOADER_H

#include "plan.h"

/* size is 0 where there is no loader. */
struct image {
  u64 base, size, entry;
  const char *soname;
};

/* The host's loader, if there is one that can start this program. */
struct image host_loader(const struct plan *plan, u64 page);

/* A loader in an open file. */
struct image map_image(int fd, u64 page);

#endif
