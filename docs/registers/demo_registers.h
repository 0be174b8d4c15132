/* Registers of demo: 32-bit words, little-endian; addresses are in bytes, relative to
 * the first register. Frames of SPI and UART carry word addresses: address / 4.
 * R_RESET is what reset makes of the fields that hardware does not write.
 * Made by blockfactor 0.1.0: change the configuration, not this file.
 */
#ifndef DEMO_REGISTERS_H
#define DEMO_REGISTERS_H

#include <stdint.h>

/* A field's value within a word, and back: DEMO_GET(word, DEMO_STATUS_RESULTS). */
#define DEMO_GET(word, field) (((uint32_t)(word) & field##_MASK) >> field##_SHIFT)
#define DEMO_PUT(value, field) (((uint32_t)(value) << field##_SHIFT) & field##_MASK)

/* What the core was generated with; SHAPE .. DEPTHS tell most of it, too. */
#define DEMO_FACTORS                                 3  /* codebooks F */
#define DEMO_BLOCKS                                  4  /* blocks B of a vector */
#define DEMO_BLOCK_LENGTH                            128  /* elements L of a block */
#define DEMO_MAX_CODEVECTORS                         32  /* codevectors a codebook holds */
#define DEMO_QUERY_ENTRIES                           8  /* entries s of a query's block */
#define DEMO_MAX_WEIGHT                              15  /* largest weight of an entry */
#define DEMO_QUEUE_ITEMS                             256  /* places of the query queue */
#define DEMO_CODEVECTOR_WORDS                        1  /* words of a codevector in CODEBOOK_DATA */
#define DEMO_INDEX_LANE                              8  /* bits from one index to the next in CODEBOOK_DATA */
#define DEMO_ELEMENT_WORDS                           1  /* words of one element of every block in QUERY_DENSE */
#define DEMO_ELEMENT_LANE                            8  /* bits from one element to the next in QUERY_DENSE */

/* ID: tells that this is a blockfactor core; read only, never changes */
#define DEMO_ID_ADDRESS                              0x00u
#define DEMO_ID_RESET                                UINT32_C(0x42464331)
#define DEMO_ID_WRITE_MASK                           UINT32_C(0x00000000)
#define DEMO_ID_ID_SHIFT                             0  /* the letters "BFC1", first one in the highest byte */
#define DEMO_ID_ID_WIDTH                             32
#define DEMO_ID_ID_MASK                              UINT32_C(0xffffffff)

/* VERSION: version of the hardware; read only, never changes */
#define DEMO_VERSION_ADDRESS                         0x04u
#define DEMO_VERSION_RESET                           UINT32_C(0x00010001)
#define DEMO_VERSION_WRITE_MASK                      UINT32_C(0x00000000)
#define DEMO_VERSION_MAP_SHIFT                       0  /* version of this register map */
#define DEMO_VERSION_MAP_WIDTH                       8
#define DEMO_VERSION_MAP_MASK                        UINT32_C(0x000000ff)
#define DEMO_VERSION_PATCH_SHIFT                     8  /* patch version of the generator */
#define DEMO_VERSION_PATCH_WIDTH                     8
#define DEMO_VERSION_PATCH_MASK                      UINT32_C(0x0000ff00)
#define DEMO_VERSION_MINOR_SHIFT                     16  /* minor version of the generator */
#define DEMO_VERSION_MINOR_WIDTH                     8
#define DEMO_VERSION_MINOR_MASK                      UINT32_C(0x00ff0000)
#define DEMO_VERSION_MAJOR_SHIFT                     24  /* major version of the generator */
#define DEMO_VERSION_MAJOR_WIDTH                     8
#define DEMO_VERSION_MAJOR_MASK                      UINT32_C(0xff000000)

/* SHAPE: shape of the vectors; read only, never changes */
#define DEMO_SHAPE_ADDRESS                           0x08u
#define DEMO_SHAPE_RESET                             UINT32_C(0x00800403)
#define DEMO_SHAPE_WRITE_MASK                        UINT32_C(0x00000000)
#define DEMO_SHAPE_FACTORS_SHIFT                     0  /* number of codebooks F */
#define DEMO_SHAPE_FACTORS_WIDTH                     4
#define DEMO_SHAPE_FACTORS_MASK                      UINT32_C(0x0000000f)
#define DEMO_SHAPE_BLOCKS_SHIFT                      8  /* blocks B of a vector */
#define DEMO_SHAPE_BLOCKS_WIDTH                      5
#define DEMO_SHAPE_BLOCKS_MASK                       UINT32_C(0x00001f00)
#define DEMO_SHAPE_BLOCK_LENGTH_SHIFT                16  /* elements L of a block */
#define DEMO_SHAPE_BLOCK_LENGTH_WIDTH                11
#define DEMO_SHAPE_BLOCK_LENGTH_MASK                 UINT32_C(0x07ff0000)

/* CAPACITY: sizes of the memories; read only, never changes */
#define DEMO_CAPACITY_ADDRESS                        0x0cu
#define DEMO_CAPACITY_RESET                          UINT32_C(0x00200020)
#define DEMO_CAPACITY_WRITE_MASK                     UINT32_C(0x00000000)
#define DEMO_CAPACITY_MAX_CODEVECTORS_SHIFT          0  /* codevectors a codebook holds */
#define DEMO_CAPACITY_MAX_CODEVECTORS_WIDTH          13
#define DEMO_CAPACITY_MAX_CODEVECTORS_MASK           UINT32_C(0x00001fff)
#define DEMO_CAPACITY_LIST_SIZE_SHIFT                16  /* codevectors K in a factor's estimate */
#define DEMO_CAPACITY_LIST_SIZE_WIDTH                11
#define DEMO_CAPACITY_LIST_SIZE_MASK                 UINT32_C(0x07ff0000)

