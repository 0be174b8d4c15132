/* What the host writes into RAM (job.py), in words; offsets are in bytes from the job's beginning. */
#ifndef JOB_H
#define JOB_H

#include "blockfactor_driver.h"

#define JOB_MAGIC_WORD UINT32_C(0x4a424642) /* "BFBJ" */
#define JOB_AT(job, offset) ((const void *)((const uint8_t *)(job) + (offset)))

enum {
    JOB_MAGIC,
    JOB_PHASES,    /* their number */
    JOB_CODEBOOKS, /* offset of their indices, of type blockfactor_index, one after the other */
    JOB_SIZES,     /* codevectors of each */
    JOB_FIRST_PHASE = JOB_SIZES + BLOCKFACTOR_FACTORS
};

/* A phase: queries with the same parameters. */
enum {
    PHASE_KIND,
    PHASE_DEPTH,   /* queries that are sent before their results are read */
    PHASE_COUNT,   /* queries */
    PHASE_QUERIES, /* offset; sparse: number of entries, entries; dense: elements, whole words */
    PHASE_PARAMETERS,
};
enum { KIND_SPARSE, KIND_DENSE };
#define MOST_IN_FLIGHT 4

/* Words of parameters: sizes and known of every factor, then these. */
enum {
    P_MODE,
    P_HEADS,
    P_TRIM,
    P_USE_SUM,
    P_PATIENCE,
    P_DENSE_LOG,
    P_DENSE_SHIFT,
    P_LEVEL,
    P_THRESHOLD,
    P_SAMPLES,
    P_MAX_ITERATIONS,
    P_DENSE_THRESHOLD,
    P_MAX_TUPLES,
    P_SEED,
    P_WORDS
};
#define PHASE_WORDS (PHASE_PARAMETERS + 2 * BLOCKFACTOR_FACTORS + P_WORDS)

#endif
