#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#define NAME sk_sgd_avx512
#define VECTOR __m512
#define LANES 16
#define LOAD(p) _mm512_load_ps(p)
#define STORE(p, v) _mm512_store_ps(p, v)
#define SET(x) _mm512_set1_ps(x)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define ZERO() _mm512_setzero_ps()
#define SUM(v) _mm512_reduce_add_ps(v)

// The sums of a vector's four quarters.
TARGET static inline __m128 quarters(__m512 v) {
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

TARGET static inline __m128 SUMS2(__m512 a, __m512 b) {
    __m128 ab = quarters(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
    return _mm_add_ps(ab, _mm_movehl_ps(ab, ab));
}

TARGET static inline __m128 SUMS4(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512d ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
    __m512d cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
    __m512 low = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), high = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
    return quarters(_mm512_add_ps(low, high));
}

TARGET static inline __attribute__((always_inline)) void SPREAD(__m128 x, __m512 *to, const size_t m) {
    const __m512 wide = _mm512_castps128_ps512(x);
    for (size_t j = 0; j < m; j++) to[j] = _mm512_permutexvar_ps(_mm512_set1_epi32((int)j), wide);
}

#include "sgd_groups.inc"
#endif
