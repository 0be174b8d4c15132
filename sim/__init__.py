"""Simulation: cocotb benches, workloads, and the runner of Verilator and Icarus Verilog."""
