"""Claim, judge, finish; and nothing that one incident or the store does ends the judgement of the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.errors import InputError, PermanentError, TemporaryError
from brain_engine.plugins import load_detector, load_ranker
from brain_engine.rank.prior import PriorOf, nothing_known
from brain_engine.series import Evidence
from brain_rca.analysis.snapshot import Snapshots
from brain_rca.analysis.worker import AnalysisSettings, AnalysisWorker, Analyst
from brain_rca.audit import AuditLog
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.metrics import Metrics
from brain_rca.model import Analysis, Cause, Incident, IncidentStatus, Proposal
from brain_rca.scope.alerting import ScopeSettings
from brain_rca.scope.identity import Identity
from brain_rca.store.protocol import AnalysisClaim, AuditEntry, Experience, PastIncident
from brain_rca.wake import Wake
from tests.unit.analysis.samples import CART, FRONT, NOW, alert, evidence, incident

pytestmark = pytest.mark.anyio

LIMIT = 5.0  # seconds until a test that polls gives up
FIX = Proposal(kind="kubernetes", title="Scale", diff="", rationale="", risk="low", rollback="")
CAUSE = Cause(rank=1, entity=CART, fault_kind="latency", probability=0.81234, proposals=(FIX, FIX))
FOUND = Analysis(
    finished_at=NOW, window_start=NOW - 1800, window_end=NOW, alerting=(FRONT,), causes=(CAUSE,), missing=("x: away",)
)
NOTHING = Analysis(finished_at=NOW, window_start=NOW - 1800, window_end=NOW, alerting=(), causes=())


@dataclass
class Finished:
    """What ``finish_analysis`` was told."""

    claim: AnalysisClaim
    analysis: Analysis
    now: float
    sinks: Sequence[str]
    next_due_at: float | None


@dataclass
class Queue:
    """The part of a store that the worker and its audit log use; ``log`` is the order of what was kept."""

    claims: list[AnalysisClaim] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    failed: list[tuple[AnalysisClaim, str, float]] = field(default_factory=list)
    audited: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    leases: list[float] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    lost: bool = False
    said: Sequence[Experience] = ()
    past: Sequence[PastIncident] = ()

    def _may_fail(self, call: str) -> None:
        self.log.append(call)
        if self.errors.get(call):
            raise self.errors[call].pop(0)

    async def claim_analysis(self, now: float, lease_seconds: float) -> AnalysisClaim | None:
        self._may_fail("claim")
        self.leases.append(lease_seconds)
        return self.claims.pop(0) if self.claims else None

    async def finish_analysis(
        self, claim: AnalysisClaim, analysis: Analysis, now: float, sinks: Sequence[str], next_due_at: float | None
    ) -> bool:
        self._may_fail("finish")
        self.finished.append(Finished(claim, analysis, now, sinks, next_due_at))
        return not self.lost

    async def fail_analysis(self, claim: AnalysisClaim, error: str, retry_at: float) -> None:
        self._may_fail("fail")
        self.failed.append((claim, error, retry_at))

    async def experience(self, *_: object) -> Sequence[Experience]:
        return self.said

    async def past_with_cause(self, *_: object, **__: object) -> Sequence[PastIncident]:
        return self.past

    async def append_audit(
        self, writer: str, at: float, actor: str, action: str, incident_id: str, detail: Mapping[str, str]
    ) -> AuditEntry:
        self._may_fail("audit")
        self.audited.append((action, incident_id, detail))
        return AuditEntry(
            writer=writer,
            sequence=len(self.audited),
            at=at,
            actor=actor,
            action=action,
            incident_id=incident_id,
            detail=dict(detail),
            previous="",
            digest="",
        )


class Judge:
    """Judges as the test says."""

    def __init__(self, do: Callable[[Incident], Awaitable[Analysis]]) -> None:
        self._do = do
        self.prior_of: PriorOf = nothing_known

    async def judge(self, incident: Incident, prior_of: PriorOf) -> Analysis:
        self.prior_of = prior_of
        return await self._do(incident)


def saying(analysis: Analysis) -> Judge:
    async def do(_: Incident) -> Analysis:
        return analysis

    return Judge(do)


def raising(error: Exception, but: str = "") -> Judge:
    """Fails with every incident but one."""

    async def do(about: Incident) -> Analysis:
        if about.id == but:
            return FOUND
        raise error

    return Judge(do)


def claim(name: str = "a", **changes: Any) -> AnalysisClaim:
    return AnalysisClaim(incident=incident(id=name, **changes), token=f"token-{name}")


class Harness:
    """A worker with what it needs."""

    def __init__(self, judge: Judge | Analyst, *claims: AnalysisClaim) -> None:
        self.queue = Queue(list(claims))
        self.clock = ManualClock(NOW)
        self.metrics = Metrics(CollectorRegistry())
        self.wake = Wake()
        self.woken = 0
        self.wake.on_analysed(self._woken)
        audit = AuditLog(self.queue, "writer", self.clock, None)
        self.worker = AnalysisWorker(
            self.queue, judge, ["grafana", "webhook:x"], AnalysisSettings(), self.clock, self.metrics, self.wake, audit
        )

    def _woken(self) -> None:
        self.woken += 1
        self.queue.log.append("wake")

    def counted(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("brain_rca_analyses_total", {"result": result}) or 0.0


async def until(what: Callable[[], object]) -> None:
    """Poll; the event loop runs in between."""
    async with asyncio.timeout(LIMIT):
        while not what():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble is over at once; an idle worker is only woken."""
    monkeypatch.setattr("brain_rca.analysis.worker._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("brain_rca.analysis.worker.POLL_SECONDS", 60.0)


# One step


async def test_a_judgement_knows_what_was_said_before_and_tells_similar_incidents() -> None:
    judge = saying(FOUND)
    harness = Harness(judge, claim())
    harness.queue.said = (Experience(entity=CART, fault_kind="cpu", confirmed=2, rejected=0, last_at=NOW),)
    harness.queue.past = (
        PastIncident(
            incident_id="b" * 16,
            title="before",
            entity=CAUSE.entity,
            fault_kind=CAUSE.fault_kind,
            opened_at=NOW - 1e6,
            closed_at=NOW - 1e6 + 60,
            signals=(),
            confirmed=True,
            fix="restarted",
        ),
    )
    await harness.worker.step()

    assert judge.prior_of(CART, "cpu").words.startswith("confirmed as the cause twice before")
    [similar] = harness.queue.finished[0].analysis.similar
    assert (similar.incident_id, similar.fix, similar.lasted) == ("b" * 16, "restarted", 60.0)


async def test_nothing_due() -> None:
    harness = Harness(saying(FOUND))
    assert await harness.worker.step() is False
    assert harness.queue.log == ["claim"]


async def test_a_judgement_is_kept_then_told_then_audited() -> None:
    harness = Harness(saying(FOUND), claim())
    assert await harness.worker.step() is True
    assert harness.queue.log == ["claim", "finish", "wake", "audit"]
    assert harness.queue.finished == [Finished(claim(), FOUND, NOW, ("grafana", "webhook:x"), NOW + 300)]
    assert harness.queue.leases == [120.0]
    assert harness.counted("cause") == 1
    value = harness.metrics.registry.get_sample_value
    assert value("brain_rca_evidence_failures_total") == 1
    assert value("brain_rca_analysis_duration_seconds_count") == 1


@pytest.mark.parametrize(
    ("analysis", "detail"),
    [
        (
            FOUND,
            {
                "causes": "1",
                "first": CART,
                "fault_kind": "latency",
                "probability": "0.8123",
                "proposals": "Scale; Scale",
            },
        ),
        (NOTHING, {"causes": "0", "first": "", "fault_kind": "", "probability": "", "proposals": ""}),
    ],
)
async def test_the_audit_entry_says_what_was_decided(analysis: Analysis, detail: dict[str, str]) -> None:
    harness = Harness(saying(analysis), claim())
    await harness.worker.step()
    assert harness.queue.audited == [("analysed", "a", detail)]


async def test_no_cause_is_counted_as_such() -> None:
    harness = Harness(saying(NOTHING), claim())
    await harness.worker.step()
    assert (harness.counted("no_cause"), harness.counted("cause")) == (1, 0)


@pytest.mark.parametrize(
    ("analysis", "age", "seconds"), [(NOTHING, 30.0, 60.0), (NOTHING, 900.0, 300.0), (FOUND, 30.0, 300.0)]
)
async def test_a_young_incident_without_a_cause_is_judged_again_soon(
    analysis: Analysis, age: float, seconds: float
) -> None:
    harness = Harness(saying(analysis), claim(opened_at=NOW - age))
    await harness.worker.step()
    assert harness.queue.finished[0].next_due_at == NOW + seconds


async def test_a_closed_incident_is_not_judged_again() -> None:
    harness = Harness(saying(FOUND), claim(status=IncidentStatus.RESOLVED, closed_at=NOW))
    await harness.worker.step()
    assert harness.queue.finished[0].next_due_at is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TemporaryError("Prometheus: away"), "Prometheus: away"),
        (PermanentError("http://user:secret@host: 401"), "http://***@host: 401"),
        (ValueError("a bug"), "ValueError: a bug"),
        (TimeoutError(), "TimeoutError: "),
        (TemporaryError("long " * 1000), ("long " * 100)[:500]),
    ],
)
async def test_a_failed_judgement_is_given_back_with_its_reason(error: Exception, text: str) -> None:
    harness = Harness(raising(error), claim())
    assert await harness.worker.step() is True
    assert harness.queue.failed == [(claim(), text, NOW + 5)]
    assert harness.queue.log == ["claim", "fail"]
    assert (harness.counted("failed"), harness.woken) == (1, 0)


