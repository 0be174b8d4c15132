"""Golden model: the normative behaviour of the core, in NumPy; numba makes it fast."""
