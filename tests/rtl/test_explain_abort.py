"""An abort in any cycle of a run for several products: all results come, and none after it late."""

from blockfactor.config import CoreConfig
from blockfactor.golden.bundle import clean_bundle
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer as Golden
from blockfactor.parameters import RunParameters
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.layouts import Stop, parameter_values
from blockfactor.rtl.memory import POISON
from blockfactor.sim.pysim import simulate, stream_put

CONFIG = CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4, engines=("join",),
                    heads=1, query_entries=2, weight_bits=2, products=2)
BOOKS = Codebooks.random((4, 4), 2, 8, seed=2)
PARAMETERS = RunParameters(sizes=(4, 4), level=511, products=2)


def test_abort_in_any_cycle():
    dut = Factorizer(CONFIG, BOOKS)
    query = clean_bundle([encode(BOOKS, (0, 1)), encode(BOOKS, (3, 2))])
    golden = Golden(CONFIG, BOOKS).explain(query, PARAMETERS)
    total = sum(result.cycles for result in golden) + 4
    entries = [(b, i, w) for b, block in enumerate(query.entries) for i, w in block]
    stream = [{"block": b, "index": i, "weight": w, "empty": 0, "last": n == len(entries) - 1}
              for n, (b, i, w) in enumerate(entries)]
    seen = set()

    async def bench(ctx):
        ctx.set(dut.parameters, parameter_values(CONFIG, PARAMETERS))
        ctx.set(dut.result.ready, 1)
        for when in range(total):
            while not ctx.get(dut.ready):
                await ctx.tick()
            await stream_put(ctx, dut.query, stream)
            for _ in range(8):
                await ctx.tick()
            assert ctx.get(dut.loaded)
            ctx.set(dut.start, 1)
            found, since = [], 0
            for cycle in range(2 * total + 60):
                ctx.set(dut.abort, int(cycle == when + 1))
                if ctx.get(dut.result.valid):
                    found.append((ctx.get(dut.result.p.stop), ctx.get(dut.result.p.crc)))
                    assert ctx.get(dut.result.p.last) == (len(found) == 2), when
                await ctx.tick()
                ctx.set(dut.start, 0)
                if len(found) == 2:
                    break
                since += cycle > when
            assert not ctx.get(dut.loaded), when
            assert len(found) == 2, when
            stops = tuple(stop for stop, _ in found)
            for (stop, crc), want in zip(found, golden):
                if stop != Stop.ABORTED:
                    assert (stop.name.lower(), crc) == (want.stop, want.crc), when
            seen.add(stops)
            # The rest of the subtraction is what an abort waits for.
            if when + 1 < sum(result.cycles for result in golden) - 4:
                assert stops[1] == Stop.ABORTED and since <= 40, (when, stops, since)

    simulate(dut, bench, platform=POISON)
    complete = Stop.COMPLETE
    assert seen == {(Stop.ABORTED, Stop.ABORTED), (complete, Stop.ABORTED), (complete, complete)}