async def test_a_lost_lease_is_logged_and_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(saying(FOUND), claim())
    harness.queue.lost = True
    assert await harness.worker.step() is True
    assert harness.queue.log == ["claim", "finish"]
    assert harness.counted("cause") == 0
    assert "incident a: the lease was lost" in caplog.text


@pytest.mark.parametrize("error", [TemporaryError("store away"), PermanentError("no such table")])
async def test_a_judgement_that_cannot_be_audited_is_kept_and_told(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    harness = Harness(saying(FOUND), claim())
    harness.queue.errors = {"audit": [error]}
    assert await harness.worker.step() is True
    assert (len(harness.queue.finished), harness.woken) == (1, 1)
    assert f"incident a: not in the audit log: {error}" in caplog.text


@pytest.mark.parametrize("error", [PermanentError("no such table"), InputError("a lone surrogate")])
async def test_a_judgement_that_cannot_be_kept_is_given_back_with_the_reason(error: Exception) -> None:
    harness = Harness(saying(FOUND), claim())
    harness.queue.errors = {"finish": [error]}
    assert await harness.worker.step() is True
    assert harness.queue.failed == [(claim(), f"the judgement cannot be kept: {error}", NOW + 5)]
    assert (harness.counted("failed"), harness.counted("cause"), harness.woken) == (1, 0, 0)


# The loop


async def test_it_judges_all_that_is_due_until_stopped() -> None:
    harness = Harness(saying(FOUND), *(claim(str(number)) for number in range(5)))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(harness.queue.audited) == 5)
    harness.worker.stop()
    await asyncio.wait_for(task, LIMIT)
    assert [one.claim.incident.id for one in harness.queue.finished] == ["0", "1", "2", "3", "4"]


