"""Front-ends: what turns a bus or a serial line into accesses of the access port."""
