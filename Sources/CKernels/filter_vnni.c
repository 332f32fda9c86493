#if defined(__x86_64__)

#include "filter_lists.h"

// The bits of the float 1.5 × 2²³. An integer x of less than 2²² added to them gives the bits of 1.5 × 2²³ + x, so
// that sums that start here need no conversion.
#define MAGIC_BITS 0x4B400000

// Rounds a user's vector to integers. False if that cannot be done or bounded.
SK_INLINE SK_VNNI int quantise(
    const sk_filter_index *index, const float *user, sk_filter_tile *tile, size_t lane, int32_t *packed) {
    const size_t columns = index->column_count, dimensions = index->dimensions;
    __m512 largest = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
    for (size_t c = 0; c < columns; c += 16) {
        const __m512i column = _mm512_loadu_si512(index->columns + c);
        const __m512 value =
            _mm512_mask_i32gather_ps(_mm512_setzero_ps(), sk_lanes(columns - c), column, user, sizeof *user);
        largest = _mm512_max_ps(_mm512_abs_ps(value), largest);
    }
    const float most = _mm512_reduce_max_ps(largest);
    if (!(most >= 1 / SK_FILTER_LARGEST && most <= SK_FILTER_LARGEST)) return 0;
    const __m512 inverse = _mm512_set1_ps((float)index->range / most);
    for (size_t d = 0; d < dimensions; d += 16) {
        const __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(sk_lanes(dimensions - d), user + d), inverse);
        squares = _mm512_fmadd_ps(value, value, squares);
    }
    const float length = sqrtf(_mm512_reduce_add_ps(squares));
    // Not so for NaN.
    if (!(length <= SK_FILTER_LARGEST)) return 0;

    __m512 errors = _mm512_setzero_ps();
    __m512i sum = _mm512_setzero_si512(), sum_of_squares = _mm512_setzero_si512();
    for (size_t c = 0; c < columns; c += 16) {
        const __m512i column = _mm512_loadu_si512(index->columns + c);
        const __m512 value = _mm512_mul_ps(
            inverse,
            _mm512_mask_i32gather_ps(_mm512_setzero_ps(), sk_lanes(columns - c), column, user, sizeof *user));
        const __m512i whole = _mm512_cvtps_epi32(value);
        const __m512 error = _mm512_sub_ps(value, _mm512_cvtepi32_ps(whole));
        errors = _mm512_fmadd_ps(error, error, errors);
        sum = _mm512_add_epi32(sum, whole);
        sum_of_squares = _mm512_add_epi32(sum_of_squares, _mm512_mullo_epi32(whole, whole));
        int32_t fours[4];
        _mm_storeu_si128((__m128i *)fours, _mm512_cvtepi32_epi8(whole));
        for (size_t g = c / 4; g < index->groups && g < c / 4 + 4; g++) {
            packed[g * SK_FILTER_TILE + lane] = fours[g - c / 4];
        }
    }
    tile->threshold[lane] = -INFINITY;
    // Scaling to units of s rounds each value by at most 2^-17 of a unit.
    tile->rounding[lane] = 1.001f * sqrtf(_mm512_reduce_add_ps(errors)) + 0x1p-17f * sqrtf((float)columns);
    tile->length[lane] = 1.001f * sqrtf((float)_mm512_reduce_add_epi32(sum_of_squares));
    // The exact score takes `dimensions` roundings of at most |u||i| / 2^24; the way to a candidate's `low` and `high`
    // a handful more; what underflows is less than 1e-25.
    tile->slack[lane] = 1.001f * (float)(dimensions + 64) * 0x1p-24f * length * index->longest + 1e-25f;
    tile->side[lane] = user[index->side] * ((float)index->range / most);
    tile->start[lane] = MAGIC_BITS - 128 * _mm512_reduce_add_epi32(sum);
    return tile->slack[lane] < INFINITY;
}

