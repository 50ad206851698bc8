"""The plug point for data sets, and what all loaders need to stay inside the given folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from brain_common.errors import InputError
from brain_lab.recorded.model import RecordedCase


class Loader(Protocol):
    """Reads one data set's folder layout."""

    def cases(self, root: Path) -> tuple[str, ...]:
        """The ids of the cases in the folder, sorted; empty when there are none.

        A case that lacks a file is one of them, so that it is refused rather than left out of somebody's figures.

        Raises:
            InputError: A case has no name of this data set, or a list of cases is damaged.
        """
        ...

    def load(self, root: Path, case_id: str) -> RecordedCase:
        """Read one case.

        Raises:
            InputError: There is no such case, or its files are damaged.
        """
        ...


def folders_with_any(base: Path, pattern: str, files: Sequence[str]) -> tuple[str, ...]:
    """Folders below the base that hold at least one of the files, relative to it and sorted: the ids of cases."""
    found = {path.parent for name in files for path in base.glob(f"{pattern}/{name}")}
    return tuple(sorted(folder.relative_to(base).as_posix() for folder in found))


def checked_id(case_id: str, known: Sequence[str], root: Path) -> str:
    """The id, once it is sure that it names a case of this folder and no other path.

    Raises:
        InputError: It does not.
    """
    if case_id in known:
        return case_id
    if not known:
        raise InputError(f"{root}: no cases of this data set in the folder")
    some = ", ".join(known[:3])
    raise InputError(f"case {case_id!r} is none of the {len(known)} cases in {root}, e.g. {some}")
