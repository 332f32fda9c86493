// Numbers of RandomStream by the million: Philox 4×32-10, whose blocks give two numbers of 64 bits each.
#ifndef STARLING_SK_RANDOM_H
#define STARLING_SK_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// out[i] = number i % 2 of the block with the counter (first + i / 2, stream), for i < count; first + count / 2 < 2³².
void sk_random(uint64_t seed, uint64_t stream, uint32_t first, uint64_t *out, size_t count, int isa);

#ifdef __cplusplus
}
#endif

#endif
