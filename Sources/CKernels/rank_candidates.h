// What all versions of the ranker share: the list of candidates of a user. Inlined into each version, so that
// the counting loops are compiled for its instruction set.
#ifndef STARLING_RANK_CANDIDATES_H
#define STARLING_RANK_CANDIDATES_H

#include <math.h>
#include <string.h>

#include "rank_sort.h"
#include "sk_rank.h"

// For loops over registers.
#define SK_UNROLL _Pragma("clang loop unroll(full)")

SK_INLINE uint32_t sk_count_from(const float *scores, uint32_t count, float bound) {
    uint32_t above = 0;
    for (uint32_t i = 0; i < count; i++) above += scores[i] >= bound;
    return above;
}

// Drops candidates that cannot be among the best `top`, keeping between `top` and `most`, and raises the
// threshold. The order stays, so of equal scores at the edge the lower items are kept. The edge is found by
// bisection over the floats' integer order, which stops as soon as few enough are left.
SK_INLINE void sk_rank_shrink(sk_rank_user *state, uint32_t most) {
    const uint32_t count = state->count, top = state->top;
    if (count <= most) return;
    float *scores = state->scores;
    uint32_t *items = state->items;
    // At least `top` scores are ≥ low, fewer are ≥ high.
    int32_t lowest = INT32_MAX, highest = INT32_MIN;
    for (uint32_t i = 0; i < count; i++) {
        const int32_t order = sk_order(scores[i]);
        lowest = order < lowest ? order : lowest;
        highest = order > highest ? order : highest;
    }
    int64_t low = lowest, high = (int64_t)highest + 1;
    uint32_t kept = count;
    while (kept > most && high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        const uint32_t above = sk_count_from(scores, count, sk_float((int32_t)middle));
        if (above >= top) {
            low = middle;
            kept = above;
        } else {
            high = middle;
        }
    }
    const float edge = sk_float((int32_t)low);
    uint32_t end = 0;
    if (kept <= most) {
        for (uint32_t i = 0; i < count; i++) {
            const float score = scores[i];
            scores[end] = score;
            items[end] = items[i];
            end += score >= edge;
        }
    } else {
        // Too many are equal to the edge: only the first of them, up to `top` in all.
        uint32_t ties = top - sk_count_from(scores, count, sk_float((int32_t)high));
        for (uint32_t i = 0; i < count; i++) {
            const float score = scores[i];
            if (score < edge || (score == edge && ties == 0)) continue;
            ties -= score == edge;
            scores[end] = score;
            items[end] = items[i];
            end++;
        }
    }
    state->count = end;
    state->threshold = edge;
}

// Takes those of 32 scores whose bit is set and that are neither forbidden nor seen.
SK_INLINE void sk_rank_take(
    sk_rank_user *state, const float *scores, uint32_t mask, uint32_t allowed, uint32_t first_item) {
    mask &= allowed;
    const uint32_t *seen = state->seen, *const seen_end = state->seen_end;
    const uint64_t end_item = (uint64_t)first_item + SK_RANK_PANEL;
    for (; seen != seen_end && *seen < end_item; seen++) {
        if (*seen >= first_item) mask &= ~(1u << (*seen - first_item));
    }
    state->seen = seen;
    uint32_t count = state->count;
    for (; mask; mask &= mask - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctz(mask);
        state->scores[count] = scores[lane];
        state->items[count] = first_item + lane;
        count++;
    }
    state->count = count;
    if (count + SK_RANK_PANEL > state->capacity) {
        // Half of the room beyond `top` may stay taken, so that an exact cut is seldom needed.
        sk_rank_shrink(state, state->top + (state->capacity - SK_RANK_PANEL - state->top) / 2);
    }
}

// Users side by side, [dimensions][width], as the tiles read them. Users beyond `count` are zeros.
SK_INLINE void sk_rank_pack(
    const float *users, size_t stride, size_t count, size_t width, size_t dimensions, float *packed) {
    for (size_t u = 0; u < width; u++) {
        for (size_t d = 0; d < dimensions; d++) packed[d * width + u] = u < count ? users[u * stride + d] : 0;
    }
}

// A tile scores one panel for `width` packed users.
typedef void sk_rank_tile(
    const float *panel, size_t dimensions, const float *packed, sk_rank_user *states, uint32_t allowed,
    uint32_t first_item);

// All panels for a block of users, cut into tiles of widths[0] and a last one of the smallest width that holds
// the rest. `widths` falls; `tiles[i]` is made for widths[i].
SK_INLINE void sk_rank_walk(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states, const size_t *widths, sk_rank_tile *const *tiles, size_t width_count) {
    const size_t full = widths[0], dimensions = index->dimensions;
    const size_t full_tiles = user_count / full, rest = user_count % full;
    for (size_t t = 0; t < full_tiles; t++) {
        sk_rank_pack(users + t * full * stride, stride, full, full, dimensions, packed + t * full * dimensions);
    }
    size_t last = 0;
    while (last + 1 < width_count && widths[last + 1] >= rest) last++;
    float *const packed_rest = packed + full_tiles * full * dimensions;
    sk_rank_user *const states_rest = states + full_tiles * full;
    if (rest) {
        sk_rank_pack(users + full_tiles * full * stride, stride, rest, widths[last], dimensions, packed_rest);
        // Nothing is above +inf, so the surplus lanes never take a candidate.
        for (size_t u = rest; u < widths[last]; u++) states_rest[u].threshold = INFINITY;
    }
    for (size_t p = 0; p < index->panel_count; p++) {
        const float *panel = index->panels + p * dimensions * SK_RANK_PANEL;
        const uint32_t allowed = index->allowed[p], first_item = (uint32_t)(p * SK_RANK_PANEL);
        if (!allowed) continue;
        for (size_t t = 0; t < full_tiles; t++) {
            tiles[0](panel, dimensions, packed + t * full * dimensions, states + t * full, allowed, first_item);
        }
        if (rest) tiles[last](panel, dimensions, packed_rest, states_rest, allowed, first_item);
    }
}

#endif
