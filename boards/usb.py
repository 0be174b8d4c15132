"""USB devices as Linux shows them: which are plugged in, and may they be used."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blockfactor.errors import BlockfactorError

__all__ = ["AccessError", "Device", "DeviceError", "HOST", "Host", "RULES", "check_access",
           "find_device", "nodes", "plugged", "udev_rule"]

#: Rules that give access to who sits at the machine must come before systemd's 73-seat-late.
RULES = "/etc/udev/rules.d/60-blockfactor.rules"


class DeviceError(BlockfactorError):
    """The board is not plugged in, or it cannot be told which one it is."""

    status = 4


class AccessError(BlockfactorError):
    """The board's USB device may not be used."""

    status = 5


@dataclass(frozen=True)
class Host:
    """Where devices are looked up; tests have their own.

    Parameters
    ----------
    sys_root, dev_root : Path
        What stands for ``/sys`` and ``/dev``.
    access : callable
        As :func:`os.access`.
    platform : str
    """

    sys_root: Path = Path("/sys")
    dev_root: Path = Path("/dev")
    access: Callable[[Path, int], bool] = os.access
    platform: str = sys.platform

    @property
    def devices(self) -> Path:
        """Folder with an entry for each USB device."""
        return self.sys_root / "bus" / "usb" / "devices"

    @property
    def visible(self) -> bool:
        """Whether USB devices can be looked up at all."""
        return self.platform.startswith("linux") and self.devices.is_dir()


HOST = Host()


@dataclass(frozen=True)
class Device:
    """A USB device: its name in ``/sys``, such as ``3-1``, and its numbers."""

    name: str
    bus: int
    number: int


def plugged(usb: str, host: Host) -> list[Device]:
    """Devices of a vendor and product, given as ``0403:6010``."""
    found = []
    for entry in sorted(host.devices.iterdir()):
        try:
            vendor, product, bus, number = (
                (entry / name).read_text().strip()
                for name in ("idVendor", "idProduct", "busnum", "devnum"))
        except OSError:  # an interface of a device, or one that was unplugged meanwhile
            continue
        if f"{vendor}:{product}" == usb:
            found.append(Device(entry.name, int(bus), int(number)))
    return found


def find_device(title: str, usb: str, plug: str, others: dict[str, str], host: Host) -> Device:
    """The one device that must be the board's adapter.

    Parameters
    ----------
    title : str
        The board, as people call it.
    usb : str
        Vendor and product of its adapter.
    plug : str
        What to do where it does not show up.
    others : dict of str
        Vendor and product of other adapters the board may have, and the option each needs.
    host : Host

    Raises
    ------
    DeviceError
        None or more than one is plugged in.
    """
    found = plugged(usb, host)
    if len(found) == 1:
        return found[0]
    if found:
        # The programs take the first they find, and would write over whatever it is.
        where = ", ".join(f"{device.bus:03}/{device.number:03}" for device in found)
        raise DeviceError(f"{len(found)} USB devices {usb} are plugged in (bus and number {where}) "
                          f"and any could be the {title}: unplug the others")
    for other, option in others.items():
        if plugged(other, host):
            raise DeviceError(f"{title} is not plugged in as USB device {usb}, but {other} is: "
                              f"say {option}")
    hint = plug or "plug it in, with a cable that has wires for data"
    raise DeviceError(f"{title} is not plugged in: no USB device {usb}; {hint}")


def nodes(device: Device, hidraw: bool, host: Host) -> list[Path]:
    """Files in ``/dev`` through which a program reaches a device."""
    found = [host.dev_root / "bus" / "usb" / f"{device.bus:03}" / f"{device.number:03}"]
    if hidraw:
        entries = (host.devices / device.name).glob("*:*/*/hidraw/hidraw*")
        found += sorted(host.dev_root / entry.name for entry in entries)
    return found


def udev_rule(usb: str, hidraw: bool = False) -> str:
    """Line that lets users at the machine, and the group plugdev, use such devices."""
    vendor, _, product = usb.partition(":")
    subsystem = "usb|hidraw" if hidraw else "usb"
    return (f'SUBSYSTEM=="{subsystem}", ATTRS{{idVendor}}=="{vendor}", '
            f'ATTRS{{idProduct}}=="{product}", MODE="0660", GROUP="plugdev", TAG+="uaccess"')


def check_access(title: str, device: Device, usb: str, hidraw: bool, host: Host) -> None:
    """Raise AccessError, with the rule to write, where a device may not be read and written."""
    for node in nodes(device, hidraw, host):
        if not node.exists():
            raise AccessError(f"{node}: missing, though USB device {usb} of the {title} is plugged "
                              "in; in a container, hand on /dev/bus/usb")
        if not host.access(node, os.R_OK | os.W_OK):
            raise AccessError(
                f"{node}: no right to read and write it, which the {title} needs; write the line "
                f"{udev_rule(usb, hidraw)} to {RULES}, run 'sudo udevadm control --reload' and "
                "plug the board in again; over ssh you must be root or in the group plugdev")
