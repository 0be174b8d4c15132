/* Join: candidates are verified. */
#ifndef JOIN_VERIFY_H
#define JOIN_VERIFY_H

#include "join_state.h"

/* Of a query whose entries have one weight, how many a packed sum meets. */
static inline int32_t matches(const uint32_t *sum, const uint32_t *key)
{
    uint32_t missed = 0;
    for (unsigned w = 0; w < WORDS; w++) {
        uint32_t low = 0x7F7F7F7Fu, other = ((sum[w] ^ key[w]) >> 1) & low;
        missed += ((other + low) & ~low) >> 7;
    }
    return BLOCKS - (int32_t)(missed * 0x01010101u >> 24);
}

/* Verify candidates; why the run ends, or 0. */
ALWAYS uint32_t verify(struct search *s, struct state *t, const uint16_t *from,
                       const uint16_t *end, const int equal)
{
    const uint32_t (*first)[WORDS] = t->inner, (*second)[WORDS] = t->last;
    const uint8_t *weight = t->weight;
    uint32_t count = (uint32_t)(end - from), stop = 0, outer[WORDS], key[WORDS];
    int32_t enough = t->verifier.runner_up;
    (void)s;
    for (unsigned w = 0; w < WORDS; w++) {
        outer[w] = t->sum[w];
        key[w] = t->key[w];
    }
    if (count >= t->left) {
        count = t->left;
        stop = STOP_LIMIT;
    }
    t->left -= count;
    for (end = from + count; from != end; from++) {
        uint32_t inner = *from & 255, last = *from >> 8, bound[WORDS];
        if (!last) {
            t->skipped++;
            continue;
        }
        for (unsigned w = 0; w < WORDS; w++)
            bound[w] = ((outer[w] + first[inner][w]) & MASK) + second[last][w];
        int32_t value = equal ? matches(bound, key) : score(weight, bound);
        trace_word(&s->result, (uint32_t)value * t->factor);
        if (value > enough) {
            uint32_t tuple = t->outer | inner << 8 * INNER | (last - 1) << 8 * LAST;
            if (enter(&t->verifier, tuple, value) && value * (int32_t)t->factor >= t->accept) {
                t->left += (uint32_t)(end - from) - 1;
                return STOP_ACCEPTED;
            }
            enough = t->verifier.runner_up;
        }
    }
    return stop;
}

static NOINLINE uint32_t verify_equal(struct search *s, struct state *t, const uint16_t *from,
                                  const uint16_t *end)
{
    return verify(s, t, from, end, 1);
}

static NOINLINE uint32_t verify_weighted(struct search *s, struct state *t, const uint16_t *from,
                                  const uint16_t *end)
{
    return verify(s, t, from, end, 0);
}

static uint32_t verify_some(struct search *s, struct state *t, const uint16_t *from,
                            const uint16_t *end)
{
    return t->equal ? verify_equal(s, t, from, end) : verify_weighted(s, t, from, end);
}

static uint32_t verify_batch(struct search *s, struct state *t, const uint16_t *end)
{
    return verify_some(s, t, t->candidate, end);
}

#endif
