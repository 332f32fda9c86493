// The few innermost loops of Starling. Every function has a plain version (suffix _plain) that states what
// it computes; faster ones (_avx2, _avx512) are chosen at run time by the Swift side from sk_isa_best().
// Shapes are given in comments as [rows × columns]; strides count floats.
#ifndef STARLING_CKERNELS_H
#define STARLING_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "sk_adam.h"
#include "sk_als.h"
#include "sk_attention.h"
#include "sk_candidates.h"
#include "sk_dropout.h"
#include "sk_embed.h"
#include "sk_filter.h"
#include "sk_gibbs.h"
#include "sk_lane.h"
#include "sk_memory.h"
#include "sk_process.h"
#include "sk_random.h"
#include "sk_rank.h"
#include "sk_sgd.h"
#include "sk_shuffle.h"
#include "sk_softmax.h"
#include "sk_text.h"

#ifdef __cplusplus
extern "C" {
#endif

// Instruction sets, from the plainest to the widest.
enum { SK_ISA_BASELINE = 0, SK_ISA_AVX2 = 1, SK_ISA_AVX512 = 2, SK_ISA_AVX512VNNI = 3 };

// The widest set that this processor and system run.
int sk_isa_best(void);

// Tells the processor that this thread waits in a loop.
static inline void sk_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
