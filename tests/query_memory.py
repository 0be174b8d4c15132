"""Random entries for rtl/query.py, and what its memories must hold then."""

from blockfactor.golden.query import Query

__all__ = ["beats", "check_content", "clear", "good_entries"]


def good_entries(config, rng):
    """Entries of a random query, as (block, index, weight), at least one."""
    entries = []
    while not entries:
        for block in range(config.blocks):
            count = rng.choice([0, 1, config.query_entries, rng.randint(0, config.query_entries)])
            for index in rng.sample(range(config.block_length), count):
                entries.append((block, index, rng.randint(1, config.max_weight)))
    return entries


def beats(entries, config, rng):
    """Payloads of a query, some of them place-holders that carry nothing."""
    def place_holder():
        return {"block": rng.randrange(config.blocks), "index": rng.randrange(2), "weight": 1,
                "empty": 1, "last": 0}
    result = []
    for block, index, weight in entries:
        if rng.random() < .1:
            result.append(place_holder())
        result.append({"block": block, "index": index, "weight": weight, "empty": 0, "last": 0})
    if not result or rng.random() < .1:
        result.append(place_holder())
    result[-1]["last"] = 1
    return result


async def clear(ctx, dut, config):
    """The pass after reset."""
    ctx.set(dut.clear, 1)
    for row in range(config.block_length):
        ctx.set(dut.clear_row, row)
        await ctx.tick()
    ctx.set(dut.clear, 0)


async def check_content(ctx, dut, config, entries):
    """Both memories hold these entries and nothing else, and the sums are theirs."""
    query = Query(tuple(tuple((i, w) for b, i, w in entries if b == block)
                        for block in range(config.blocks)))
    assert ctx.get(dut.smax) == query.smax
    assert ctx.get(dut.q) == query.q
    assert ctx.get(dut.depth) == query.depth
    table = query.dense(config.block_length)
    rows = [[(i, w) for b, i, w in entries if b == block] for block in range(config.blocks)]
    for number in range(max(config.query_entries, config.block_length)):
        entry = min(number, config.query_entries - 1)
        ctx.set(dut.entry, entry)
        # Another index in each block and lane: they are looked up independently.
        bound = [[(number + b + 3 * n) % config.block_length for b in range(config.blocks)]
                 for n in range(dut.lanes)]
        for n in range(dut.lanes):
            ctx.set(dut.bound[n], bound[n])
        for _ in range(dut.latency):
            await ctx.tick()
        for b in range(config.blocks):
            for n in range(dut.lanes):
                place = b, bound[n][b]
                assert ctx.get(dut.bound_weight[n][b]) == table[place], (n, place)
            weight = ctx.get(dut.weight[b])
            if entry < len(rows[b]):
                assert (ctx.get(dut.index[b]), weight) == rows[b][entry]
            else:
                assert weight == 0 and ctx.get(dut.index[b]) < config.block_length
