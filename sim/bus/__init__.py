"""Bus-functional models for cocotb: each front-end as software sees it.

Every module ``x`` has a class ``Bus`` with the same methods: ``begin``, and ``read`` and ``write``
of 32-bit words at byte addresses. The bench runs clock and reset.
"""

__all__ = ["Refused"]


class Refused(Exception):
    """An access was answered with an error; those after it in the same call were not made.

    Parameters
    ----------
    address : int
        Byte address of the refused access, or of the call's first one if ``done`` is None.
    done : int or None
        Words of the call that were done before it; None where the front-end cannot tell.
    """

    def __init__(self, address: int, done: int | None):
        super().__init__(address, done)
        self.address = address
        self.done = done

    def __str__(self) -> str:
        after = "" if self.done is None else f" after {self.done} words"
        return f"access to {self.address:#04x} refused{after}"
