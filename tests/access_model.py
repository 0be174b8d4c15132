"""What is behind an access port, for tests of front-ends in Amaranth's simulator."""

import random
from collections import namedtuple

from blockfactor.rtl.access import LATENCY, REFUSED_ADDRESS

#: An access, its answer, how many cycles it took, and in which the last of them was.
Made = namedtuple("Made", "write address data answer error latency cycle")


class AccessModel:
    """Answers accesses after random times with random words and errors, and keeps a list of them.

    Parameters
    ----------
    port
        The access port.
    rng : random.Random
    latency : int
        Cycles of an access; 0: 1 to LATENCY, at random.
    errors : float
        Probability of an error. A write to REFUSED_ADDRESS always is one.

    Attributes
    ----------
    made : list of Made
    cycle : int
        Cycles that have passed.
    """

    def __init__(self, port, rng: random.Random, latency: int = 0, errors: float = .2):
        # Looking a member of an interface up takes longer than simulating a cycle.
        self.port = {name: getattr(port, name) for name in port.signature.members}
        self.rng = rng
        self.latency = latency
        self.errors = errors
        self.made: list[Made] = []
        self.cycle = 0

    async def run(self, ctx, reset, running) -> None:
        """Answer until ``running()`` is false; where ``reset`` is high requests may end."""
        rng, port = self.rng, self.port
        access, age = None, 0
        async for _, _, ended in ctx.tick().sample(reset):
            if not running():
                return
            self.cycle += 1
            ctx.set(port["done"], 0)
            ctx.set(port["read_data"], rng.getrandbits(32))
            ctx.set(port["error"], rng.getrandbits(1))
            if not ctx.get(port["request"]):
                assert access is None or ended, f"cycle {self.cycle}: request taken back"
                access = None
                continue
            write, address, data = (ctx.get(port[name])
                                    for name in ("write", "address", "write_data"))
            # Data mean nothing to reads, nor where the write is refused.
            now = write, address, data if write and address != REFUSED_ADDRESS else None
            if ended or access is None:
                access, age = now, 0
                latency = self.latency or rng.choice((1, 2, 3, rng.randint(1, LATENCY)))
            assert access == now, f"cycle {self.cycle}: request changed"
            age += 1
            if age == latency:
                error = rng.random() < self.errors or (write and address == REFUSED_ADDRESS)
                # A write may leave a word there, and an error does not.
                answer = 0 if error else rng.getrandbits(32)
                ctx.set(port["done"], 1)
                ctx.set(port["read_data"], answer)
                ctx.set(port["error"], error)
                self.made.append(Made(write, address, data, answer, error, latency, self.cycle))
                access = None
