#include "CKernels.h"

#include <string.h>

// Plain C that compilers turn into vectors; one copy for each instruction set.
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef int32_t Integers __attribute__((vector_size(4 * LANES)));
typedef uint64_t Products __attribute__((vector_size(8 * LANES)));

// ln u for u in (0, 1] (Cephes' logf: u = m · 2ᵉ, √½ ≤ m < √2, and a polynomial in m − 1).
#define LOGARITHM(u, result)                                                                     \
    do {                                                                                         \
        const Words shifted = (Words)(u) - 0x3F3504F3u;                                          \
        const Floats e = __builtin_convertvector((Integers)shifted >> 23, Floats);               \
        const Floats m = (Floats)((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1;                    \
        Floats p = 7.0376836292e-2f * m - 1.1514610310e-1f;                                      \
        p = p * m + 1.1676998740e-1f;                                                            \
        p = p * m - 1.2420140846e-1f;                                                            \
        p = p * m + 1.4249322787e-1f;                                                            \
        p = p * m - 1.6668057665e-1f;                                                            \
        p = p * m + 2.0000714765e-1f;                                                            \
        p = p * m - 2.4999993993e-1f;                                                            \
        p = p * m + 3.3333331174e-1f;                                                            \
        result = (p * m - 0.5f) * (m * m) + m + e * 0.69314718056f;                              \
    } while (0)

// Two normal numbers of two words: the radius √(−2 ln u), and an angle of which the upper two bits of `turn` are the
// quadrant, counted clockwise, and the others the place in it, from −π/4 to π/4 (Cephes' sinf and cosf).
#define PAIR(word, turn, one, other)                                                                            \
    do {                                                                                                        \
        const Floats u = (__builtin_convertvector((Integers)((word) >> 8), Floats) + 0.5f) * 0x1p-24f;          \
        Floats logarithm;                                                                                       \
        LOGARITHM(u, logarithm);                                                                                \
        const Floats least = -2 * logarithm;                                                                    \
        const Words radius = (Words)__builtin_elementwise_sqrt((Floats)((Words)least & (Words)(least > 0)));    \
        const Integers place = (Integers)(((turn) << 2) >> 8);                                                  \
        const Floats t = (__builtin_convertvector(place, Floats) * 0x1p-24f - 0.5f) * 1.57079632679f;           \
        const Floats s = t * t;                                                                                 \
        const Floats half = (-1.9515295891e-4f * s + 8.3321608736e-3f) * s - 1.6666654611e-1f;                  \
        const Words sine = (Words)(half * s * t + t);                                                           \
        const Floats even = (2.443315711809948e-5f * s - 1.388731625493765e-3f) * s + 4.166664568298827e-2f;    \
        const Words cosine = (Words)(even * s * s - 0.5f * s + 1);                                              \
        const Words odd = 0u - (((turn) >> 30) & 1u);                                                           \
        const Floats x = (Floats)((sine & odd) | (cosine & ~odd)), y = (Floats)((cosine & odd) | (sine & ~odd)); \
        const Words below = (turn) & 0x80000000u, beside = (((turn) << 1) ^ (turn)) & 0x80000000u;              \
        one = (Floats)((Words)((Floats)radius * x) ^ below);                                                    \
        other = (Floats)((Words)((Floats)radius * y) ^ beside);                                                 \
    } while (0)

INLINE void normals(const uint32_t *key, const uint32_t *stream, uint64_t counter, float *out, size_t count) {
    for (size_t done = 0; done < count; done += 4 * LANES) {
        Words c0, c1, c2 = (Words){0} + stream[0], c3 = (Words){0} + stream[1];
        for (int i = 0; i < LANES; i++) {
            const uint64_t c = counter + done / 4 + (uint64_t)i;
            c0[i] = (uint32_t)c;
            c1[i] = (uint32_t)(c >> 32);
        }
        uint32_t k0 = key[0], k1 = key[1];
        for (int round = 0; round < 10; round++) {
            const Products p0 = __builtin_convertvector(c0, Products) * 0xD2511F53u;
            const Products p1 = __builtin_convertvector(c2, Products) * 0xCD9E8D57u;
            c0 = __builtin_convertvector(p1 >> 32, Words) ^ c1 ^ k0;
            c2 = __builtin_convertvector(p0 >> 32, Words) ^ c3 ^ k1;
            c1 = __builtin_convertvector(p1, Words);
            c3 = __builtin_convertvector(p0, Words);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        Floats z[4];
        PAIR(c0, c1, z[0], z[1]);
        PAIR(c2, c3, z[2], z[3]);
        const size_t here = (count - done) / 4 < LANES ? (count - done) / 4 : LANES;
        for (size_t i = 0; i < here; i++) {
            for (size_t j = 0; j < 4; j++) out[done + 4 * i + j] = z[j][i];
        }
    }
}

INLINE void scatter_rows(const sk_gibbs_rows *rows, size_t from, size_t to, double *sum, double *scatter) {
    const size_t width = rows->width, n = width + 1;
    for (size_t row = from; row < to; row++) {
        const float *x = rows->factors + row * rows->stride;
        const double bias = (double)rows->biases[row];
        for (size_t i = 0; i < n; i++) {
            const double xi = i < width ? (double)x[i] : bias;
            double *line = scatter + i * n;
            const size_t end = i < width ? i + 1 : width;
            for (size_t j = 0; j < end; j++) line[j] += xi * (double)x[j];
            sum[i] += xi;
        }
        scatter[n * n - 1] += bias * bias;
    }
}

#define VERSIONS(suffix, target)                                                                                      \
    target static void normals_##suffix(                                                                              \
        const uint32_t *key, const uint32_t *stream, uint64_t counter, float *out, size_t count) {                    \
        normals(key, stream, counter, out, count);                                                                    \
    }                                                                                                                 \
    target static void scatter_##suffix(                                                                              \
        const sk_gibbs_rows *rows, size_t from, size_t to, double *sum, double *scatter) {                            \
        scatter_rows(rows, from, to, sum, scatter);                                                                   \
    }

VERSIONS(plain, )
#if defined(__x86_64__)
VERSIONS(avx2, __attribute__((target("avx2,fma"))))
VERSIONS(avx512, __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512))))
#define CHOOSE(name, ...)                                       \
    if (isa >= SK_ISA_AVX512) return name##_avx512(__VA_ARGS__); \
    if (isa >= SK_ISA_AVX2) return name##_avx2(__VA_ARGS__);     \
    return name##_plain(__VA_ARGS__)
#else
#define CHOOSE(name, ...) \
    (void)isa;            \
    return name##_plain(__VA_ARGS__)
#endif

void sk_normals(const uint32_t key[2], const uint32_t stream[2], uint64_t counter, float *out, size_t count, int isa) {
    CHOOSE(normals, key, stream, counter, out, count);
}

void sk_gibbs_scatter(const sk_gibbs_rows *rows, size_t from, size_t to, double *sum, double *scatter, int isa) {
    CHOOSE(scatter, rows, from, to, sum, scatter);
}
