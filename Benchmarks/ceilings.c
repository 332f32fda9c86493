// ceilings text|json THREADS SGEMM
// Measures what bounds the hot paths on this machine. Each figure is the best of five passes: a ceiling is what can be
// reached at all. SGEMM, from elsewhere, is passed on.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 5, MOST_THREADS = 256 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

typedef struct {
    int index;
    int threads;
    double work;  // bytes or operations that the thread has done
} share;

typedef double (*body)(share *);

static pthread_barrier_t barrier;
static body running;
static double seconds[PASSES];

static float *large[3];   // of all threads together
static size_t large_count;
static size_t small_count;  // of one thread, half of an L2

// a = b + 3c, from memory: two streams read and one written. The bytes counted are those that the program asks for; the
// lines that a store fetches first are not counted, as in STREAM.
static double triad(share *me)
{
    size_t begin = large_count / me->threads * me->index, end = begin + large_count / me->threads;
    float *restrict a = large[0];
    const float *restrict b = large[1], *restrict c = large[2];
    for (size_t i = begin; i < end; i++) a[i] = b[i] + 3 * c[i];
    return (end - begin) * 3.0 * sizeof(float);
}

static volatile float sink;

// A sum over memory: what a program can read that writes nothing.
static double scan(share *me)
{
    size_t begin = large_count / me->threads * me->index, end = begin + large_count / me->threads;
    float sum = 0;
    for (size_t i = begin; i < end; i++) sum += large[1][i];
    sink = sum;
    return (end - begin) * (double)sizeof(float);
}

// a += 3 b within the L2 cache: one row read and another read and written, as SGD does.
static double update(share *me)
{
    float *restrict a = large[0] + (size_t)me->index * small_count;
    const float *restrict b = large[1] + (size_t)me->index * small_count;
    size_t half = small_count / 2, rounds = 4000;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < half; i++) a[i] += 1e-9f * b[i];
        __asm__ volatile("" ::: "memory");
    }
    return rounds * half * 3.0 * sizeof(float);
}

// Rows of 64 floats at random places in a table of users, read and written back: SGD without an order.
static double scatter(share *me)
{
    size_t rows = large_count / 64, touched = 400000;
    unsigned long long state = 88172645463325252ull + me->index;
    for (size_t n = 0; n < touched; n++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t part = rows / me->threads;
        float *row = large[0] + (part * me->index + state % part) * 64;
        for (int i = 0; i < 64; i++) row[i] += 1e-9f;
    }
    return touched * 2.0 * 64 * sizeof(float);
}

// Ten sums that do not wait for each other keep two multiply-add units busy. The empty statements keep the compiler
// from working the loop out beforehand.
#define STEP(SUM)     \
    SUM = SUM * x + y; \
    __asm__ volatile("" : "+v"(SUM));

#define MULTIPLY_ADDS(WIDTH, NAME)                                                                     \
    typedef float NAME##_vector __attribute__((vector_size(WIDTH)));                                   \
    static double NAME(share *me)                                                                      \
    {                                                                                                  \
        NAME##_vector zero = {0}, x = zero + 0.5f, y = zero + 1e-9f * me->index;                       \
        NAME##_vector a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;            \
        const size_t rounds = 20000000;                                                                \
        for (size_t round = 0; round < rounds; round++) {                                              \
            STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f) STEP(g) STEP(h) STEP(i) STEP(j)            \
        }                                                                                              \
        a += b + c + d + e + f + g + h + i + j;                                                        \
        sink = a[0];                                                                                   \
        return rounds * 10.0 * 2 * (WIDTH / sizeof(float));                                            \
    }

#ifdef __FMA__
MULTIPLY_ADDS(32, multiply_adds_256)
#endif
#ifdef __AVX512F__
MULTIPLY_ADDS(64, multiply_adds_512)
#endif

static void *work(void *context)
{
    share *me = context;
    for (int pass = 0; pass < PASSES; pass++) {
        pthread_barrier_wait(&barrier);
        double start = now();
        me->work = running(me);
        pthread_barrier_wait(&barrier);
        if (me->index == 0) seconds[pass] = now() - start;
    }
    return NULL;
}

// Thousand millions a second, by so many threads together.
static double measure(body function, int threads)
{
    pthread_t handles[MOST_THREADS];
    share shares[MOST_THREADS];
    running = function;
    pthread_barrier_init(&barrier, NULL, threads);
    for (int i = 0; i < threads; i++) {
        shares[i] = (share){i, threads, 0};
        pthread_create(&handles[i], NULL, work, &shares[i]);
    }
    double total = 0, best = 1e30;
    for (int i = 0; i < threads; i++) {
        pthread_join(handles[i], NULL);
        total += shares[i].work;
    }
    for (int pass = 0; pass < PASSES; pass++) best = seconds[pass] < best ? seconds[pass] : best;
    pthread_barrier_destroy(&barrier);
    return total / best / 1e9;
}

int main(int count, char **words)
{
    int json = count > 1 && !strcmp(words[1], "json"), threads = count > 2 ? atoi(words[2]) : 2;
    const char *sgemm = count > 3 ? words[3] : "null";
    if (threads < 1 || threads > MOST_THREADS) return 64;
    long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (l2 <= 0) l2 = 1 << 20;
    small_count = l2 / 2 / sizeof(float);
    large_count = (size_t)1 << 26;  // 256 MiB an array
    for (int i = 0; i < 3; i++) {
        large[i] = aligned_alloc(1 << 21, large_count * sizeof(float));
        if (!large[i]) return 1;
        for (size_t j = 0; j < large_count; j++) large[i][j] = 1;
    }

    struct {
        const char *key, *text, *unit;
        body function;
        int threads;
    } rows[] = {
        {"triad_gb_per_second", "memory, triad", "GB/s", triad, threads},
        {"triad_1_thread_gb_per_second", "memory, triad, one thread", "GB/s", triad, 1},
        {"read_gb_per_second", "memory, reading", "GB/s", scan, threads},
        {"random_rows_gb_per_second", "memory, random rows of 256 bytes, read and written", "GB/s", scatter, threads},
        {"l2_update_gb_per_second", "L2 cache, a += b", "GB/s", update, threads},
#ifdef __FMA__
        {"fma_256_gflops", "multiply-adds, 256 bits", "GFLOP/s", multiply_adds_256, threads},
#endif
#ifdef __AVX512F__
        {"fma_512_gflops", "multiply-adds, 512 bits", "GFLOP/s", multiply_adds_512, threads},
#endif
    };
    if (json) printf("{\"threads\": %d, \"l2_bytes\": %ld, \"l3_bytes\": %ld", threads, l2, l3);
    else printf("%-52s %9d\n%-52s %9.2f MiB\n%-52s %9.2f MiB\n", "threads", threads, "L2 cache of a core", l2 / 1048576.0,
                "L3 cache", l3 / 1048576.0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rate = measure(rows[i].function, rows[i].threads);
        if (json) printf(", \"%s\": %.1f", rows[i].key, rate);
        else printf("%-52s %9.1f %s\n", rows[i].text, rate, rows[i].unit);
        fflush(stdout);
    }
    if (json) printf(", \"sgemm_gflops\": %s}\n", sgemm);
    else if (strcmp(sgemm, "null")) printf("%-52s %9s GFLOP/s\n", "sgemm 4096³, NumPy", sgemm);
    return 0;
}
