"""A real input: a network that sees three handwritten digits and emits their product vector."""
