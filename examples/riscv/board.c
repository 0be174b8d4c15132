#include "board.h"

#ifdef BUS_SPI
#include "blockfactor_spi.h"
#else
#include "blockfactor_mmio.h"
#endif

#define DEVICE ((volatile uint32_t *)0x10000000)
#define UART ((volatile uint32_t *)0x20000000)
#define SIMULATION ((volatile uint32_t *)0x30000000)

#ifdef BUS_SPI

/* The SPI controller's registers, in words. Accesses wait for the byte before. */
enum { SPI_BYTE, SPI_SELECT };

static bool transfer(void *context, const uint8_t *out, uint8_t *in, size_t count) {
    (void)context;
    for (size_t n = 0; n < count; n++) {
        DEVICE[SPI_BYTE] = out[n];
        in[n] = (uint8_t)DEVICE[SPI_BYTE];
    }
    return true;
}

static void select_core(void *context, bool selected) {
    (void)context;
    DEVICE[SPI_SELECT] = selected;
}

blockfactor_status board_transport(blockfactor_transport *transport) {
    static const blockfactor_spi_bus bus = {transfer, select_core, NULL};
    return blockfactor_spi(transport, &bus);
}

#else

blockfactor_status board_transport(blockfactor_transport *transport) {
    return blockfactor_mmio(transport, DEVICE);
}

#endif

void put(char character) { *UART = (uint8_t)character; }

void finish(uint32_t code) {
    *SIMULATION = code;
    for (;;)
        ;
}
