"""Drivers: a system's registers from the other end of a line.

:func:`open_device` gives a :class:`~.device.Device`, whatever it is reached by. Nothing heavy is
imported before it is needed.
"""

from typing import TYPE_CHECKING

from ..config import SystemConfig

if TYPE_CHECKING:
    from .device import Device

__all__ = ["open_device"]

#: Seconds to wait for a simulated device, where a call does not say.
SIMULATION_TIMEOUT = 600.0


def open_device(port: str, system: SystemConfig | None = None, baud: int | None = None,
                timeout: float | None = None) -> "Device":
    """Open a device.

    Parameters
    ----------
    port : str
        ``golden``: the golden model; ``sim``: the generated hardware in a simulator; else the name
        of a serial port, such as ``/dev/ttyUSB0`` or ``COM3``.
    system : SystemConfig or None
        What the device is, for the first two; what a device must be, or None for any.
    baud : int or None
        Rate of a serial port; None: that of ``system``, or of a default one.
    timeout : float or None
        Seconds to wait for the device where a call does not say; None: 10, for ``sim`` 600.

    Raises
    ------
    DeviceError
        The port cannot be opened, or what is there is not the device expected.
    """
    from .device import TIMEOUT, Device
    from .transport import DeviceError

    default = TIMEOUT
    if port in ("golden", "sim") and system is None:
        raise DeviceError(f"port {port}: a configuration is needed, it has none of its own")
    if port == "golden":
        from .golden import GoldenTransport
        transport = GoldenTransport(system)
    elif port == "sim":
        try:
            from .sim import SimTransport
        except ModuleNotFoundError as problem:
            if problem.name != f"{__name__}.sim":
                raise
            raise DeviceError("port sim: this version cannot simulate a device") from None
        transport, default = SimTransport(system), SIMULATION_TIMEOUT
    else:
        from .serial_port import SerialTransport
        transport = SerialTransport(port, (system or SystemConfig()).baud if baud is None else baud)
    try:
        return Device(transport, system, default if timeout is None else timeout)
    except BaseException:
        transport.close()
        raise
