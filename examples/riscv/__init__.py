"""Bare-metal firmware for a RISC-V processor that drives the core, and its host."""
