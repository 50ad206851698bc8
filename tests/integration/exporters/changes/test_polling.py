"""Argo CD's and GitLab's APIs asked, against servers that answer as their documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.argocd import FakeArgoCd
from tests.fakes.gitlab import FakeGitlab
from tests.fakes.http_server import Answer
from tests.integration.exporters.changes.exporter import eventually, iso, rows, secret_file, started
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import body

pytestmark = pytest.mark.anyio

SYNCS = 'brain_changes_total{kind="sync",result="%s",source="argocd"}'
DEPLOYMENTS = 'brain_changes_total{kind="deployment",result="%s",source="gitlab"}'
PIPELINES = 'brain_changes_total{kind="pipeline",result="%s",source="gitlab"}'
PROJECTS = {
    "shop/checkout": {"id": 30, "path_with_namespace": "shop/checkout", "web_url": "https://gitlab.example.com/a"},
    "shop/cart": {"id": 31, "path_with_namespace": "shop/cart"},
}


@pytest.fixture
def argocd() -> Iterator[FakeArgoCd]:
    with FakeArgoCd("good token") as fake:
        yield fake


@pytest.fixture
def gitlab() -> Iterator[FakeGitlab]:
    with FakeGitlab("good token", PROJECTS) as fake:
        yield fake


def poll(fake: FakeArgoCd | FakeGitlab, folder: Path, **more: Any) -> dict[str, Any]:
    file = folder / "token"
    if not file.exists():
        file.write_text("good token")
    return {"url": fake.url, "bearer": {"token_file": str(file)}, "period_seconds": 1, **more}


def application(name: str = "checkout", phase: str = "Succeeded", ago: float = 60) -> dict[str, Any]:
    made = samples.argocd_application(phase, name, iso(ago + 10))
    made["status"]["operationState"]["finishedAt"] = None if phase == "Running" else iso(ago)
    made["status"]["history"] = [
        {"id": 1, "revision": "9", "deployStartedAt": iso(ago + 1000), "deployedAt": iso(ago + 900)},
        {"id": 0, "revision": "8", "deployStartedAt": iso(90_000), "deployedAt": iso(89_000)},
    ]
    return made


def deployment(number: int, status: str = "success", ago: float = 60) -> dict[str, Any]:
    return {
        "id": number,
        "iid": number,
        "status": status,
        "ref": "main",
        "sha": "279484c09fbe69ededfced8c1bb6e6d24616b468",
        "created_at": iso(ago + 30),
        "updated_at": iso(ago),
        "user": {"username": "ada"},
        "environment": {"id": 9, "name": "Staging EU", "slug": "staging-eu"},
        "deployable": None,
    }


def pipeline(number: int, status: str = "success", ago: float = 60) -> dict[str, Any]:
    return {"id": number, "status": status, "ref": "main", "created_at": iso(ago + 30), "updated_at": iso(ago)}


async def test_syncs_of_argo_cd_count_once(argocd: FakeArgoCd, tmp_path: Path) -> None:
    argocd.applications = [application(), application("cart", "Running")]
    own = {"argocd": {"poll": poll(argocd, tmp_path), "secret_files": [secret_file(tmp_path)]}}
    async with started(tmp_path, **own) as client:
        await client.until(SYNCS % "succeeded", 3)  # the last one, and one of each history; others were too long ago
        await client.until(SYNCS % "started", 1)
        told = await client.post("/api/v1/changes/argocd", body(argocd.applications[0]), samples.bearer())
        assert told.json() == {"status": "duplicate"}
        failed = application("cart", "Failed")
        failed["status"]["operationState"]["startedAt"] = argocd.applications[1]["status"]["operationState"][
            "startedAt"
        ]
        told = await client.post("/api/v1/changes/argocd", body(failed), samples.bearer())
        assert told.json() == {"status": "accepted"}
        argocd.applications[1] = failed
        asked = len(argocd.requests)
        await eventually(lambda: _count(argocd), lambda count: count > asked + 1, "asked again")
        series = await client.series()
        assert series["changes_up"] == 1
    async with started(tmp_path, **own) as client:
        asked = len(argocd.requests)
        await eventually(lambda: _count(argocd), lambda count: count > asked + 1, "asked again")
        series = await client.series()
        assert (series[SYNCS % "succeeded"], series[SYNCS % "failed"]) == (3, 1)
    assert len(rows(tmp_path, "changes")) == 5


async def _count(fake: FakeArgoCd | FakeGitlab) -> int:
    return len(fake.requests)


async def test_a_token_that_expires_is_shown_and_heals(argocd: FakeArgoCd, tmp_path: Path) -> None:
    argocd.applications = [application()]
    async with started(tmp_path, argocd={"poll": poll(argocd, tmp_path)}) as client:
        await client.until("changes_up", 1)
        argocd.token = "another token"
        await client.until("changes_up", 0)
        assert "expired" in client.run.context.health.reasons()["argocd-api"]
        assert "good token" not in client.run.context.health.reasons()["argocd-api"]
        assert (await client.series())[SYNCS % "succeeded"] == 2
        (tmp_path / "token").write_text("another token\n")
        await client.until("changes_up", 1)


POLICY = Path(__file__).resolve().parents[4] / "exporters" / "permissions" / "changes-argocd.csv"


def without(line: int) -> str:
    """The policy as it is shipped, one of its rules taken away."""
    rules = [each for each in POLICY.read_text().splitlines() if not each.startswith("#")]
    return "\n".join(rules[:line] + rules[line + 1 :])


@pytest.mark.parametrize(("policy", "count"), [(POLICY.read_text(), 2), (without(0), 0), (without(1), 0)])
async def test_the_permissions_that_are_shipped_are_enough_and_needed(policy: str, count: int, tmp_path: Path) -> None:
    with FakeArgoCd("good token", policy) as argocd:
        argocd.applications = [application()]
        async with started(tmp_path, argocd={"poll": poll(argocd, tmp_path)}) as client:
            await client.until("changes_up", 1)
            assert (await client.series())[SYNCS % "succeeded"] == count


@pytest.mark.parametrize("trouble", [500, 403, 410, 429, 302])
async def test_what_may_heal_heals(trouble: int, argocd: FakeArgoCd, tmp_path: Path) -> None:
    argocd.fail(trouble, headers={"Location": "/login"}, body={"message": "no"})
    async with started(tmp_path, argocd={"poll": poll(argocd, tmp_path)}) as client:
        await eventually(lambda: _count(argocd), lambda count: count >= 1, "asked")
        await client.until("changes_up", 0)
        argocd.heal()
        await client.until("changes_up", 1)


async def test_deployments_and_pipelines_of_gitlab_count_once(gitlab: FakeGitlab, tmp_path: Path) -> None:
    gitlab.add(30, "deployments", *(deployment(n) for n in range(1, 251)))
    gitlab.add(30, "deployments", deployment(500, "running"), deployment(501, "success", 90_000))
    gitlab.add(31, "pipelines", pipeline(7, "failed"), pipeline(8, "manual"))
    own = {
        "gitlab": {
            "poll": poll(gitlab, tmp_path, projects=["shop/checkout", "31"]),
            "secret_files": [secret_file(tmp_path)],
        }
    }
    async with started(tmp_path, **own) as client:
        await client.until(DEPLOYMENTS % "succeeded", 250)
        await client.until(PIPELINES % "failed", 1)
        told = await client.post("/api/v1/changes/gitlab", body(samples.gitlab_deployment(7)), samples.gitlab_headers())
        assert told.json() == {"status": "duplicate"}
        gitlab.add(30, "deployments", deployment(500, "canceled", 0))
        await client.until(DEPLOYMENTS % "cancelled", 1)
        await eventually(lambda: _not_modified(gitlab), lambda count: count >= 2, "asked with ETags")
    async with started(tmp_path, **own) as client:
        asked = len(gitlab.requests)
        await eventually(lambda: _count(gitlab), lambda count: count > asked + 8, "asked again")
        series = await client.series()
        assert series[DEPLOYMENTS % "succeeded"] == 250
        assert series[DEPLOYMENTS % "started"] == series[DEPLOYMENTS % "cancelled"] == 1
    found = rows(tmp_path, "changes")
    assert len(found) == 253
    assert {(row["namespace"], row["name"]) for row in found} == {("staging-eu", "checkout"), ("", "cart")}


async def _not_modified(fake: FakeGitlab) -> int:
    return sum(request.status == 304 for request in fake.requests)


class Moving(FakeGitlab):
    """While its list is being read, the first entry is updated, so that all the others move up."""

    def _list(self, project: int, kind: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        answer = super()._list(project, kind, query, headers)
        if kind == "deployments":
            self.add(project, kind, {**deployment(1, "success"), "updated_at": iso(0)})
        return answer


async def test_what_moves_while_it_is_read_is_not_missed(tmp_path: Path) -> None:
    with Moving("good token", PROJECTS) as gitlab:
        gitlab.add(30, "deployments", *(deployment(n, ago=3000 - n) for n in range(1, 251)))
        asked = poll(gitlab, tmp_path, projects=["30"])
        async with started(tmp_path, gitlab={"poll": asked}) as client:
            await client.until("changes_up", 1)
            assert (await client.series())[DEPLOYMENTS % "succeeded"] == 250


async def test_a_project_that_is_refused_does_not_keep_the_others_from_it(gitlab: FakeGitlab, tmp_path: Path) -> None:
    gitlab.add(31, "pipelines", pipeline(7))
    asked = poll(gitlab, tmp_path, projects=["shop/gone", "shop/cart"])
    async with started(tmp_path, gitlab={"poll": asked}) as client:
        await client.until(PIPELINES % "succeeded", 1)
        assert (await client.series())["changes_up"] == 0
        assert "shop/gone" in client.run.context.health.reasons()["gitlab-api"]


async def test_the_pause_that_gitlab_asks_for_is_kept(gitlab: FakeGitlab, tmp_path: Path) -> None:
    gitlab.fail(429, times=1, headers={"Retry-After": "3"})
    async with started(tmp_path, gitlab={"poll": poll(gitlab, tmp_path, projects=["shop/cart"])}) as client:
        await client.until("changes_up", 1)
    first, second = gitlab.requests[:2]
    assert second.at - first.at >= 2.9


@pytest.mark.parametrize("text", ['{"items": 7}', '"login"', '[{"metadata": {}}]'])
async def test_an_answer_that_is_none_is_an_error_of_the_server(text: str, argocd: FakeArgoCd, tmp_path: Path) -> None:
    argocd.fail(200, body=json.loads(text))
    async with started(tmp_path, argocd={"poll": poll(argocd, tmp_path)}) as client:
        await eventually(lambda: _count(argocd), lambda count: count >= 1, "asked")
        await client.until('changes_source_failures_total{source="argocd-api"}', 1.0)
        argocd.heal()
        await client.until("changes_up", 1)
