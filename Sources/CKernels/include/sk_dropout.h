// Dropout by numbers that are a pure function of a seed, a stream and a place, so that any thread can make any part of a
// mask, and make it again for the gradients instead of keeping it.
//
// Numbers are those of RandomStream: Philox 4×32-10 with the seed as its key and the stream as the upper half of its
// counter. A block of 128 bits gives 8 draws of 16 bits, lowest first, of which those below `dropped` drop: of 65536
// elements so many, less than all, and the others are multiplied by 65536 / (65536 − dropped).
#ifndef STARLING_SK_DROPOUT_H
#define STARLING_SK_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// y[i] = x[i] · factor where element offset + i of the stream is kept, 0 elsewhere; plus residual[i] if that is not null.
// The same of the gradients of y gives those of x. Where x, residual and y overlap, they are one.
//
// Element e has draw e / 16 % 8 of block e / 128 · 16 + e % 16.
void sk_dropout(
    const float *x, const float *residual, size_t count, uint32_t dropped, uint64_t seed, uint64_t stream,
    uint64_t offset, float *y, int isa);

// kept[i] = whether element offset + i is kept.
void sk_dropout_mask(
    size_t count, uint32_t dropped, uint64_t seed, uint64_t stream, uint64_t offset, uint8_t *kept);

#ifdef __cplusplus
}
#endif

#endif