/* ENGINES: engines of the core; read only, never changes */
#define DEMO_ENGINES_ADDRESS                         0x10u
#define DEMO_ENGINES_RESET                           UINT32_C(0x00000123)
#define DEMO_ENGINES_WRITE_MASK                      UINT32_C(0x00000000)
#define DEMO_ENGINES_FACTORIZE_SHIFT                 0  /* it has the published method */
#define DEMO_ENGINES_FACTORIZE_WIDTH                 1
#define DEMO_ENGINES_FACTORIZE_MASK                  UINT32_C(0x00000001)
#define DEMO_ENGINES_JOIN_SHIFT                      1  /* it has join and scan */
#define DEMO_ENGINES_JOIN_WIDTH                      1
#define DEMO_ENGINES_JOIN_MASK                       UINT32_C(0x00000002)
#define DEMO_ENGINES_HEADS_SHIFT                     4  /* most look-up blocks of join */
#define DEMO_ENGINES_HEADS_WIDTH                     2
#define DEMO_ENGINES_HEADS_MASK                      UINT32_C(0x00000030)
#define DEMO_ENGINES_LANES_SHIFT                     8  /* lanes of join */
#define DEMO_ENGINES_LANES_WIDTH                     4
#define DEMO_ENGINES_LANES_MASK                      UINT32_C(0x00000f00)

/* QUERIES: queries the core takes; read only, never changes */
#define DEMO_QUERIES_ADDRESS                         0x14u
#define DEMO_QUERIES_RESET                           UINT32_C(0x00080408)
#define DEMO_QUERIES_WRITE_MASK                      UINT32_C(0x00000000)
#define DEMO_QUERIES_QUERY_ENTRIES_SHIFT             0  /* entries s of a block */
#define DEMO_QUERIES_QUERY_ENTRIES_WIDTH             5
#define DEMO_QUERIES_QUERY_ENTRIES_MASK              UINT32_C(0x0000001f)
#define DEMO_QUERIES_WEIGHT_BITS_SHIFT               8  /* bits of a weight */
#define DEMO_QUERIES_WEIGHT_BITS_WIDTH               3
#define DEMO_QUERIES_WEIGHT_BITS_MASK                UINT32_C(0x00000700)
#define DEMO_QUERIES_ELEMENT_BITS_SHIFT              16  /* bits of an element of a dense query; 0: it takes none */
#define DEMO_QUERIES_ELEMENT_BITS_WIDTH              5
#define DEMO_QUERIES_ELEMENT_BITS_MASK               UINT32_C(0x001f0000)

/* DEPTHS: depths of the queues; read only, never changes */
#define DEMO_DEPTHS_ADDRESS                          0x18u
#define DEMO_DEPTHS_RESET                            UINT32_C(0x00100100)
#define DEMO_DEPTHS_WRITE_MASK                       UINT32_C(0x00000000)
#define DEMO_DEPTHS_QUEUE_SHIFT                      0  /* places of the query queue */
#define DEMO_DEPTHS_QUEUE_WIDTH                      16
#define DEMO_DEPTHS_QUEUE_MASK                       UINT32_C(0x0000ffff)
#define DEMO_DEPTHS_RESULTS_SHIFT                    16  /* results that can wait */
#define DEMO_DEPTHS_RESULTS_WIDTH                    8
#define DEMO_DEPTHS_RESULTS_MASK                     UINT32_C(0x00ff0000)

/* CLOCK: frequency of the core clock; read only, never changes */
#define DEMO_CLOCK_ADDRESS                           0x1cu
#define DEMO_CLOCK_RESET                             UINT32_C(0x00b71b00)
#define DEMO_CLOCK_WRITE_MASK                        UINT32_C(0x00000000)
#define DEMO_CLOCK_HZ_SHIFT                          0  /* in Hz */
#define DEMO_CLOCK_HZ_WIDTH                          32
#define DEMO_CLOCK_HZ_MASK                           UINT32_C(0xffffffff)

/* CONTROL: commands; several at once are done in order of their bits; write only: does something, reads 0 */
#define DEMO_CONTROL_ADDRESS                         0x20u
#define DEMO_CONTROL_RESET                           UINT32_C(0x00000000)
#define DEMO_CONTROL_WRITE_MASK                      UINT32_C(0x0000001f)
#define DEMO_CONTROL_START_SHIFT                     0  /* queue a run with the query written last */
#define DEMO_CONTROL_START_WIDTH                     1
#define DEMO_CONTROL_START_MASK                      UINT32_C(0x00000001)
#define DEMO_CONTROL_ABORT_SHIFT                     1  /* end the run that goes on; its result says so */
#define DEMO_CONTROL_ABORT_WIDTH                     1
#define DEMO_CONTROL_ABORT_MASK                      UINT32_C(0x00000002)
#define DEMO_CONTROL_POP_SHIFT                       2  /* the oldest result has been read: on to the next */
#define DEMO_CONTROL_POP_WIDTH                       1
#define DEMO_CONTROL_POP_MASK                        UINT32_C(0x00000004)
#define DEMO_CONTROL_CLEAR_CRC_SHIFT                 3  /* CODEBOOK_CRC begins anew; refused while the core is busy */
#define DEMO_CONTROL_CLEAR_CRC_WIDTH                 1
#define DEMO_CONTROL_CLEAR_CRC_MASK                  UINT32_C(0x00000008)
#define DEMO_CONTROL_SOFT_RESET_SHIFT                4  /* all registers, queues and the core as after reset; codebooks stay */
#define DEMO_CONTROL_SOFT_RESET_WIDTH                1
#define DEMO_CONTROL_SOFT_RESET_MASK                 UINT32_C(0x00000010)

