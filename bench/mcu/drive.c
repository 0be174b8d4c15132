/* The C driver of a core behind SPI, as a program uses it; bench/_mcu_driver.py is the core.
 *
 * A transfer is handed to a controller with DMA: four stores a frame, and the processor is free until
 * it is done. What the driver does by itself is what is counted.
 */
#include "core_driver.h"
#include "core_spi.h"

struct drive {
    core_entry entry[CORE_BLOCKS * CORE_QUERY_ENTRIES];
    uint32_t count;
    core_parameters parameters;
    core_result result;
    core_device device;
    core_transport transport;
    core_spi_bus bus;
};

static volatile uint32_t *const controller = (volatile uint32_t *)0x40000000; /* out, in, count, CS */

static bool transfer(void *context, const uint8_t *out, uint8_t *in, size_t count)
{
    (void)context;
    controller[0] = (uint32_t)(uintptr_t)out;
    controller[1] = (uint32_t)(uintptr_t)in;
    controller[2] = count;
    return true;
}

static void select(void *context, bool selected)
{
    (void)context;
    controller[3] = selected;
}

core_status drive_open(struct drive *d)
{
    core_status status;
    d->bus.transfer = transfer;
    d->bus.select = select;
    d->bus.context = NULL;
    status = core_spi(&d->transport, &d->bus);
    if (status == CORE_OK)
        status = core_open(&d->device, &d->transport, 10);
    if (status == CORE_OK)
        status = core_parameters_set(&d->device, &d->parameters);
    return status == CORE_OK ? core_irq_enable(&d->device, CORE_INT_ENABLE_RESULT_MASK) : status;
}

core_status drive_query(struct drive *d)
{
    return core_query(&d->device, d->entry, d->count);
}

/* When the interrupt line has risen. */
core_status drive_result(struct drive *d)
{
    uint32_t which;
    core_status status = core_irq_acknowledge(&d->device, &which);
    return status == CORE_OK ? core_result_read(&d->device, &d->result) : status;
}
