/* Factorize: tuples of lists are unbound into histograms. */
#ifndef FACTORIZE_UNBIND_H
#define FACTORIZE_UNBIND_H

#include "search.h"

/* What is done with a tuple. */
enum { ADD, ADD_UNIFORM, ADD_LIMITED, CLEAR };
/* Tuples up to which their entries are cleared one by one. */
enum { FEW = 64 / BLOCKS };

ALWAYS void touch(uint16_t *histogram, uint32_t byte, uint32_t weight, uint32_t limit,
                  const int what)
{
    uint16_t *h = (uint16_t *)((uint8_t *)histogram + byte);
    if (what == CLEAR) {
        *h = 0;
    } else if (what == ADD_LIMITED) {
        uint32_t sum = *h + weight;
        *h = (uint16_t)(sum < limit ? sum : limit);
    } else {
        *h = (uint16_t)(*h + weight);
    }
}

/* Tuples of a list with what is bound already. */
ALWAYS void bind(uint16_t *histogram, const struct list *list, const uint32_t *base,
                 uint32_t weight, uint32_t limit, const int what)
{
    const uint32_t *code = list->code[0], *end = list->code[list->count], *own = list->weight;
    uint32_t outer[WORDS];
    for (unsigned w = 0; w < WORDS; w++)
        outer[w] = base[w];
    while (code != end) {
        uint32_t all = what == ADD || what == ADD_LIMITED ? weight * *own++ : weight;
        for (unsigned w = 0; w < WORDS; w++) {
            uint32_t t = (outer[w] + *code++) & MASK;
            uint16_t *h = histogram + 512 * w;
            touch(h, t & 255, all, limit, what);
            touch(h + 128, t >> 8 & 255, all, limit, what);
            touch(h + 256, t >> 16 & 255, all, limit, what);
            touch(h + 384, t >> 24, all, limit, what);
        }
    }
}

/* Functions of their own, so that what the loops need stays in registers. */
#define BIND(name, what) \
    static NOINLINE void name(uint16_t *histogram, const struct list *list, const uint32_t *base, \
                              uint32_t weight, uint32_t limit) \
    { \
        bind(histogram, list, base, weight, limit, what); \
    }
BIND(bind_add, ADD)
BIND(bind_uniform, ADD_UNIFORM)
BIND(bind_limited, ADD_LIMITED)
BIND(bind_clear, CLEAR)

static void inner(struct search *s, const struct list *list, const uint32_t *base, uint32_t weight,
                  int what)
{
    uint16_t *histogram = s->histogram[0];
    uint32_t limit = s->parameters.histogram_limit;
    if (what == ADD_UNIFORM)
        bind_uniform(histogram, list, base, weight, limit);
    else if (what == ADD)
        bind_add(histogram, list, base, weight, limit);
    else if (what == CLEAR)
        bind_clear(histogram, list, base, weight, limit);
    else
        bind_limited(histogram, list, base, weight, limit);
}

/* All tuples of the lists of the other factors, the longest of two inside. */
static void tuples(struct search *s, struct list *const *list, int what)
{
#if FACTORS == 2
    const uint32_t zero[WORDS] = {0};
    inner(s, list[0], zero, 1, what);
#elif FACTORS == 3
    for (uint32_t i = 0; i < list[0]->count; i++)
        inner(s, list[1], list[0]->code[i], list[0]->weight[i], what);
#else
    for (uint32_t i = 0; i < list[0]->count; i++) {
        for (uint32_t j = 0; j < list[1]->count; j++) {
            uint32_t base[WORDS];
            for (unsigned w = 0; w < WORDS; w++)
                base[w] = (list[0]->code[i][w] + list[1]->code[j][w]) & MASK;
            inner(s, list[2], base, list[0]->weight[i] * list[1]->weight[j], what);
        }
    }
#endif
}

/* Unbind; the histogram is all zeros. Returns the sum of all weights. */
static uint32_t unbind(struct search *s, struct list *const *list)
{
    uint32_t product = 1;
    for (unsigned g = 0; g < LAST; g++) {
        uint32_t sum = list[g]->count;
        if (!list[g]->sampled) {
            sum = 0;
            for (uint32_t i = 0; i < list[g]->count; i++)
                sum += list[g]->weight[i];
        }
        product *= sum;
    }
    if (product > 0xFFFF)
        tuples(s, list, ADD_LIMITED);
    else if (list[LAST - 1]->sampled)
        tuples(s, list, ADD_UNIFORM);
    else
        tuples(s, list, ADD);
    return product;
}

static void clear(struct search *s, struct list *const *list)
{
    uint32_t count = 1;
    for (unsigned g = 0; g < LAST; g++)
        count *= list[g]->count;
    if (count <= FEW) {
        tuples(s, list, CLEAR);
        return;
    }
    uint32_t *word = (uint32_t *)(void *)s->histogram;
    uint32_t *end = word + sizeof s->histogram / 4;
    for (; word != end; word += 8)
        word[0] = word[1] = word[2] = word[3] = word[4] = word[5] = word[6] = word[7] = 0;
}

#endif