/* STATUS: what goes on; read only, written by hardware */
#define DEMO_STATUS_ADDRESS                          0x24u
#define DEMO_STATUS_RESET                            UINT32_C(0x00000000)
#define DEMO_STATUS_WRITE_MASK                       UINT32_C(0x00000000)
#define DEMO_STATUS_BUSY_SHIFT                       0  /* a run goes on or is queued, or a query is on its way: parameters and codebooks cannot be written */
#define DEMO_STATUS_BUSY_WIDTH                       1
#define DEMO_STATUS_BUSY_MASK                        UINT32_C(0x00000001)
#define DEMO_STATUS_RUNNING_SHIFT                    1  /* a run goes on */
#define DEMO_STATUS_RUNNING_WIDTH                    1
#define DEMO_STATUS_RUNNING_MASK                     UINT32_C(0x00000002)
#define DEMO_STATUS_LOADED_SHIFT                     2  /* a query is loaded */
#define DEMO_STATUS_LOADED_WIDTH                     1
#define DEMO_STATUS_LOADED_MASK                      UINT32_C(0x00000004)
#define DEMO_STATUS_ERROR_SHIFT                      3  /* ERRORS is not 0 */
#define DEMO_STATUS_ERROR_WIDTH                      1
#define DEMO_STATUS_ERROR_MASK                       UINT32_C(0x00000008)
#define DEMO_STATUS_RESULTS_SHIFT                    8  /* results that wait */
#define DEMO_STATUS_RESULTS_WIDTH                    5
#define DEMO_STATUS_RESULTS_MASK                     UINT32_C(0x00001f00)
#define DEMO_STATUS_SPACE_SHIFT                      16  /* free places of the query queue */
#define DEMO_STATUS_SPACE_WIDTH                      16
#define DEMO_STATUS_SPACE_MASK                       UINT32_C(0xffff0000)

/* CONFIG: how queries are run; read and write; writing is refused while the core is busy */
#define DEMO_CONFIG_ADDRESS                          0x28u
#define DEMO_CONFIG_RESET                            UINT32_C(0x00000001)
#define DEMO_CONFIG_WRITE_MASK                       UINT32_C(0x00000001)
#define DEMO_CONFIG_AUTO_START_SHIFT                 0  /* a query is run as soon as it is complete */
#define DEMO_CONFIG_AUTO_START_WIDTH                 1
#define DEMO_CONFIG_AUTO_START_MASK                  UINT32_C(0x00000001)

/* ERRORS: sticky errors; set by hardware; writing 1 clears, and where both happen it stays set */
#define DEMO_ERRORS_ADDRESS                          0x2cu
#define DEMO_ERRORS_RESET                            UINT32_C(0x00000000)
#define DEMO_ERRORS_WRITE_MASK                       UINT32_C(0x000001ff)
#define DEMO_ERRORS_BAD_QUERY_SHIFT                  0  /* a query was refused: index, weight, order, duplicate, number of entries, or an entry lost */
#define DEMO_ERRORS_BAD_QUERY_WIDTH                  1
#define DEMO_ERRORS_BAD_QUERY_MASK                   UINT32_C(0x00000001)
#define DEMO_ERRORS_BAD_CODEBOOK_SHIFT               1  /* a codevector was refused: factor, number or index out of range */
#define DEMO_ERRORS_BAD_CODEBOOK_WIDTH               1
#define DEMO_ERRORS_BAD_CODEBOOK_MASK                UINT32_C(0x00000002)
#define DEMO_ERRORS_BAD_PARAMETER_SHIFT              2  /* a run was refused: parameters the core cannot run */
#define DEMO_ERRORS_BAD_PARAMETER_WIDTH              1
#define DEMO_ERRORS_BAD_PARAMETER_MASK               UINT32_C(0x00000004)
#define DEMO_ERRORS_NO_QUERY_SHIFT                   3  /* a run was refused: no query is loaded */
#define DEMO_ERRORS_NO_QUERY_WIDTH                   1
#define DEMO_ERRORS_NO_QUERY_MASK                    UINT32_C(0x00000008)
#define DEMO_ERRORS_BUSY_START_SHIFT                 4  /* a start while the core was busy was ignored */
#define DEMO_ERRORS_BUSY_START_WIDTH                 1
#define DEMO_ERRORS_BUSY_START_MASK                  UINT32_C(0x00000010)
#define DEMO_ERRORS_BAD_ACCESS_SHIFT                 5  /* an access was refused: no such register, not readable, not writable, no result there, or part of a word */
#define DEMO_ERRORS_BAD_ACCESS_WIDTH                 1
#define DEMO_ERRORS_BAD_ACCESS_MASK                  UINT32_C(0x00000020)
#define DEMO_ERRORS_BAD_VALUE_SHIFT                  6  /* a write was refused: ones where there is no field */
#define DEMO_ERRORS_BAD_VALUE_WIDTH                  1
#define DEMO_ERRORS_BAD_VALUE_MASK                   UINT32_C(0x00000040)
#define DEMO_ERRORS_BUSY_ACCESS_SHIFT                7  /* a write was refused because the core was busy */
#define DEMO_ERRORS_BUSY_ACCESS_WIDTH                1
#define DEMO_ERRORS_BUSY_ACCESS_MASK                 UINT32_C(0x00000080)
#define DEMO_ERRORS_OVERFLOW_SHIFT                   8  /* a write was refused because the query queue was full */
#define DEMO_ERRORS_OVERFLOW_WIDTH                   1
#define DEMO_ERRORS_OVERFLOW_MASK                    UINT32_C(0x00000100)

/* INT_STATE: interrupts that wait; set by hardware; writing 1 clears, and where both happen it stays set */
#define DEMO_INT_STATE_ADDRESS                       0x30u
#define DEMO_INT_STATE_RESET                         UINT32_C(0x00000000)
#define DEMO_INT_STATE_WRITE_MASK                    UINT32_C(0x00000007)
#define DEMO_INT_STATE_RESULT_SHIFT                  0  /* a result came in */
#define DEMO_INT_STATE_RESULT_WIDTH                  1
#define DEMO_INT_STATE_RESULT_MASK                   UINT32_C(0x00000001)
#define DEMO_INT_STATE_IDLE_SHIFT                    1  /* the last run that was queued has ended */
#define DEMO_INT_STATE_IDLE_WIDTH                    1
#define DEMO_INT_STATE_IDLE_MASK                     UINT32_C(0x00000002)
#define DEMO_INT_STATE_ERROR_SHIFT                   2  /* an error was noted in ERRORS */
#define DEMO_INT_STATE_ERROR_WIDTH                   1
#define DEMO_INT_STATE_ERROR_MASK                    UINT32_C(0x00000004)

