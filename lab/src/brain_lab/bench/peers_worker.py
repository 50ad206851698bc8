"""Runs one published method on tables in files, in an environment in which that method is installed.

Started as a file by the Python of that environment, so it imports nothing of the product: what the methods depend on
does not go together with it. Each table is ``<number>.npz`` with ``values`` [rows, columns], ``names`` [columns],
``times`` [rows] and ``began`` (seconds); each answer is a line of JSON in ``<method>.jsonl``, written as it comes.
Started without arguments, it only tells by its exit code whether the packages of the methods are there.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_library] = "1"  # read when numpy is loaded: all methods are compared on one core

METHODS = {
    "baro": ("baro.root_cause_analysis", "robust_scorer"),
    "n-sigma": ("baro.root_cause_analysis", "nsigma"),
    "circa": ("RCAEval.e2e.circa", "circa"),
}
"""Module and function by name."""

READY = 73
"""Exit code when the packages are there; 0 would be that of any program that is no Python at all."""

OVERDUE = "overdue"
"""The error of an answer that took too long."""

_DATASET = "bench"  # any name: without one RCAEval leaves the column of times among the metrics
_FELL_BACK = "returning the unranked column order"  # RCAEval's word for a method that failed


class OverdueError(BaseException):
    """A method took too long; not an ``Exception``, for RCAEval takes those for an answer."""


def has_packages() -> bool:
    """Whether the packages of all methods are installed here."""
    return all(importlib.util.find_spec(module.partition(".")[0]) for module, _ in METHODS.values())


def main(peer: str, folder: Path, limit_seconds: int) -> None:
    """Answer every table of a folder; the first that takes too long is the last: others are no smaller."""
    signal.signal(signal.SIGALRM, _overdue)
    module, function = METHODS[peer]
    method = getattr(importlib.import_module(module), function)
    with (folder / f"{peer}.jsonl").open("w", encoding="utf-8") as out:
        for path in sorted(folder.glob("*.npz")):
            said = _answer(method, path, limit_seconds)
            out.write(json.dumps(said) + "\n")
            out.flush()
            if said["error"] == OVERDUE:
                return


def _answer(method: Callable[..., Any], path: Path, limit_seconds: int) -> dict[str, Any]:
    frame, began = _frame(path)
    complaints = io.StringIO()
    wall, cpu, ranks, error = time.perf_counter(), time.process_time(), [], ""
    signal.alarm(limit_seconds)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(complaints):
            ranks = [str(name) for name in method(frame, began, dataset=_DATASET)["ranks"]]
    except OverdueError:
        error = OVERDUE
    except Exception as failure:  # noqa: BLE001 - whatever a method raises, it has not answered
        error = f"{type(failure).__name__}: {failure}"
    finally:
        signal.alarm(0)
    if _FELL_BACK in complaints.getvalue():
        ranks, error = [], complaints.getvalue().strip().splitlines()[-1]
    return {
        "ranks": ranks,
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "error": error[:300],
    }


def _frame(path: Path) -> tuple[Any, float]:
    """The table as the methods' authors prepare theirs: no gaps."""
    numpy, pandas = importlib.import_module("numpy"), importlib.import_module("pandas")
    with numpy.load(path) as table:
        frame = pandas.DataFrame(table["values"], columns=[str(name) for name in table["names"]])
        times, began = table["times"], float(table["began"])
    frame = frame.ffill().bfill().fillna(0.0)
    return pandas.concat([pandas.DataFrame({"time": times}), frame], axis=1), began


def _overdue(_signal: int, _frame: object) -> None:
    raise OverdueError


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(READY if has_packages() else 1)
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
