"""The register map as CMSIS-SVD 1.3, which debuggers and generators of device code read."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..config import SystemConfig
from ..registers import Field, Register, RegisterMap, register_map
from .header import values_of
from .names import check_name
from .rdl import SIZE, has_reset, meaning
from .verilog import version

__all__ = ["access_of", "register_access", "svd"]

SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"


def access_of(register: Register, field: Field) -> str:
    """SVD's word for what software can do with a field."""
    readable = field.readable and register.readable
    writable = field.writable and register.writable
    return {(True, True): "read-write", (True, False): "read-only",
            (False, True): "write-only"}[readable, writable]


def register_access(register: Register) -> str:
    """SVD's word for what software can do with a register: all that it can with any field."""
    kinds = {access_of(register, field) for field in register.fields}
    return kinds.pop() if len(kinds) == 1 else "read-write"


def svd(system: SystemConfig, name: str, registers: RegisterMap | None = None) -> str:
    """Text of ``NAME_registers.svd``.

    Its peripheral is at address 0: where it really is depends on the system around it.

    Parameters
    ----------
    system : SystemConfig
    name : str
        Name of the top module.
    registers : RegisterMap, optional
        Those of ``system``, if not given.
    """
    check_name(name)
    registers = registers or register_map(system)
    device = Element("device", {
        "schemaVersion": "1.3", "xmlns:xs": SCHEMA,
        "xs:noNamespaceSchemaLocation": "CMSIS-SVD.xsd"})
    _add(device, name=name, version=version("blockfactor"),
         description=f"{name}, a factorizer of sparse block codes, made by blockfactor",
         addressUnitBits="8", width="32", size="32")
    peripheral = SubElement(SubElement(device, "peripherals"), "peripheral")
    _add(peripheral, name=name.upper(), description=f"Registers of {name}", baseAddress="0x0")
    _add(SubElement(peripheral, "addressBlock"), offset="0x0", size=f"0x{SIZE:X}",
         usage="registers")
    parent = SubElement(peripheral, "registers")
    for register in registers:
        _register(parent, register)
    indent(device)
    return ('<?xml version="1.0" encoding="utf-8"?>\n'
            + tostring(device, encoding="unicode", short_empty_elements=True) + "\n")


def _add(parent: Element, **children: str) -> None:
    for tag, text in children.items():
        SubElement(parent, tag).text = text


def _register(parent: Element, register: Register) -> None:
    element = SubElement(parent, "register")
    unknown = [f for f in register.fields if not has_reset(f)]
    _add(element, name=register.name, description=register.about,
         addressOffset=f"0x{register.address:02X}", size="32", access=register_access(register),
         resetValue=f"0x{register.reset:08X}",
         resetMask=f"0x{0xFFFF_FFFF - sum(f.mask for f in unknown):08X}")
    fields = SubElement(element, "fields")
    for field in register.fields:
        _field(SubElement(fields, "field"), register, field)


def _field(element: Element, register: Register, field: Field) -> None:
    _add(element, name=field.name, description=meaning(field), bitOffset=str(field.offset),
         bitWidth=str(field.width), access=access_of(register, field))
    if field.access == "clear":
        _add(element, modifiedWriteValues="oneToClear")
    if field.access == "window":
        if register.writable:
            _add(element, modifiedWriteValues="modify")
        if register.readable:
            _add(element, readAction="modify")
    if field.values:
        values = SubElement(element, "enumeratedValues")
        for value, number in values_of(field):
            _add(SubElement(values, "enumeratedValue"), name=value, value=str(number))