/* INT_ENABLE: interrupts that raise the interrupt line; read and write */
#define DEMO_INT_ENABLE_ADDRESS                      0x34u
#define DEMO_INT_ENABLE_RESET                        UINT32_C(0x00000000)
#define DEMO_INT_ENABLE_WRITE_MASK                   UINT32_C(0x00000007)
#define DEMO_INT_ENABLE_RESULT_SHIFT                 0  /* a result came in */
#define DEMO_INT_ENABLE_RESULT_WIDTH                 1
#define DEMO_INT_ENABLE_RESULT_MASK                  UINT32_C(0x00000001)
#define DEMO_INT_ENABLE_IDLE_SHIFT                   1  /* the last run that was queued has ended */
#define DEMO_INT_ENABLE_IDLE_WIDTH                   1
#define DEMO_INT_ENABLE_IDLE_MASK                    UINT32_C(0x00000002)
#define DEMO_INT_ENABLE_ERROR_SHIFT                  2  /* an error was noted in ERRORS */
#define DEMO_INT_ENABLE_ERROR_WIDTH                  1
#define DEMO_INT_ENABLE_ERROR_MASK                   UINT32_C(0x00000004)

/* INT_TEST: sets interrupts, to try a handler; write only: does something, reads 0 */
#define DEMO_INT_TEST_ADDRESS                        0x38u
#define DEMO_INT_TEST_RESET                          UINT32_C(0x00000000)
#define DEMO_INT_TEST_WRITE_MASK                     UINT32_C(0x00000007)
#define DEMO_INT_TEST_RESULT_SHIFT                   0  /* a result came in */
#define DEMO_INT_TEST_RESULT_WIDTH                   1
#define DEMO_INT_TEST_RESULT_MASK                    UINT32_C(0x00000001)
#define DEMO_INT_TEST_IDLE_SHIFT                     1  /* the last run that was queued has ended */
#define DEMO_INT_TEST_IDLE_WIDTH                     1
#define DEMO_INT_TEST_IDLE_MASK                      UINT32_C(0x00000002)
#define DEMO_INT_TEST_ERROR_SHIFT                    2  /* an error was noted in ERRORS */
#define DEMO_INT_TEST_ERROR_WIDTH                    1
#define DEMO_INT_TEST_ERROR_MASK                     UINT32_C(0x00000004)

/* TAG: numbers of results; read only, written by hardware */
#define DEMO_TAG_ADDRESS                             0x3cu
#define DEMO_TAG_RESET                               UINT32_C(0x00000000)
#define DEMO_TAG_WRITE_MASK                          UINT32_C(0x00000000)
#define DEMO_TAG_NEXT_SHIFT                          0  /* tag of the next run's first result; it counts up with every result */
#define DEMO_TAG_NEXT_WIDTH                          8
#define DEMO_TAG_NEXT_MASK                           UINT32_C(0x000000ff)

/* SIZES0: codevectors in use; read and write; writing is refused while the core is busy */
#define DEMO_SIZES0_ADDRESS                          0x40u
#define DEMO_SIZES0_RESET                            UINT32_C(0x00200020)
#define DEMO_SIZES0_WRITE_MASK                       UINT32_C(0x003f003f)
#define DEMO_SIZES0_SIZE0_SHIFT                      0  /* M of codebook 0 */
#define DEMO_SIZES0_SIZE0_WIDTH                      6
#define DEMO_SIZES0_SIZE0_MASK                       UINT32_C(0x0000003f)
#define DEMO_SIZES0_SIZE1_SHIFT                      16  /* M of codebook 1 */
#define DEMO_SIZES0_SIZE1_WIDTH                      6
#define DEMO_SIZES0_SIZE1_MASK                       UINT32_C(0x003f0000)

/* SIZES1: codevectors in use; read and write; writing is refused while the core is busy */
#define DEMO_SIZES1_ADDRESS                          0x44u
#define DEMO_SIZES1_RESET                            UINT32_C(0x00000020)
#define DEMO_SIZES1_WRITE_MASK                       UINT32_C(0x0000003f)
#define DEMO_SIZES1_SIZE2_SHIFT                      0  /* M of codebook 2 */
#define DEMO_SIZES1_SIZE2_WIDTH                      6
#define DEMO_SIZES1_SIZE2_MASK                       UINT32_C(0x0000003f)

/* KNOWN0: factors that are known; read and write; writing is refused while the core is busy */
#define DEMO_KNOWN0_ADDRESS                          0x48u
#define DEMO_KNOWN0_RESET                            UINT32_C(0x00000000)
#define DEMO_KNOWN0_WRITE_MASK                       UINT32_C(0x801f801f)
#define DEMO_KNOWN0_INDEX0_SHIFT                     0  /* codevector of factor 0, if it is known */
#define DEMO_KNOWN0_INDEX0_WIDTH                     5
#define DEMO_KNOWN0_INDEX0_MASK                      UINT32_C(0x0000001f)
#define DEMO_KNOWN0_KNOWN0_SHIFT                     15  /* factor 0 is known */
#define DEMO_KNOWN0_KNOWN0_WIDTH                     1
#define DEMO_KNOWN0_KNOWN0_MASK                      UINT32_C(0x00008000)
#define DEMO_KNOWN0_INDEX1_SHIFT                     16  /* codevector of factor 1, if it is known */
#define DEMO_KNOWN0_INDEX1_WIDTH                     5
#define DEMO_KNOWN0_INDEX1_MASK                      UINT32_C(0x001f0000)
#define DEMO_KNOWN0_KNOWN1_SHIFT                     31  /* factor 1 is known */
#define DEMO_KNOWN0_KNOWN1_WIDTH                     1
#define DEMO_KNOWN0_KNOWN1_MASK                      UINT32_C(0x80000000)

