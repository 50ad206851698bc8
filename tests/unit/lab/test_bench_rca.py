"""The bench on recorded incidents: figures as an independent scorer gives them; no truth on the way to the judge."""

from __future__ import annotations

import json
import math
import pickle
import runpy
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_common.errors import InputError
from brain_lab.bench import rca
from brain_lab.bench.quiet import quiet_cases
from brain_lab.bench.rca import Answer, Question, RcaFigures, question
from brain_lab.recorded import DATASETS, Measure, RecordedCase, Recording, SeriesKey, list_cases, load_case
from brain_lab.replay.alarm import alarm
from brain_lab.replay.timeline import FINE, lay_out
from tests.unit.lab import folders

SCORER = folders.SHARED.parent / "score" / "rca_score.py"


def quietly(_line: str) -> None:
    """No progress."""


def judge_that_says(*services: str) -> rca.Judge:
    return lambda asked: Answer(services, 0.5)


def several(root: Path) -> Path:
    """Three cases whose true services are carts, carts-db and user."""
    for case in ("carts-cpu/1", "carts-db-mem/1", "user-cpu/2"):
        folders.rcd(root, case)
    return root


def test_figures_of_a_judge_that_always_says_the_same(tmp_path: Path) -> None:
    figures = rca.run("rcd", several(tmp_path), judge_that_says("front", "carts"), quietly)
    assert figures.cases == 3
    assert figures.ac1 == 0.0
    assert figures.ac3 == pytest.approx(2 / 3)  # a service's database counts as the service
    assert figures.avg5 == pytest.approx(2 / 3 * 0.8)
    assert figures.mrr == pytest.approx(1 / 3)
    assert figures.seconds == 0.5
    assert figures.specificity == 0.0
    assert figures.ac3_interval[0] < 2 / 3 < figures.ac3_interval[1]


def test_saying_nothing_misses_every_case_and_is_right_in_every_quiet_window(tmp_path: Path) -> None:
    figures = rca.run("rcd", several(tmp_path), judge_that_says(), quietly)
    assert (figures.ac1, figures.ac3, figures.mrr, figures.specificity) == (0.0, 0.0, 0.0, 1.0)
    assert figures.unanswered == 3


def test_names_of_the_figures_are_those_that_scorers_use(tmp_path: Path) -> None:
    figures = rca.run("rcd", several(tmp_path), judge_that_says("carts"), quietly)
    said = json.loads(msgspec.json.encode(figures))
    assert {"AC@1", "AC@3", "Avg@5", "MRR", "seconds", "specificity", "AC@1_95ci", "dataset", "cases"} <= set(said)


def test_rankings_are_a_line_of_json_each(tmp_path: Path) -> None:
    out = tmp_path / "rankings.jsonl"
    rca.run("rcd", several(tmp_path / "data"), judge_that_says("b", "a"), quietly, out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["case"] for line in lines] == ["carts-cpu/1", "carts-db-mem/1", "user-cpu/2"]
    assert all(set(line) == {"case", "ranking"} and line["ranking"] == ["b", "a"] for line in lines)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cases of rcd"):
        rca.run("rcd", tmp_path, judge_that_says(), quietly)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_question_holds_neither_the_cases_name_nor_its_cause(tmp_path: Path, dataset: str) -> None:
    root = getattr(folders, dataset)(tmp_path / "hippopotamus")
    asked = question(load_case(dataset, root, list_cases(dataset, root)[0]))
    assert asked is not None
    held = pickle.dumps(asked)
    for word in (b"hippopotamus", b"issue_0", b"carts-cpu", b"carts_cpu_1", b"cpu_contention", b"cpu-hog", b"04:10:30"):
        assert word not in held


@pytest.mark.parametrize(("dataset", "first"), [("nezha", "store"), ("causalrca", "carts")])
def test_the_command_judges_a_folder_with_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, first: str
) -> None:
    monkeypatch.setattr(rca, "quiet_cases", lambda cases: quiet_cases(cases, wanted=2))
    root = getattr(folders, dataset)(tmp_path / "data")
    out = tmp_path / "rankings.jsonl"
    options = ["--dataset", dataset, "--path", str(root), "--rankings", str(out), "--json"]
    answer = CliRunner().invoke(app, ["bench", "rca", *options])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["AC@3"] > 0.0
    assert json.loads(out.read_text().splitlines()[0])["ranking"][0] == first


