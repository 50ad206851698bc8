"""Series, text, rules and payload of a replay, without promtool."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from brain_common.errors import ConfigError
from brain_lab.recorded import DATASETS, Measure, RecordedCase, SeriesKey, list_cases, load_case
from brain_lab.recorded.model import Array
from brain_lab.replay import replay
from brain_lab.replay import run as run_module
from brain_lab.replay.blocks import Progress
from brain_lab.replay.documents import group_payload, prometheus_config, rules_document
from brain_lab.replay.fingerprint import fingerprint
from brain_lab.replay.openmetrics import label_text, write_openmetrics
from brain_lab.replay.rules import rules_for
from brain_lab.replay.series import EDGE_METRIC, PromSeries, pod_name, series_of
from brain_lab.replay.timeline import Timeline, lay_out, plan_for
from tests.unit.lab import folders

NOW = 1_790_000_000.0


def timeline_of(case: RecordedCase) -> Timeline:
    return lay_out(case, NOW, plan_for(case.step))


@pytest.fixture
def petshop(tmp_path: Path) -> Timeline:
    return timeline_of(load_case("petshop", folders.petshop(tmp_path / "p"), "low/test/issue_0"))


@pytest.fixture
def rcd(tmp_path: Path) -> Timeline:
    return timeline_of(load_case("rcd", folders.rcd(tmp_path / "r"), "carts-cpu/1"))


def one(series: Sequence[PromSeries], metric: str, **labels: str) -> PromSeries:
    (found,) = [s for s in series if s.metric == metric and labels.items() <= s.labels.items()]
    return found


def test_service_series_carry_namespace_and_service(petshop: Timeline) -> None:
    found = one(series_of(petshop), "service:request_duration_seconds:mean", service="web")
    assert dict(found.labels) == {"namespace": "replay", "service": "web"}
    assert found.values[-1] == pytest.approx(0.3)


def test_cpu_is_a_counter_whose_rate_is_the_cores_in_use(rcd: Timeline) -> None:
    cpu = one(series_of(rcd), "container_cpu_usage_seconds_total", container="carts")
    assert cpu.counter
    assert cpu.values[0] == 0.0
    growth = np.diff(cpu.values) / rcd.scrape_seconds
    assert growth == pytest.approx(rcd.values(SeriesKey("carts", Measure.CPU))[1:])
    assert cpu.labels["pod"] == pod_name("carts")


def test_pods_are_named_as_a_replica_set_names_them() -> None:
    assert pod_name("carts-db").startswith("carts-db-")
    assert [len(part) for part in pod_name("carts").split("-")] == [5, 10, 5]
    assert pod_name("carts") == pod_name("carts") != pod_name("cart")


def test_a_callees_requests_are_shared_among_its_callers(petshop: Timeline) -> None:
    edges = [s for s in series_of(petshop) if s.metric == EDGE_METRIC]
    assert len(edges) == 3
    shared = [s for s in edges if s.labels["server"] == folders.NASTY]
    minutes = (petshop.times[-1] - petshop.times[0]) / 60
    assert [s.values[-1] for s in shared] == pytest.approx([30.0 * minutes] * 2)


def test_openmetrics_text_escapes_labels_and_leaves_gaps_out() -> None:
    series = [
        PromSeries("a:b", False, {"x": 'quo"te\\back\nline'}, np.array([1.5, np.nan, 0.1 + 0.2])),
        PromSeries("c_total", True, {"y": "z"}, np.array([0.0, 1.0, 2.0])),
    ]
    out = io.StringIO()
    assert write_openmetrics(out, series, np.array([10.0, 20.0, 30.0]), 1, 3) == 3
    assert out.getvalue() == (
        "# TYPE a:b gauge\n"
        'a:b{x="quo\\"te\\\\back\\nline"} 0.30000000000000004 30\n'
        "# TYPE c counter\n"
        'c_total{y="z"} 1.0 20\n'
        'c_total{y="z"} 2.0 30\n'
        "# EOF\n"
    )


def test_a_recorded_alert_becomes_one_rule_on_its_target(petshop: Timeline) -> None:
    (rule,) = rules_for(petshop)
    assert rule.threshold == pytest.approx(1.5 * 0.102)
    assert rule.expression == (
        'max_over_time(service:request_duration_seconds:mean{namespace="replay",service="web"}[1200s])'
        f" > {rule.threshold!r}"
    )
    assert rule.severity == "critical"
    assert petshop.times[-1] - petshop.times[rule.firing_since or 0] == 14 * 60


def test_an_incident_below_every_usual_threshold_takes_a_lower_rung(tmp_path: Path) -> None:
    root = folders.petshop(tmp_path)
    metrics = root / "low" / "test" / "issue_0" / "metrics.csv"
    metrics.write_text(metrics.read_text().replace("0.30000000000000004", "0.1015"))
    (rule,) = rules_for(timeline_of(load_case("petshop", root, "low/test/issue_0")))
    assert rule.threshold == 0.101
    assert rule.firing_since is not None


def test_symptoms_come_before_saturation(tmp_path: Path) -> None:
    case = load_case("rcaeval4", folders.rcaeval4(tmp_path), "shop/carts_cpu_1")
    rules = rules_for(timeline_of(case))
    assert [(rule.alert, rule.firing_since is not None) for rule in rules] == [
        ("ServiceLatencyHigh", True),
        ("ServiceErrorRatioHigh", True),
    ]
    assert rules[1].threshold == 0.01


def test_saturation_raises_the_alarm_where_no_symptom_does(rcd: Timeline) -> None:
    firing = [rule for rule in rules_for(rcd) if rule.firing_since is not None]
    assert [(rule.alert, rule.key.entity, rule.severity) for rule in firing] == [
        ("ContainerCpuHigh", "carts", "warning")
    ]
    assert "rate(container_cpu_usage_seconds_total{" in firing[0].expression


def test_a_case_without_a_fault_fires_nothing(rcd: Timeline) -> None:
    calm = RecordedCase(rcd.case.normal, rcd.case.normal, (), None, rcd.case.step)
    timeline = timeline_of(calm)
    assert group_payload(rules_for(timeline), timeline.times) is None


def test_the_payload_is_version_4_and_dated_by_the_rule(petshop: Timeline) -> None:
    payload = group_payload(rules_for(petshop), petshop.times)
    assert payload is not None
    assert payload["version"] == "4"
    assert payload["groupKey"] == '{}:{cluster="lab", namespace="replay"}'
    (alert,) = payload["alerts"]
    assert alert["labels"] == {
        "alertname": "ServiceLatencyHigh",
        "cluster": "lab",
        "namespace": "replay",
        "service": "web",
        "severity": "critical",
    }
    assert alert["startsAt"] == "2026-09-21T13:59:20Z"
    assert payload["commonLabels"] == alert["labels"]
    assert alert["fingerprint"] == fingerprint(alert["labels"])


def test_rule_labels_are_literal_where_prometheus_expands_templates(tmp_path: Path) -> None:
    root = folders.petshop(tmp_path)
    target = root / "low" / "test" / "issue_0" / "target.json"
    spec = json.loads(target.read_text())
    target.write_text(json.dumps({**spec, "target": {**spec["target"], "node": folders.NASTY}}))
    rules = rules_for(timeline_of(load_case("petshop", root, "low/test/issue_0")))
    (rule,) = yaml.safe_load(rules_document(rules))["groups"][0]["rules"]
    assert rule["labels"]["service"] == folders.NASTY.replace("{{", '{{ "{{" }}')
    assert label_text({"service": folders.NASTY}).strip("{}") in rules[0].expression


def test_the_prometheus_configuration_loads_the_rules_beside_it() -> None:
    config = yaml.safe_load(prometheus_config())
    assert config["rule_files"] == ["rules.yaml"]
    assert config["global"]["external_labels"] == {"cluster": "lab"}


def written(case: RecordedCase, into: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """All text a replay writes, the samples' included, by file name."""
    text = io.StringIO()

    def keep(series: Sequence[PromSeries], times: Array, folder: Path, progress: Progress) -> int:
        return write_openmetrics(text, series, times, 0, len(times))

    monkeypatch.setattr(run_module, "write_blocks", keep)
    replay(case, into, NOW)
    files = {path.relative_to(into).as_posix(): path.read_text() for path in into.rglob("*") if path.is_file()}
    return {**files, "samples": text.getvalue()}