/* KNOWN1: factors that are known; read and write; writing is refused while the core is busy */
#define DEMO_KNOWN1_ADDRESS                          0x4cu
#define DEMO_KNOWN1_RESET                            UINT32_C(0x00000000)
#define DEMO_KNOWN1_WRITE_MASK                       UINT32_C(0x0000801f)
#define DEMO_KNOWN1_INDEX2_SHIFT                     0  /* codevector of factor 2, if it is known */
#define DEMO_KNOWN1_INDEX2_WIDTH                     5
#define DEMO_KNOWN1_INDEX2_MASK                      UINT32_C(0x0000001f)
#define DEMO_KNOWN1_KNOWN2_SHIFT                     15  /* factor 2 is known */
#define DEMO_KNOWN1_KNOWN2_WIDTH                     1
#define DEMO_KNOWN1_KNOWN2_MASK                      UINT32_C(0x00008000)

/* SEARCH: how a run goes on; read and write; writing is refused while the core is busy */
#define DEMO_SEARCH_ADDRESS                          0x50u
#define DEMO_SEARCH_RESET                            UINT32_C(0x10050010)
#define DEMO_SEARCH_WRITE_MASK                       UINT32_C(0x1fff1333)
#define DEMO_SEARCH_MODE_SHIFT                       0  /* how the tuple is found */
#define DEMO_SEARCH_MODE_WIDTH                       2
#define DEMO_SEARCH_MODE_MASK                        UINT32_C(0x00000003)
#define DEMO_SEARCH_MODE_AUTO                        0u
#define DEMO_SEARCH_MODE_FACTORIZE                   1u
#define DEMO_SEARCH_MODE_JOIN                        2u
#define DEMO_SEARCH_MODE_SCAN                        3u
#define DEMO_SEARCH_HEADS_SHIFT                      4  /* blocks that join looks codevectors up in */
#define DEMO_SEARCH_HEADS_WIDTH                      2
#define DEMO_SEARCH_HEADS_MASK                       UINT32_C(0x00000030)
#define DEMO_SEARCH_TRIM_SHIFT                       8  /* r, blocks left out of the minimum, smallest first */
#define DEMO_SEARCH_TRIM_WIDTH                       2
#define DEMO_SEARCH_TRIM_MASK                        UINT32_C(0x00000300)
#define DEMO_SEARCH_USE_SUM_SHIFT                    12  /* blocks' similarities are summed */
#define DEMO_SEARCH_USE_SUM_WIDTH                    1
#define DEMO_SEARCH_USE_SUM_MASK                     UINT32_C(0x00001000)
#define DEMO_SEARCH_PATIENCE_SHIFT                   16  /* iterations without a draw or a better score after which all lists are drawn anew; 0: never */
#define DEMO_SEARCH_PATIENCE_WIDTH                   4
#define DEMO_SEARCH_PATIENCE_MASK                    UINT32_C(0x000f0000)
#define DEMO_SEARCH_LEVEL_SHIFT                      20  /* accepted when 256 * score >= level * smax */
#define DEMO_SEARCH_LEVEL_WIDTH                      9
#define DEMO_SEARCH_LEVEL_MASK                       UINT32_C(0x1ff00000)

/* ACTIVATION: threshold and draws of factorize; read and write; writing is refused while the core is busy */
#define DEMO_ACTIVATION_ADDRESS                      0x54u
#define DEMO_ACTIVATION_RESET                        UINT32_C(0x00000000)
#define DEMO_ACTIVATION_WRITE_MASK                   UINT32_C(0x003fffff)
#define DEMO_ACTIVATION_THRESHOLD_SHIFT              0  /* T16, in 65536ths of the largest similarity */
#define DEMO_ACTIVATION_THRESHOLD_WIDTH              16
#define DEMO_ACTIVATION_THRESHOLD_MASK               UINT32_C(0x0000ffff)
#define DEMO_ACTIVATION_SAMPLES_SHIFT                16  /* A, codevectors drawn; 0: all at the start, half of them later */
#define DEMO_ACTIVATION_SAMPLES_WIDTH                6
#define DEMO_ACTIVATION_SAMPLES_MASK                 UINT32_C(0x003f0000)

/* MAX_ITERATIONS: limit of factorize; read and write; writing is refused while the core is busy */
#define DEMO_MAX_ITERATIONS_ADDRESS                  0x58u
#define DEMO_MAX_ITERATIONS_RESET                    UINT32_C(0x000003e8)
#define DEMO_MAX_ITERATIONS_WRITE_MASK               UINT32_C(0x0000ffff)
#define DEMO_MAX_ITERATIONS_ITERATIONS_SHIFT         0  /* passes over the factors */
#define DEMO_MAX_ITERATIONS_ITERATIONS_WIDTH         16
#define DEMO_MAX_ITERATIONS_ITERATIONS_MASK          UINT32_C(0x0000ffff)

/* MAX_TUPLES: limit of join and scan; read and write; writing is refused while the core is busy */
#define DEMO_MAX_TUPLES_ADDRESS                      0x5cu
#define DEMO_MAX_TUPLES_RESET                        UINT32_C(0x0001ffff)
#define DEMO_MAX_TUPLES_WRITE_MASK                   UINT32_C(0x0001ffff)
#define DEMO_MAX_TUPLES_TUPLES_SHIFT                 0  /* candidates */
#define DEMO_MAX_TUPLES_TUPLES_WIDTH                 17
#define DEMO_MAX_TUPLES_TUPLES_MASK                  UINT32_C(0x0001ffff)

