// Scores of a few candidates at every place of a batch, the item that comes next and others drawn for it; their losses; and
// the gradients of both sides.
#ifndef STARLING_SK_CANDIDATES_H
#define STARLING_SK_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t count;                // places
    size_t each;                 // candidates of a place, at least 1: the item that comes next, then others
    const uint32_t *candidates;  // [count × each]: rows of items; some may be the same
    size_t width;                // floats of a vector, at least 1
    const float *places, *items; // [count × stride], of which `width` count; [items × width]
    size_t stride;
} sk_candidates;

// logits[n × each + c] = ⟨place n, item candidates[n × each + c]⟩ of places first..<last.
void sk_candidates_scores(const sk_candidates *candidates, size_t first, size_t last, float *logits, int isa);

// From gradients of the logits, [count × each], writes those of places first..<last as rows of `stride` floats, of which it
// leaves those beyond `width` alone.
void sk_candidates_places(
    const sk_candidates *candidates, const float *gradients, size_t first, size_t last, float *place_gradients,
    size_t stride, int isa);

// Writes the gradients of items low..<high into these rows of item_gradients, [items × width]; zeros for those that are no
// candidates. Every call goes through all candidates, in order: how items are divided does not change a bit.
void sk_candidates_items(
    const sk_candidates *candidates, const float *gradients, uint32_t low, uint32_t high, float *item_gradients, int isa);

enum { SK_CANDIDATES_BINARY, SK_CANDIDATES_SOFTMAX };

// The loss of a place with logits s, of which s₀ is of the item that comes next.
//   binary   next·log(1 + e^−s₀) + others·Σ log(1 + e^s) over the other ones
//   softmax  log Σ e^s − s₀ over all
typedef struct {
    int kind;
    float next, others; // binary alone
    float weight;       // of a place's loss in the gradients
} sk_candidates_loss;

// Replaces the logits of places first..<last, [places × each], by the gradients of weight·Σ losses, and writes these places'
// losses. addends[n], unless null, is added to all logits of place n; sums[n], unless null, becomes its gradient.
void sk_candidates_losses(
    const sk_candidates_loss *loss, size_t each, size_t first, size_t last, const float *addends, float *logits,
    float *losses, float *sums, int isa);

#ifdef __cplusplus
}
#endif

#endif
