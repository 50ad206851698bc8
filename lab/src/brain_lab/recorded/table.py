"""Reads numeric CSV files of unknown origin: bounded, strict about shape, forgiving about gaps.

Called by the loaders. It knows nothing of services and measures.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from brain_common.errors import InputError
from brain_lab.recorded.model import Array

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of one file. The largest published case of these sets has 20 MB."""

MAX_COLUMNS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers under one or more header rows.

    Attributes:
        headers: The header rows, each as wide as the table.
        values: [rows, columns]; NaN for an empty, infinite or "nan" cell.
    """

    headers: tuple[tuple[str, ...], ...]
    values: Array


def read_table(path: Path, header_rows: int = 1) -> Table:
    """Read a file, but for a line after the headers that only names the index in its first cell.

    Raises:
        InputError: It is missing, too large, ragged or not numeric; the message names file and line.
    """
    lines = read_lines(path)
    if len(lines) < header_rows:
        raise InputError(f"{path}: expected {header_rows} header lines, found {len(lines)}")
    headers = tuple(tuple(line) for line in lines[:header_rows])
    body = list(enumerate(lines[header_rows:], header_rows + 1))
    if body and _names_index(body[0][1]):
        body = body[1:]
    if not body:
        raise InputError(f"{path}: it has headers, but no data")
    rows = [_numbers(path, number, line, len(headers[0])) for number, line in body]
    return Table(headers, np.array(rows, dtype=np.float64))


def read_lines(path: Path) -> list[list[str]]:
    """The cells of all lines that are not empty; at least one line.

    Raises:
        InputError: It is missing, empty, too large, or not CSV in UTF-8.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes")
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not lines or len(lines[0]) > MAX_COLUMNS:
        raise InputError(f"{path}: empty, or more than {MAX_COLUMNS} columns")
    return lines


def in_time_order(times: Array, values: Array) -> tuple[Array, Array]:
    """Rows ascending by time; of rows with the same time the last one, and none without a time."""
    known = np.isfinite(times)
    times, values = times[known], values[known]
    _, last_of_reversed = np.unique(times[::-1], return_index=True)
    keep = len(times) - 1 - last_of_reversed
    return times[keep], values[keep]


def native_step(times: Array, fallback: float) -> float:
    """The usual distance of two rows, in seconds."""
    return float(np.median(np.diff(times))) if len(times) > 1 else fallback


def _names_index(line: list[str]) -> bool:
    return not _is_number(line[0]) and not any(line[1:])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, number: int, line: list[str], width: int) -> list[float]:
    if len(line) != width:
        raise InputError(f"{path}, line {number}: {len(line)} cells, the header has {width}")
    try:
        cells = [float(cell) if cell else math.nan for cell in line]
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {error}") from error
    return [cell if math.isfinite(cell) else math.nan for cell in cells]