/* SEED: start of the random generator; read and write; writing is refused while the core is busy */
#define DEMO_SEED_ADDRESS                            0x60u
#define DEMO_SEED_RESET                              UINT32_C(0x2545f491)
#define DEMO_SEED_WRITE_MASK                         UINT32_C(0xffffffff)
#define DEMO_SEED_SEED_SHIFT                         0  /* 0 counts as 1 */
#define DEMO_SEED_SEED_WIDTH                         32
#define DEMO_SEED_SEED_MASK                          UINT32_C(0xffffffff)

/* DENSE: what dense queries are turned into; read and write; writing is refused while the core is busy */
#define DEMO_DENSE_ADDRESS                           0x64u
#define DEMO_DENSE_RESET                             UINT32_C(0x00000000)
#define DEMO_DENSE_WRITE_MASK                        UINT32_C(0x00f100ff)
#define DEMO_DENSE_THRESHOLD_SHIFT                   0  /* elements below it are not kept */
#define DEMO_DENSE_THRESHOLD_WIDTH                   8
#define DEMO_DENSE_THRESHOLD_MASK                    UINT32_C(0x000000ff)
#define DEMO_DENSE_LOG_SHIFT                         16  /* elements are logits, weights logarithmic */
#define DEMO_DENSE_LOG_WIDTH                         1
#define DEMO_DENSE_LOG_MASK                          UINT32_C(0x00010000)
#define DEMO_DENSE_SHIFT_SHIFT                       20  /* t: a weight of 1 is 2**t units of a logit */
#define DEMO_DENSE_SHIFT_WIDTH                       4
#define DEMO_DENSE_SHIFT_MASK                        UINT32_C(0x00f00000)

/* QUERY_ENTRY: a query's entries, by ascending block; a window: every access moves it on; reading is refused */
#define DEMO_QUERY_ENTRY_ADDRESS                     0x70u
#define DEMO_QUERY_ENTRY_RESET                       UINT32_C(0x00000000)
#define DEMO_QUERY_ENTRY_WRITE_MASK                  UINT32_C(0x830f007f)
#define DEMO_QUERY_ENTRY_INDEX_SHIFT                 0  /* index within the block */
#define DEMO_QUERY_ENTRY_INDEX_WIDTH                 7
#define DEMO_QUERY_ENTRY_INDEX_MASK                  UINT32_C(0x0000007f)
#define DEMO_QUERY_ENTRY_WEIGHT_SHIFT                16  /* weight, not 0 */
#define DEMO_QUERY_ENTRY_WEIGHT_WIDTH                4
#define DEMO_QUERY_ENTRY_WEIGHT_MASK                 UINT32_C(0x000f0000)
#define DEMO_QUERY_ENTRY_BLOCK_SHIFT                 24  /* block */
#define DEMO_QUERY_ENTRY_BLOCK_WIDTH                 2
#define DEMO_QUERY_ENTRY_BLOCK_MASK                  UINT32_C(0x03000000)
#define DEMO_QUERY_ENTRY_LAST_SHIFT                  31  /* this entry ends the query */
#define DEMO_QUERY_ENTRY_LAST_WIDTH                  1
#define DEMO_QUERY_ENTRY_LAST_MASK                   UINT32_C(0x80000000)

/* QUERY_DENSE: a dense query's elements: index 0 of every block, then index 1, and so on; a window: every access moves it on; reading is refused */
#define DEMO_QUERY_DENSE_ADDRESS                     0x74u
#define DEMO_QUERY_DENSE_RESET                       UINT32_C(0x00000000)
#define DEMO_QUERY_DENSE_WRITE_MASK                  UINT32_C(0xffffffff)
#define DEMO_QUERY_DENSE_ELEMENT0_SHIFT              0  /* element of block 0, and every 4th after it */
#define DEMO_QUERY_DENSE_ELEMENT0_WIDTH              8
#define DEMO_QUERY_DENSE_ELEMENT0_MASK               UINT32_C(0x000000ff)
#define DEMO_QUERY_DENSE_ELEMENT1_SHIFT              8  /* element of block 1, and every 4th after it */
#define DEMO_QUERY_DENSE_ELEMENT1_WIDTH              8
#define DEMO_QUERY_DENSE_ELEMENT1_MASK               UINT32_C(0x0000ff00)
#define DEMO_QUERY_DENSE_ELEMENT2_SHIFT              16  /* element of block 2, and every 4th after it */
#define DEMO_QUERY_DENSE_ELEMENT2_WIDTH              8
#define DEMO_QUERY_DENSE_ELEMENT2_MASK               UINT32_C(0x00ff0000)
#define DEMO_QUERY_DENSE_ELEMENT3_SHIFT              24  /* element of block 3, and every 4th after it */
#define DEMO_QUERY_DENSE_ELEMENT3_WIDTH              8
#define DEMO_QUERY_DENSE_ELEMENT3_MASK               UINT32_C(0xff000000)

/* CODEBOOK_ADDRESS: codevector that CODEBOOK_DATA is at; read and write; writing is refused while the core is busy */
#define DEMO_CODEBOOK_ADDRESS_ADDRESS                0x78u
#define DEMO_CODEBOOK_ADDRESS_RESET                  UINT32_C(0x00000000)
#define DEMO_CODEBOOK_ADDRESS_WRITE_MASK             UINT32_C(0x0003003f)
#define DEMO_CODEBOOK_ADDRESS_CODEVECTOR_SHIFT       0  /* number of the codevector */
#define DEMO_CODEBOOK_ADDRESS_CODEVECTOR_WIDTH       6
#define DEMO_CODEBOOK_ADDRESS_CODEVECTOR_MASK        UINT32_C(0x0000003f)
#define DEMO_CODEBOOK_ADDRESS_FACTOR_SHIFT           16  /* codebook */
#define DEMO_CODEBOOK_ADDRESS_FACTOR_WIDTH           2
#define DEMO_CODEBOOK_ADDRESS_FACTOR_MASK            UINT32_C(0x00030000)

