// A random order of 0..<count that needs no memory: element i of it is computed from i alone.
//
// The order is a Feistel network with eight rounds over pairs (left, right) of a × b ≥ count places, walked again
// where it leaves 0..<count (Black & Rogaway 2002, “Ciphers with arbitrary finite domains”, their generalised Feistel
// cipher with cycle walking). Its round function is a multiplicative hash of 32 bits. a and b are near √count, so fewer
// than one place in √count is walked again. Where count is a power of two, and large enough that it mixes well, four rounds
// of a multiplication modulo count and a xor with the upper half of the bits do, at a sixth of the cost.
#ifndef STARLING_SK_SHUFFLE_H
#define STARLING_SK_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SK_SHUFFLE_ROUNDS = 8, SK_SHUFFLE_MIXED = 4096 };

typedef struct {
    uint32_t count;
    uint32_t left, right; // a and b: left × right ≥ count, both at most 65536
    uint32_t keys[SK_SHUFFLE_ROUNDS];
} sk_shuffle;

// out[i] = base + element from + i of the order, for i in 0..<length; from + length ≤ count. The same for every `isa`.
void sk_shuffle_elements(
    const sk_shuffle *shuffle, uint32_t from, uint32_t length, uint32_t base, uint32_t *out, int isa);

#ifdef __cplusplus
}
#endif

#endif
