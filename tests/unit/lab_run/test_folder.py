"""The folder of a run without a promtool: everything is there, and the truth only where it belongs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from brain_common.errors import ConfigError
from brain_lab.emit import alerts
from brain_lab.run import folder as run_folder
from brain_lab.run.documents import prometheus_config
from brain_lab.run.folder import Written, write_run
from brain_lab.run.request import Request, played
from brain_lab.scenario.play import MONDAY
from brain_lab.simulate import Recording
from brain_lab.tell.emission import Amounts

REQUEST = Request("automotive", "latency-spike", 1, MONDAY + 36000.0, 900.0, 500.0)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return played(REQUEST)


@pytest.fixture(scope="module")
def into(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "out"


@pytest.fixture(scope="module")
def written(recording: Recording, into: Path) -> Written:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_folder, "has_promtool", lambda: False)
        return write_run(REQUEST, recording, into, lambda _line: None, Amounts(2_000, 2_000, 1, 10))


def test_metrics_are_text_that_ends_as_it_should(written: Written) -> None:
    assert written.tsdb is None
    assert written.text is not None
    text = written.text.read_text()
    assert text.endswith("# EOF\n")
    assert sum(not line.startswith("#") for line in text.splitlines()) == written.samples


def test_all_kinds_of_signals_are_there(written: Written, into: Path) -> None:
    assert written.lines > 0
    assert written.spans > 0
    found = {path.name for path in into.iterdir()}
    assert found == {
        *("prometheus", "alerts", "logs", "traces", "events", "changes", "cloudtrail", "cost", "truth.json")
    }


def test_the_payload_holds_what_fires_at_the_end(written: Written, recording: Recording) -> None:
    assert written.group is not None
    group = json.loads(written.group.read_text())
    assert [alert["labels"] for alert in group["alerts"]] == [
        dict(sorted(one.labels.items())) for one in alerts.firing(recording)
    ]


def test_the_history_holds_every_alert(into: Path, recording: Recording) -> None:
    history = json.loads((into / "alerts" / "history.json").read_text())
    assert len(history) == len(alerts.episodes(recording))
    assert all(one["startsAt"] < one["endsAt"] or one["endsAt"].startswith("0001") for one in history)


def test_the_truth_is_in_its_own_file_alone(written: Written, into: Path) -> None:
    document = json.loads(written.truth.read_text())
    (truth,) = document["truth"]
    assert (document["fault"], truth["fault"]) == ("latency-spike", "latency-spike")
    others = [path for path in into.rglob("*") if path.is_file() and path != written.truth]
    assert not [path for path in others if b"latency-spike" in path.read_bytes()]


def test_a_folder_with_something_in_it_is_refused(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        write_run(REQUEST, recording, tmp_path, lambda _line: None)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://localhost:9093", {"scheme": "http", "static_configs": [{"targets": ["localhost:9093"]}]}),
        (
            "https://am.example.org/peer",
            {"scheme": "https", "static_configs": [{"targets": ["am.example.org"]}], "path_prefix": "/peer"},
        ),
    ],
)
def test_an_alertmanager_is_named_as_prometheus_wants_it(
    recording: Recording, url: str, target: dict[str, object]
) -> None:
    config = yaml.safe_load(prometheus_config(recording.platform, url))
    assert config["alerting"] == {"alertmanagers": [target]}
