"""Deliveries over HTTP, from the sender's request to series and lake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain_common.errors import ConfigError
from tests.integration.exporters.changes.exporter import everything, rows, secret_file, settings, started
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import body
from tests.unit.exporters.changes.wrong import BODY, WRONG

pytestmark = pytest.mark.anyio

PATHS = {
    "argocd": "/api/v1/changes/argocd",
    "gitlab": "/api/v1/changes/gitlab",
    "github": "/api/v1/changes/github",
    "terraform": "/api/v1/changes/terraform",
    "generic": "/api/v1/changes/generic",
    "falco": "/api/v1/security/falco",
    "events": "/api/v1/security/events",
}
SERIES = {
    "argocd": 'brain_changes_total{kind="sync",result="succeeded",source="argocd"}',
    "gitlab": 'brain_changes_total{kind="deployment",result="succeeded",source="gitlab"}',
    "github": 'brain_changes_total{kind="deployment",result="succeeded",source="github"}',
    "terraform": 'brain_changes_total{kind="plan",result="succeeded",source="terraform"}',
    "generic": 'brain_changes_total{kind="config",result="succeeded",source="generic"}',
    "falco": 'brain_security_events_total{rule="Read sensitive file untrusted",severity="medium",source="falco"}',
    "events": 'brain_security_events_total{rule="port scan",severity="high",source="json"}',
}
LABELS = {name: "json" if name == "events" else name for name in PATHS}


@pytest.mark.parametrize("source", PATHS)
async def test_a_delivery_becomes_a_series_and_a_row_once(source: str, tmp_path: Path) -> None:
    headers, data = samples.example(source)
    for answer in ("accepted", "duplicate"):
        async with started(tmp_path) as client:
            before = await client.series()
            if not PATHS[source].startswith("/api/v1/security"):
                assert before[SERIES[source]] == (0 if answer == "accepted" else 1)
            response = await client.post(PATHS[source], data, headers)
            assert (response.status_code, response.json()) == (200, {"status": answer})
            assert (await client.post(PATHS[source], data, headers)).json() == {"status": "duplicate"}
            series = await client.series()
            assert series[SERIES[source]] == 1
            assert series[f'changes_last_change_timestamp_seconds{{source="{LABELS[source]}"}}'] > 1.7e9
            assert series["changes_up"] >= 0
    table = "security" if PATHS[source].startswith("/api/v1/security") else "changes"
    [row] = rows(tmp_path, table)
    assert (row["source"], row["cluster"]) == (LABELS[source], "eu-1" if source == "argocd" else "home")


@pytest.mark.parametrize("source", ["argocd", "gitlab", "github", "terraform"])
async def test_senders_are_told_apart_by_their_headers(source: str, tmp_path: Path) -> None:
    headers, data = samples.example(source)
    own = everything(tmp_path)
    del own["generic"]
    async with started(tmp_path, **own) as client:
        assert (await client.post("/api/v1/changes", data, headers)).json() == {"status": "accepted"}
        assert (await client.series())[SERIES[source]] == 1


async def test_a_sender_that_nothing_tells_apart_has_to_say_who_it_is(tmp_path: Path) -> None:
    async with started(tmp_path) as client:
        headers, data = samples.example("generic")
        response = await client.post("/api/v1/changes", data, headers)
        assert response.status_code == 400
        assert "/api/v1/changes/<source>" in response.json()["error"]
        both = samples.example("github")[0] | samples.example("gitlab")[0]
        assert (await client.post("/api/v1/changes", data, both)).status_code == 400


@pytest.mark.parametrize("source", PATHS)
async def test_what_is_wrong_is_refused_and_counted(source: str, tmp_path: Path) -> None:
    headers, data = samples.example(source)
    async with started(tmp_path, body_limit_bytes=8192, **everything(tmp_path)) as client:

        async def status(body: bytes, headers: dict[str, str]) -> int:
            return (await client.post(PATHS[source], body, headers)).status_code

        assert await status(data, {}) == 401
        assert await status(data, {name: value[:-1] for name, value in headers.items()}) == 401
        big = b" " * 9000
        assert await status(big, headers) == 413
        wrong = signed(source, b'{"rule": 1')
        assert await status(b'{"rule": 1', wrong) == 400
        assert await status(b"", signed(source, b"")) == 400
        await client.until(f'changes_requests_total{{outcome="unauthorized",source="{LABELS[source]}"}}', 2)
        series = await client.series()
        for outcome, count in {"too_large": 1, "malformed": 2, "accepted": 0, "duplicate": 0}.items():
            assert series[f'changes_requests_total{{outcome="{outcome}",source="{LABELS[source]}"}}'] == count
    assert rows(tmp_path, "changes") == rows(tmp_path, "security") == []


@pytest.mark.parametrize("source", PATHS)
async def test_no_wrong_credential_is_let_in(source: str, tmp_path: Path) -> None:
    own = everything(tmp_path)
    own["falco"]["token_header"] = "X-Falco-Token"
    kind = {"falco": "named"}.get(source, source if source in WRONG else "caller")
    async with started(tmp_path, **own) as client:
        for pairs in WRONG[kind]:
            raw = [(name.encode(), value.strip().encode("latin-1")) for name, value in pairs]
            answer = await client.http.post(client.run.url + PATHS[source], content=BODY, headers=raw)
            assert answer.status_code == 401, pairs
        refused = f'changes_requests_total{{outcome="unauthorized",source="{LABELS[source]}"}}'
        await client.until(refused, len(WRONG[kind]))
    assert rows(tmp_path, "changes") == rows(tmp_path, "security") == []


def signed(source: str, data: bytes) -> dict[str, str]:
    if source == "github":
        return samples.github_headers("deployment_status", data)
    if source == "terraform":
        return samples.task_headers(data)
    return samples.example(source)[0]


@pytest.mark.parametrize("source", PATHS)
async def test_a_source_without_a_secret_is_off(source: str, tmp_path: Path) -> None:
    own = everything(tmp_path)
    del own[source]
    headers, data = samples.example(source)
    async with started(tmp_path, **own) as client:
        response = await client.post(PATHS[source], data, headers)
        assert response.status_code == 404
        assert "is off" in response.json()["error"]


async def test_a_secret_that_cannot_be_read_lets_nobody_in_and_heals(tmp_path: Path) -> None:
    own = everything(tmp_path)
    headers, data = samples.example("gitlab")
    async with started(tmp_path, **own) as client:
        Path(own["gitlab"]["secret_files"][0]).unlink()
        response = await client.post(PATHS["gitlab"], data, headers)
        assert response.status_code == 503
        assert response.headers["retry-after"]
        secret_file(tmp_path)
        assert (await client.post(PATHS["gitlab"], data, headers)).status_code == 200


async def test_pings_and_verifications_are_answered_well(tmp_path: Path) -> None:
    async with started(tmp_path) as client:
        ping = body({"zen": "Speak like a human."})
        answer = await client.post(PATHS["github"], ping, samples.github_headers("ping", ping))
        assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
        for data, headers in (
            (body(samples.verification()), samples.notification_headers),
            (body(samples.run_task("test", access_token="test-token")), samples.task_headers),
        ):
            assert (await client.post(PATHS["terraform"], data, headers(data))).json() == {"status": "ignored"}


async def test_anybody_may_send_where_that_is_allowed(tmp_path: Path) -> None:
    async with started(tmp_path, generic={"allow_unauthenticated": True}) as client:
        response = await client.post("/api/v1/changes", body(samples.generic_change()), {})
        assert response.json() == {"status": "accepted"}
        page = {"Origin": "https://evil.example.com", "Content-Type": "text/plain"}
        data = body(samples.generic_change(id="of a page in a browser"))
        assert (await client.post("/api/v1/changes", data, page)).status_code == 401


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ({"cluster": "a"}, "nothing to listen to"),
        ({"github": {}}, "github: give secret_files"),
        ({"github": {"allow_unauthenticated": True, "secret_files": ["/a"]}}, "not both"),
        ({"github": {"allow_unauthenticated": True}, "http": {"host": "0.0.0.0", "port": 1}}, "no loopback"),
        ({"terraform": {"secret_files": ["/a"], "servers": [{"url": "https://a", "bearer": {"token": "x"}}]}}, "token"),
        ({"events": {"secret_files": ["/a"], "fields": {"rulez": "a"}}}, "rulez"),
        ({"github": {"secret_files": ["/a"]}, "entities": [{"namespace": "{env}"}]}, "env"),
    ],
)
def test_a_wrong_configuration_says_why(own: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=why):
        settings(tmp_path, **own)


async def test_what_a_change_is_about_can_be_configured(tmp_path: Path) -> None:
    rules = [
        {"source": "gitlab", "project": "other/*", "name": "wrong"},
        {
            "source": "gitlab",
            "project": "shop/*",
            "environment": "Staging*",
            "cluster": "eu",
            "namespace": "{project}-{project_id}-{environment}",
            "kind": "service",
        },
    ]
    headers, data = samples.example("gitlab")
    async with started(tmp_path, entities=rules, **everything(tmp_path)) as client:
        await client.post(PATHS["gitlab"], data, headers)
    [row] = rows(tmp_path, "changes")
    about = [row[name] for name in ("cluster", "namespace", "kind", "name")]
    assert about == ["eu", "checkout-30-Staging EU", "service", "checkout"]