// 12 users × 32 items: 24 of the 32 registers hold sums, and each step of four dimensions loads 14 times for 24
// multiply-adds. Then scores, and those that reach their user's limit become candidates.
SK_INLINE SK_VNNI void tile_of(
    const size_t width, const sk_filter_index *index, const sk_filter_work *work, size_t number, size_t panel) {
    sk_filter_tile *tile = &work->tiles[number];
    const size_t groups = index->groups, first = panel * SK_FILTER_PANEL;
    const int32_t *packed = work->packed + number * groups * SK_FILTER_TILE;
    const uint8_t *items = index->panels + panel * groups * SK_FILTER_PANEL * SK_FILTER_GROUP;
    __m512i sums[SK_FILTER_TILE][2];
    SK_UNROLL for (size_t u = 0; u < width; u++) sums[u][0] = sums[u][1] = _mm512_set1_epi32(tile->start[u]);
    for (size_t g = 0; g < groups; g++) {
        const __m512i left = _mm512_load_si512(items + g * 128), right = _mm512_load_si512(items + g * 128 + 64);
        SK_UNROLL for (size_t u = 0; u < width; u++) {
            const __m512i four = _mm512_set1_epi32(packed[g * SK_FILTER_TILE + u]);
            sums[u][0] = _mm512_dpbusd_epi32(sums[u][0], left, four);
            sums[u][1] = _mm512_dpbusd_epi32(sums[u][1], right, four);
        }
    }
    __m512 scores[SK_FILTER_TILE][2];
    uint32_t masks[SK_FILTER_TILE], hit = 0;
    SK_UNROLL for (size_t u = 0; u < width; u++) {
        const __m512 side = _mm512_set1_ps(tile->side[u]), limit = _mm512_set1_ps(tile->limit[u]);
        uint32_t mask = 0;
        SK_UNROLL for (size_t half = 0; half < 2; half++) {
            const size_t place = first + half * 16;
            const __m512 lifted = _mm512_fmadd_ps(
                side, _mm512_load_ps(index->sides + place), _mm512_load_ps(index->lifts + place));
            scores[u][half] = _mm512_fmadd_ps(
                _mm512_castsi512_ps(sums[u][half]), _mm512_load_ps(index->scales + place), lifted);
            mask |= (uint32_t)_mm512_cmp_ps_mask(scores[u][half], limit, _CMP_GE_OQ) << half * 16;
        }
        masks[u] = mask;
        hit |= (uint32_t)(mask != 0) << u;
    }
    if (!hit) return;
    float stored[SK_FILTER_TILE][SK_FILTER_PANEL] __attribute__((aligned(64)));
    SK_UNROLL for (size_t u = 0; u < width; u++) {
        _mm512_store_ps(stored[u], scores[u][0]);
        _mm512_store_ps(stored[u] + 16, scores[u][1]);
    }
    const uint32_t *barred = work->barred + (number * index->panel_count + panel) * SK_FILTER_TILE;
    for (; hit; hit &= hit - 1) {
        const size_t u = (size_t)__builtin_ctz(hit);
        sk_filter_take(
            work, tile, u, number * SK_FILTER_TILE + u, stored[u], masks[u] & ~barred[u], (uint32_t)first);
    }
}

typedef void tile_function(
    const sk_filter_index *index, const sk_filter_work *work, size_t number, size_t panel);

#define TILE(width)                                                                                            \
    SK_VNNI static void tile_##width(                                                                          \
        const sk_filter_index *index, const sk_filter_work *work, size_t number, size_t panel) {               \
        tile_of(width, index, work, number, panel);                                                            \
    }
TILE(12) TILE(8) TILE(4) TILE(2) TILE(1)

static tile_function *function_for(uint32_t users) {
    return users > 8 ? tile_12 : users > 4 ? tile_8 : users > 2 ? tile_4 : users > 1 ? tile_2 : tile_1;
}

// The limits of a tile's users in a panel. False if no item of the panel can reach any.
SK_INLINE SK_VNNI int set_limits(sk_filter_tile *tile, const sk_filter_bound *bound) {
    const __m512 length = _mm512_loadu_ps(tile->length), side = _mm512_loadu_ps(tile->side);
    const __m512 item_length = _mm512_set1_ps(bound->length), item_error = _mm512_set1_ps(bound->error);
    const __m512 error = _mm512_fmadd_ps(
        _mm512_loadu_ps(tile->rounding), item_length,
        _mm512_fmadd_ps(length, item_error, _mm512_loadu_ps(tile->slack)));
    const __m512 limit = _mm512_sub_ps(_mm512_loadu_ps(tile->threshold), error);
    _mm512_storeu_ps(tile->error, error);
    _mm512_storeu_ps(tile->limit, limit);
    const __m512 sides = _mm512_max_ps(
        _mm512_mul_ps(side, _mm512_set1_ps(bound->side_low)), _mm512_mul_ps(side, _mm512_set1_ps(bound->side_high)));
    // |ĩ| c is at most |i'| + |i' - c ĩ|. The slack, added once more, covers the roundings of this sum.
    const __m512 best = _mm512_add_ps(
        _mm512_fmadd_ps(length, _mm512_add_ps(item_length, item_error), sides), _mm512_loadu_ps(tile->slack));
    return _mm512_cmp_ps_mask(best, limit, _CMP_GE_OQ) != 0;
}

SK_VNNI void sk_filter_block(
    const sk_filter_index *index, const sk_filter_work *work, const float *users, size_t stride, size_t user_count) {
    const size_t tiles = (user_count + SK_FILTER_TILE - 1) / SK_FILTER_TILE;
    const size_t packed = index->groups * SK_FILTER_TILE;
    for (size_t t = 0; t < tiles; t++) {
        sk_filter_tile *tile = &work->tiles[t];
        memset(tile, 0, sizeof *tile);
        memset(work->packed + t * packed, 0, packed * sizeof *work->packed);
        const size_t left = user_count - t * SK_FILTER_TILE;
        tile->users = (uint32_t)(left < SK_FILTER_TILE ? left : SK_FILTER_TILE);
        for (size_t u = 0; u < SK_FILTER_LANES; u++) tile->threshold[u] = INFINITY;
        for (size_t u = 0; u < tile->users; u++) {
            const float *user = users + (t * SK_FILTER_TILE + u) * stride;
            if (quantise(index, user, tile, u, work->packed + t * packed)) continue;
            tile->given_up |= 1u << u;
            tile->threshold[u] = INFINITY;
            tile->rounding[u] = tile->length[u] = tile->slack[u] = tile->side[u] = 0;
        }
    }
    for (size_t p = 0; p < index->panel_count; p++) {
        for (size_t t = 0; t < tiles; t++) {
            if (set_limits(&work->tiles[t], &index->bounds[p])) {
                function_for(work->tiles[t].users)(index, work, t, p);
            }
        }
    }
}

#endif