RENAMES = {
    "petshop": ("low/test/issue_0", {"scenario": "zebra", "part": "quux", "issue": "issue_xyzzy"}),
    "rcd": ("carts-cpu/1", {"case": "zebra-quux/xyzzy"}),
    "rcaeval4": ("shop/carts_cpu_1", {"case": "zebra/quux_mem_xyzzy"}),
    "nezha": ("2022-08-22/04:10:30", {"day": "2021-03-04"}),
    "nezha-past": ("2022-08-22/04:10:30", {"day": "2021-03-04"}),
    "causalrca": ("cpu-hog1_carts", {"case": "zebra_quux"}),
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_nothing_written_depends_on_the_cases_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    case_id, renamed = RENAMES[dataset]
    make = folders.maker(dataset)
    plain = load_case(dataset, make(tmp_path / "plain"), case_id)
    root = make(tmp_path / "renamed", **renamed)
    other_id, *_ = list_cases(dataset, root)
    before = written(plain, tmp_path / "one", monkeypatch)
    after = written(load_case(dataset, root, other_id), tmp_path / "two", monkeypatch)
    assert before == after
    for word in ("zebra", "quux", "xyzzy", "secret-command", "2021-03-04", "cpu_contention", "cpu-hog"):
        assert word not in repr(after)
    assert set(after) == {"replay/rules.yaml", "replay/prometheus.yml", "replay/group.json", "samples"}


def test_columns_in_another_order_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load_case("rcd", folders.rcd(tmp_path / "r"), "carts-cpu/1")
    table = (tmp_path / "r" / "carts-cpu" / "1" / "normal.csv").read_text().splitlines()
    flipped = "\n".join(",".join(reversed(line.split(","))) for line in table)
    (tmp_path / "r" / "carts-cpu" / "1" / "normal.csv").write_text(flipped)
    other = load_case("rcd", tmp_path / "r", "carts-cpu/1")
    assert written(case, tmp_path / "1", monkeypatch) == written(other, tmp_path / "2", monkeypatch)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, rcd: Timeline) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "wal").touch()
    with pytest.raises(ConfigError, match="not empty"):
        replay(rcd.case, tmp_path / "into", NOW)


