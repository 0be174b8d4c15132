/* Join (golden/join.py): enumerates all factors but the last, looks the last one up.
 *
 * Small loops, so that what they need stays in registers: the first looks at a byte a row and
 * look-up block and keeps rows that have candidates, the last verifies those.
 */
#include "search.h"

#define ALWAYS static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

enum { DRAWS = 8 };
/* Candidates that are verified at once, but for those of the last row. */
enum { BATCH = 128 };

/* Make the column of the inner factor and the index of the last; after codebooks have changed. */
void join_load(struct search *s)
{
    struct codebooks *k = &s->books;
    uint32_t *word = (uint32_t *)(void *)k->head, *end = word + sizeof k->head / 4;
    for (; word != end; word += 4)
        word[0] = word[1] = word[2] = word[3] = 0;
    for (unsigned b = 0; b < BLOCKS; b++) {
        const uint8_t *inner = (const uint8_t *)k->code[INNER] + b;
        const uint8_t *last = (const uint8_t *)k->code[LAST] + b;
        for (unsigned m = 0; m < k->size[INNER]; m++)
            k->column[b][m] = inner[BLOCKS * m];
        for (unsigned m = k->size[LAST]; m; m--) {
            unsigned x = last[BLOCKS * (m - 1)];
            k->next[b][m] = k->head[b][x];
            k->head[b][x] = (uint8_t)m;
        }
    }
}

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

/* The most confident blocks, at most `heads`; returns how many there are. */
static uint32_t choose(const struct search *s, uint32_t heads, struct state *t)
{
    int32_t confidence[BLOCKS];
    uint32_t peak[BLOCKS], count = 0;
    for (unsigned b = 0; b < BLOCKS; b++) {
        int32_t largest = 0, second = 0;
        uint32_t at = 0;
        for (unsigned e = 0; e < s->query.count[b]; e++) {
            int32_t w = s->query.weight[b][e];
            uint32_t x = s->query.index[b][e];
            if (w > largest) {
                second = largest;
                largest = w;
                at = x;
            } else {
                if (w == largest && x < at)
                    at = x;
                if (w > second)
                    second = w;
            }
        }
        peak[b] = at * SCALE;
        t->key[b / 4] |= peak[b] << 8 * (b % 4);
        confidence[b] = largest ? largest - second : -1;
    }
    while (count < heads) {
        unsigned best = 0;
        for (unsigned b = 1; b < BLOCKS; b++)
            if (confidence[b] > confidence[best])
                best = b;
        if (confidence[best] < 0)
            break;
        confidence[best] = -1;
        struct head *h = &t->head[count++];
        h->block = best;
        h->peak = peak[best];
        h->column = s->books.column[best];
        h->head = s->books.head[best];
        h->next = s->books.next[best];
        h->last = (const uint8_t *)(s->books.code[LAST] - 1) + best;
    }
    return count;
}

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

/* Rows from `from` to `end`, not included, that have candidates, as inner codevector | first
 * candidate << 8; the next free place. */
static NOINLINE uint32_t *hits_of_one(const struct head *h, uint32_t from, uint32_t end,
                                      uint32_t *hit)
{
    const uint8_t *column = h->column, *head = h->head;
    uint32_t rest = h->rest;
    for (; from != end; from++) {
        uint32_t first = head[(uint8_t)(rest - column[from])];
        if (first)
            *hit++ = from | first << 8;
    }
    return hit;
}

/* The same of two look-up blocks; the second one's first candidate is << 16. */
static NOINLINE uint32_t *hits_of_two(const struct head *h, uint32_t from, uint32_t end,
                                      uint32_t *hit)
{
    const uint8_t *column = h[0].column, *head = h[0].head;
    const uint8_t *column1 = h[1].column, *head1 = h[1].head;
    uint32_t rest = h[0].rest, rest1 = h[1].rest;
    for (; from != end; from++) {
        uint32_t first = head[(uint8_t)(rest - column[from])];
        uint32_t second = head1[(uint8_t)(rest1 - column1[from])];
        if (first | second)
            *hit++ = from | first << 8 | second << 16;
    }
    return hit;
}

