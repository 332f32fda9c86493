#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx2,fma")))
#define NAME sk_sgd_avx2
#define VECTOR __m256
#define LANES 8
#define LOAD(p) _mm256_load_ps(p)
#define STORE(p, v) _mm256_store_ps(p, v)
#define SET(x) _mm256_set1_ps(x)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ZERO() _mm256_setzero_ps()
#define SUM(v) _mm_cvtss_f32(SUMS2(v, v))

// The sums of a vector's two halves.
TARGET static inline __m128 halves(__m256 v) {
    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

TARGET static inline __m128 SUMS2(__m256 a, __m256 b) {
    __m128 ab = halves(_mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)));
    return _mm_add_ps(ab, _mm_movehl_ps(ab, ab));
}

TARGET static inline __m128 SUMS4(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256d ab = _mm256_castps_pd(_mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)));
    __m256d cd = _mm256_castps_pd(_mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d)));
    __m256 low = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)), high = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
    return halves(_mm256_add_ps(low, high));
}

TARGET static inline __attribute__((always_inline)) void SPREAD(__m128 x, __m256 *to, const size_t m) {
    to[0] = _mm256_broadcastss_ps(x);
    if (m > 1) to[1] = _mm256_broadcastss_ps(_mm_shuffle_ps(x, x, 0x55));
    if (m > 2) to[2] = _mm256_broadcastss_ps(_mm_shuffle_ps(x, x, 0xAA));
    if (m > 3) to[3] = _mm256_broadcastss_ps(_mm_shuffle_ps(x, x, 0xFF));
}

#include "sgd_groups.inc"
#endif
