"""Errors of deltalake, its object store and DuckDB, in the words of the product; nowhere else are they caught.

An object store answers in many lines with colours and backtraces, so what matters is picked out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb
import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError, TableNotFoundError

from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_lake.schemas import TableSchema

# ValueError: a log that is not as it should be.
FOREIGN: Final = (DeltaError, duckdb.Error, pa.ArrowException, OSError, ValueError)
_LONGEST: Final = 400
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_BACKTRACE: Final = re.compile(r"^\s*(\d+: |at \S+:\d+)")
_CODE: Final = re.compile(r"<Code>([\w.]+)</Code>")
# What heals by itself although S3 answers 400 or 403: credentials are renewed, clocks are set.
_HEALS: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestTimeTooSkewed"})
_FOR_GOOD: Final = re.compile(
    r"\b(40[1345] [A-Z]\w+|Permission denied|Read-only file system|lacked the necessary privileges)"
)
_GONE: Final = re.compile(r"No such file|No files found|404 Not Found|not found", re.IGNORECASE)


class ConflictError(TemporaryError):
    """Another writer's commit came in between, too often."""


@contextmanager
def translated(schema: TableSchema) -> Iterator[None]:
    """Raise what deltalake and DuckDB raise as ``TemporaryError``, ``PermanentError`` or ``ConflictError``.

    ``TableNotFoundError`` passes through: what an absent table means is the caller's business.
    """
    try:
        yield
    except TableNotFoundError:
        raise
    except FOREIGN as error:
        raise told(schema, error) from error


def told(schema: TableSchema, error: Exception) -> BrainError:
    """One foreign error in our words."""
    message = f"lake table {schema.name}: {_words(str(error))}"
    if isinstance(error, CommitFailedError):
        return ConflictError(message)
    if isinstance(error, SchemaMismatchError) or _for_good(str(error)):
        return PermanentError(message)
    return TemporaryError(message)


def is_gone(error: Exception) -> bool:
    """A file that the log named is no longer there: the table was compacted or made anew since the log was read."""
    return bool(_GONE.search(str(error)))


def _for_good(text: str) -> bool:
    code = _CODE.search(text)
    return not (code and code[1] in _HEALS) and bool(_FOR_GOOD.search(text))


def _words(text: str) -> str:
    """On one line, without colours, arrows and backtraces; of a long one both ends: reasons come last."""
    lines = [line for line in _COLOUR.sub("", text).splitlines() if not _BACKTRACE.match(line)]
    words = " ".join(" ".join(lines).replace("↳", " ").split())
    half = _LONGEST // 2
    return words if len(words) <= _LONGEST else f"{words[: half - 1]}…{words[-half:]}"
