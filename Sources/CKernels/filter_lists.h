// Candidates of the filter: those that a tile found, cut down as the threshold rises.
#ifndef STARLING_FILTER_LISTS_H
#define STARLING_FILTER_LISTS_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "rank_sort.h"
#include "sk_filter.h"

#define SK_VNNI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma,popcnt")))
// For loops over registers.
#define SK_UNROLL _Pragma("clang loop unroll(full)")

// The first `left` lanes, or all 16.
SK_INLINE SK_VNNI __mmask16 sk_lanes(size_t left) {
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

SK_INLINE SK_VNNI uint32_t sk_count_from(const float *values, uint32_t count, float bound) {
    const __m512 edge = _mm512_set1_ps(bound);
    uint32_t above = 0;
    for (uint32_t i = 0; i < count; i += 16) {
        const __m512 value = _mm512_loadu_ps(values + i);
        above += (uint32_t)__builtin_popcount(_mm512_mask_cmp_ps_mask(sk_lanes(count - i), value, edge, _CMP_GE_OQ));
    }
    return above;
}

// A bound that at least `top` of `count` finite values reach, and no more than `most` if bisection gets there.
SK_INLINE SK_VNNI float sk_edge(const float *values, uint32_t count, uint32_t top, uint32_t most) {
    __m512 lowest = _mm512_set1_ps(INFINITY), highest = _mm512_set1_ps(-INFINITY);
    for (uint32_t i = 0; i < count; i += 16) {
        const __mmask16 lanes = sk_lanes(count - i);
        const __m512 value = _mm512_loadu_ps(values + i);
        lowest = _mm512_mask_min_ps(lowest, lanes, lowest, value);
        highest = _mm512_mask_max_ps(highest, lanes, highest, value);
    }
    float low = _mm512_reduce_min_ps(lowest), high = _mm512_reduce_max_ps(highest);
    uint32_t kept = count;
    while (kept > most) {
        const float middle = 0.5f * low + 0.5f * high;
        if (!(middle > low && middle < high)) break;
        const uint32_t above = sk_count_from(values, count, middle);
        if (above >= top) {
            low = middle;
            kept = above;
        } else {
            high = middle;
        }
    }
    return low;
}

// Raises a user's threshold to a `low` that at least `top` candidates reach, and not many more than `most`, and drops
// the candidates whose `high` is below it.
SK_INLINE SK_VNNI void sk_filter_shrink(
    const sk_filter_work *work, sk_filter_tile *tile, size_t user, size_t slot, uint32_t most) {
    const uint32_t count = tile->count[user];
    if (count < work->top) return;
    float *const low = work->low + slot * work->step, *const high = work->high + slot * work->step;
    uint32_t *const places = work->places + slot * work->step;
    float threshold = sk_edge(low, count, work->top, most);
    // The old one is a lower bound as well.
    threshold = fmaxf(threshold, tile->threshold[user]);
    const __m512 edge = _mm512_set1_ps(threshold);
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; i += 16) {
        const __m512 lows = _mm512_loadu_ps(low + i), highs = _mm512_loadu_ps(high + i);
        const __m512i here = _mm512_loadu_si512(places + i);
        const __mmask16 kept = _mm512_mask_cmp_ps_mask(sk_lanes(count - i), highs, edge, _CMP_GE_OQ);
        _mm512_storeu_ps(low + end, _mm512_maskz_compress_ps(kept, lows));
        _mm512_storeu_ps(high + end, _mm512_maskz_compress_ps(kept, highs));
        _mm512_storeu_si512(places + end, _mm512_maskz_compress_epi32(kept, here));
        end += (uint32_t)__builtin_popcount(kept);
    }
    tile->count[user] = end;
    tile->threshold[user] = threshold;
}

// Makes room in a user's list, or gives the user up if too many candidates are too near to each other.
SK_VNNI __attribute__((noinline)) static void sk_filter_make_room(
    const sk_filter_work *work, sk_filter_tile *tile, size_t user, size_t slot) {
    const uint32_t room = work->capacity - SK_FILTER_PANEL, spare = room - work->top;
    sk_filter_shrink(work, tile, user, slot, work->top + spare / 4);
    if (tile->count[user] <= room - spare / 2) return;
    sk_filter_shrink(work, tile, user, slot, work->top);
    if (tile->count[user] <= room - spare / 8) return;
    tile->given_up |= 1u << user;
    // Nothing reaches it, so no more will come.
    tile->threshold[user] = INFINITY;
    tile->count[user] = 0;
}

// Takes those of a panel's 32 scores whose bit is set: all at first, few once the threshold has risen.
SK_INLINE SK_VNNI void sk_filter_take(
    const sk_filter_work *work, sk_filter_tile *tile, size_t user, size_t slot, const float *scores, uint32_t mask,
    uint32_t first_place) {
    enum { FEW = 4 };
    float *const low = work->low + slot * work->step, *const high = work->high + slot * work->step;
    uint32_t *const places = work->places + slot * work->step;
    const float error = tile->error[user];
    uint32_t count = tile->count[user];
    if (__builtin_popcount(mask) <= FEW) {
        for (; mask; mask &= mask - 1, count++) {
            const uint32_t lane = (uint32_t)__builtin_ctz(mask);
            low[count] = scores[lane] - error;
            high[count] = scores[lane] + error;
            places[count] = first_place + lane;
        }
    } else {
        const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        for (uint32_t half = 0; half < SK_FILTER_PANEL; half += 16) {
            const __mmask16 taken = (__mmask16)(mask >> half);
            const __m512 score = _mm512_maskz_compress_ps(taken, _mm512_load_ps(scores + half));
            const __m512i place = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(first_place + half)));
            _mm512_storeu_ps(low + count, _mm512_sub_ps(score, _mm512_set1_ps(error)));
            _mm512_storeu_ps(high + count, _mm512_add_ps(score, _mm512_set1_ps(error)));
            _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(taken, place));
            count += (uint32_t)__builtin_popcount(taken);
        }
    }
    tile->count[user] = count;
    if (count > work->capacity - SK_FILTER_PANEL) sk_filter_make_room(work, tile, user, slot);
}

#endif
