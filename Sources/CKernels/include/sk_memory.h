// What the memory's caches are told.
#ifndef STARLING_SK_MEMORY_H
#define STARLING_SK_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Has the lines of memory that is there brought into a core's second cache, and does not wait for them.
void sk_prefetch(const void *from, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