async def test_waking_it_makes_it_look_at_once() -> None:
    harness = Harness(saying(FOUND))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: harness.queue.log)
    harness.queue.claims.append(claim())
    harness.wake.analyses.set()
    await until(lambda: harness.queue.finished)
    await ended(task)


async def test_a_bug_met_by_one_incident_does_not_stop_the_others() -> None:
    harness = Harness(raising(ZeroDivisionError("of a detector"), but="well"), claim("ill"), claim("well"))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: harness.queue.finished)
    await ended(task)
    assert [(one.incident.id, error) for one, error, _ in harness.queue.failed] == [
        ("ill", "ZeroDivisionError: of a detector")
    ]
    assert harness.queue.finished[0].claim.incident.id == "well"


@pytest.mark.parametrize("call", ["claim", "finish", "fail"])
@pytest.mark.parametrize(
    "error", [TemporaryError("store away"), PermanentError("no such table"), InputError("cannot be stored"), OSError(5)]
)
async def test_no_trouble_with_the_store_ends_it(call: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    judge = raising(ValueError("a bug"), but="well") if call == "fail" else saying(FOUND)
    harness = Harness(judge, claim("ill"), claim("well"))
    harness.queue.errors = {call: [error]}
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: any(one.claim.incident.id == "well" for one in harness.queue.finished))
    await ended(task)
    assert any(record.levelno >= logging.WARNING for record in caplog.records)


async def test_a_judgement_is_kept_once_the_store_is_back() -> None:
    harness = Harness(saying(FOUND), claim())
    harness.queue.errors = {"finish": [TemporaryError("store away")]}
    assert await harness.worker.step()
    assert len(harness.queue.finished) == 1


