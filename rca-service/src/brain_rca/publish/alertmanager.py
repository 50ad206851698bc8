"""The alert ``BrainRootCause`` in every Alertmanager peer, for as long as the incident is open.

A sink (see ``sink``). An alert of its own, since Prometheus would overwrite annotations added to the original
one and nobody would be notified. Every peer is told: peers gossip notifications and silences, not alerts. The
labels are the alert's identity, so they are fixed at the first attempt and kept in
``Delivery.external_id``; what changes (the ranking, the severity of alerts that join) is in the annotations.

Incidents that have one cause have an alert each, since each may be another team's, marked so that an inhibit rule can
mute all but one: ``cause`` is the same for all, ``role`` is ``lead`` or ``member``. One label set is not kept: a
``member`` that is none any more (its cause changed, or the lead was resolved) would be muted wrongly. Its alert ends,
and one with the labels that are true now begins in the same request.

Routing: the ``severity`` label is the incident's at the first attempt, so the alert takes the routes of
what it explains; to send it elsewhere or nowhere, match ``alertname="BrainRootCause"`` above them. It is
never analysed itself (``names.BRAIN_ALERTNAME``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from brain_common.clients.alertmanager import AlertmanagerPeer, PostableAlert
from brain_common.clock import Clock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import Analysis, Delivery, Incident
from brain_rca.publish.names import BRAIN_ALERTNAME
from brain_rca.publish.sink import Unfinished
from brain_rca.publish.subject import subject_of
from brain_rca.publish.summary import Summary, summarize

FIRES_ON: Final = 300.0  # seconds without a refresh until the alert ends by itself
REFRESH: Final = 120.0  # seconds; two refreshes may be lost before the alert flaps
_LEAD, _MEMBER = "lead", "member"
CAUSES_SHOWN: Final = 3  # a notification is read on a phone


class AlertmanagerSink:
    """Publishes to all peers of one Alertmanager cluster.

    Args:
        peers: All of them; closed with the sink.
        external_url: Where people reach this service.
        clock: What "now" is.
        cluster: The ``cluster`` label of groups that have none.
    """

    name = "alertmanager"
    refresh_seconds: float | None = REFRESH
    min_interval_seconds = 0.0

    def __init__(self, peers: Sequence[AlertmanagerPeer], external_url: str, clock: Clock, cluster: str = "") -> None:
        self._peers = tuple(peers)
        self._external_url = external_url
        self._clock = clock
        self._cluster = cluster

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        """See ``sink.Sink.publish``; returns the alert's labels, URL-encoded.

        Raises:
            Unfinished: Some peers were not told; the others were, and their alert stays alive through the retries.
            PermanentError: All peers refuse the alert.
        """
        if incident.analysis is None:
            return delivery.external_id
        told = dict(parse_qsl(delivery.external_id))
        labels = told if told and not _is_muted_wrongly(told, incident) else self._labels(incident)
        alerts = [self._alert(incident, incident.analysis, labels)]
        if told and told != labels:
            alerts.insert(0, self._ended(alerts[0], told))
        told_as = urlencode(labels)
        await self._tell_all(alerts, told_as)
        return told_as

    async def aclose(self) -> None:
        for peer in self._peers:
            await peer.aclose()

    def _labels(self, incident: Incident) -> dict[str, str]:
        subject = subject_of(incident, self._cluster)
        labels = {
            "alertname": BRAIN_ALERTNAME,
            "cluster": subject.cluster,
            "namespace": subject.namespace,
            "service": subject.service,
            "group": incident.group_hash,
            "severity": incident.severity.value,
        }
        if incident.cause_id:
            labels |= {"cause": incident.cause_id, "role": _MEMBER if incident.is_led else _LEAD}
        return {name: value for name, value in labels.items() if value}

    def _alert(self, incident: Incident, analysis: Analysis, labels: Mapping[str, str]) -> PostableAlert:
        summary = summarize(incident, analysis, self._external_url)
        now = self._clock.now()
        ends_at = now + FIRES_ON if incident.closed_at is None else min(now, incident.closed_at)
        return PostableAlert(
            labels=labels,
            annotations=_annotations(summary),
            # Never after the end, which Alertmanager refuses; an alert "from the future" has a wrong clock behind it.
            starts_at=min(incident.opened_at, now, ends_at),
            ends_at=ends_at,
            generator_url=summary.link,
        )

    def _ended(self, alert: PostableAlert, labels: Mapping[str, str]) -> PostableAlert:
        """The same under other labels, which it had until now."""
        now = self._clock.now()
        return msgspec.structs.replace(alert, labels=labels, starts_at=min(alert.starts_at, now), ends_at=now)

    async def _tell_all(self, alerts: Sequence[PostableAlert], told_as: str) -> None:
        results = await asyncio.gather(*(peer.post_alerts(alerts) for peer in self._peers), return_exceptions=True)
        errors = [result for result in results if result is not None]
        for error in errors:
            if not isinstance(error, TemporaryError | PermanentError):
                raise error
        if not errors:
            return
        message = f"{len(errors)} of {len(self._peers)} peers: " + "; ".join(map(str, errors))
        if len(errors) == len(self._peers) and all(isinstance(error, PermanentError) for error in errors):
            raise PermanentError(message)
        hints = [error.retry_after or 0.0 for error in errors if isinstance(error, TemporaryError)]
        raise Unfinished(message, told_as, max(hints, default=None))


def _is_muted_wrongly(told: Mapping[str, str], incident: Incident) -> bool:
    if told.get("role") != _MEMBER or incident.closed_at is not None:
        return False
    return not incident.is_led or told.get("cause") != incident.cause_id


def _annotations(summary: Summary) -> dict[str, str]:
    causes = "\n".join(cause.text for cause in summary.causes[:CAUSES_SHOWN])
    annotations = {
        "summary": summary.headline,
        "causes": causes,
        "began": summary.began,
        "fix": summary.fix,
        "shared": summary.shared,
        "link": summary.link,
    }
    return {name: value for name, value in annotations.items() if value}
