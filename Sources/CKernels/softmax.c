#include "CKernels.h"
#include "exponential.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef float vector __attribute__((vector_size(64)));
enum {
    LANES = 16,
    PANEL = SK_SOFTMAX_PANEL,
    CACHED = 1 << 17, // floats of scores at a time: half a megabyte
    TOGETHER = 12,    // users in whole tiles of every kind
    DEPTH = 64,       // items whose vectors stay in the nearest cache while several users are multiplied by them
};

// Rows of scores are not a multiple of a page apart, where lines of the cache would push each other out; and the last tile of
// items may reach beyond them.
static size_t row_stride(size_t count) { return count + LANES; }

// Users whose scores are held at a time.
static size_t block_users(size_t count) {
    const size_t users = CACHED / row_stride(count) / TOGETHER * TOGETHER;
    return users < TOGETHER ? TOGETHER : users > 96 ? 96 : users;
}

#define TARGET
#define NAMED(step) softmax_##step##_plain
enum { softmax_ROWS_plain = 2, softmax_WIDE_plain = 1 };
#include "softmax.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) softmax_##step##_avx2
enum { softmax_ROWS_avx2 = 6, softmax_WIDE_avx2 = 1 };
#include "softmax.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) softmax_##step##_avx512
enum { softmax_ROWS_avx512 = 6, softmax_WIDE_avx512 = 4 };
#include "softmax.inc"
#undef TARGET
#undef NAMED
#endif

size_t sk_softmax_scratch(size_t width, size_t count, size_t longest) {
    return block_users(count) * (2 * width + row_stride(count)) + longest;
}

void sk_softmax_pack(
    const float *vectors, size_t count, size_t length, size_t width, float *items, float *panels) {
    const size_t whole = (count + PANEL - 1) / PANEL * PANEL;
    for (size_t j = 0; j < whole; j++) {
        float *row = items + j * width;
        const size_t given = j < count ? length : 0;
        if (given) memcpy(row, vectors + j * length, length * sizeof(float));
        memset(row + given, 0, (width - given) * sizeof(float));
        float *column = panels + j / PANEL * width * PANEL + j % PANEL;
        for (size_t c = 0; c < width; c++) column[c * PANEL] = row[c];
    }
}

void sk_softmax_users(
    const sk_softmax *s, const float *users, size_t length, size_t count, const uint32_t *starts, const uint32_t *own,
    float *scratch, float *user_gradients, float *item_gradients, float *losses, int isa) {
    (void)isa;
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX512) {
        softmax_users_avx512(s, users, length, count, starts, own, scratch, user_gradients, item_gradients, losses);
        return;
    }
    if (isa >= SK_ISA_AVX2) {
        softmax_users_avx2(s, users, length, count, starts, own, scratch, user_gradients, item_gradients, losses);
        return;
    }
#endif
    softmax_users_plain(s, users, length, count, starts, own, scratch, user_gradients, item_gradients, losses);
}
