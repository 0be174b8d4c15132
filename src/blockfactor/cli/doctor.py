"""Show what is installed, what is missing and how to get it."""

from ._common import print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "doctor"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Look for every program and Python package that blockfactor uses. Exit status 1 where "
        "something that 'make test' needs is missing or too old.")
    parser.epilog = "example: blockfactor doctor"
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..tools import TOOLS
    findings = {name: tool.look() for name, tool in TOOLS.items()}
    blocking = [n for n, tool in TOOLS.items() if tool.for_tests and not findings[n].usable]
    if args.json:
        print_json({
            "ok": not blocking,
            "tools": [{
                "name": name,
                "usable": found.usable,
                "version": found.version,
                "where": found.where,
                "problem": found.problem,
                "needed_for_tests": TOOLS[name].for_tests,
                "purpose": TOOLS[name].purpose,
                "remedy": TOOLS[name].remedy,
            } for name, found in findings.items()]})
    else:
        _print(TOOLS, findings, blocking)
    return 1 if blocking else 0


def _print(tools: dict, findings: dict, blocking: list) -> None:
    from rich.table import Table
    table = Table()
    for column in ("tool", "state", "version", "for"):
        table.add_column(column)
    for name, found in findings.items():
        table.add_row(name, found.problem or "ok", found.version, tools[name].purpose,
                      style=None if found.usable else "bold red")
    print_table(table)
    for name, found in findings.items():
        if not found.usable:
            print(f"{name}: {found.problem}; {tools[name].remedy}")
    if blocking:
        print(f"'make test' needs {', '.join(blocking)}")
    elif all(found.usable for found in findings.values()):
        print("everything is there")
    else:
        print("'make test' has all it needs")
