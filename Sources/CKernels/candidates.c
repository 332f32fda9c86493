#include "CKernels.h"
#include "exponential.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef float vector __attribute__((vector_size(64)));
typedef float loose __attribute__((vector_size(64), aligned(4)));
enum {
    LANES = 16,
    TOGETHER = 4, // candidates whose products are summed at a time
    LISTED = 512, // candidates of a place that are picked at a time
    AHEAD = 16,   // candidates until one whose item is fetched is due
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

// Fetches the item of a later candidate, or of the last: tables may be larger than any cache.
static void prefetch(const sk_candidates *k, size_t at) {
    const float *item = k->items + k->candidates[least(at, k->count * k->each - 1)] * k->width;
    for (size_t i = 0; i < k->width; i += LANES) __builtin_prefetch(item + i);
}

// log(1 + e) for 0 ≤ e ≤ 1, within 2e-7 of its own size, as in Cephes' logf: from √2 − 1 on, log 2 more than the logarithm
// of (1 + e) / 2.
static inline __attribute__((always_inline)) float logarithm_above_one(float e) {
    const int high = e > 0.41421356f;
    const float x = high ? 0.5f * e - 0.5f : e, z = x * x;
    float y = 7.0376836292e-2f;
    y = y * x - 1.1514610310e-1f;
    y = y * x + 1.1676998740e-1f;
    y = y * x - 1.2420140846e-1f;
    y = y * x + 1.4249322787e-1f;
    y = y * x - 1.6668057665e-1f;
    y = y * x + 2.0000714765e-1f;
    y = y * x - 2.4999993993e-1f;
    y = y * x + 3.3333331174e-1f;
    y = y * x * z - 0.5f * z + x;
    return high ? y + 0.69314718f : y;
}

// The sum of 16, which does not leave them as they were.
static inline __attribute__((always_inline)) float total(float *lanes) {
#pragma clang loop unroll(full)
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) lanes[l] += lanes[l + half];
    return lanes[0];
}

// Vectors shorter than LANES are not worth more than this.
static void narrow_scores(const sk_candidates *k, size_t n, float *logits) {
    const float *place = k->places + n * k->stride;
    for (size_t c = n * k->each; c < (n + 1) * k->each; c++) {
        const float *item = k->items + k->candidates[c] * k->width;
        float sum = 0;
        for (size_t i = 0; i < k->width; i++) sum += place[i] * item[i];
        logits[c] = sum;
    }
}

static void narrow_place(const sk_candidates *k, const float *gradients, size_t n, float *out) {
    for (size_t i = 0; i < k->width; i++) out[i] = 0;
    for (size_t c = n * k->each; c < (n + 1) * k->each; c++) {
        const float *item = k->items + k->candidates[c] * k->width;
        for (size_t i = 0; i < k->width; i++) out[i] += gradients[c] * item[i];
    }
}

static void narrow_items(
    const float *place, const uint32_t *rows, const float *weights, const uint32_t *picked, size_t count, size_t width,
    float *out) {
    for (size_t j = 0; j < count; j++)
        for (size_t i = 0; i < width; i++) out[rows[picked[j]] * width + i] += weights[picked[j]] * place[i];
}

#define TARGET
#define NAMED(step) candidates_##step##_plain
enum { candidates_WIDE_plain = 2 };
#include "candidates.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) candidates_##step##_avx2
enum { candidates_WIDE_avx2 = 4 };
#include "candidates.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) candidates_##step##_avx512
enum { candidates_WIDE_avx512 = 8 };
#include "candidates.inc"
#undef TARGET
#undef NAMED

#define DISPATCH(step, ...)                                                    \
    if (isa >= SK_ISA_AVX512) return candidates_##step##_avx512(__VA_ARGS__);  \
    if (isa >= SK_ISA_AVX2) return candidates_##step##_avx2(__VA_ARGS__);
#else
#define DISPATCH(step, ...)
#endif

void sk_candidates_scores(const sk_candidates *candidates, size_t first, size_t last, float *logits, int isa) {
    (void)isa;
    DISPATCH(scores, candidates, first, last, logits)
    candidates_scores_plain(candidates, first, last, logits);
}

void sk_candidates_places(
    const sk_candidates *candidates, const float *gradients, size_t first, size_t last, float *place_gradients,
    size_t stride, int isa) {
    (void)isa;
    DISPATCH(places, candidates, gradients, first, last, place_gradients, stride)
    candidates_places_plain(candidates, gradients, first, last, place_gradients, stride);
}

void sk_candidates_items(
    const sk_candidates *candidates, const float *gradients, uint32_t low, uint32_t high, float *item_gradients,
    int isa) {
    (void)isa;
    DISPATCH(items, candidates, gradients, low, high, item_gradients)
    candidates_items_plain(candidates, gradients, low, high, item_gradients);
}

void sk_candidates_losses(
    const sk_candidates_loss *loss, size_t each, size_t first, size_t last, const float *addends, float *logits,
    float *losses, float *sums, int isa) {
    (void)isa;
    DISPATCH(losses, loss, each, first, last, addends, logits, losses, sums)
    candidates_losses_plain(loss, each, first, last, addends, logits, losses, sums);
}
