"""Published methods beside ours: what they are given, and what becomes of those that fail, without installing them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brain_common.errors import InputError
from brain_lab.bench import peers, peers_worker, rca, rca_scale
from brain_lab.bench.peers import PeerAnswer, Table, ask, table_of, table_of_evidence
from brain_lab.bench.rca import Answer, Course, Question
from brain_lab.bench.told import InjectionTime
from brain_lab.recorded import Measure, RecordedCase, Recording, SeriesKey
from tests.unit.lab import folders

PYTHON = Path(sys.executable)


def quietly(_line: str) -> None:
    """No progress."""


def case() -> RecordedCase:
    keys = [SeriesKey("web", Measure.CPU), SeriesKey("web-db", Measure.LATENCY_P99)]
    normal = Recording(60.0 * np.arange(5) + 7e5, {keys[0]: np.arange(5.0), keys[1]: np.ones(5)})
    incident = Recording(60.0 * np.arange(3) + 9e5, {keys[0]: np.full(3, 9.0)})
    return RecordedCase(normal, incident, edges=(), target=None, step=60.0)


def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A program in the place of the real worker."""
    script = tmp_path / "worker.py"
    script.write_text(text, encoding="utf-8")
    monkeypatch.setattr(peers_worker, "__file__", str(script))


SAYS = """
import json, pathlib, sys
peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
said = {"ranks": ["web-db_latency-99", "web_cpu", "time"], "seconds": 0.5, "cpu_seconds": 0.4, "error": ""}
lines = [json.dumps(said)] * (len(list(folder.glob("*.npz"))) - (peer == "circa"))
(folder / f"{peer}.jsonl").write_text("\\n".join(lines))
"""


@pytest.mark.parametrize(("known", "began"), [("unknown", 300.0), ("known", 300.0), ("late60", 360.0)])
def test_a_peer_gets_every_metric_and_when_the_fault_began(known: str, began: float) -> None:
    table = table_of(case(), InjectionTime(known))
    assert table.names == ("web_cpu", "web-db_latency-99")
    assert table.services == ("web", "web-db")
    assert table.times.tolist() == [60.0 * row for row in range(8)]
    assert table.values[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0]
    assert np.isnan(table.values[5:, 1]).all()
    assert table.began == began


def test_made_up_systems_are_given_as_well() -> None:
    evidence, _ = rca_scale.system(10, 5)
    table = table_of_evidence(evidence)
    assert table.values.shape == (rca_scale.SAMPLES, 50)
    assert len(set(table.names)) == 50
    assert table.began == evidence.window_start


def test_answers_are_services_and_what_is_missing_was_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(tmp_path, monkeypatch, SAYS)
    tables: Sequence[Table] = [table_of(case(), InjectionTime.KNOWN)] * 2
    found = ask(PYTHON, tables, quietly)
    assert found["baro"] == [PeerAnswer(("web-db", "web"), 0.5, 0.4, "")] * 2
    assert [answer.error for answer in found["circa"]] == ["", "overdue"]


def test_a_peer_that_cannot_be_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(tmp_path, monkeypatch, "import nowhere_to_be_found")
    with pytest.raises(InputError, match="baro ended with: ModuleNotFoundError"):
        ask(PYTHON, [table_of(case(), InjectionTime.KNOWN)], quietly)
    with pytest.raises(InputError, match="make peers"):
        ask(tmp_path / "none", [], quietly)


@pytest.mark.parametrize("text", ["", "import sys; sys.exit(1)", "import nowhere_to_be_found"])
def test_what_is_no_python_with_the_peers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    worker(tmp_path, monkeypatch, text)
    with pytest.raises(InputError, match="is no Python with the peers' packages; run make peers"):
        peers.check(PYTHON)


