#if defined(__x86_64__)

#include <immintrin.h>

#include "rank_candidates.h"

#define SK_AVX2 __attribute__((target("avx2,fma")))

// 6 users × 16 items at a time: 12 of the 16 registers hold sums. A panel is done in two halves.
SK_INLINE SK_AVX2 void tile(
    const size_t width, const float *panel, size_t dimensions, const float *packed, sk_rank_user *states,
    uint32_t allowed, uint32_t first_item) {
    float scores[6][SK_RANK_PANEL] __attribute__((aligned(32)));
    uint32_t masks[6] = {0}, any = 0;
    for (size_t half = 0; half < SK_RANK_PANEL; half += 16) {
        __m256 sums[6][2];
        SK_UNROLL for (size_t u = 0; u < width; u++) sums[u][0] = sums[u][1] = _mm256_setzero_ps();
        for (size_t d = 0; d < dimensions; d++) {
            const __m256 low = _mm256_load_ps(panel + d * SK_RANK_PANEL + half);
            const __m256 high = _mm256_load_ps(panel + d * SK_RANK_PANEL + half + 8);
            SK_UNROLL for (size_t u = 0; u < width; u++) {
                const __m256 value = _mm256_set1_ps(packed[d * width + u]);
                sums[u][0] = _mm256_fmadd_ps(value, low, sums[u][0]);
                sums[u][1] = _mm256_fmadd_ps(value, high, sums[u][1]);
            }
        }
        SK_UNROLL for (size_t u = 0; u < width; u++) {
            const __m256 threshold = _mm256_set1_ps(states[u].threshold);
            const int low = _mm256_movemask_ps(_mm256_cmp_ps(sums[u][0], threshold, _CMP_GT_OQ));
            const int high = _mm256_movemask_ps(_mm256_cmp_ps(sums[u][1], threshold, _CMP_GT_OQ));
            masks[u] |= ((uint32_t)low | (uint32_t)high << 8) << half;
            any |= masks[u];
            _mm256_store_ps(scores[u] + half, sums[u][0]);
            _mm256_store_ps(scores[u] + half + 8, sums[u][1]);
        }
    }
    if (!(any & allowed)) return;
    for (size_t u = 0; u < width; u++) {
        if (masks[u]) sk_rank_take(&states[u], scores[u], masks[u], allowed, first_item);
    }
}

#define TILE(width)                                                                                            \
    SK_AVX2 static void tile_##width(                                                                          \
        const float *panel, size_t dimensions, const float *packed, sk_rank_user *states, uint32_t allowed,    \
        uint32_t first_item) {                                                                                 \
        tile(width, panel, dimensions, packed, states, allowed, first_item);                                   \
    }
TILE(6) TILE(4) TILE(2) TILE(1)

void sk_rank_block_avx2(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states) {
    static const size_t widths[] = {6, 4, 2, 1};
    static sk_rank_tile *const tiles[] = {tile_6, tile_4, tile_2, tile_1};
    sk_rank_walk(index, users, stride, user_count, packed, states, widths, tiles, 4);
}

// Eight items at a time, so that their chains of additions run side by side.
SK_AVX2 void sk_rank_scores_fma(
    const float *vectors, size_t stride, size_t dimensions, const float *user, const uint32_t *items, size_t count,
    float *scores) {
    enum { GROUP = 8 };
    for (size_t start = 0; start < count; start += GROUP) {
        const size_t group = count - start < GROUP ? count - start : GROUP;
        const float *rows[GROUP];
        float sums[GROUP] = {0};
        for (size_t i = 0; i < GROUP; i++) rows[i] = vectors + items[start + (i < group ? i : 0)] * stride;
        for (size_t d = 0; d < dimensions; d++) {
            for (size_t i = 0; i < GROUP; i++) sums[i] = __builtin_fmaf(user[d], rows[i][d], sums[i]);
        }
        memcpy(scores + start, sums, group * sizeof *sums);
    }
}

#endif
