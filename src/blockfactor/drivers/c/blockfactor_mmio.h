/* Transport of blockfactor_driver.h for memory-mapped registers. */
#ifndef BLOCKFACTOR_MMIO_H
#define BLOCKFACTOR_MMIO_H

#include "blockfactor_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `base`: address of the first register, ID, of device memory: not cached, nothing buffered, merged
 * or out of order (Cortex-M: Device or Strongly-ordered in the MPU). No barriers are issued. The
 * transport's pause is NULL; set it to sleep between two looks at the device. */
blockfactor_status blockfactor_mmio(blockfactor_transport *transport, volatile uint32_t *base);

#ifdef __cplusplus
}
#endif

#endif /* BLOCKFACTOR_MMIO_H */
