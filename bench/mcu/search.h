/* Factorizing sparse block codes in software, for microcontrollers: what factorize.c, join.c and
 * clean.c share. C99, freestanding, no heap, no globals; bench/mcu.py runs it in an emulator.
 *
 * Fixed when compiled, as the core's shape is when generated:
 *
 *     FACTORS 2..4, BLOCKS a multiple of 4, LENGTH 32, 64 or 128, CODEVECTORS 1..255 codevectors a factor,
 *     LIST_SIZE entries of an estimate, ENTRIES of a query a block, BITS of a codevector's number.
 *
 * Packed codevectors. Four blocks lie in one word, a byte each, and an index is stored times SCALE,
 * so that a byte wraps where the index does. Its lowest bit is always 0 and takes the carry of the
 * byte below: two additions bind four blocks, and MASK clears the carries. A byte is also the
 * offset into a table of 256 / SCALE entries.
 *
 * There is nothing but 32-bit arithmetic, no division, and one multiplication whose result has 32
 * bits; all that a Cortex-M0+ has. Structures hold no pointers: a host lays them out the same way.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stddef.h>
#include <stdint.h>

#ifndef FACTORS
#define FACTORS 3
#define BLOCKS 4
#define LENGTH 128
#define CODEVECTORS 64
#define LIST_SIZE 32
#define ENTRIES 8
#define BITS 6
#endif

#define ALWAYS static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

#define WORDS (BLOCKS / 4)
#define SCALE (256 / LENGTH)
#define MASK (0xFFFFFFFFu - 0x01010101u)
#define LAST (FACTORS - 1)
#define INNER (FACTORS - 2)

#if FACTORS < 2 || FACTORS > 4 || BLOCKS % 4 || CODEVECTORS > 255 \
    || (LENGTH != 32 && LENGTH != 64 && LENGTH != 128)
#error "shape is outside of what search.h says"
#endif

/* Why a run ended; codes of the core. */
enum { STOP_ACCEPTED = 1, STOP_LIMIT = 2, STOP_COMPLETE = 3 };

/* Written by the caller: size and code; by join_load: the rest. */
struct codebooks {
    uint32_t size[FACTORS];
    uint32_t code[FACTORS][CODEVECTORS][WORDS]; /* packed */
    /* Of join only. Inverted index of the last factor: number + 1 of the first codevector with a
     * byte, and of the one after a codevector; 0: none. */
    uint8_t head[BLOCKS][256];
    uint8_t next[BLOCKS][CODEVECTORS + 1];
    /* Bytes of the inner factor's codevectors, by block. */
    uint8_t column[BLOCKS][CODEVECTORS + 1];
};

struct parameters {
    int32_t known[FACTORS]; /* codevector, or -1 */
    uint32_t seed;
    uint32_t level;
    uint32_t max_tuples; /* join */
    uint32_t heads;
    uint32_t threshold; /* factorize, from here on */
    uint32_t samples;
    uint32_t trim;
    uint32_t use_sum;
    uint32_t patience;
    uint32_t max_iterations;
    uint32_t histogram_limit;
    uint32_t similarity_limit;
};

struct query {
    uint8_t count[BLOCKS]; /* entries, in any order */
    uint8_t index[BLOCKS][ENTRIES];
    uint8_t weight[BLOCKS][ENTRIES]; /* at least 1 */
};

struct result {
    uint32_t index[FACTORS];
    uint32_t score;
    uint32_t runner_up;
    uint32_t similarity[FACTORS];
    uint32_t iterations; /* of factorize; tuples of join */
    uint32_t stop;
    uint32_t crc; /* of the trace, with -DTRACE */
};

/* An estimate's list: codevectors with a weight that is not 0. */
struct list {
    uint32_t count;
    uint32_t sampled; /* all weights are 1 */
    uint32_t code[LIST_SIZE][WORDS];
    uint32_t weight[LIST_SIZE];
};

struct search {
    struct codebooks books;
    struct parameters parameters;
    struct query query;
    struct result result;
    /* Weight of every index, those of odd blocks at odd places; zeros between runs. */
    uint8_t weight[BLOCKS / 2][256];
    /* Of factorize only. */
    uint16_t histogram[BLOCKS][128]; /* by byte; zeros between steps */
    struct list list[FACTORS];
};

