#if defined(__x86_64__)

#include "filter_lists.h"

// Exact scores, 16 items side by side: four dimensions of each are loaded and transposed, then each item's sum goes on
// in the order of the dimensions, as it does in sk_rank_scores. The next items are fetched meanwhile.
SK_INLINE SK_VNNI void score(
    const sk_filter_index *index, const float *user, const uint32_t *rows, size_t count, float *scores) {
    enum { GROUP = 16, LINE = 16 };
    const size_t dimensions = index->dimensions;
    for (size_t start = 0; start < count; start += GROUP) {
        const float *items[GROUP];
        for (size_t i = 0; i < GROUP; i++) {
            items[i] = index->vectors + index->stride * rows[start + i < count ? start + i : start];
            if (start + GROUP + i >= count) continue;
            const float *next = index->vectors + index->stride * rows[start + GROUP + i];
            for (size_t d = 0; d < dimensions; d += LINE) __builtin_prefetch(next + d);
        }
        __m512 sums = _mm512_setzero_ps();
        for (size_t d = 0; d < dimensions; d += 4) {
            // Rows are padded to 16 floats, so four can always be loaded.
            __m512 r[4];
            SK_UNROLL for (size_t i = 0; i < 4; i++) {
                r[i] = _mm512_broadcast_f32x4(_mm_loadu_ps(items[i] + d));
                r[i] = _mm512_mask_broadcast_f32x4(r[i], 0x00f0, _mm_loadu_ps(items[i + 4] + d));
                r[i] = _mm512_mask_broadcast_f32x4(r[i], 0x0f00, _mm_loadu_ps(items[i + 8] + d));
                r[i] = _mm512_mask_broadcast_f32x4(r[i], 0xf000, _mm_loadu_ps(items[i + 12] + d));
            }
            const __m512d low = _mm512_castps_pd(_mm512_unpacklo_ps(r[0], r[1]));
            const __m512d high = _mm512_castps_pd(_mm512_unpackhi_ps(r[0], r[1]));
            const __m512d next_low = _mm512_castps_pd(_mm512_unpacklo_ps(r[2], r[3]));
            const __m512d next_high = _mm512_castps_pd(_mm512_unpackhi_ps(r[2], r[3]));
            const __m512 columns[4] = {
                _mm512_castpd_ps(_mm512_unpacklo_pd(low, next_low)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(low, next_low)),
                _mm512_castpd_ps(_mm512_unpacklo_pd(high, next_high)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(high, next_high))};
            // Padding must not be added: -0 + 0 is 0.
            SK_UNROLL for (size_t i = 0; i < 4; i++) {
                if (d + i < dimensions) sums = _mm512_fmadd_ps(_mm512_set1_ps(user[d + i]), columns[i], sums);
            }
        }
        _mm512_mask_storeu_ps(scores + start, sk_lanes(count - start), sums);
    }
}

// Sorts few different numbers by counting, for each, those below it: no branch to guess wrong. `sorted` has room for
// `count`, `keys` and `places` for `count` rounded up to 8.
SK_INLINE SK_VNNI void sort_few(const uint64_t *keys, uint32_t count, uint64_t *sorted) {
    const __m512i one = _mm512_set1_epi64(1);
    for (uint32_t i = 0; i < count; i += 8) {
        const __m512i own = _mm512_loadu_si512(keys + i);
        __m512i below = _mm512_setzero_si512();
        for (uint32_t j = 0; j < count; j++) {
            const __mmask8 less = _mm512_cmplt_epu64_mask(_mm512_set1_epi64((long long)keys[j]), own);
            below = _mm512_mask_add_epi64(below, less, below, one);
        }
        const __mmask8 lanes = (__mmask8)sk_lanes(count - i < 8 ? count - i : 8);
        _mm512_mask_i64scatter_epi64(sorted, lanes, below, own, sizeof *sorted);
    }
}

SK_VNNI int32_t sk_filter_finish(
    const sk_filter_index *index, const sk_filter_work *work, size_t slot, const float *user, uint32_t *items,
    float *scores) {
    enum { FEW = 256 };
    sk_filter_tile *tile = &work->tiles[slot / SK_FILTER_TILE];
    const size_t lane = slot % SK_FILTER_TILE;
    if (tile->given_up >> lane & 1) return -1;
    sk_filter_shrink(work, tile, lane, slot, work->top);
    const uint32_t found = tile->count[lane];
    uint32_t *rows = work->places + slot * work->step;
    for (uint32_t i = 0; i < found; i++) rows[i] = index->rows[rows[i]];
    score(index, user, rows, found, work->scores);

    // Those that reach the edge; more than `top` if there are ties.
    const float edge = found > work->top ? sk_edge(work->scores, found, work->top, work->top) : -INFINITY;
    uint64_t *keys = work->keys;
    uint32_t count = 0;
    for (uint32_t i = 0; i < found; i++) {
        keys[count] = sk_rank_key(work->scores[i], rows[i]);
        count += work->scores[i] >= edge;
    }
    if (count <= FEW) {
        sort_few(keys, count, work->keys + work->step);
        keys = work->keys + work->step;
    } else {
        keys = sk_rank_sort(keys, count);
    }
    if (count > work->top) count = work->top;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (uint32_t)keys[i];
        scores[i] = sk_rank_key_score(keys[i]);
        // A key does not tell -0 from 0.
        if (scores[i] == 0) score(index, user, &items[i], 1, &scores[i]);
    }
    return (int32_t)count;
}

#endif
