/* Factorize: similarities of a factor's codevectors. */
#ifndef FACTORIZE_SCAN_H
#define FACTORIZE_SCAN_H

#include "factorize_unbind.h"

/* How the blocks' similarities become one. */
enum { LEAST, TRIMMED, SUM };

/* A query's entries as the look-ups want them, and what a step looks for. */
struct step {
    struct {
        uint8_t byte, weight;
    } entry[BLOCKS][ENTRIES];
    uint32_t count[BLOCKS];
    uint8_t order[BLOCKS];  /* blocks by their entries: few of them first tell as much for less */
    uint32_t packed[WORDS]; /* bytes of first entries, lowest bits set: they take borrows */
    uint32_t limit;         /* of a histogram */
    uint32_t trim;
    uint32_t theta;
    uint32_t best;
    uint32_t candidate;
};

/* Similarity in block b of a codevector that has that byte there. */
ALWAYS uint32_t block_similarity(const uint16_t *histogram, const struct step *t, unsigned b,
                                 uint32_t byte, const int limited)
{
    const uint8_t *h = (const uint8_t *)(histogram + 128 * b);
    uint32_t total = 0;
    for (unsigned e = 0; e < t->count[b]; e++) {
        uint32_t v = *(const uint16_t *)(h + (uint8_t)(t->entry[b][e].byte - byte));
        if (limited && v > t->limit)
            v = t->limit;
        total += t->entry[b][e].weight * v;
    }
    return total;
}

/* The same where every block has one entry: `byte` is its distance from the codevector's. */
ALWAYS uint32_t single_similarity(const uint16_t *histogram, const struct step *t, unsigned b,
                                  uint32_t byte, const int limited)
{
    uint32_t v = *(const uint16_t *)((const uint8_t *)(histogram + 128 * b) + byte);
    if (limited && v > t->limit)
        v = t->limit;
    return t->entry[b][0].weight * v;
}

/* The (trim + 1)-th smallest value. */
static uint32_t trimmed(uint32_t *value, uint32_t trim)
{
    for (uint32_t n = 0;; n++) {
        uint32_t least = n;
        for (uint32_t b = n + 1; b < BLOCKS; b++)
            if (value[b] < value[least])
                least = b;
        uint32_t found = value[least];
        if (n == trim)
            return found;
        value[least] = value[n];
    }
}

/* Look all codevectors of a factor up; its list becomes those above theta, with similarities for
 * weights. A similarity up to `bound` changes nothing. */
ALWAYS void scan(struct search *s, unsigned f, struct step *t, const int rule, const int single,
                 const int limited)
{
    struct list *list = &s->list[f];
    const uint8_t *code = (const uint8_t *)s->books.code[f];
    const uint16_t *histogram = s->histogram[0];
    uint32_t size = s->books.size[f], theta = t->theta;
    uint32_t best = 0, bound = 0, count = 0;
    for (uint32_t m = 0; m < size; m++, code += BLOCKS) {
        uint32_t value, values[BLOCKS], low = 0, away = 0;
        value = rule == LEAST ? 0xFFFFFFFFu : 0;
        for (unsigned b = 0; b < BLOCKS; b++) {
            uint32_t v;
            if (single) {
                if (b % 4 == 0)
                    away = (t->packed[b / 4] - ((const uint32_t *)(const void *)code)[b / 4]) & MASK;
                v = single_similarity(histogram, t, b, away >> 8 * (b % 4) & 255, limited);
            } else {
                unsigned at = t->order[b];
                v = block_similarity(histogram, t, at, code[at], limited);
            }
            if (rule == SUM) {
                value += v;
                continue;
            }
            if (v <= bound && (rule == LEAST || ++low > t->trim))
                goto next;
            if (rule == TRIMMED)
                values[b] = v;
            else if (v < value)
                value = v;
        }
        if (rule == TRIMMED)
            value = trimmed(values, t->trim);
        if (value > best) {
            best = value;
            t->candidate = m;
        }
        if (value > theta && count < LIST_SIZE) {
            for (unsigned w = 0; w < WORDS; w++)
                list->code[count][w] = s->books.code[f][m][w];
            list->weight[count++] = value;
#ifdef TRACE
            uint32_t place = 0;
            while (value >> place > 1)
                place++;
            trace_word(&s->result, m ^ place << 11);
#endif
        }
        bound = count < LIST_SIZE && theta < best ? theta : best;
    next:;
    }
    list->count = count;
    t->best = best;
}

#define SCAN(name, rule, single, limited) \
    static NOINLINE void name(struct search *s, unsigned f, struct step *t) \
    { \
        scan(s, f, t, rule, single, limited); \
    }
SCAN(scan_least, LEAST, 0, 0)
SCAN(scan_least_limited, LEAST, 0, 1)
SCAN(scan_least_single, LEAST, 1, 0)
SCAN(scan_least_single_limited, LEAST, 1, 1)
SCAN(scan_trimmed, TRIMMED, 0, 0)
SCAN(scan_trimmed_limited, TRIMMED, 0, 1)
SCAN(scan_sum, SUM, 0, 1)

#endif
