"""The generated hardware, in a simulator, in the place of a device."""

from collections.abc import Callable
from dataclasses import replace

from ..config import SystemConfig
from ..errors import BlockfactorError
from .transport import AccessRefused, DeviceError
from .uart_link import AccessError, UartLink

__all__ = ["SimTransport"]

#: Words of an access, and clock cycles of a wait, that the simulator is asked for at a time: so an
#: answer comes soon, or something is wrong.
PIECE_WORDS, PIECE_CYCLES = 63, 100_000
#: How the models of the buses go about it: without pauses, as fast as the bus allows.
OPTIONS = {"native": {"gap": 0}, "spi": {"gap": 0, "period": 4}, "wishbone": {"gap": 0},
           "apb": {"gap": 0}, "axi4lite": {"gap": 0}, "uart": {"pause": 0}}


class _Line:
    """The simulated serial line as :class:`~.uart_link.UartLink` wants it."""

    def __init__(self, call: Callable[..., dict]):
        self.call = call

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.call("send", data=data.hex())

    def read(self, count: int, timeout_s: float) -> bytes:
        """Receive bytes; fewer if they have not come within ``timeout_s`` of simulated time."""
        return bytes.fromhex(self.call("receive", count=count, seconds=timeout_s)["data"])


class SimTransport:
    """Registers of a simulated system through its front-end; see :class:`~.transport.Transport`.

    Needs Verilator, or Icarus Verilog, which is slower. Time of the device passes only in calls. A
    serial front-end is driven by :class:`~.uart_link.UartLink`, over simulated pins; of an SPI
    front-end nobody can see which access of a call was refused.

    Parameters
    ----------
    system : SystemConfig
        Its front-end is simulated; ``none``: the registers' own port, ``native``.
    simulator : str or None
        ``verilator`` or ``icarus``; None: Verilator, or Icarus Verilog if it is missing.
    seed : int
        Of random choices of the front-end's model.
    harm : float, 0..1
        With a serial front-end: probability that a byte is changed, lost, or followed by one that
        nobody sent, in both directions.
    settings
        Of :class:`~.uart_link.UartLink`, with a serial front-end.

    Attributes
    ----------
    link : UartLink or None

    Raises
    ------
    DeviceError
        No simulator, or it does not start.
    ConfigError
        There is no such system.
    """

    def __init__(self, system: SystemConfig, simulator: str | None = None, seed: int = 1,
                 harm: float = 0.0, **settings):
        from ..sim.server import Server, SimulationError
        self.system = (replace(system, front_end="native") if system.front_end == "none"
                       else system)
        front_end = self.system.front_end
        self._problem = SimulationError
        self.link: UartLink | None = None
        options = OPTIONS[front_end] | ({"harm": harm} if front_end == "uart" else {})
        try:
            self._server = Server(self.system, simulator, seed, **options)
        except SimulationError as problem:
            raise DeviceError(f"port sim: {problem}") from None
        if front_end != "uart":
            return
        try:
            self.link = UartLink(_Line(self._call), self.system.baud,
                                 **{"latency_s": 0.0} | settings)
            self._linked(self.link.open)
        except BaseException:
            self.close()
            raise

    @property
    def seconds(self) -> float:
        """Time of the device that has passed."""
        return self._server.seconds

    def line(self) -> dict[str, int]:
        """Counters of a serial line: bytes ``carried`` and ``harmed``, and ``framing_errors``."""
        answer = self._call("line")
        return {name: answer[name] for name in ("carried", "harmed", "framing_errors")}

    def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Words from an address on, or all from it."""
        if self.link:
            return self._linked(lambda: self.link.read(address, count, stay))
        words: list[int] = []
        for done in range(0, count, PIECE_WORDS):
            size = min(PIECE_WORDS, count - done)
            words += self._access("read", address, done, stay, count=size)["words"]
        return words

    def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from an address on, or all to it."""
        words = [int(word) for word in words]
        if self.link:
            self._linked(lambda: self.link.write(address, words, stay))
            return
        for done in range(0, len(words), PIECE_WORDS):
            self._access("write", address, done, stay, words=words[done:done + PIECE_WORDS])

    def wait(self, seconds: float) -> None:
        """Let so much time of the device pass, or less if its interrupt line is high before."""
        end = self.seconds + seconds
        piece = PIECE_CYCLES / self.system.clock_hz
        while (left := end - self.seconds) > 0:
            if self._call("wait", seconds=min(left, piece))["irq"]:
                return

    def close(self) -> None:
        """End the simulation."""
        self._server.close()

    def _access(self, do: str, address: int, done: int, stay: bool, **arguments) -> dict:
        """A piece of a call, after ``done`` words of it."""
        place = address if stay else address + 4 * done
        answer = self._call(do, address=place, stay=stay, **arguments)
        if "refused" in answer:
            where, more = answer["refused"]
            raise AccessRefused(where, None if more is None else done + more)
        return answer

    def _call(self, do: str, **arguments) -> dict:
        """Ask the simulator; its errors become this package's."""
        try:
            answer = self._server.call(do, **arguments)
        except self._problem as problem:
            raise DeviceError(f"port sim: {problem}") from None
        if "wrong" in answer:
            raise DeviceError(f"port sim: {answer['wrong']}")
        return answer

    @staticmethod
    def _linked(function: Callable):
        """Do something with the link; its errors become the transports'."""
        try:
            return function()
        except AccessError as problem:
            raise AccessRefused(problem.address, problem.done) from None
        except DeviceError:
            raise
        except BlockfactorError as problem:
            raise DeviceError(f"port sim: {problem}") from None
