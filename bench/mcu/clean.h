/* Searches that only clean queries have: they say which tuple, and nothing of scores. */
#ifndef CLEAN_H
#define CLEAN_H

#include "search.h"

/* Hash table of all products, where tuples fit 16 bits; its slots are packed tuples + 1. */
#ifdef TABLE_BITS
struct table {
    struct search search;
    uint16_t slot[1 << TABLE_BITS];
};

void table_load(struct table *t);
void table(struct table *t);
#endif

void meet(struct search *s);
void meet_pairs(struct pairs *p);

#endif