def flat_case(incident: float, rows: int = 60) -> RecordedCase:
    key = SeriesKey("web", Measure.LATENCY_P99)
    normal = Recording(5.0 * np.arange(rows), {key: 1.0 + np.arange(rows) % 3 / 100})
    return RecordedCase(
        normal, Recording(5.0 * np.arange(12), {key: np.full(12, incident)}), edges=(), target=None, step=5.0
    )


def test_where_no_rule_fires_the_nearest_one_gives_the_alarm() -> None:
    timeline = lay_out(flat_case(1.1), rca.NOW, FINE)
    payload = alarm(timeline)
    assert payload is not None
    (alert,) = payload["alerts"]
    assert alert["labels"]["service"] == "web"
    assert alert["startsAt"] == "2023-11-14T22:19:05Z"  # the first sample of the incident's minute


def test_a_case_that_no_rule_can_watch_is_not_asked() -> None:
    key = SeriesKey("web", Measure.SOCKETS)
    recording = Recording(np.arange(10.0), {key: np.ones(10)})
    case = RecordedCase(recording, recording, edges=(), target=None, step=5.0)
    assert question(case) is None


def test_quiet_windows_are_as_long_as_incidents_and_follow_their_own_recording() -> None:
    windows = list(quiet_cases([flat_case(9.0, rows=600)], wanted=40))
    assert len(windows) == 40
    for window in windows:
        assert len(window.incident.times) == 12
        assert window.normal.times[-1] < window.incident.times[0]
        assert max(part.max() for part in window.incident.values.values()) < 2.0
    starts = [window.incident.times[0] for window in windows]
    assert len(set(starts)) == 40


def test_quiet_windows_of_short_normal_periods_are_shorter() -> None:
    windows = list(quiet_cases([flat_case(9.0, rows=18)], wanted=2))
    assert {len(window.incident.times) for window in windows} == {6}
    assert all(len(window.normal.times) >= 6 for window in windows)


def test_no_quiet_window_spans_a_gap() -> None:
    case = flat_case(9.0, rows=600)
    case.normal.times[300:] += 86400.0
    assert all(np.diff(window.incident.times).max() == 5.0 for window in quiet_cases([case], wanted=200))


def test_cases_that_share_their_normal_period_share_its_windows() -> None:
    assert len(list(quiet_cases([flat_case(9.0, rows=600), flat_case(8.0, rows=600)], wanted=40))) == 40


@pytest.mark.skipif(not SCORER.is_file(), reason="the independent scorer is not beside this clone")
@pytest.mark.parametrize("dataset", ["petshop", "rcd", "rcaeval4", "nezha"])
def test_an_independent_scorer_gives_the_same_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    folder = folders.SHARED / folders.FOLDERS[dataset]
    if not folder.is_dir():
        pytest.skip(f"needs the public data set in {folder}")
    monkeypatch.setattr(rca, "quiet_cases", lambda cases: ())
    names = sorted({key.entity for key in load_case(dataset, folder, list_cases(dataset, folder)[0]).normal.values})

    def shuffled(asked: Question) -> Answer:
        """A guess that depends on the question alone."""
        drawn = np.random.default_rng(abs(hash(json.dumps(asked.payload))) % 2**32).permutation(names)
        return Answer(tuple(drawn.tolist()[:8]), 0.1)

    out = tmp_path / "rankings.jsonl"
    ours = rca.run(dataset, folder, shuffled, quietly, out)
    arguments = ["--dataset", dataset, "--data", str(folder), "--predictions", str(out)]
    monkeypatch.setattr(sys, "argv", [str(SCORER), *arguments])
    runpy.run_path(str(SCORER), run_name="__main__")
    theirs = json.loads(capsys.readouterr().out)
    assert theirs["unknown_cases"] == []
    assert theirs["overall"]["n"] == ours.cases
    assert_same(ours, theirs["overall"])


def assert_same(ours: RcaFigures, theirs: dict[str, float]) -> None:
    for name, value in (("AC@1", ours.ac1), ("AC@3", ours.ac3), ("Avg@5", ours.avg5), ("MRR", ours.mrr)):
        assert theirs[name] == pytest.approx(value, abs=1e-4), name
    assert math.dist(theirs["AC@1_95ci"], ours.ac1_interval) < 2e-3  # type: ignore[arg-type]
