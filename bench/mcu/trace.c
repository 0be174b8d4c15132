/* CRC-32 of the trace (golden/trace.py), for tests only: nobody needs it on a microcontroller. */
#include "search.h"

#ifdef TRACE
void trace_word(struct result *result, uint32_t word)
{
    uint32_t crc = result->crc ^ (word & 0xFFFF);
    for (int bit = 0; bit < 16; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    result->crc = crc;
}
#endif
