/* What this computer has (docs/cpu.md), and what has to be written anew for another one. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "blockfactor_driver.h"

/* The line of the processor that the core's `irq` is at. */
#define DEVICE_IRQ UINT32_C(8)

/* Where the host has put the job. */
#define JOB ((const uint32_t *)0x00010000)

/* The way to the core: its registers in memory or, with -DBUS_SPI, SPI. */
blockfactor_status board_transport(blockfactor_transport *transport);

/* Send a character through the serial port. */
void put(char character);

/* The end: tells the simulation a code; 0: all went well. */
_Noreturn void finish(uint32_t code);

#endif
