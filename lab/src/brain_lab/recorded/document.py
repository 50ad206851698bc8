"""Reads the JSON documents that data sets carry beside their tables: bounded, and an object at the top."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from brain_common.errors import InputError

MAX_BYTES: Final = 1024 * 1024
"""Of one document. The largest published one has 10 kB."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: It cannot be read, is larger than ``MAX_BYTES``, or is no JSON object.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes")
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object")
    return content
