"""The bench on recorded incidents: figures as an independent scorer gives them; no truth on the way to the judge."""

from __future__ import annotations

import json
import math
import pickle
import runpy
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from brain_cli import recorded
from brain_cli.main import app
from brain_common.errors import InputError
from brain_engine.rank.explain_away import ExplainAway
from brain_lab.bench import rca, rca_ablations
from brain_lab.bench.quiet import quiet_cases
from brain_lab.bench.rca import Answer, Course, Question, question
from brain_lab.bench.rca_figures import RcaFigures, by_alarm
from brain_lab.bench.renaming import renamings, same_ranking
from brain_lab.bench.told import InjectionTime
from brain_lab.recorded import DATASETS, AlertTarget, Measure, RecordedCase, Recording, SeriesKey, list_cases, load_case
from brain_lab.replay.alarm import alarm
from brain_lab.replay.timeline import FINE, lay_out
from brain_lab.replay.webhook import moment_text
from tests.unit.lab import folders

SCORER = folders.SHARED.parent / "score" / "rca_score.py"


def quietly(_line: str) -> None:
    """No progress."""


def evenly(services: Sequence[str]) -> tuple[float, ...]:
    """Probabilities, best first."""
    return tuple(1.0 / (2 + place) for place in range(len(services)))


def judge_that_says(*services: str) -> rca.Judge:
    return lambda asked: Answer(services, 0.5, evenly(services))


def several(root: Path) -> Path:
    """Three cases whose true services are carts, carts-db and user."""
    for case in ("carts-cpu/1", "carts-db-mem/1", "user-cpu/2"):
        folders.rcd(root, case)
    return root


def test_what_only_comes_near_counts_in_the_ranking_and_is_told_apart(tmp_path: Path) -> None:
    course = Course("rcd", several(tmp_path))
    sure = rca.run(course, judge_that_says("carts", "user"), quietly)
    near = rca.run(course, lambda asked: Answer(("carts", "user"), 0.5, (3.0, 1.0), named=False), quietly)
    assert (sure.top1, sure.named1, sure.specificity) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 0.0)
    assert (near.top1, near.named1, near.specificity) == (pytest.approx(2 / 3), 0.0, 1.0)
    assert (sure.unanswered, near.unanswered) == (0, 3)


def test_figures_of_a_judge_that_always_says_the_same(tmp_path: Path) -> None:
    figures = rca.run(Course("rcd", several(tmp_path)), judge_that_says("front", "carts"), quietly)
    assert figures.cases == 3
    assert figures.top1 == 0.0
    assert figures.top3 == pytest.approx(2 / 3)  # a service's database counts as the service
    assert figures.avg5 == pytest.approx(2 / 3 * 0.8)
    assert figures.mrr == pytest.approx(1 / 3)
    assert figures.seconds_per_case == 0.5
    assert figures.specificity == 0.0
    assert figures.top3_interval[0] < 2 / 3 < figures.top3_interval[1]


def test_saying_nothing_misses_every_case_and_is_right_in_every_quiet_window(tmp_path: Path) -> None:
    figures = rca.run(Course("rcd", several(tmp_path)), judge_that_says(), quietly)
    assert (figures.top1, figures.top3, figures.mrr, figures.specificity) == (0.0, 0.0, 0.0, 1.0)
    assert figures.unanswered == 3


def test_names_of_the_figures_are_those_that_scorers_use(tmp_path: Path) -> None:
    figures = rca.run(Course("rcd", several(tmp_path)), judge_that_says("carts"), quietly)
    said = json.loads(msgspec.json.encode(figures))
    assert {"cases", "top1", "top3", "avg5", "mrr", "specificity", "seconds_per_case", "top1_95ci"} <= set(said)
    assert {kind: scores["cases"] for kind, scores in said["by_fault"].items()} == {"cpu": 2, "mem": 1}
    assert said["by_fault"]["cpu"]["top1"] == 0.5


def test_rankings_are_a_line_of_json_each(tmp_path: Path) -> None:
    out = tmp_path / "rankings.jsonl"
    rca.run(Course("rcd", several(tmp_path / "data"), rankings=out), judge_that_says("b", "a"), quietly)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["case"] for line in lines] == ["carts-cpu/1", "carts-db-mem/1", "user-cpu/2"]
    assert all(set(line) == {"case", "ranking"} and line["ranking"] == ["b", "a"] for line in lines)