/* Candidates of the rows from *hit on, until there is a batch or `end` is reached. */
static NOINLINE uint16_t *expand_one(struct state *t, const uint32_t **hit, const uint32_t *end)
{
    const uint8_t *next = t->head[0].next;
    const uint32_t *from = *hit;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (from != end && to < full) {
        uint32_t row = *from++;
        *to++ = (uint16_t)row;
        for (uint32_t last = next[row >> 8]; last; last = next[last])
            *to++ = (uint16_t)((row & 255) | last << 8);
    }
    *hit = from;
    return to;
}

static NOINLINE uint16_t *expand_two(struct state *t, const uint32_t **hit, const uint32_t *end)
{
    const uint32_t *from = *hit;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (from != end && to < full) {
        uint32_t row = *from++, m = row & 255, last = row >> 8 & 255;
        for (; last; last = t->head[0].next[last])
            *to++ = (uint16_t)(m | last << 8);
        last = row >> 16;
        if (last) {
            uint32_t byte = (uint8_t)(t->head[0].rest - t->head[0].column[m]);
            do {
                int found = t->head[0].last[BLOCKS * last] == byte;
                *to++ = (uint16_t)(found ? m : m | last << 8);
                last = t->head[1].next[last];
            } while (last);
        }
    }
    *hit = from;
    return to;
}

/* Rows from *from to `end`, not included, of three look-up blocks, until there is a batch. */
static NOINLINE uint16_t *collect_three(struct state *t, uint32_t *from, uint32_t end)
{
    uint32_t m = *from;
    uint16_t *to = t->candidate, *full = to + BATCH;
    for (; m != end && to < full; m++) {
        for (const struct head *own = t->head; own != t->head + 3; own++) {
            uint32_t last = own->head[(uint8_t)(own->rest - own->column[m])];
            for (; last; last = own->next[last]) {
                uint32_t number = last;
                for (const struct head *e = t->head; e != own; e++)
                    if (e->last[BLOCKS * last] == (uint8_t)(e->rest - e->column[m]))
                        number = 0;
                *to++ = (uint16_t)(m | number << 8);
            }
        }
    }
    *from = m;
    return to;
}

