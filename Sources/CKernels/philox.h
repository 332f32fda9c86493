// Numbers of RandomStream.swift.
#ifndef STARLING_PHILOX_H
#define STARLING_PHILOX_H

#include <stddef.h>
#include <stdint.h>

enum { PHILOX_ROUNDS = 10, PHILOX_DRAWS = 8, PHILOX_LANES = 16 };

// Words of 32 bits; what stands above them has no meaning.
typedef uint64_t philox_words __attribute__((vector_size(64)));
typedef uint32_t philox_bits __attribute__((vector_size(64)));

typedef struct {
    uint64_t low, high; // of the stream: the upper half of counters
    uint64_t keys[PHILOX_ROUNDS][2];
} philox_stream;

static inline philox_stream philox_make(uint64_t seed, uint64_t stream) {
    philox_stream p = {.low = (uint32_t)stream, .high = stream >> 32};
    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
        p.keys[round][0] = (uint32_t)seed + round * 0x9E3779B9u;
        p.keys[round][1] = (uint32_t)(seed >> 32) + round * 0xBB67AE85u;
    }
    return p;
}

// Draw `draw` of the block with the counter (first, second).
static inline uint32_t philox_draw(const philox_stream *p, uint32_t first, uint32_t second, size_t draw) {
    uint32_t c[4] = {first, second, (uint32_t)p->low, (uint32_t)p->high};
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t a = (uint64_t)c[0] * 0xD2511F53, b = (uint64_t)c[2] * 0xCD9E8D57;
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ (uint32_t)p->keys[round][0];
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ (uint32_t)p->keys[round][1];
        c[3] = (uint32_t)a;
    }
    return c[draw / 2] >> draw % 2 * 16 & 0xFFFF;
}

#endif