def test_rankings_that_cannot_be_written_are_refused_before_any_case_is_judged(tmp_path: Path) -> None:
    def unasked(asked: Question) -> Answer:
        raise AssertionError("asked all the same")

    course = Course("rcd", several(tmp_path / "data"), rankings=tmp_path / "none" / "rankings.jsonl")
    with pytest.raises(InputError, match=r"--rankings .*rankings\.jsonl: No such file"):
        rca.run(course, unasked, quietly)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cases of rcd"):
        rca.run(Course("rcd", tmp_path), judge_that_says(), quietly)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_question_holds_neither_the_cases_name_nor_its_cause(tmp_path: Path, dataset: str) -> None:
    root = folders.maker(dataset)(tmp_path / "hippopotamus")
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
    root = folders.maker(dataset)(tmp_path / "data")
    out = tmp_path / "rankings.jsonl"
    options = ["--dataset", dataset, "--path", str(root), "--rankings", str(out), "--json"]
    answer = CliRunner().invoke(app, ["bench", "rca", *options])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["top3"] > 0.0
    assert json.loads(out.read_text().splitlines()[0])["ranking"][0] == first


def flat_case(incident: float, rows: int = 60) -> RecordedCase:
    key = SeriesKey("web", Measure.LATENCY_P99)
    normal = Recording(5.0 * np.arange(rows), {key: 1.0 + np.arange(rows) % 3 / 100})
    return RecordedCase(
        normal, Recording(5.0 * np.arange(12), {key: np.full(12, incident)}), edges=(), target=None, step=5.0
    )


def test_where_no_rule_fires_and_no_alert_was_recorded_the_alarm_is_about_everything() -> None:
    payload = alarm(lay_out(flat_case(1.1), rca.NOW, FINE))
    assert payload is not None
    (alert,) = payload["alerts"]
    assert "service" not in alert["labels"]
    assert alert["startsAt"] == "2023-11-14T22:19:05Z"  # the first sample of the incident's minute


def test_a_recorded_alert_is_taken_to_have_fired() -> None:
    case = replace(flat_case(1.0), target=AlertTarget("web", Measure.LATENCY_P99))
    payload = alarm(lay_out(case, rca.NOW, FINE))
    assert payload is not None
    (alert,) = payload["alerts"]
    assert alert["labels"]["service"] == "web"


def test_a_case_without_any_series_is_not_asked() -> None:
    recording = Recording(np.arange(10.0), {})
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
        said = tuple(drawn.tolist()[:8])
        return Answer(said, 0.1, evenly(said))

    out = tmp_path / "rankings.jsonl"
    ours = rca.run(Course(dataset, folder, rankings=out), shuffled, quietly)
    arguments = ["--dataset", dataset, "--data", str(folder), "--predictions", str(out)]
    monkeypatch.setattr(sys, "argv", [str(SCORER), *arguments])
    runpy.run_path(str(SCORER), run_name="__main__")
    theirs = json.loads(capsys.readouterr().out)
    assert theirs["unknown_cases"] == []
    assert theirs["overall"]["n"] == ours.cases
    assert_same(ours, theirs["overall"])


def assert_same(ours: RcaFigures, theirs: dict[str, float]) -> None:
    for name, value in (("AC@1", ours.top1), ("AC@3", ours.top3), ("Avg@5", ours.avg5), ("MRR", ours.mrr)):
        assert theirs[name] == pytest.approx(value, abs=1e-4), name
    assert math.dist(theirs["AC@1_95ci"], ours.top1_interval) < 2e-3  # type: ignore[arg-type]


def test_windows_of_one_moment_are_quiet_together_only_if_every_alarm_about_it_is() -> None:
    alarms, moments = ["latency", "availability"] * 2, [1, 1, 2, 2]
    shares = by_alarm(alarms, moments, [True, False, True, True])
    assert shares == {"latency": 1.0, "availability": 0.5, "either": 0.5}
    assert by_alarm(["", ""], [1, 2], [True, True]) == {}


