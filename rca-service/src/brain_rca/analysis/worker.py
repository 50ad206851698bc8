"""Takes due incidents from the store, judges them, and hands the result back; one task, any number of replicas."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec
from pydantic import Field

from brain_common.clock import Clock
from brain_common.errors import BrainError, InputError, PermanentError, TemporaryError
from brain_common.logs import mask
from brain_common.retry import Retry, RetryPolicy
from brain_common.settings import Settings
from brain_engine.rank.prior import PriorOf, nothing_known
from brain_engine.rank.protocol import Ranker
from brain_rca.analysis.analyse import Propose, analyse
from brain_rca.analysis.showing import LinkOf, no_link
from brain_rca.analysis.snapshot import Snapshots
from brain_rca.analysis.window import WindowSettings, window_of
from brain_rca.audit import AuditLog
from brain_rca.metrics import Metrics
from brain_rca.model import AlertGroup, Analysis, Incident, IncidentStatus
from brain_rca.recall.memory import Memory
from brain_rca.scope.alerting import ScopeSettings, alerting_entities
from brain_rca.store.protocol import AnalysisClaim, Store
from brain_rca.wake import POLL_SECONDS, Wake, wait

_log = logging.getLogger(__name__)
_MAY_TAKE = 60.0  # seconds a judgement may take
_LEASE = 120.0  # seconds; what is left of it is for a store that is away when the judgement is done
_YOUNG_SECONDS, _SOON_SECONDS = 600.0, 60.0  # see AnalysisWorker._refresh
_RETRY_SECONDS = 5.0  # after a failed judgement
_PAUSE_SECONDS = 2.0  # after trouble with the store, before the next attempt


class AnalysisSettings(Settings):
    """How incidents are judged."""

    window: WindowSettings = Field(default=WindowSettings(), description="Which time is looked at.")
    detector: str = Field(default="robust-shift", description="Entry point of the detector.")
    ranker: str = Field(default="explain-away", description="Entry point of the ranker.")
    refresh_seconds: float = Field(
        default=300.0,
        ge=30,
        le=86400,
        description="Judge an open incident anew after this long: evidence goes on arriving.",
    )


class Analyst:
    """Judges one incident at a time; has no state of its own but the shared snapshots."""

    def __init__(
        self,
        snapshots: Snapshots,
        ranker: Ranker,
        propose: Propose,
        settings: AnalysisSettings,
        scope: ScopeSettings,
        cluster: str,
        clock: Clock,
        link_of: LinkOf = no_link,
    ) -> None:
        self._snapshots = snapshots
        self._ranker = ranker
        self._propose = propose
        self._link_of = link_of
        self._settings = settings
        self._scope = scope
        self._cluster = cluster
        self._clock = clock

    async def judge(self, incident: Incident, prior_of: PriorOf = nothing_known) -> Analysis:
        """The analysis of an incident as it is now, with what earlier ones taught.

        Raises:
            TemporaryError: No evidence could be reached, or it took too long.
        """
        began = time.monotonic()
        window = window_of(incident, self._settings.window, self._clock.now())
        try:
            async with asyncio.timeout(_MAY_TAKE):
                snapshot = await self._snapshots.take(window)
        except TimeoutError as error:
            raise TemporaryError(f"the evidence was not there within {_MAY_TAKE:.0f} s") from error
        alerting = alerting_entities(_group(incident), snapshot.entities, self._scope, self._cluster)
        analysis = await asyncio.to_thread(
            analyse, incident, snapshot, alerting, self._ranker, self._propose, prior_of, self._link_of, self._cluster
        )
        return msgspec.structs.replace(analysis, finished_at=self._clock.now(), seconds=time.monotonic() - began)


def _group(incident: Incident) -> AlertGroup:
    return AlertGroup(
        source=incident.source,
        receiver=incident.receiver,
        group_key=incident.group_key,
        status="firing",
        alerts=incident.alerts,
        group_labels=incident.group_labels,
    )


class AnalysisWorker:
    """The loop: claim, judge, finish."""

    def __init__(
        self,
        store: Store,
        analyst: Analyst,
        sinks: Sequence[str],
        settings: AnalysisSettings,
        clock: Clock,
        metrics: Metrics,
        wake: Wake,
        audit: AuditLog,
    ) -> None:
        self._store = store
        self._analyst = analyst
        self._sinks = tuple(sinks)
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._audit_log = audit
        self._memory = Memory(store)
        self._patiently = Retry(RetryPolicy(deadline_seconds=_LEASE - _MAY_TAKE, longest_wait_seconds=2.0))
        self._stopping = False

    def stop(self) -> None:
        """Let ``run`` return after the judgement under way."""
        self._stopping = True
        self._wake.analyses.set()

    async def run(self) -> None:
        """Until ``stop``; cancelling it leaves the lease to run out. Trouble with the store is never fatal."""
        while not self._stopping:
            try:
                if not await self.step() and not self._stopping:
                    await wait(self._wake.analyses, POLL_SECONDS)
            except TemporaryError as error:
                _log.warning("store: %s", error)
                await self._pause()
            except Exception:  # noqa: BLE001 - without this task nothing is judged any more; leases bring the work back
                _log.exception("a judgement could not be kept")
                await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(_PAUSE_SECONDS)

    async def step(self) -> bool:
        """Judge one incident; False when none was due."""
        claim = await self._store.claim_analysis(self._clock.now(), _LEASE)
        if claim is None:
            return False
        try:
            analysis = await self._judged(claim.incident)
        except BrainError as error:
            await self._failed(claim, str(error))
        except Exception as error:  # noqa: BLE001 - see below
            # A bug met by one incident must not stop the judgement of the others.
            _log.exception("incident %s could not be judged", claim.incident.id)
            await self._failed(claim, f"{type(error).__name__}: {error}")
        else:
            await self._keep(claim, analysis)
        return True

    async def _judged(self, incident: Incident) -> Analysis:
        analysis = await self._analyst.judge(incident, await self._memory.priors(incident))
        return msgspec.structs.replace(analysis, similar=await self._memory.similar(incident, analysis))

    async def _keep(self, claim: AnalysisClaim, analysis: Analysis) -> None:
        try:
            await self._done(claim, analysis)
        except (InputError, PermanentError) as error:  # else it would be judged in vain each time a lease ends
            await self._failed(claim, f"the judgement cannot be kept: {error}")

    async def _done(self, claim: AnalysisClaim, analysis: Analysis) -> None:
        now = self._clock.now()
        still_open = claim.incident.status is IncidentStatus.OPEN
        again = now + self._refresh(claim.incident, analysis, now) if still_open else None

        async def finish() -> bool:
            return await self._store.finish_analysis(claim, analysis, now, self._sinks, again)

        if not await self._patiently.run(f"incident {claim.incident.id}: keeping its judgement", finish):
            _log.warning("incident %s: the lease was lost, another worker has it", claim.incident.id)
            return
        self._metrics.analysed("cause" if analysis.causes else "no_cause", analysis.seconds, len(analysis.missing))
        await self._wake.analysed()
        await self._audit(claim.incident, analysis)

    def _refresh(self, incident: Incident, analysis: Analysis, now: float) -> float:
        """Seconds until it is judged anew: soon while it is young and without a cause, as an alert may come before the
        evidence does."""
        young = now - incident.opened_at < _YOUNG_SECONDS
        usual = self._settings.refresh_seconds
        return usual if analysis.causes or not young else min(_SOON_SECONDS, usual)

    async def _audit(self, incident: Incident, analysis: Analysis) -> None:
        first = analysis.causes[0] if analysis.causes else None
        detail = {
            "causes": str(len(analysis.causes)),
            "first": first.entity if first else "",
            "fault_kind": first.fault_kind if first else "",
            "probability": f"{first.probability:.4f}" if first else "",
            "proposals": "; ".join(proposal.title for proposal in first.proposals) if first else "",
        }
        try:
            await self._audit_log.record("analysed", incident.id, detail)
        except BrainError as error:
            # The judgement is kept and due to be published; holding up the next ones would mend nothing.
            _log.error("incident %s: not in the audit log: %s", incident.id, error)

    async def _failed(self, claim: AnalysisClaim, error: str) -> None:
        self._metrics.analysis_failed()
        _log.warning("incident %s: judgement failed: %s", claim.incident.id, error)
        await self._store.fail_analysis(claim, mask(error)[:500], self._clock.now() + _RETRY_SECONDS)