/* CODEBOOK_DATA: indices of a codevector, block 0 first, then the next codevector's; a window: every access moves it on */
#define DEMO_CODEBOOK_DATA_ADDRESS                   0x7cu
#define DEMO_CODEBOOK_DATA_RESET                     UINT32_C(0x00000000)
#define DEMO_CODEBOOK_DATA_WRITE_MASK                UINT32_C(0x7f7f7f7f)
#define DEMO_CODEBOOK_DATA_INDEX0_SHIFT              0  /* index of block 0, and every 4th after it */
#define DEMO_CODEBOOK_DATA_INDEX0_WIDTH              7
#define DEMO_CODEBOOK_DATA_INDEX0_MASK               UINT32_C(0x0000007f)
#define DEMO_CODEBOOK_DATA_INDEX1_SHIFT              8  /* index of block 1, and every 4th after it */
#define DEMO_CODEBOOK_DATA_INDEX1_WIDTH              7
#define DEMO_CODEBOOK_DATA_INDEX1_MASK               UINT32_C(0x00007f00)
#define DEMO_CODEBOOK_DATA_INDEX2_SHIFT              16  /* index of block 2, and every 4th after it */
#define DEMO_CODEBOOK_DATA_INDEX2_WIDTH              7
#define DEMO_CODEBOOK_DATA_INDEX2_MASK               UINT32_C(0x007f0000)
#define DEMO_CODEBOOK_DATA_INDEX3_SHIFT              24  /* index of block 3, and every 4th after it */
#define DEMO_CODEBOOK_DATA_INDEX3_WIDTH              7
#define DEMO_CODEBOOK_DATA_INDEX3_MASK               UINT32_C(0x7f000000)

/* CODEBOOK_CRC: to verify codebooks with; read only, written by hardware */
#define DEMO_CODEBOOK_CRC_ADDRESS                    0x80u
#define DEMO_CODEBOOK_CRC_RESET                      UINT32_C(0x00000000)
#define DEMO_CODEBOOK_CRC_WRITE_MASK                 UINT32_C(0x00000000)
#define DEMO_CODEBOOK_CRC_CRC_SHIFT                  0  /* CRC-32 of the words written to CODEBOOK_DATA since clear_crc, in order of their bytes in memory; lost when a run starts */
#define DEMO_CODEBOOK_CRC_CRC_WIDTH                  32
#define DEMO_CODEBOOK_CRC_CRC_MASK                   UINT32_C(0xffffffff)

/* RESULT: the oldest result; read only, written by hardware */
#define DEMO_RESULT_ADDRESS                          0xc0u
#define DEMO_RESULT_RESET                            UINT32_C(0x00000000)
#define DEMO_RESULT_WRITE_MASK                       UINT32_C(0x00000000)
#define DEMO_RESULT_TAG_SHIFT                        0  /* number of the result, counted when its run was queued */
#define DEMO_RESULT_TAG_WIDTH                        8
#define DEMO_RESULT_TAG_MASK                         UINT32_C(0x000000ff)
#define DEMO_RESULT_STOP_SHIFT                       8  /* why it ended */
#define DEMO_RESULT_STOP_WIDTH                       3
#define DEMO_RESULT_STOP_MASK                        UINT32_C(0x00000700)
#define DEMO_RESULT_STOP_NONE                        0u
#define DEMO_RESULT_STOP_ACCEPTED                    1u
#define DEMO_RESULT_STOP_LIMIT                       2u
#define DEMO_RESULT_STOP_COMPLETE                    3u
#define DEMO_RESULT_STOP_ABORTED                     4u
#define DEMO_RESULT_STOP_ERROR                       5u
#define DEMO_RESULT_ERRORS_SHIFT                     16  /* ERRORS of the core when it ended, in their order */
#define DEMO_RESULT_ERRORS_WIDTH                     5
#define DEMO_RESULT_ERRORS_MASK                      UINT32_C(0x001f0000)

/* RESULT_INDICES0: codevectors found; read only, written by hardware */
#define DEMO_RESULT_INDICES0_ADDRESS                 0xc4u
#define DEMO_RESULT_INDICES0_RESET                   UINT32_C(0x00000000)
#define DEMO_RESULT_INDICES0_WRITE_MASK              UINT32_C(0x00000000)
#define DEMO_RESULT_INDICES0_INDEX0_SHIFT            0  /* codevector of factor 0 */
#define DEMO_RESULT_INDICES0_INDEX0_WIDTH            5
#define DEMO_RESULT_INDICES0_INDEX0_MASK             UINT32_C(0x0000001f)
#define DEMO_RESULT_INDICES0_INDEX1_SHIFT            16  /* codevector of factor 1 */
#define DEMO_RESULT_INDICES0_INDEX1_WIDTH            5
#define DEMO_RESULT_INDICES0_INDEX1_MASK             UINT32_C(0x001f0000)

/* RESULT_INDICES1: codevectors found; read only, written by hardware */
#define DEMO_RESULT_INDICES1_ADDRESS                 0xc8u
#define DEMO_RESULT_INDICES1_RESET                   UINT32_C(0x00000000)
#define DEMO_RESULT_INDICES1_WRITE_MASK              UINT32_C(0x00000000)
#define DEMO_RESULT_INDICES1_INDEX2_SHIFT            0  /* codevector of factor 2 */
#define DEMO_RESULT_INDICES1_INDEX2_WIDTH            5
#define DEMO_RESULT_INDICES1_INDEX2_MASK             UINT32_C(0x0000001f)