/* Of pairs_join: every pair of codevectors of the last two factors by block and by the index they
 * bind to, inner codevector | number of the last one << 8; in the order in which join meets them. */
struct pairs {
    struct search search;
    uint16_t start[BLOCKS][LENGTH + 1];
    uint16_t pair[BLOCKS][CODEVECTORS * CODEVECTORS];
};

/* Best tuple and runner-up; a tuple is packed, a byte a factor. Scores are -1 until there is one. */
struct verifier {
    int32_t best, runner_up;
    uint32_t tuple;
};

#ifdef TRACE
void trace_word(struct result *result, uint32_t word);
#else
#define trace_word(result, word) ((void)0)
#endif

/* ceil(level * smax / 256) */
static inline int32_t accept_level(uint32_t level, uint32_t smax)
{
    return (int32_t)((level * smax + 255) >> 8);
}

static inline uint8_t *weight_of(struct search *s, unsigned b, uint32_t index)
{
    return &s->weight[b / 2][index * SCALE + b % 2];
}

/* Fill the table of weights; smax is the sum of the blocks' largest, *sum the largest sum. */
static inline uint32_t query_load(struct search *s, uint32_t *sum)
{
    uint32_t smax = 0, largest = 0;
    for (unsigned b = 0; b < BLOCKS; b++) {
        uint32_t peak = 0, total = 0;
        for (unsigned e = 0; e < s->query.count[b]; e++) {
            uint32_t w = s->query.weight[b][e];
            *weight_of(s, b, s->query.index[b][e]) = (uint8_t)w;
            total += w;
            if (w > peak)
                peak = w;
        }
        smax += peak;
        if (total > largest)
            largest = total;
    }
    *sum = largest;
    return smax;
}

/* Zeros again, where the query had entries. */
static inline void query_unload(struct search *s)
{
    for (unsigned b = 0; b < BLOCKS; b++)
        for (unsigned e = 0; e < s->query.count[b]; e++)
            *weight_of(s, b, s->query.index[b][e]) = 0;
}

/* Score of a tuple's packed sum, masked or not; of the table of weights. */
static inline int32_t score(const uint8_t *table, const uint32_t *sum)
{
    uint32_t total = 0;
    for (unsigned w = 0; w < WORDS; w++, table += 512) {
        uint32_t t = sum[w] & MASK;
        total += table[t & 255];
        total += table[(t >> 8 & 255) + 1];
        total += table[(t >> 16 & 255) + 256];
        total += table[(t >> 24) + 257];
    }
    return (int32_t)total;
}

/* Enter a score above the runner-up's; 1 if it is the new best. Of equal ones the first wins. */
static inline int enter(struct verifier *v, uint32_t tuple, int32_t value)
{
    if (value > v->best) {
        v->runner_up = v->best;
        v->best = value;
        v->tuple = tuple;
        return 1;
    }
    if (tuple != v->tuple)
        v->runner_up = value;
    return 0;
}

static inline void store_result(struct result *r, const struct verifier *v, uint32_t stop)
{
    for (unsigned f = 0; f < FACTORS; f++)
        r->index[f] = v->tuple >> 8 * f & 255;
    r->score = (uint32_t)v->best;
    r->runner_up = v->runner_up < 0 ? 0 : (uint32_t)v->runner_up;
    r->stop = stop;
#ifdef TRACE
    r->crc = ~r->crc;
#endif
}

/* The generator of golden/sampler.py, width 1..25 steps further. */
static inline uint32_t leap(uint32_t state, unsigned width)
{
    uint32_t fresh = state >> (32 - width) ^ state >> (30 - width)
                   ^ state >> (26 - width) ^ state >> (25 - width);
    return state << width | (fresh & ((1u << width) - 1));
}

/* All ones up to the leading one of size - 1; size is below 256. */
static inline uint32_t walk_mask(uint32_t size)
{
    uint32_t mask = size - 1;
    mask |= mask >> 1;
    mask |= mask >> 2;
    return mask | mask >> 4;
}

void join_load(struct search *s);
void join(struct search *s);
/* The same with a table of pairs: 2 * BLOCKS * M * M bytes. */
void pairs_load(struct pairs *p);
void pairs_join(struct pairs *p);
void factorize(struct search *s);

#endif
