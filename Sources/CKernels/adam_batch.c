#include "CKernels.h"

// How a batch comes to be: its ratings fetched, and linked by the rows they touch.

// Ratings are asked for so many ahead of their use.
enum { AHEAD = 16 };

void sk_adam_gather(
    const sk_adam_rating *ratings, const uint32_t *order, size_t count, uint32_t *users, uint32_t *items, float *values) {
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(ratings + order[i + AHEAD < count ? i + AHEAD : count - 1]);
        const sk_adam_rating *rating = ratings + order[i];
        users[i] = rating->user;
        items[i] = rating->item;
        values[i] = rating->value;
    }
}

// Multiples of the golden ratio lie evenly, whatever the number of workers (Knuth, TAOCP 3, 6.4).
#define OWNERS                                                                                     \
    for (size_t i = 0; i < count; i++) {                                                           \
        owners[i] = (uint16_t)(((uint64_t)((rows[i] >> 4) * 2654435769u) * workers) >> 32);        \
    }

static void owners_plain(const uint32_t *rows, size_t count, uint32_t workers, uint16_t *owners) { OWNERS }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void owners_avx2(
    const uint32_t *rows, size_t count, uint32_t workers, uint16_t *owners) { OWNERS }
#endif

void sk_adam_owners(const uint32_t *rows, size_t count, uint32_t workers, uint16_t *owners, int isa) {
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX2) return owners_avx2(rows, count, workers, owners);
#endif
    (void)isa;
    owners_plain(rows, count, workers, owners);
}

void sk_adam_group(
    const uint32_t *rows, const uint16_t *owners, size_t samples, uint16_t owner, uint32_t batch,
    sk_adam_slot *restrict slots, uint32_t *restrict own, uint32_t *restrict tails, uint32_t *restrict next,
    sk_adam_groups *groups) {
    // Whether a sample is ours, and whether its row is new, cannot be foreseen; so nothing here branches on it.
    size_t count = 0;
    for (size_t s = 0; s < samples; s++) {
        own[count] = (uint32_t)s;
        count += owners[s] == owner;
    }
    uint32_t *restrict heads = groups->heads, *restrict group_rows = groups->rows;
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(slots + rows[own[i + AHEAD < count ? i + AHEAD : count - 1]], 1);
        const uint32_t s = own[i], row = rows[s];
        const sk_adam_slot slot = slots[row];
        const int fresh = slot.batch != batch;
        const uint32_t group = fresh ? found : slot.group;
        const uint32_t head = heads[group], tail = tails[group];
        slots[row] = (sk_adam_slot){batch, group};
        next[fresh ? s : tail] = s;
        next[s] = SK_ADAM_END;
        heads[group] = fresh ? s : head;
        tails[group] = s;
        group_rows[group] = row;
        found += (uint32_t)fresh;
    }
    groups->count = found;
}
