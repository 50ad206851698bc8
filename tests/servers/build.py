"""Builds the servers the tests need: `python tests/servers/build.py [--list] [NAME...]`, or `make servers`.

All of them take about forty minutes of two cores the first time, and nothing afterwards. Programs land in the
cache described in `brain_lab.servers.binaries`. It runs from a bare checkout, before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / part) for part in (".", "common/src", "lab/src")]

from brain_lab.servers.binaries import servers_dir  # noqa: E402 - the path above is what makes it importable
from tests.servers.cache import ensure, is_built  # noqa: E402
from tests.servers.errors import BuildError, ToolMissingError  # noqa: E402
from tests.servers.pins import PINS, Pin  # noqa: E402
from tests.servers.progress import ConsoleProgress  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Build or list, and return the exit status."""
    options = _parse(arguments)
    pins = [pin for pin in PINS if pin.name in options.names] if options.names else list(PINS)
    if options.list:
        _print_list(pins)
        return 0
    try:
        failures = [failure for number, pin in enumerate(pins) if (failure := _build(pin, number, len(pins)))]
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept", file=sys.stderr)
        return 130
    for failure in dict.fromkeys(failures):  # one missing tool is the same failure for many servers
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py", description="Build the servers that the tests run against.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(p.name for p in PINS)}")
    parser.add_argument("--list", action="store_true", help="say what is built, and build nothing")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {pin.name for pin in PINS}:
        parser.error(f"no such server: {', '.join(sorted(unknown))}")
    return options


def _print_list(pins: Sequence[Pin]) -> None:
    for pin in pins:
        state = "built" if is_built(pin, os.environ) else "not built"
        print(f"{pin.name:<14}{pin.version:<10}{state:<11}{servers_dir() / pin.key}")


def _build(pin: Pin, number: int, total: int) -> str | None:
    progress = ConsoleProgress(f"{pin.name} {pin.version}", number, total)
    outcome = "was already built" if is_built(pin, os.environ) else "built"
    try:
        ensure(pin, os.environ, progress)
    except (BuildError, ToolMissingError) as error:
        progress.finish("failed")
        return str(error)
    progress.finish(outcome)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
