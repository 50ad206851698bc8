"""Lines with blanks, filled column by column: the loop over the lines is one `%` each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from brain_lab.emit.logs.columns import Columns, Value
from brain_lab.emit.records import Attributes, Severity

_BLANK: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of line.

    Attributes:
        text: With blanks such as `{status}`; every name that `Columns` knows.
        severity: Of the line.
        weight: How often, against the other templates of the program.
        fields: Blank → name of the attribute that repeats what stands in it.
        tags: Attributes that all such lines carry.
    """

    text: str
    severity: Severity = Severity.INFO
    weight: float = 1.0
    fields: tuple[tuple[str, str], ...] = ()
    tags: Attributes = field(default_factory=dict, hash=False)


def render(template: Template, columns: Columns) -> list[str]:
    """[N] the lines; N is the length of the columns.

    Raises:
        KeyError: The template names a blank that nobody fills.
    """
    literals, blanks = _split(template.text)
    pattern, varying = [literals[0]], []
    for blank, literal in zip(blanks, literals[1:], strict=True):
        value = columns.get(blank)
        if isinstance(value, str):
            pattern.append(value.replace("%", "%%"))
        else:
            pattern.append("%s")
            varying.append(value)
        pattern.append(literal)
    line = "".join(pattern)
    if not varying:
        return [line % ()] * columns.count
    return [line % row for row in zip(*varying, strict=True)]


def attributes(template: Template, columns: Columns) -> Sequence[Attributes]:
    """[N] the attributes of the lines; lines with the same values share one mapping, which must not be changed."""
    if not template.fields:
        return [template.tags] * columns.count
    rows = list(zip(*(columns.spread(blank) for blank, _ in template.fields), strict=True))
    made = {row: _mapping(template, row) for row in set(rows)}
    return [made[row] for row in rows]


@lru_cache(16384)
def _mapping(template: Template, row: tuple[Value, ...]) -> Attributes:
    """Shared by all lines that carry it, of all processes, so that writers turn it into their format once."""
    names = (name for _, name in template.fields)
    return {**template.tags, **dict(zip(names, row, strict=True))}


@lru_cache(4096)
def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts = _BLANK.split(text)
    return tuple(part.replace("%", "%%") for part in parts[::2]), tuple(parts[1::2])
