"""Parts of :mod:`blockfactor.generate`: Verilog text, ports, test vectors, test bench."""

__all__: list[str] = []