/* RESULT_SCORE: score of the tuple found; read only, written by hardware */
#define DEMO_RESULT_SCORE_ADDRESS                    0xccu
#define DEMO_RESULT_SCORE_RESET                      UINT32_C(0x00000000)
#define DEMO_RESULT_SCORE_WRITE_MASK                 UINT32_C(0x00000000)
#define DEMO_RESULT_SCORE_SCORE_SHIFT                0  /* score */
#define DEMO_RESULT_SCORE_SCORE_WIDTH                6
#define DEMO_RESULT_SCORE_SCORE_MASK                 UINT32_C(0x0000003f)
#define DEMO_RESULT_SCORE_SMAX_SHIFT                 16  /* largest score possible */
#define DEMO_RESULT_SCORE_SMAX_WIDTH                 6
#define DEMO_RESULT_SCORE_SMAX_MASK                  UINT32_C(0x003f0000)

/* RESULT_RUNNER_UP: the next best; read only, written by hardware */
#define DEMO_RESULT_RUNNER_UP_ADDRESS                0xd0u
#define DEMO_RESULT_RUNNER_UP_RESET                  UINT32_C(0x00000000)
#define DEMO_RESULT_RUNNER_UP_WRITE_MASK             UINT32_C(0x00000000)
#define DEMO_RESULT_RUNNER_UP_RUNNER_UP_SHIFT        0  /* best score of any other tuple */
#define DEMO_RESULT_RUNNER_UP_RUNNER_UP_WIDTH        6
#define DEMO_RESULT_RUNNER_UP_RUNNER_UP_MASK         UINT32_C(0x0000003f)

/* RESULT_ITERATIONS: work done; read only, written by hardware */
#define DEMO_RESULT_ITERATIONS_ADDRESS               0xd4u
#define DEMO_RESULT_ITERATIONS_RESET                 UINT32_C(0x00000000)
#define DEMO_RESULT_ITERATIONS_WRITE_MASK            UINT32_C(0x00000000)
#define DEMO_RESULT_ITERATIONS_ITERATIONS_SHIFT      0  /* passes over the factors (factorize), tuples (join, scan) */
#define DEMO_RESULT_ITERATIONS_ITERATIONS_WIDTH      32
#define DEMO_RESULT_ITERATIONS_ITERATIONS_MASK       UINT32_C(0xffffffff)

/* RESULT_CYCLES: time taken; read only, written by hardware */
#define DEMO_RESULT_CYCLES_ADDRESS                   0xd8u
#define DEMO_RESULT_CYCLES_RESET                     UINT32_C(0x00000000)
#define DEMO_RESULT_CYCLES_WRITE_MASK                UINT32_C(0x00000000)
#define DEMO_RESULT_CYCLES_CYCLES_SHIFT              0  /* clock cycles from the start to the result */
#define DEMO_RESULT_CYCLES_CYCLES_WIDTH              32
#define DEMO_RESULT_CYCLES_CYCLES_MASK               UINT32_C(0xffffffff)

/* RESULT_SEED: for running it again; read only, written by hardware */
#define DEMO_RESULT_SEED_ADDRESS                     0xdcu
#define DEMO_RESULT_SEED_RESET                       UINT32_C(0x00000000)
#define DEMO_RESULT_SEED_WRITE_MASK                  UINT32_C(0x00000000)
#define DEMO_RESULT_SEED_SEED_SHIFT                  0  /* seed used */
#define DEMO_RESULT_SEED_SEED_WIDTH                  32
#define DEMO_RESULT_SEED_SEED_MASK                   UINT32_C(0xffffffff)

/* RESULT_CRC: for comparing it with the golden model; read only, written by hardware */
#define DEMO_RESULT_CRC_ADDRESS                      0xe0u
#define DEMO_RESULT_CRC_RESET                        UINT32_C(0x00000000)
#define DEMO_RESULT_CRC_WRITE_MASK                   UINT32_C(0x00000000)
#define DEMO_RESULT_CRC_CRC_SHIFT                    0  /* CRC-32 of the trace */
#define DEMO_RESULT_CRC_CRC_WIDTH                    32
#define DEMO_RESULT_CRC_CRC_MASK                     UINT32_C(0xffffffff)

/* RESULT_SIMILARITY0: similarity of factor 0; read only, written by hardware */
#define DEMO_RESULT_SIMILARITY0_ADDRESS              0xe4u
#define DEMO_RESULT_SIMILARITY0_RESET                UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY0_WRITE_MASK           UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY0_SIMILARITY_SHIFT     0  /* of the best codevector at the last update; 0: none */
#define DEMO_RESULT_SIMILARITY0_SIMILARITY_WIDTH     21
#define DEMO_RESULT_SIMILARITY0_SIMILARITY_MASK      UINT32_C(0x001fffff)

/* RESULT_SIMILARITY1: similarity of factor 1; read only, written by hardware */
#define DEMO_RESULT_SIMILARITY1_ADDRESS              0xe8u
#define DEMO_RESULT_SIMILARITY1_RESET                UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY1_WRITE_MASK           UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY1_SIMILARITY_SHIFT     0  /* of the best codevector at the last update; 0: none */
#define DEMO_RESULT_SIMILARITY1_SIMILARITY_WIDTH     21
#define DEMO_RESULT_SIMILARITY1_SIMILARITY_MASK      UINT32_C(0x001fffff)

/* RESULT_SIMILARITY2: similarity of factor 2; read only, written by hardware */
#define DEMO_RESULT_SIMILARITY2_ADDRESS              0xecu
#define DEMO_RESULT_SIMILARITY2_RESET                UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY2_WRITE_MASK           UINT32_C(0x00000000)
#define DEMO_RESULT_SIMILARITY2_SIMILARITY_SHIFT     0  /* of the best codevector at the last update; 0: none */
#define DEMO_RESULT_SIMILARITY2_SIMILARITY_WIDTH     21
#define DEMO_RESULT_SIMILARITY2_SIMILARITY_MASK      UINT32_C(0x001fffff)

#endif  /* DEMO_REGISTERS_H */
