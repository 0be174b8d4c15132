"""FPGA parts: synthesis, place and route, and reports of both."""
