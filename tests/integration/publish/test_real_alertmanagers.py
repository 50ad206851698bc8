"""``BrainRootCause`` at a real cluster of two peers: taken by both, refreshed, notified, resolved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest
from msgspec.structs import replace

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.http import HttpSettings
from brain_common.clock import ManualClock
from brain_rca.publish.alertmanager import FIRES_ON, REFRESH, AlertmanagerSink
from brain_rca.publish.sink import Unfinished
from tests.fakes.http_server import Answer, FakeServer
from tests.servers.fixtures import AlertmanagerFactory, ToxiproxyFactory
from tests.unit.publish.samples import EXTERNAL_URL, HOSTILE, hostile, incident, told

pytestmark = pytest.mark.anyio

T = TypeVar("T")


async def until(what: str, look: Callable[[], T | None], seconds: float = 30.0) -> T:
    """The first answer of ``look`` that is not empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await asyncio.to_thread(look):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def config(receiver: str) -> dict[str, Any]:
    route = {"receiver": "hook", "group_by": ["group"], "group_wait": "100ms", "group_interval": "1s"}
    hook = {"url": f"{receiver}/hook", "send_resolved": True}
    return {"route": route, "receivers": [{"name": "hook", "webhook_configs": [hook]}]}


def alerts(url: str, state: str = "active") -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api/v2/alerts", trust_env=False)
    return [alert for alert in answer.json() if alert["status"]["state"] == state]


def notified(receiver: FakeServer, status: str) -> list[dict[str, Any]]:
    bodies = [request.json for request in list(receiver.requests)]
    return [alert for body in bodies for alert in body["alerts"] if alert["status"] == status]


def sink_of(clock: ManualClock, *urls: str) -> AlertmanagerSink:
    return AlertmanagerSink([AlertmanagerPeer(HttpSettings(url=url)) for url in urls], EXTERNAL_URL, clock)


async def test_both_peers_show_refresh_and_resolve_it(alertmanager: AlertmanagerFactory) -> None:
    clock = ManualClock(time.time())
    with FakeServer(lambda *_: Answer(200)) as receiver:
        first = alertmanager(config=config(receiver.url), peers=[])
        second = alertmanager(config=config(receiver.url), peers=[first.gossip_address])
        sink = sink_of(clock, first.url, second.url)
        one = incident(opened_at=clock.now() - 90)

        known = await sink.publish(one, told("alertmanager"))
        shown = [(await until("the alert", lambda url=url: alerts(url)))[0] for url in (first.url, second.url)]
        assert {alert["fingerprint"] for alert in shown} == {shown[0]["fingerprint"]}
        assert shown[0]["labels"]["alertname"] == "BrainRootCause"
        assert shown[0]["annotations"]["summary"] == "Likely root cause: payments (workload in shop): cpu, 82 %"
        await until("a notification", lambda: notified(receiver, "firing"))

        clock.advance(REFRESH)
        await sink.publish(replace(one, analysis=incident(causes=[]).analysis), told("alertmanager", known))
        for url in (first.url, second.url):
            [alert] = alerts(url)
            assert alert["endsAt"] > shown[0]["endsAt"]
            assert alert["annotations"]["summary"].startswith("No root cause found")

        closed = replace(incident(closed_at=time.time() - 1), opened_at=one.opened_at)
        await sink.publish(closed, told("alertmanager", known))
        await until("no alert at either", lambda: not alerts(first.url) and not alerts(second.url))
        await until("a notification of its end", lambda: notified(receiver, "resolved"))
        await sink.aclose()
    firing = {alert["fingerprint"] for alert in notified(receiver, "firing")}
    assert firing == {alert["fingerprint"] for alert in notified(receiver, "resolved")}


async def test_a_peer_that_comes_back_is_told(alertmanager: AlertmanagerFactory, toxiproxy: ToxiproxyFactory) -> None:
    clock = ManualClock(time.time())
    steady, flaky = alertmanager(), alertmanager()
    proxy = toxiproxy().create("flaky", flaky.url.removeprefix("http://"))
    sink = sink_of(clock, steady.url, proxy.url)
    one = incident(opened_at=clock.now() - 90)
    proxy.disable()
    with pytest.raises(Unfinished, match="1 of 2 peers") as caught:
        await sink.publish(one, told("alertmanager"))
    assert (len(alerts(steady.url)), len(alerts(flaky.url))) == (1, 0)
    proxy.enable()
    await sink.publish(one, told("alertmanager", caught.value.external_id, attempts=1))
    await sink.aclose()
    assert (len(alerts(steady.url)), len(alerts(flaky.url))) == (1, 1)


async def test_without_refreshes_it_ends_by_itself(alertmanager: AlertmanagerFactory) -> None:
    server = alertmanager()
    clock = ManualClock(time.time() - FIRES_ON + 2)  # as if told almost five minutes ago
    sink = sink_of(clock, server.url)
    await sink.publish(incident(opened_at=clock.now() - 90), told("alertmanager"))
    await sink.aclose()
    assert len(alerts(server.url)) == 1
    await until("its end", lambda: not alerts(server.url))


async def test_hostile_values_are_taken(alertmanager: AlertmanagerFactory) -> None:
    server = alertmanager()
    clock = ManualClock(time.time())
    sink = sink_of(clock, server.url)
    for number, text in enumerate(HOSTILE):
        one = replace(hostile(text), group_hash=f"{number:012d}", opened_at=clock.now() - 90)
        known = await sink.publish(one, told("alertmanager"))
        assert len(alerts(server.url)) == 1, text
        await sink.publish(replace(one, closed_at=clock.now() - 1), told("alertmanager", known))
        await until(f"no alert with {text[:20]!r}", lambda: not alerts(server.url))
    await sink.aclose()
