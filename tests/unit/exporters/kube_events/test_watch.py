"""The watch loses and repeats nothing, whatever the server sends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brain_common.clients.kubernetes.client import KubeApi
from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_exporters.kube_events.config import KubeEventsSettings
from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.watch import EventWatch, Takeover, counters
from brain_exporters.runtime.exporter import Context
from brain_exporters.runtime.health import Health
from brain_exporters.runtime.ledger import Ledger
from brain_exporters.runtime.state import State
from tests.fakes.kubeconfig import write_kubeconfig
from tests.unit.common.kubernetes.fake_api import FakeApi, lines, plain


def event(uid: str, version: int, count: int = 1, **more: Any) -> dict[str, Any]:
    meta = {"uid": uid, "resourceVersion": str(version), "creationTimestamp": more.pop("made", "2026-01-01T00:00:00Z")}
    about = {"kind": "Pod", "namespace": "shop", "name": "web-1"}
    return {
        "metadata": meta,
        "type": "Warning",
        "reason": "BackOff",
        "regarding": about,
        "deprecatedCount": count,
        **more,
    }


def line(kind: str, uid: str, version: int, count: int = 1, **more: Any) -> str:
    return json.dumps({"type": kind, "object": event(uid, version, count, **more)}) + "\n"


def listed(version: int, *events: dict[str, Any], token: str = "") -> str:
    return json.dumps({"metadata": {"resourceVersion": str(version), "continue": token}, "items": events})


@contextmanager
def watching(folder: Path, api: FakeApi, takeover: Takeover | None = None, **more: Any) -> Iterator[Ledger]:
    kubeconfig = write_kubeconfig(folder, api.url)
    data = {"state": str(folder / "state"), "client": {"kubeconfig": str(kubeconfig)}, **more}
    settings = check_settings(data, KubeEventsSettings, "test")
    ledger = Ledger(State(settings.state), counters(settings), None, max_series=100, backlog_bytes=1 << 20)
    clock = ManualClock(1e9)
    context = Context(ledger, Health("kube_events", ["events"], clock), clock)
    watch = EventWatch(KubeApi(settings.client), settings, context, Owners(), takeover)
    thread = threading.Thread(target=watch.run)
    ticker = threading.Event()

    def tick() -> None:
        while not ticker.wait(0.05):
            watch.tick()

    ticking = threading.Thread(target=tick)
    thread.start()
    ticking.start()
    try:
        yield ledger
    finally:
        ticker.set()
        ticking.join()
        watch.stop()
        thread.join(10)
        assert not thread.is_alive()
        ledger.close()


def total(ledger: Ledger, counter: str = "kube_events") -> float:
    return next(sum(series.values()) for spec, series in ledger.counters() if spec.name == counter)


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_growth_is_counted_once_and_what_was_there_before_is_not(tmp_path: Path) -> None:
    series = {"series": {"count": 9, "lastObservedTime": "2026-01-01T00:00:00.000001Z"}}
    watch = lines(
        line("ADDED", "a", 11, 3),
        line("MODIFIED", "a", 12, 5),
        line("MODIFIED", "a", 13, 5),
        line("MODIFIED", "old", 14, 8),
        line("ADDED", "s", 15, 0, **series),
        line("DELETED", "a", 16, 5),
        hold=(hold := threading.Event()),
    )
    with FakeApi(plain(listed(10, event("old", 5, 7))), watch) as api, watching(tmp_path, api) as ledger:
        eventually(lambda: total(ledger) == 15)
        eventually(lambda: ledger.position("events") == "16")
        assert set(ledger.notes("event/")) == {"event/old", "event/s"}
        hold.set()


def test_the_first_start_counts_what_is_there_when_told_to(tmp_path: Path) -> None:
    first, second = listed(10, event("a", 5, 7), token="next"), listed(10, event("b", 6, 2))
    with (
        FakeApi(plain(first), plain(second), lines(hold=threading.Event())) as api,
        watching(tmp_path, api, initial="count") as ledger,
    ):
        eventually(lambda: total(ledger) == 9)
        assert "continue=next" in api.asked[1]


def test_410_in_the_stream_lists_anew_and_counts_what_was_missed(tmp_path: Path) -> None:
    gone = json.dumps({"type": "ERROR", "object": {"kind": "Status", "metadata": {}, "code": 410, "message": "old"}})
    answers = (
        plain(listed(10, event("gone", 3, 2))),
        lines(line("ADDED", "a", 11, 3), gone + "\n"),
        plain(listed(50, event("a", 40, 5), event("b", 45, 4))),
        lines(hold=threading.Event()),
    )
    with FakeApi(*answers) as api, watching(tmp_path, api) as ledger:
        eventually(lambda: total(ledger) == 3 + 2 + 4)
        eventually(lambda: ledger.position("events") == "50")
        assert set(ledger.notes("event/")) == {"event/a", "event/b"}
        assert total(ledger, "kube_events_relists") == 2


def test_a_broken_connection_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = line("MODIFIED", "a", 12, 4)
    answers = (
        plain(listed(10)),
        lines(line("ADDED", "a", 11, 3), whole[: len(whole) // 2], cut=True),
        plain("busy", 503),
        lines(whole, hold=threading.Event()),
    )
    with FakeApi(*answers) as api, watching(tmp_path, api) as ledger:
        eventually(lambda: total(ledger) == 4)
        assert "resourceVersion=11" in api.asked[-1]
        assert total(ledger, "kube_events_malformed") == 0


def test_malformed_lines_are_counted_kept_aside_and_passed_over(tmp_path: Path) -> None:
    bad = ("{not json\n", '{"type":"ADDED","object":{"metadata":{"uid":7}}}\n', '{"type":"ADDED","object":{}}\n')
    answers = (plain(listed(10)), lines(*bad, line("ADDED", "a", 11, 2), hold=threading.Event()))
    with FakeApi(*answers) as api, watching(tmp_path, api) as ledger:
        eventually(lambda: total(ledger) == 2)
        assert total(ledger, "kube_events_malformed") == 3
        assert ledger.notes("malformed/")["malformed/00"] == b"{not json"


def test_rules_drop_by_name_and_the_overflow_takes_what_has_no_room(tmp_path: Path) -> None:
    noisy = {"reason": "Pulled"}
    many = [line("ADDED", f"u{i}", 20 + i, 1, reason=f"R{i}") for i in range(150)]
    watch = lines(line("ADDED", "a", 11, 6, **noisy), *many, hold=threading.Event())
    rules = {"exclude": [{"name": "pulled", "reason": "Pull(ed|ing)"}]}
    with FakeApi(plain(listed(10)), watch) as api, watching(tmp_path, api, **rules) as ledger:
        eventually(lambda: total(ledger) == 150)
        found = {spec.name: series for spec, series in ledger.counters()}
        assert found["kube_events_dropped"] == {("pulled",): 6}
        assert found["kube_events"]["other", "other", "other", "other"] == 50


def test_a_replica_that_takes_over_counts_what_the_last_one_did_not(tmp_path: Path) -> None:
    left = Takeover(position=100, at=1_767_225_600.0, totals={"lake": 4})  # 2026-01-01T00:00:00Z
    events = (
        event("same", 90, 50),
        event("lake", 120, 9),
        event("grown", 110, 7, made="2025-12-31T23:00:00Z"),
        event("new", 130, 3, made="2026-01-01T00:00:10Z"),
    )
    with (
        FakeApi(plain(listed(130, *events)), lines(hold=threading.Event())) as api,
        watching(tmp_path, api, takeover=left) as ledger,
    ):
        eventually(lambda: ledger.position("events") == "130")
        assert total(ledger) == 5 + 1 + 3


def test_refusals_are_told_and_heal_and_no_secret_is_in_them(tmp_path: Path) -> None:
    status = json.dumps({"kind": "Status", "message": "events is forbidden"})
    answers = (plain(status, 403), plain(status, 401), plain(listed(10)), lines(hold=threading.Event()))
    with FakeApi(*answers) as api, watching(tmp_path, api) as ledger:
        eventually(lambda: ledger.position("events") == "10")