async def test_a_store_that_is_away_is_said_and_not_hammered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("brain_rca.analysis.worker._PAUSE_SECONDS", 60.0)
    harness = Harness(saying(FOUND), claim())
    harness.queue.errors = {"claim": [TemporaryError("no connection")]}
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: "store: no connection" in caplog.text)
    await asyncio.sleep(0)
    assert harness.queue.log == ["claim"]
    await ended(task)


async def test_stopping_it_lets_the_judgement_under_way_end_and_takes_no_other() -> None:
    may_end = asyncio.Event()

    async def slow(_: Incident) -> Analysis:
        await may_end.wait()
        return FOUND

    harness = Harness(Judge(slow), claim("first"), claim("second"))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(harness.queue.claims) == 1)
    harness.worker.stop()
    may_end.set()
    await asyncio.wait_for(task, LIMIT)
    assert [one.claim.incident.id for one in harness.queue.finished] == ["first"]
    assert [one.incident.id for one in harness.queue.claims] == ["second"]


async def test_stopping_an_idle_one_ends_it_at_once() -> None:
    harness = Harness(saying(FOUND))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: harness.queue.log)
    harness.worker.stop()
    await asyncio.wait_for(task, LIMIT)
    assert harness.queue.log == ["claim"]


async def test_cancelling_it_leaves_the_incident_to_its_lease() -> None:
    async def never(_: Incident) -> Analysis:
        await asyncio.Event().wait()
        return FOUND

    harness = Harness(Judge(never), claim())
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: not harness.queue.claims)
    await ended(task)
    assert harness.queue.log == ["claim"]
    assert harness.counted("failed") == 0


# The analyst


class Source:
    """Evidence about the front and the cart, or none for a long time."""

    def __init__(self, *, hangs: bool = False) -> None:
        self._hangs = hangs
        self.asked: list[Window] = []

    async def gather(self, window: Window) -> Gathered:
        self.asked.append(window)
        if self._hangs:
            await asyncio.Event().wait()
        return Gathered(evidence(window=window), Identity(()))

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        return replace(gathered.evidence, panels=())

    async def aclose(self) -> None: ...


def analyst(source: Source, scope: ScopeSettings | None = None, cluster: str = "lab") -> Analyst:
    return Analyst(
        Snapshots(source, load_detector("robust-shift")),
        load_ranker("explain-away"),
        lambda _: (FIX,),
        AnalysisSettings(),
        scope or ScopeSettings(),
        cluster,
        ManualClock(NOW),
    )


async def test_an_incident_is_judged_by_the_evidence_of_its_window() -> None:
    source = Source()
    analysis = await analyst(source).judge(incident())
    assert analysis.causes[0].entity == CART
    assert analysis.alerting == (FRONT,)
    assert analysis.finished_at == NOW
    assert analysis.seconds > 0
    assert [window.end for window in source.asked] == [analysis.window_end]


@pytest.mark.parametrize(
    ("scope", "cluster", "labels"),
    [
        ({}, "lab", {"namespace": "shop", "service": "front"}),
        ({"labels": {"kube_svc": "service"}}, "lab", {"namespace": "shop", "kube_svc": "front"}),
        ({"aliases": {"lab/shop/service/www": FRONT}}, "", {"cluster": "lab", "namespace": "shop", "service": "www"}),
    ],
)
async def test_alerts_are_understood_as_configured(scope: dict[str, Any], cluster: str, labels: dict[str, str]) -> None:
    configured = analyst(Source(), ScopeSettings.model_validate(scope), cluster)
    assert (await configured.judge(incident(alert(**labels)))).alerting == (FRONT,)


async def test_only_firing_alerts_say_what_it_is_about_while_one_fires() -> None:
    over = alert("b", status="resolved", cluster="lab", namespace="shop", service="cart")
    assert (await analyst(Source()).judge(incident(alert(), over))).alerting == (FRONT,)


async def test_evidence_that_does_not_come_is_a_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain_rca.analysis.worker._MAY_TAKE", 0.05)
    with pytest.raises(TemporaryError, match="the evidence was not there within"):
        await analyst(Source(hangs=True)).judge(incident())


async def test_an_alert_of_another_cluster_is_judged_with_a_hint() -> None:
    alien = incident(alert(cluster="eu", namespace="shop", service="front"))
    analysis = await analyst(Source()).judge(alien)
    said = " ".join((analysis.no_cause_reason, *analysis.missing))
    assert 'the alerts name the cluster "eu", but the evidence is of "lab"' in said
