"""Who calls whom, from spans: the call graph of data sets that have traces and no table of it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Final

from brain_common.errors import InputError

MAX_SPANS: Final = 2_000_000
"""Of one file; a published minute has five thousand."""


def call_edges(path: Path, service_of: Callable[[str], str]) -> frozenset[tuple[str, str]]:
    """(caller, callee) of all spans whose parent is another service's.

    Args:
        path: CSV, gzipped or not, with columns `SpanID`, `ParentID` and `PodName`.
        service_of: From a pod's name to its service.

    Raises:
        InputError: It cannot be read, has not these columns, or holds more than ``MAX_SPANS`` spans.
    """
    spans = _spans(path)
    service = {span: service_of(pod) for span, _, pod in spans}
    calls = {(service[parent], service[span]) for span, parent, _ in spans if parent in service}
    return frozenset(call for call in calls if call[0] != call[1])


def _spans(path: Path) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            for row in csv.DictReader(file):
                found.append((row["SpanID"], row["ParentID"], row["PodName"]))
                if len(found) > MAX_SPANS:
                    raise InputError(f"{path}: more than {MAX_SPANS} spans")
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InputError(f"{path}: cannot be read as spans: {error}") from error
    return found