@pytest.mark.parametrize(("known", "late"), [("known", 0), ("late60", 60), ("late120", 120)])
def test_alerts_tell_when_the_fault_began_as_far_as_it_is_known(known: str, late: int) -> None:
    case = flat_case(9.0)
    case.incident.times[:] *= 10  # ten minutes, so that two of them are not beyond its end
    asked = question(case, InjectionTime(known))
    assert asked is not None
    first = asked.timeline.times[np.flatnonzero(asked.timeline.incident_rows >= 0)[0]]
    assert [alert["startsAt"] for alert in asked.payload["alerts"]] == [moment_text(first + late)]
    assert asked.told


def test_a_told_moment_is_never_after_the_last_sample() -> None:
    asked = question(flat_case(9.0), InjectionTime.LATE120)
    assert asked is not None
    assert asked.payload["alerts"][0]["startsAt"] == moment_text(rca.NOW)


def test_ablations_are_held_against_the_whole_and_tell_what_changed_nothing(tmp_path: Path) -> None:
    judges = {
        "": judge_that_says("carts"),
        "latency": judge_that_says("user"),
        "time-outs": judge_that_says("carts"),
        "everything": judge_that_says(),
    }
    figures = rca_ablations.run(Course("rcd", several(tmp_path)), judges, quietly)
    assert figures.whole == rca_ablations.Ablation(pytest.approx(2 / 3), pytest.approx(2 / 3), 0.0)
    assert figures.without["latency"].top1 == pytest.approx(1 / 3)
    assert figures.without["everything"] == rca_ablations.Ablation(0.0, 0.0, 1.0)
    assert figures.idle == ["time-outs"]


def test_the_command_takes_away_each_signal_and_each_idea_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rca_ablations, "quiet_cases", lambda cases: ())
    monkeypatch.setattr(recorded, "SIGNALS", ("cpu", "traces"))
    root = folders.causalrca(tmp_path)
    options = ["bench", "rca", "--dataset", "causalrca", "--path", str(root), "--ablations"]
    answer = CliRunner().invoke(app, [*options, "--json"])
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert set(said["without"]) == {"cpu", "traces", *ExplainAway.ideas}
    assert said["whole"]["top1"] == 1.0
    assert "traces" in said["idle"]
    assert CliRunner().invoke(app, [*options, "--ablate", "cpu"]).exit_code == 2


def test_a_judge_that_reads_names_leaks(tmp_path: Path) -> None:
    def by_name(asked: Question) -> Answer:
        names = tuple(sorted({key.entity for key in asked.timeline.keys}))
        return Answer(names, 0.1, evenly(names))

    figures = rca.run(Course("rcd", several(tmp_path), leak_check=True), by_name, quietly)
    assert figures.leaks is not None
    assert figures.leaks > 0
    assert [(bar.figure, bar.bar, bar.met) for bar in figures.bars] == [("leaks", "= 0", False)]
    assert rca.run(Course("rcd", several(tmp_path)), by_name, quietly).bars == []


def test_a_judge_that_breaks_ties_by_name_does_not_leak(tmp_path: Path) -> None:
    def undecided(asked: Question) -> Answer:
        names = tuple(sorted({key.entity for key in asked.timeline.keys}))
        return Answer(names, 0.1, (0.2,) * len(names))

    figures = rca.run(Course("rcd", several(tmp_path), leak_check=True), undecided, quietly)
    assert figures.leaks == 0


def test_a_tie_at_the_end_of_a_list_may_hold_either() -> None:
    assert same_ranking([("a", 0.5), ("b", 0.2)], [("a", 0.5), ("c", 0.2)])
    assert not same_ranking([("a", 0.5), ("b", 0.2)], [("a", 0.5), ("b", 0.3)])
    assert not same_ranking([("a", 0.5), ("b", 0.2)], [("b", 0.5), ("a", 0.2)])
    assert not same_ranking([("a", 0.5)], [])


def test_renaming_there_and_back_turns_the_order_of_names_round(tmp_path: Path) -> None:
    case = load_case("petshop", folders.petshop(tmp_path), "low/test/issue_0")
    services = sorted({key.entity for key in case.normal.values})
    shuffled, turned = renamings(case, 7)
    assert turned.back(turned.new[name] for name in services) == tuple(services)
    assert [turned.new[name] for name in services] == sorted(turned.new.values(), reverse=True)
    renamed = shuffled.case(case)
    assert renamed.target is not None
    assert case.target is not None
    assert renamed.target.entity == shuffled.new[case.target.entity]
    assert not {key.entity for key in renamed.incident.values} & set(services)
