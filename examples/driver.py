"""Factorizes queries on a device: the golden model, simulated hardware, or a board.

    python examples/driver.py golden
    python examples/driver.py sim
    python examples/driver.py /dev/ttyUSB0

The same program serves all three; preset ``demo`` says what the device is. Codebooks are loaded and
verified, then soft queries are run, two in the device at a time. Exit status 1 if a result is not
the golden model's.
"""

import argparse
import sys

import numpy as np

from blockfactor import BlockfactorError, preset
from blockfactor.drivers import open_device
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import soft

__all__ = ["main"]

PRESET = preset("demo")


def main(argv=None) -> int:
    """Run the example; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", nargs="?", default="golden",
                        help="golden (default), sim, or a serial port such as /dev/ttyUSB0")
    parser.add_argument("--queries", type=int, default=8, help="queries to run (default 8)")
    args = parser.parse_args(argv)

    core, parameters = PRESET.core, PRESET.soft
    rng = np.random.default_rng(1)
    codebooks = Codebooks.random(parameters.sizes, core.blocks, core.block_length, seed=1)
    truths = [tuple(int(rng.integers(size)) for size in codebooks.sizes)
              for _ in range(args.queries)]
    queries = [soft(encode(codebooks, truth), core.block_length, PRESET.margin, rng,
                    core.query_entries, core.weight_bits) for truth in truths]
    golden = Factorizer(core, codebooks)

    wrong = 0
    with open_device(args.port, PRESET.system) as device:
        device.load_codebooks(codebooks, verify="crc")
        device.parameters = parameters
        for (tag, result), query, truth in zip(device.stream(queries), queries, truths):
            same = result == golden.run(query, parameters)
            wrong += not same
            print(f"run {tag}: {result.indices} with score {result.score} of {result.smax} after "
                  f"{result.cycles} cycles, true is {truth}, "
                  f"{'equal to' if same else 'differs from'} the golden model")
        # One more, by itself: the two first factors are known.
        known = parameters.replace(known=(*truths[0][:2], -1))
        print("with two factors known:", device.factorize(queries[0], known).cycles, "cycles")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BlockfactorError as problem:
        sys.exit(f"error: {problem}")
