/* Transport of blockfactor_driver.h for SPI: frames of docs/spi.md, modes 0 or 3. */
#ifndef BLOCKFACTOR_SPI_H
#define BLOCKFACTOR_SPI_H

#include "blockfactor_driver.h"

/* Most words of a frame; more are split. A frame takes 2 * (2 + 5 * BURST) bytes of the stack. */
#ifndef BLOCKFACTOR_SPI_BURST
#define BLOCKFACTOR_SPI_BURST 16
#endif
#if BLOCKFACTOR_SPI_BURST < 1
#error "BLOCKFACTOR_SPI_BURST must be 1 or more"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The two functions that the controller must have. */
typedef struct {
    /* Send `count` bytes and receive as many at the same time, the highest bit first; true: done. */
    bool (*transfer)(void *context, const uint8_t *out, uint8_t *in, size_t count);
    /* Drive CS: low if `selected`. It must stay high for 4 core clocks, low for one on each side of
     * the transfer. */
    void (*select)(void *context, bool selected);
    void *context;
} blockfactor_spi_bus;

/* `bus` must last as long as the device. The transport's pause is NULL; set it to sleep between two
 * looks at the device. */
blockfactor_status blockfactor_spi(blockfactor_transport *transport,
                                   const blockfactor_spi_bus *bus);

#ifdef __cplusplus
}
#endif

#endif /* BLOCKFACTOR_SPI_H */
