"""Data sets by the names the command line takes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brain_common.errors import InputError
from brain_lab.recorded.causalrca import CausalRca
from brain_lab.recorded.loader import Loader
from brain_lab.recorded.model import RecordedCase
from brain_lab.recorded.nezha import Nezha
from brain_lab.recorded.petshop import PetShop
from brain_lab.recorded.rcaeval4 import RcaEval4
from brain_lab.recorded.rcd import Rcd

_LOADERS: Final[dict[str, Loader]] = {
    "petshop": PetShop(),
    "rcd": Rcd(),
    "rcaeval4": RcaEval4(),
    "nezha": Nezha(),
    "nezha-past": Nezha(past_only=True),
    "causalrca": CausalRca(),
}

DATASETS: Final = tuple(_LOADERS)


def list_cases(dataset: str, path: Path) -> tuple[str, ...]:
    """The ids of the cases in a folder, sorted.

    Raises:
        InputError: The data set is unknown, there is no such folder, or its cases are not those of this data set.
    """
    return _loader(dataset).cases(_folder(path))


def load_case(dataset: str, path: Path, case_id: str) -> RecordedCase:
    """One recorded incident.

    Raises:
        InputError: The data set, the folder or the case is unknown, or a file is damaged.
    """
    return _loader(dataset).load(_folder(path), case_id)


def _loader(dataset: str) -> Loader:
    if dataset not in _LOADERS:
        raise InputError(f"data set {dataset!r} is none of {', '.join(DATASETS)}")
    return _LOADERS[dataset]


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"{path}: no such folder")
    return path
