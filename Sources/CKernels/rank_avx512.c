#if defined(__x86_64__)

#include <immintrin.h>

#include "rank_candidates.h"

#define SK_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))

// 12 users × 32 items: 24 of the 32 registers hold sums, so that the two multipliers never wait for a sum
// (24 chains against 2 × 4 cycles of latency), and each step loads 14 times for 24 multiplications.
SK_INLINE SK_AVX512 void tile(
    const size_t width, const float *panel, size_t dimensions, const float *packed, sk_rank_user *states,
    uint32_t allowed, uint32_t first_item) {
    __m512 sums[SK_RANK_TILE][2];
    SK_UNROLL for (size_t u = 0; u < width; u++) sums[u][0] = sums[u][1] = _mm512_setzero_ps();
    for (size_t d = 0; d < dimensions; d++) {
        const __m512 low = _mm512_load_ps(panel + d * SK_RANK_PANEL);
        const __m512 high = _mm512_load_ps(panel + d * SK_RANK_PANEL + 16);
        SK_UNROLL for (size_t u = 0; u < width; u++) {
            const __m512 value = _mm512_set1_ps(packed[d * width + u]);
            sums[u][0] = _mm512_fmadd_ps(value, low, sums[u][0]);
            sums[u][1] = _mm512_fmadd_ps(value, high, sums[u][1]);
        }
    }
    uint32_t masks[SK_RANK_TILE], any = 0;
    SK_UNROLL for (size_t u = 0; u < width; u++) {
        const __m512 threshold = _mm512_set1_ps(states[u].threshold);
        const __mmask16 low = _mm512_cmp_ps_mask(sums[u][0], threshold, _CMP_GT_OQ);
        const __mmask16 high = _mm512_cmp_ps_mask(sums[u][1], threshold, _CMP_GT_OQ);
        masks[u] = (uint32_t)low | (uint32_t)high << 16;
        any |= masks[u];
    }
    if (!(any & allowed)) return;
    float scores[SK_RANK_TILE][SK_RANK_PANEL] __attribute__((aligned(64)));
    SK_UNROLL for (size_t u = 0; u < width; u++) {
        _mm512_store_ps(scores[u], sums[u][0]);
        _mm512_store_ps(scores[u] + 16, sums[u][1]);
    }
    for (size_t u = 0; u < width; u++) {
        if (masks[u]) sk_rank_take(&states[u], scores[u], masks[u], allowed, first_item);
    }
}

#define TILE(width)                                                                                            \
    SK_AVX512 static void tile_##width(                                                                        \
        const float *panel, size_t dimensions, const float *packed, sk_rank_user *states, uint32_t allowed,    \
        uint32_t first_item) {                                                                                 \
        tile(width, panel, dimensions, packed, states, allowed, first_item);                                   \
    }
TILE(12) TILE(8) TILE(4) TILE(2) TILE(1)

void sk_rank_block_avx512(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states) {
    static const size_t widths[] = {12, 8, 4, 2, 1};
    static sk_rank_tile *const tiles[] = {tile_12, tile_8, tile_4, tile_2, tile_1};
    sk_rank_walk(index, users, stride, user_count, packed, states, widths, tiles, 5);
}

#endif