def test_a_python_without_the_packages_is_refused_before_anything_is_judged(tmp_path: Path) -> None:
    asked: list[Question] = []

    def judge(question: Question) -> Answer:
        asked.append(question)
        return Answer((), 0.0, ())

    for python in (PYTHON, Path("/bin/true"), tmp_path):
        with pytest.raises(InputError, match=f"--peers {python}: is no Python"):
            rca.run(Course("rcd", folders.rcd(tmp_path), peers=python), judge, quietly)
        with pytest.raises(InputError, match=f"--peers {python}: is no Python"):
            rca_scale.run("explain-away", 1, quietly, peers=python)
    assert asked == []


def test_a_python_with_the_packages_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("baro", "RCAEval"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    peers.check(PYTHON)


def test_a_method_that_never_answered_has_no_figures() -> None:
    nothing = PeerAnswer((), float("nan"), float("nan"), "overdue")
    assert peers.peer_of([nothing] * 2, [None, None], 0.0) == peers.Peer(None, None, None, None, None, 2)


def test_figures_of_peers_stand_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"baro": [PeerAnswer(("user", "carts"), 2.0, 2.0, ""), PeerAnswer((), 9.0, 9.0, "overdue")]}
    monkeypatch.setattr(rca, "ask", lambda python, tables, progress: answers)
    monkeypatch.setattr(rca, "check", lambda python: None)
    root = tmp_path / "data"
    for name in ("carts-cpu/1", "user-cpu/2"):
        folders.rcd(root, name)
    course = Course("rcd", root, ranker="ours", peers=PYTHON)
    figures = rca.run(course, lambda asked: Answer(("carts",), 0.5, (0.9,)), quietly)
    assert list(figures.peers) == ["ours", "baro (peer)"]
    assert figures.peers["ours"] == peers.Peer(0.5, 0.5, 0.5, 0.0, 0.5, 0)
    baro = figures.peers["baro (peer)"]
    assert (baro.top1, baro.top3, baro.seconds_per_case, baro.failed) == (0.0, 0.5, 2.0, 1)


def test_a_peer_that_fails_at_a_size_is_not_asked_about_larger_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(python: Path, tables: Sequence[Table], progress: object, names: Sequence[str]) -> object:
        slow = len(tables[0].names) > 50
        return {name: [PeerAnswer(("a",), 1.0, 1.0, "overdue" if slow and name == "circa" else "")] for name in names}

    monkeypatch.setattr(rca_scale, "ask", answer)
    monkeypatch.setattr(rca_scale, "check", lambda python: None)
    figures = rca_scale.run("explain-away", 1, quietly, sizes=(20, 40), peers=PYTHON)
    assert figures.peers["baro"] == {"50 series": 1.0, "20": 1.0, "40": 1.0}
    assert figures.peers["circa"] == {"50 series": 1.0, "20": None, "40": None}
    assert figures.peers["explain-away"]["40"] == figures.by_services["40"].seconds


def answer_of(monkeypatch: pytest.MonkeyPatch, method: Callable[..., Any], limit: int = 60) -> dict[str, Any]:
    monkeypatch.setattr(peers_worker, "_frame", lambda path: (None, 0.0))
    monkeypatch.setattr(signal, "alarm", lambda seconds: None)
    return peers_worker._answer(method, Path(), limit)


def test_a_method_that_falls_back_to_the_order_of_columns_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> dict[str, list[str]]:
        print("circa failed (LinAlgError: singular); returning the unranked column order", file=sys.stderr)
        return {"ranks": ["a", "b"]}

    said = answer_of(monkeypatch, failing)
    assert said["ranks"] == []
    assert "singular" in said["error"]


def test_a_method_that_raises_or_takes_too_long_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> dict[str, list[str]]:
        raise ValueError("no")

    def slow(*_: object, **__: object) -> dict[str, list[str]]:
        raise peers_worker.OverdueError

    assert answer_of(monkeypatch, failing)["error"] == "ValueError: no"
    assert answer_of(monkeypatch, slow)["error"] == peers_worker.OVERDUE
    assert answer_of(monkeypatch, lambda *_, **__: {"ranks": ["a"]})["ranks"] == ["a"]
