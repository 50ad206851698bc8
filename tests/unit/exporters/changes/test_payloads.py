"""What each sender's deliveries mean."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import MAX_DETAILS, Change, SecurityEvent
from brain_exporters.changes.payloads import argocd, events, falco, generic, github, gitlab, terraform
from brain_exporters.changes.table import change_rows, event_rows
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import AT_SECONDS, NOW, body, headers

ENTITIES = EntityMap((), "home")
TASK = headers(x_tfc_task_signature="x")
NONE = headers()
EVENTS = events.EventParser({})


def of_github(event: str, data: object) -> list[Change]:
    return list(github.parse(body(data), headers(x_github_event=event), NOW))


def state(found: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind.value, change.result.value) for change in found]


def entity(change: Change) -> str:
    return str(ENTITIES.entity(change.source, change.subject))


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("pending", "started"),
        ("queued", "started"),
        ("in_progress", "started"),
        ("success", "succeeded"),
        ("failure", "failed"),
        ("error", "failed"),
    ],
)
def test_a_deployment_of_github(word: str, result: str) -> None:
    [change] = of_github("deployment_status", samples.github_deployment(state=word))
    assert state([change]) == [("deployment", result)]
    assert change.change_id == "deployment/1296269/42"
    assert (change.timestamp, change.started_at) == (AT_SECONDS, AT_SECONDS - 300)
    assert (change.actor, change.url) == ("octocat", "https://ci.example.com/run/7")
    assert entity(change) == "home/production/workload/checkout"


def test_an_inactive_deployment_tells_nothing() -> None:
    assert of_github("deployment_status", samples.github_deployment(state="inactive")) == []


@pytest.mark.parametrize(
    ("action", "conclusion", "result"),
    [
        ("requested", None, "started"),
        ("in_progress", None, "started"),
        ("completed", "success", "succeeded"),
        ("completed", "failure", "failed"),
        ("completed", "timed_out", "failed"),
        ("completed", "cancelled", "cancelled"),
    ],
)
def test_a_workflow_run_of_github(action: str, conclusion: str | None, result: str) -> None:
    [change] = of_github("workflow_run", samples.github_run(action, conclusion))
    assert state([change]) == [("pipeline", result)]
    assert change.actor == "hubot"
    assert change.change_id == "run/1296269/30433642/1"


def test_a_second_attempt_of_a_workflow_run_is_another_change() -> None:
    first, second = (of_github("workflow_run", samples.github_run(attempt=n))[0].key for n in (1, 2))
    assert first != second


@pytest.mark.parametrize("conclusion", ["skipped", "neutral", "stale", "action_required", None])
def test_a_workflow_run_without_a_result_tells_nothing(conclusion: str | None) -> None:
    assert of_github("workflow_run", samples.github_run("completed", conclusion)) == []


def test_pushes_of_github() -> None:
    [change] = of_github("push", samples.github_push())
    assert (change.title, change.timestamp, change.revision) == ("shop/checkout: Shorter time-outs", NOW, "f" * 40)
    assert of_github("push", samples.github_push("refs/heads/topic")) == []
    assert of_github("push", samples.github_push("refs/tags/v1")) == []
    assert of_github("push", samples.github_push(deleted=True)) == []


def test_merges_and_releases_of_github() -> None:
    rest = {"repository": {"id": 1, "full_name": "a/b"}, "sender": {"login": "ada"}}
    merged = {"number": 7, "title": "Better", "merged": True, "merged_at": samples.AT}
    assert state(of_github("pull_request", {"action": "closed", "pull_request": merged, **rest})) == [
        ("merge", "succeeded")
    ]
    closed = merged | {"merged": False}
    assert of_github("pull_request", {"action": "closed", "pull_request": closed, **rest}) == []
    assert of_github("pull_request", {"action": "opened", "pull_request": closed, **rest}) == []
    release = {"id": 1, "tag_name": "v1", "name": None, "published_at": samples.AT}
    assert state(of_github("release", {"action": "published", "release": release, **rest})) == [
        ("release", "succeeded")
    ]
    assert of_github("release", {"action": "edited", "release": release, **rest}) == []


def test_other_events_of_github_tell_nothing() -> None:
    assert of_github("ping", {"zen": "Keep it logically awesome."}) == []
    assert of_github("star", {"action": "created"}) == []


def test_a_form_of_github_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="application/json"):
        github.parse(b"payload=%7B%7D", headers(content_type="application/x-www-form-urlencoded"), NOW)


def of_gitlab(data: object) -> list[Change]:
    return list(gitlab.parse(body(data), NONE, NOW))


@pytest.mark.parametrize(
    ("word", "result"),
    [("running", "started"), ("success", "succeeded"), ("failed", "failed"), ("canceled", "cancelled")],
)
def test_deployments_and_pipelines_of_gitlab(word: str, result: str) -> None:
    [deployed], [ran] = of_gitlab(samples.gitlab_deployment(status=word)), of_gitlab(samples.gitlab_pipeline(word))
    assert state([deployed, ran]) == [("deployment", result), ("pipeline", result)]
    assert deployed.timestamp == AT_SECONDS
    assert ran.timestamp == (AT_SECONDS - 300 if word == "running" else AT_SECONDS)
    assert entity(deployed) == "home/staging-eu/workload/checkout"
    assert entity(ran) == "home//workload/checkout"
    assert (deployed.actor, deployed.url) == ("ada", "https://gitlab.example.com/shop/checkout/-/jobs/796")
    assert ran.url == "https://gitlab.example.com/shop/checkout/-/pipelines/31"


@pytest.mark.parametrize("word", ["blocked", "skipped", "manual", "scheduled", "a new one"])
def test_what_waits_at_gitlab_tells_nothing(word: str) -> None:
    assert of_gitlab(samples.gitlab_deployment(status=word)) == []
    assert of_gitlab(samples.gitlab_pipeline(word)) == []


def test_pushes_merges_and_releases_of_gitlab() -> None:
    push: dict[str, Any] = {
        "object_kind": "push",
        "ref": "refs/heads/main",
        "checkout_sha": "abc",
        "user_username": "ada",
        "commits": [{"title": "first"}, {"title": "second"}],
        "project": samples.gitlab_project(),
    }
    [pushed] = of_gitlab(push)
    assert (pushed.title, pushed.actor) == ("shop/checkout: second", "ada")
    assert of_gitlab(push | {"ref": "refs/heads/topic"}) == []
    assert of_gitlab(push | {"checkout_sha": None}) == []
    merge = {"iid": 5, "action": "merge", "title": "Better", "updated_at": "2026-09-21 14:10:00 UTC"}
    request: dict[str, Any] = {"object_kind": "merge_request", "project": samples.gitlab_project()}
    assert state(of_gitlab(request | {"object_attributes": merge})) == [("merge", "succeeded")]
    assert of_gitlab(request | {"object_attributes": merge | {"action": "open"}}) == []
    release = {"object_kind": "release", "id": 1, "action": "create", "tag": "v1", "project": samples.gitlab_project()}
    assert state(of_gitlab(release)) == [("release", "succeeded")]
    assert of_gitlab({"object_kind": "build"}) == []


def test_the_api_of_gitlab_names_a_deployment_as_its_webhook_does() -> None:
    project = gitlab.ApiProject(id=30, path_with_namespace="shop/checkout")
    listed = {
        "id": 15,
        "iid": 2,
        "status": "success",
        "ref": "main",
        "sha": "279484c09fbe69ededfced8c1bb6e6d24616b468",
        "created_at": "2026-09-21T14:05:00.000Z",
        "updated_at": "2026-09-21T14:10:01.000Z",
        "user": {"username": "ada"},
        "environment": {"id": 9, "name": "Staging EU", "slug": "staging-eu"},
        "deployable": {"finished_at": "2026-09-21T14:10:00.000Z", "commit": {"title": "Shorter time-outs"}},
    }
    found = msgspec.json.decode(body(listed), type=gitlab.ApiDeployment)
    asked = gitlab.deployment_change(project, found, NOW)
    [told] = of_gitlab(samples.gitlab_deployment())
    assert asked is not None
    assert asked.key == told.key
    assert entity(asked) == entity(told)
    assert (asked.timestamp, asked.actor, asked.title) == (told.timestamp, told.actor, told.title)


def of_argocd(data: object) -> list[Change]:
    return list(argocd.parse(body(data), NONE, NOW))


@pytest.mark.parametrize(
    ("phase", "result"),
    [("Running", "started"), ("Succeeded", "succeeded"), ("Failed", "failed"), ("Error", "failed")],
)
def test_a_sync_of_argo_cd(phase: str, result: str) -> None:
    [change] = of_argocd(samples.argocd_application(phase))
    assert state([change]) == [("sync", result)]
    assert entity(change) == "eu-1/shop/workload/checkout"
    assert (change.actor, change.revision) == ("ada", "aaaaaaaa")
    assert of_argocd({"app": samples.argocd_application(phase)}) == [change]


def test_a_sync_that_somebody_has_stopped_is_cancelled() -> None:
    stopped = samples.argocd_application("Failed")
    stopped["status"]["operationState"]["message"] = "Operation terminated"
    assert state(of_argocd(stopped)) == [("sync", "cancelled")]


def test_an_application_that_was_never_synced_tells_nothing() -> None:
    assert of_argocd({"metadata": {"name": "new"}, "spec": {}, "status": {}}) == []
    assert of_argocd({"metadata": {"name": "new"}}) == []


def test_the_history_of_an_application_is_told_by_the_api_alone() -> None:
    application = msgspec.json.decode(body(samples.argocd_application()), type=argocd.Application)
    past, current = argocd.changes(application, NOW, NOW - 86400)
    assert list(argocd.changes(application, NOW, NOW - 1000)) == [current]
    assert [past.revision, current.revision] == ["99999999", "aaaaaaaa"]
    assert past.actor == "argocd (automated sync)"
    [told] = of_argocd(samples.argocd_application())
    assert current.key == told.key


def test_an_operation_of_last_year_is_not_told_by_the_api() -> None:
    old = samples.argocd_application()
    old["status"]["operationState"] |= {"startedAt": "2025-01-01T00:00:00Z", "finishedAt": "2025-01-01T00:01:00Z"}
    old["status"]["history"] = [{"deployStartedAt": "2025-01-01T00:00:00Z", "deployedAt": "2025-01-01T00:01:00Z"}]
    assert list(argocd.changes(msgspec.json.decode(body(old), type=argocd.Application), NOW, 0.0)) == []


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("pre_plan", [("plan", "started")]),
        ("post_plan", [("plan", "succeeded")]),
        ("pre_apply", [("apply", "started")]),
        ("post_apply", [("apply", "succeeded")]),
        ("test", []),
        ("a new one", []),
    ],
)
def test_run_tasks(stage: str, expected: list[tuple[str, str]]) -> None:
    found = list(terraform.parse(body(samples.run_task(stage)), TASK, NOW))
    assert state(found) == expected
    assert all(entity(change) == "home//cloud-resource/network" for change in found)
    assert all("one-time-token" not in repr(change) for change in found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", []),
        ("planning", [("plan", "started")]),
        ("planned_and_finished", [("plan", "succeeded")]),
        ("applying", [("apply", "started")]),
        ("applied", [("apply", "succeeded")]),
        ("errored", [("apply", "failed")]),
        ("canceled", [("apply", "cancelled")]),
        ("discarded", [("apply", "cancelled")]),
    ],
)
def test_notifications_of_terraform(status: str, expected: list[tuple[str, str]]) -> None:
    found = list(terraform.parse(body(samples.notification(status)), NONE, NOW))
    assert state(found) == expected
    assert all((change.timestamp, change.actor) == (AT_SECONDS, "bob") for change in found)


def test_a_run_task_and_a_notification_name_a_change_alike() -> None:
    [told] = terraform.parse(body(samples.notification("applied")), NONE, NOW)
    [asked] = terraform.parse(body(samples.run_task("post_apply")), TASK, NOW)
    assert told.key == asked.key


def test_the_verification_of_a_notification_tells_nothing() -> None:
    assert list(terraform.parse(body(samples.verification()), NONE, NOW)) == []


def test_where_a_run_task_is_answered() -> None:
    found = terraform.callback(body(samples.run_task()), TASK)
    assert found is not None
    assert (found.result_id, found.token) == ("5ea8d46c-2ceb-42cd-83f2-82e54697bddd", "one-time-token")
    assert "one-time-token" not in repr(found)
    assert terraform.callback(body(samples.run_task("test")), TASK) is None
    assert terraform.callback(body(samples.run_task()), NONE) is None
    for wrong in ("", "https://app.terraform.io/", "https://app.terraform.io/api/v2/task-results/a/../b/callback"):
        assert terraform.callback(body(samples.run_task(task_result_callback_url=wrong)), TASK) is None


def of_generic(data: object) -> list[Change]:
    return list(generic.parse(body(data), NONE, NOW))


def test_generic_changes() -> None:
    [change] = of_generic(samples.generic_change())
    assert state([change]) == [("config", "succeeded")]
    assert entity(change) == "home//workload/checkout"
    named = {"cluster": "eu", "namespace": "shop", "kind": "database", "name": "orders"}
    both = of_generic([samples.generic_change(entity=named, time=AT_SECONDS), samples.generic_change(id=7)])
    assert entity(both[0]) == "eu/shop/database/orders"
    assert both[0].timestamp == AT_SECONDS
    assert both[1].change_id == "shop/checkout/7"
    assert of_generic(samples.generic_change())[0].key == change.key


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "party", "project": "a", "title": "b"}, "kind"),
        ({"kind": "config", "title": "b"}, "project or entity.name"),
        ({"kind": "config", "project": "a"}, "title"),
        ({"kind": "config", "project": "a", "title": "b", "result": "perhaps"}, "result"),
        ([{"kind": "config", "project": "a", "title": "b"}] * 1001, "1000"),
    ],
)
def test_generic_changes_that_are_wrong_say_why(wrong: object, why: str) -> None:
    with pytest.raises(InputError, match=why):
        of_generic(wrong)


def test_an_alert_of_falco() -> None:
    [event] = falco.parse(body(samples.falco_alert()), NONE, NOW)
    assert (event.rule, event.severity, event.actor) == ("Read sensitive file untrusted", "medium", "root")
    assert event.entity == Entity("", "shop", EntityKind.POD, "checkout-7d9c")
    assert event.timestamp == pytest.approx(AT_SECONDS + 0.123456)
    assert event.event_id == "6a3c1a2e-8d43-4f3e-9d3f-3f1f2f3f4f5f"
    assert json.loads(event.details or "")["proc.cmdline"] == "cat /etc/shadow"


def test_an_alert_of_falco_without_pod_and_uuid() -> None:
    data = samples.falco_alert(uuid=None, output_fields={"k8s.pod.name": None})
    [event] = falco.parse(body(data), NONE, NOW)
    assert event.entity == Entity("", "", EntityKind.NODE, "node-1")
    assert event.key == falco.parse(body(data), NONE, NOW)[0].key
    assert event.key != falco.parse(body(data | {"time": "2026-09-21T14:10:01Z"}), NONE, NOW)[0].key


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("Emergency", "critical"),
        ("Alert", "critical"),
        ("Critical", "critical"),
        ("Error", "high"),
        ("Warning", "medium"),
        ("Notice", "low"),
        ("Informational", "info"),
        ("Debug", "info"),
        ("A new one", "info"),
    ],
)
def test_the_priorities_of_falco(priority: str, severity: str) -> None:
    [event] = falco.parse(body(samples.falco_alert(priority=priority)), NONE, NOW)
    assert event.severity == severity


def test_events_in_the_exporters_own_form() -> None:
    named = {"cluster": "eu", "namespace": "shop", "kind": "pod", "name": "a"}
    [event] = EVENTS(body(samples.event(entity=named, actor="ada", id=7, time=samples.AT)), NONE, NOW)
    assert (event.rule, event.severity, event.actor, event.event_id) == ("port scan", "high", "ada", "7")
    assert event.entity == Entity("eu", "shop", EntityKind.POD, "a")
    assert event.timestamp == AT_SECONDS


def test_events_in_another_form() -> None:
    parser = events.EventParser({"rule": "alert.name", "severity": "alert.level", "name": "k8s.pod.name"})
    data = {"alert": {"name": "scan", "level": "WARNING"}, "k8s.pod.name": "a", "message": "m"}
    [event] = parser(body(data), NONE, NOW)
    assert (event.rule, event.severity, event.entity.name) == ("scan", "medium", "a")
    with pytest.raises(InputError, match=r"alert\.name"):
        parser(b"{}", NONE, NOW)


def test_hostile_values_are_cut_and_cleaned() -> None:
    data = samples.generic_change(
        title="x\x00\r\n\u2028" + "y" * 10_000,
        actor="\x1b[31m" + "z" * 10_000,
        url="javascript:alert(1)",
        details={str(n): "w" * 5000 for n in range(100)},
        time="9999-12-31T23:59:59Z",
    )
    [change] = of_generic(data)
    assert len(change.title) == 500
    assert change.title.isprintable()
    assert (change.url, change.timestamp) == (None, NOW)
    assert len((change.details or "").encode()) <= MAX_DETAILS
    assert json.loads(change.details or "")["truncated"] is True


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "https://",
        "https://a b",
        'https://a/"onmouseover=x',
        "https://a/<script>",
        "//a/b",
        "https://[::1",
        "https://a/" + "b" * 3000,
        "data:text/html,x",
        "https://é",
    ],
)
def test_addresses_that_are_none_are_not_kept(url: str) -> None:
    assert of_generic(samples.generic_change(url=url))[0].url is None


PARSERS: dict[str, Any] = {
    "github": lambda data: github.parse(data, headers(x_github_event="deployment_status"), NOW),
    "gitlab": lambda data: gitlab.parse(data, NONE, NOW),
    "argocd": lambda data: argocd.parse(data, NONE, NOW),
    "task": lambda data: terraform.parse(data, TASK, NOW),
    "notification": lambda data: terraform.parse(data, NONE, NOW),
    "generic": lambda data: generic.parse(data, NONE, NOW),
    "falco": lambda data: falco.parse(data, NONE, NOW),
    "events": lambda data: EVENTS(data, NONE, NOW),
}
GOOD: dict[str, Any] = {
    "github": samples.github_deployment(),
    "gitlab": samples.gitlab_deployment(),
    "argocd": samples.argocd_application(),
    "task": samples.run_task(),
    "notification": samples.notification(),
    "generic": samples.generic_change(details={"a": 1}, entity={"name": "x"}),
    "falco": samples.falco_alert(),
    "events": samples.event(entity={"name": "x"}, more={"a": [1]}),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
VALUES = st.recursive(
    SCALARS, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=8), of, max_size=3), max_leaves=6
)


def paths(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of everything in a body."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in inner for found in [(*at, key), *paths(value, (*at, key))]]


def replaced(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(data))
    place = copy
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    return copy


def told(name: str, data: bytes) -> list[Any]:
    """What a body tells; nothing when it is refused as the sender's fault, and any other error is ours."""
    try:
        return list(PARSERS[name](data))
    except InputError:
        return []


@pytest.mark.parametrize("name", PARSERS)
@given(st.data())
def test_any_value_anywhere_is_taken_or_refused(name: str, data: st.DataObject) -> None:
    wrong = replaced(GOOD[name], data.draw(st.sampled_from(paths(GOOD[name]))), data.draw(VALUES))
    found = told(name, json.dumps(wrong).encode())
    changes = [each for each in found if isinstance(each, Change)]
    change_rows(changes, ENTITIES)
    event_rows([each for each in found if isinstance(each, SecurityEvent)], ENTITIES)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a": "\\ud800"}', b"12", b"{}"]
)
def test_what_is_no_delivery_tells_nothing_or_is_refused(name: str, data: bytes) -> None:
    assert told(name, data) == []
