/* What join.c knows during a run. */
#ifndef JOIN_STATE_H
#define JOIN_STATE_H

#include "search.h"

/* Candidates that are verified at once, but for those of the last row. */
enum { BATCH = 128 };

/* A block to look up in, and how it is reached. */
struct head {
    const uint8_t *column, *head, *next, *last;
    uint32_t peak; /* byte */
    uint32_t rest; /* of the peak, when the outer factors are unbound; all of its bits */
    uint32_t block;
};

/* What rows need. */
struct state {
    struct verifier verifier;
    uint32_t left; /* candidates until the limit */
    const uint8_t *weight;
    const uint32_t (*inner)[WORDS], (*last)[WORDS]; /* codevectors; of the last, from number 1 on */
    uint32_t sum[WORDS]; /* outer codevectors, bound */
    uint32_t key[WORDS]; /* the peaks */
    int32_t accept;
    uint32_t factor;  /* of scores: the weight of all entries, if those are equal */
    uint32_t equal;   /* whether they are, one in each block */
    uint32_t skipped; /* found twice */
    uint32_t outer;   /* packed tuple of the outer codevectors */
    int32_t known;    /* last factor, or -1 */
    struct head head[3];
    uint32_t hit[CODEVECTORS]; /* rows of a pass that have candidates */
    /* Candidates that are yet to be verified: inner codevector | number of the last one << 8; the
     * number is 0 if the tuple has been found before. A row has heads * CODEVECTORS at most. */
    uint16_t candidate[BATCH + 3 * CODEVECTORS];
    const struct pairs *pairs; /* or NULL */
};

#endif