@pytest.mark.parametrize("name", ["file", "file/x"])
def test_an_ordinary_file_is_no_folder_to_fill(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    case = load_case("rcd", folders.rcd(tmp_path / "data"), "carts-cpu/1")
    with pytest.raises(ConfigError, match=f"/{name}: Not a directory$"):
        replay(case, tmp_path / name, NOW)


@pytest.mark.parametrize(("dataset", "count"), [("petshop", 26), ("rcd", 20), ("rcaeval4", 4)])
def test_an_alert_fires_at_the_end_of_every_public_case(dataset: str, count: int) -> None:
    folder = folders.SHARED / folders.FOLDERS[dataset]
    if not folder.is_dir():
        pytest.skip(f"needs the public data set in {folder}")
    cases = list_cases(dataset, folder)
    assert len(cases) == count
    for case_id in cases:
        timeline = timeline_of(load_case(dataset, folder, case_id))
        payload = group_payload(rules_for(timeline), timeline.times)
        assert payload is not None, case_id
        assert payload["alerts"]
        assert all(alert["labels"]["service"] for alert in payload["alerts"])


def test_public_petshop_calls_go_from_the_front_end_to_the_services() -> None:
    folder = folders.SHARED / folders.FOLDERS["petshop"]
    if not folder.is_dir():
        pytest.skip(f"needs the public data set in {folder}")
    case = load_case("petshop", folder, list_cases("petshop", folder)[0])
    callers = {callee: [c for c, other in case.edges if other == callee] for _, callee in case.edges}
    assert "PetSite" in callers["petlistadoptions_AWS::ECS::Fargate"]
    assert "PetSite" not in {callee for _, callee in case.edges}
    assert callers["petInfo_AWS::DynamoDB::Table"]
    assert not [callee for caller, callee in case.edges if caller == "petInfo_AWS::DynamoDB::Table"]
