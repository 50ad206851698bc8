"""Where the fault of a recorded case was injected: for scoring, after the judgement has been made.

Kept apart from the loaders, so that whatever is replayed cannot hold it. For RCD, RCAEval and CausalRCA the
case's id itself is the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from brain_common.errors import InputError
from brain_lab.recorded.document import read_object
from brain_lab.recorded.loader import checked_id
from brain_lab.recorded.nezha import injections, service_of
from brain_lab.recorded.petshop import base_folder
from brain_lab.recorded.rcaeval4 import injected
from brain_lab.recorded.registry import list_cases


class Truth(NamedTuple):
    """The injected fault.

    Attributes:
        entity: The service, named as in the series.
        fault: Its kind in the data set's own word; empty where the data set does not name it.
        system: Which of the data set's systems, days or loads it was; empty where there is one.
    """

    entity: str
    fault: str
    system: str = ""


def truth(dataset: str, path: Path, case_id: str) -> Truth:
    """The answer to a case.

    Raises:
        InputError: The data set, the folder or the case is unknown, or the answer is damaged.
    """
    checked_id(case_id, list_cases(dataset, path), path)
    return _TRUTHS[dataset](path, case_id)


def _petshop(root: Path, case_id: str) -> Truth:
    path = base_folder(root) / case_id / "target.json"
    cause, target = read_object(path).get("root_cause"), read_object(path).get("target")
    if not isinstance(cause, dict) or not isinstance(cause.get("node"), str):
        raise InputError(f"{path}: root_cause needs a node")
    # Its cause has no kind; its authors tell faults apart by what alerted.
    fault = str(target.get("metric") or "") if isinstance(target, dict) else ""
    return Truth(cause["node"], fault, case_id.split("/")[0])


def _rcd(root: Path, case_id: str) -> Truth:
    service, _, fault = case_id.split("/")[0].rpartition("-")
    return Truth(service, fault)


def _rcaeval4(root: Path, case_id: str) -> Truth:
    return Truth(*injected(root, case_id), case_id.split("/")[0])


def _causalrca(root: Path, case_id: str) -> Truth:
    fault, _, service = case_id.partition("_")
    return Truth(service, fault)


def _nezha(root: Path, case_id: str) -> Truth:
    day, _, moment = case_id.partition("/")
    injected = next(one for one in injections(root, day) if one.moment == moment)
    return Truth(service_of(injected.pod), injected.fault, day)


_TRUTHS: Final[dict[str, Callable[[Path, str], Truth]]] = {
    "petshop": _petshop,
    "rcd": _rcd,
    "rcaeval4": _rcaeval4,
    "nezha": _nezha,
    "nezha-past": _nezha,
    "causalrca": _causalrca,
}