/* The last factor is known. */
static uint16_t *collect_known(struct state *t, uint32_t *from, uint32_t end)
{
    uint32_t m = *from;
    uint16_t *to = t->candidate;
    for (; m != end && to < t->candidate + BATCH; m++)
        *to++ = (uint16_t)(m | (uint32_t)(t->known + 1) << 8);
    *from = m;
    return to;
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

/* Pairs of a look-up block that bind to what is left of its peak. */
struct range {
    const uint16_t *from, *end;
};

static inline struct range pairs_of(const struct state *t, const struct head *h)
{
    const uint16_t *start = t->pairs->start[h->block] + (uint8_t)h->rest / SCALE;
    const uint16_t *pair = t->pairs->pair[h->block];
    return (struct range){pair + start[0], pair + start[1]};
}

/* The first pair whose inner codevector is `from` or a later one. */
static inline const uint16_t *pairs_from(struct range range, uint32_t from)
{
    while (range.from != range.end && (*range.from & 255) < from)
        range.from++;
    return range.from;
}

/* Pairs of two look-up blocks, row by row, until there is a batch; those found before are marked. */
static NOINLINE uint16_t *merge(struct state *t, struct range *first, struct range *second)
{
    const uint16_t *a = first->from, *b = second->from, *end = first->end, *last = second->end;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (to < full) {
        uint32_t row = 256, pair;
        if (a != end)
            row = *a & 255;
        if (b != last && (*b & 255) < row) {
            pair = *b++;
            uint32_t m = pair & 255, byte = (uint8_t)(t->head[0].rest - t->head[0].column[m]);
            *to++ = (uint16_t)(t->head[0].last[BLOCKS * (pair >> 8)] == byte ? m : pair);
        } else if (row < 256) {
            *to++ = *a++;
        } else {
            break;
        }
    }
    first->from = a;
    second->from = b;
    return to;
}

/* A pass of the inner factor from codevector `from` on, of one or two look-up blocks. */
static uint32_t pair_pass(struct search *s, struct state *t, uint32_t from, uint32_t heads)
{
    uint32_t stop = 0;
    struct range all = pairs_of(t, &t->head[0]);
    const uint16_t *middle = pairs_from(all, from);
    if (heads == 1) {
        if (middle != all.end)
            stop = verify_some(s, t, middle, all.end);
        if (middle != all.from && !stop)
            stop = verify_some(s, t, all.from, middle);
        return stop;
    }
    struct range other = pairs_of(t, &t->head[1]);
    const uint16_t *middle1 = pairs_from(other, from);
    struct range half[2][2] = {{{middle, all.end}, {middle1, other.end}},
                               {{all.from, middle}, {other.from, middle1}}};
    for (unsigned n = 0; n < 2; n++) {
        struct range *first = &half[n][0], *second = &half[n][1];
        while ((first->from != first->end || second->from != second->end) && !stop)
            stop = verify_batch(s, t, merge(t, first, second));
    }
    return stop;
}

/* Rows of inner codevectors from `from` to `end`, not included. */
static uint32_t rows(struct search *s, struct state *t, uint32_t from, uint32_t end, uint32_t heads)
{
    uint32_t stop = 0;
    if (heads == 1) {
        const uint32_t *hit = t->hit, *last = hits_of_one(t->head, from, end, t->hit);
        while (hit != last && !stop)
            stop = verify_batch(s, t, expand_one(t, &hit, last));
    } else if (heads == 2) {
        const uint32_t *hit = t->hit, *last = hits_of_two(t->head, from, end, t->hit);
        while (hit != last && !stop)
            stop = verify_batch(s, t, expand_two(t, &hit, last));
    } else {
        while (from != end && !stop)
            stop = verify_batch(s, t, heads ? collect_three(t, &from, end)
                                            : collect_known(t, &from, end));
    }
    return stop;
}

/* Passes of the inner factor over all tuples of the outer ones. */
static uint32_t passes(struct search *s, struct state *t, const uint32_t *first, uint32_t heads)
{
    const struct codebooks *k = &s->books;
    uint32_t at[FACTORS];
    uint32_t start = first[INNER], end = k->size[INNER];
    int32_t known = s->parameters.known[INNER];
    if (known >= 0)
        end = start + 1;
    for (unsigned f = 0; f < INNER; f++)
        at[f] = first[f];
    for (;;) {
        uint32_t stop;
        t->outer = 0;
        for (unsigned w = 0; w < WORDS; w++)
            t->sum[w] = 0;
        for (unsigned f = 0; f < INNER; f++) {
            t->outer |= at[f] << 8 * f;
            for (unsigned w = 0; w < WORDS; w++)
                t->sum[w] = (t->sum[w] + k->code[f][at[f]][w]) & MASK;
        }
        for (unsigned h = 0; h < heads; h++) {
            struct head *e = &t->head[h];
            e->rest = e->peak - (t->sum[e->block / 4] >> 8 * (e->block % 4) & 255);
        }
        if (t->pairs) {
            stop = pair_pass(s, t, start, heads);
        } else {
            stop = rows(s, t, start, end, heads);
            if (known < 0 && !stop)
                stop = rows(s, t, 0, start, heads);
        }
        if (stop)
            return stop;
        int f = INNER - 1;
        for (; f >= 0; f--) {
            if (s->parameters.known[f] >= 0)
                continue;
            if (++at[f] == k->size[f])
                at[f] = 0;
            if (at[f] != first[f])
                break;
        }
        if (f < 0)
            return STOP_COMPLETE;
    }
}

/* Codevector below size, of the generator's oldest bits; too large ones are drawn again. */
static uint32_t draw(uint32_t *state, uint32_t size)
{
    uint32_t mask = walk_mask(size), value;
    for (unsigned n = 1;; n++) {
        value = *state >> (32 - BITS) & (n < DRAWS ? mask : mask >> 1);
        *state = leap(*state, BITS);
        if (value < size)
            return value;
    }
}

static void run(struct search *s, const struct pairs *pairs)
{
    const struct parameters *p = &s->parameters;
    struct state t;
    uint32_t first[FACTORS], lfsr = 0, seed = p->seed ? p->seed : 1, sum, stop, heads, most;
    uint32_t smax = query_load(s, &sum);
#ifdef TRACE
    s->result.crc = 0xFFFFFFFFu;
#endif
    t.accept = accept_level(p->level, smax);
    t.verifier.best = t.verifier.runner_up = -1;
    t.verifier.tuple = 0;
    t.skipped = 0;
    t.weight = s->weight[0];
    t.inner = (const uint32_t (*)[WORDS])s->books.code[INNER];
    t.last = (const uint32_t (*)[WORDS])s->books.code[LAST] - 1;
    for (unsigned w = 0; w < WORDS; w++)
        t.key[w] = 0;
    most = t.left = p->max_tuples ? p->max_tuples : 1;
    t.known = p->known[LAST];
    heads = choose(s, p->heads, &t);
    if (t.known >= 0)
        heads = 0;
    t.factor = s->query.weight[0][0];
    t.equal = 1;
    for (unsigned b = 0; b < BLOCKS; b++)
        if (s->query.count[b] != 1 || s->query.weight[b][0] != t.factor)
            t.equal = 0;
    if (!t.equal)
        t.factor = 1;
    for (int bit = 0; bit < 32; bit++) {
        lfsr = lfsr << 1 | (seed & 1);
        seed >>= 1;
    }
    for (unsigned f = 0; f < LAST; f++) {
        if (p->known[f] >= 0) {
            first[f] = (uint32_t)p->known[f];
        } else {
            first[f] = draw(&lfsr, s->books.size[f]);
            trace_word(&s->result, first[f]);
        }
    }
    t.pairs = heads == 1 || heads == 2 ? pairs : NULL;
    if (p->known[INNER] >= 0)
        t.pairs = NULL;
    stop = passes(s, &t, first, heads);
    query_unload(s);
    s->result.iterations = most - t.left - t.skipped;
    for (unsigned f = 0; f < FACTORS; f++)
        s->result.similarity[f] = 0;
    if (t.verifier.best < 0) /* no row had a candidate */
        t.verifier.best = 0;
    t.verifier.best *= (int32_t)t.factor;
    t.verifier.runner_up *= (int32_t)t.factor;
    store_result(&s->result, &t.verifier, stop);
}

void join(struct search *s)
{
    run(s, NULL);
}

/* Sort all pairs, in the order of their codevectors, by what they bind to. */
void pairs_load(struct pairs *p)
{
    const struct codebooks *k = &p->search.books;
    uint32_t inner = k->size[INNER], last = k->size[LAST];
    join_load(&p->search);
    for (unsigned b = 0; b < BLOCKS; b++) {
        uint16_t *start = p->start[b], *pair = p->pair[b];
        const uint8_t *byte = (const uint8_t *)k->code[LAST] + b;
        uint32_t total = 0;
        for (unsigned x = 0; x <= LENGTH; x++)
            start[x] = 0;
        for (uint32_t i = 0; i < inner; i++)
            for (uint32_t m = 0; m < last; m++)
                start[(uint8_t)(k->column[b][i] + byte[BLOCKS * m]) / SCALE]++;
        for (unsigned x = 0; x < LENGTH; x++) {
            uint32_t count = start[x];
            start[x] = (uint16_t)total;
            total += count;
        }
        for (uint32_t i = 0; i < inner; i++)
            for (uint32_t m = 0; m < last; m++)
                pair[start[(uint8_t)(k->column[b][i] + byte[BLOCKS * m]) / SCALE]++]
                    = (uint16_t)(i | (m + 1) << 8);
        /* Each place has moved on to where the next one begins. */
        for (unsigned x = LENGTH; x; x--)
            start[x] = start[x - 1];
        start[0] = 0;
    }
}

void pairs_join(struct pairs *p)
{
    run(&p->search, p);
}
