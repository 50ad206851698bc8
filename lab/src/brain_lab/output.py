"""A file that an option names for what comes out; tried before long work, and opened again after it."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from brain_common.errors import InputError


def open_output(option: str, path: Path) -> TextIO:
    """Open the file that ``option`` names, empty.

    Raises:
        InputError: It cannot be written.
    """
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror or error}; is its folder there?") from error
