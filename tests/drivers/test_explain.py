"""The driver and the register model where runs have several results."""

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers.device import Device
from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import DeviceError
from blockfactor.drivers.words import IDENTITY_REGISTERS, description
from blockfactor.golden.bundle import clean_bundle
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.parameters import RunParameters
from blockfactor.registers import RESULTS, register_map

CORE = CoreConfig(blocks=4, block_length=40, max_codevectors=8, list_size=8, query_entries=3,
                  products=3)
SYSTEM = SystemConfig(core=CORE, front_end="native")
BOOKS = Codebooks.random((8, 7, 8), 4, 40, seed=5)
MODEL = Factorizer(CORE, BOOKS)
ONE = RunParameters(sizes=BOOKS.sizes, mode="join")
THREE = ONE.replace(products=3)
TRUTH = ((1, 2, 3), (4, 5, 6), (7, 0, 1))
QUERY = clean_bundle([encode(BOOKS, t) for t in TRUTH])


@pytest.fixture
def device():
    device = Device(GoldenTransport(SYSTEM), SYSTEM)
    device.load_codebooks(BOOKS)
    return device


def control(device, **commands):
    register = device.registers["CONTROL"]
    device.transport.write(register.address, [register.pack(**commands)])


def test_explain(device):
    found = device.explain(QUERY, THREE)
    assert found == MODEL.explain(QUERY, THREE)
    assert {result.indices for result in found} == set(TRUTH)
    # Tags go on, and other numbers of products work in between.
    device.parameters = ONE
    assert device.submit(QUERY) == 3 and device.result() == MODEL.run(QUERY, ONE)
    assert device.status()["loaded"]
    assert device.factorize(QUERY, THREE.replace(products=2)) == MODEL.run(QUERY, ONE)
    assert not device.status()["loaded"] and device.in_flight == 0
    assert device.submit(QUERY) == 6


def test_stream(device):
    device.parameters = THREE
    queries = [QUERY, clean_bundle([encode(BOOKS, TRUTH[0])]), QUERY, QUERY]
    found = list(device.stream(queries))
    assert [tag for tag, _ in found] == list(range(12))
    want = [result for query in queries for result in MODEL.explain(query, THREE)]
    assert [result for _, result in found] == want
    assert [r.stop for r in want[3:6]] == ["accepted", "complete", "complete"]


@pytest.mark.parametrize("order", [(1, 3, 2, 3, 3, 1, 2) * 2, (3, 1, 1, 2, 1, 3, 3) * 2])
def test_stream_of_different_runs(device, order):
    """Parameters may change between queries, and with them the number of results.

    There are more in all than can wait.
    """
    def queries():
        for products in order:
            device.parameters = ONE.replace(products=products)
            yield QUERY

    found = [result for _, result in device.stream(queries())]
    assert found == [result for products in order
                     for result in MODEL.explain(QUERY, ONE.replace(products=products))]
    assert device.in_flight == 0


def test_no_room_for_all_results(device):
    device.parameters = THREE
    for _ in range(RESULTS // 3):
        device.submit(QUERY)
    with pytest.raises(DeviceError, match="15 results have not been read, no 3 more can wait"):
        device.submit(QUERY)
    assert len([device.result() for _ in range(15)]) == 15


def test_the_query_is_used_up(device):
    """Another start finds none, and gives as many results as any run."""
    device.explain(QUERY, THREE)
    control(device, start=1)
    device._pending.extend([3, 4, 5])
    assert [device.result().stop for _ in range(3)] == ["error"] * 3
    assert device.errors() == ("no_query",)


def test_abort(device):
    """All results come: those from the abort on are aborted."""
    device.parameters = THREE
    device.submit(QUERY)
    model = device.transport.model
    model.take() if model._queue[0].entry else None
    while not model._run:
        model.take()
    model.finish()
    device.abort()
    found = [device.result() for _ in range(3)]
    assert found[0] == MODEL.explain(QUERY, THREE)[0]
    assert [result.stop for result in found[1:]] == ["aborted"] * 2
    assert device.explain(QUERY) == MODEL.explain(QUERY, THREE)


def test_too_many_are_refused():
    system = SystemConfig(core=CORE.replace(products=2), front_end="native")
    device = Device(GoldenTransport(system), system)
    device.load_codebooks(BOOKS)
    device.submit(QUERY)
    device.result()
    search = device.registers["SEARCH"]
    device.transport.write(search.address, [search.pack(products=3)])
    control(device, start=1)
    device._pending.extend([1, 2, 3])
    assert [device.result().stop for _ in range(3)] == ["error"] * 3
    assert device.errors() == ("bad_parameter",)
    device.transport.write(search.address, [search.pack(products=0)])
    control(device, start=1)
    device._pending.append(4)
    assert device.result().stop == "accepted"


def test_identity():
    """A device says how many products it decodes; one product is no field at all."""
    for core in (CORE, CORE.replace(products=1)):
        system = SystemConfig(core=core, front_end="native")
        registers = register_map(system)
        words = {name: registers[name].reset for name in IDENTITY_REGISTERS}
        assert description(words).core.products == core.products
        other = SystemConfig(core=core.replace(products=4 - core.products), front_end="native")
        if other.core.products != core.products:
            with pytest.raises(DeviceError, match=f"products is {core.products}"):
                Device(GoldenTransport(system), other)
    plain = register_map(SystemConfig(core=CORE.replace(products=1)))
    assert all("products" not in [f.name for f in plain[name].fields]
               for name in ("SEARCH", "QUERIES"))
