"""The exporter: listens for deliveries, asks the APIs it is told to, and passes on what is to be shown in Grafana."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_exporters.changes.annotator import Annotator
from brain_exporters.changes.argocd_api import ArgoCdPoll
from brain_exporters.changes.client import JsonApi
from brain_exporters.changes.config import ChangesSettings, SourceSettings, TokenSourceSettings
from brain_exporters.changes.credentials import (
    GITHUB,
    TERRAFORM,
    CallerDoor,
    Door,
    OpenDoor,
    SecretFiles,
    SignatureDoor,
    TokenDoor,
)
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.gitlab_api import GitlabPoll
from brain_exporters.changes.model import ChangeKind, Result
from brain_exporters.changes.outbox import ANNOTATIONS_COUNTER, Outbox
from brain_exporters.changes.payloads import argocd, events, falco, generic, github, gitlab, terraform
from brain_exporters.changes.payloads.decode import Parse
from brain_exporters.changes.polling import Asking, Poll
from brain_exporters.changes.recorder import CHANGES_COUNTER, REQUESTS_COUNTER, Recorder
from brain_exporters.changes.run_tasks import RunTasks
from brain_exporters.changes.webhooks import OUTCOMES, Source, Webhooks
from brain_exporters.runtime.exporter import Context

_LABELS: Final = {"events": events.SOURCE}  # of sources that are called otherwise in metrics and in the lake
_KINDS: Final = {
    "argocd": (ChangeKind.SYNC,),
    "gitlab": (
        ChangeKind.DEPLOYMENT,
        ChangeKind.PIPELINE,
        ChangeKind.PUSH,
        ChangeKind.MERGE,
        ChangeKind.RELEASE,
    ),
    "github": (
        ChangeKind.DEPLOYMENT,
        ChangeKind.PIPELINE,
        ChangeKind.PUSH,
        ChangeKind.MERGE,
        ChangeKind.RELEASE,
    ),
    "terraform": (ChangeKind.PLAN, ChangeKind.APPLY),
    "generic": tuple(ChangeKind),
}
_DAY: Final = 86400.0  # seconds


class ChangesExporter:
    """Args:
    settings: The configuration.
    context: The runtime's.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: ChangesSettings, context: Context) -> None:
        self._settings = settings
        self._outbox = Outbox(context.ledger, settings.grafana)
        configured = dict(settings.sources())
        self._recorder = Recorder(
            context.ledger,
            context.clock,
            EntityMap(settings.entities, settings.cluster),
            self._outbox,
            sources=[_LABELS.get(name, name) for name in configured],
            most_waiting=settings.most_waiting,
            remember_seconds=settings.remember_days * _DAY,
            remember_most=settings.remember_changes,
        )
        self._run_tasks = RunTasks(settings.terraform.servers) if settings.terraform else None
        sources = {name: self._source(name, source) for name, source in configured.items() if source.has_webhook}
        self._webhooks = Webhooks(sources, self._recorder, context.clock, settings.body_limit_bytes)
        self._polls = _polls(settings, self._recorder, context)
        self._annotator = Annotator(settings.grafana, self._outbox, context.ledger) if settings.grafana else None
        _start_at_zero(context, configured, sources, settings)

    async def run(self) -> None:
        """Until cancelled."""
        work: list[Coroutine[Any, Any, None]] = [self._recorder.run(), *(poll.run() for poll in self._polls)]
        if self._annotator is not None:
            work.append(self._annotator.run())
        try:
            async with asyncio.TaskGroup() as group:
                for each in work:
                    group.create_task(each)
        finally:
            if self._run_tasks is not None:
                await self._run_tasks.aclose()

    def collect(self) -> Iterable[Metric]:
        """Besides the ledger's counters."""
        last = GaugeMetricFamily(
            "changes_last_change_timestamp_seconds",
            "When the newest change or event of the source happened, seconds since the epoch; 0 before.",
            labels=["source"],
        )
        for source, at in self._recorder.last.items():
            last.add_metric([source], at)
        yield last
        yield GaugeMetricFamily(
            "changes_requests_waiting", "Deliveries that are not durable yet.", value=self._recorder.waiting
        )
        if self._annotator is not None:
            yield GaugeMetricFamily(
                "changes_annotations_waiting", "Annotations that Grafana has not got yet.", value=len(self._outbox)
            )
            yield GaugeMetricFamily(
                "changes_grafana_up", "1 when Grafana answered last time, else 0.", value=float(self._annotator.up)
            )
        if self._run_tasks is not None:
            answers = CounterMetricFamily(
                "changes_run_tasks", "Run tasks of Terraform, by what became of their answer.", labels=["result"]
            )
            for result, count in self._run_tasks.results.items():
                answers.add_metric([result], count)
            yield answers

    def routes(self) -> Sequence[BaseRoute]:
        """The paths that take deliveries."""
        return self._webhooks.routes()

    def _source(self, name: str, settings: SourceSettings) -> Source:
        after = self._run_tasks.taken if self._run_tasks is not None and name == "terraform" else None
        return Source(_LABELS.get(name, name), _door(name, settings), self._parser(name), after)

    def _parser(self, name: str) -> Parse:
        if name == "events" and self._settings.events is not None:
            return events.EventParser(self._settings.events.fields)
        parsers: dict[str, Parse] = {
            "argocd": argocd.parse,
            "gitlab": gitlab.parse,
            "github": github.parse,
            "terraform": terraform.parse,
            "generic": generic.parse,
            "falco": falco.parse,
        }
        return parsers[name]


def build(settings: ChangesSettings, context: Context) -> ChangesExporter:
    """For ``ExporterKind``."""
    return ChangesExporter(settings, context)


def _door(name: str, settings: SourceSettings) -> Door:
    if settings.allow_unauthenticated:
        return OpenDoor()
    secrets = SecretFiles(settings.secret_files)
    if name == "github":
        return SignatureDoor(secrets, GITHUB)
    if name == "terraform":
        return SignatureDoor(secrets, TERRAFORM)
    if isinstance(settings, TokenSourceSettings):
        return CallerDoor(secrets if settings.secret_files else None, settings.callers, settings.token_header)
    return TokenDoor(secrets, "x-gitlab-token")


def _polls(settings: ChangesSettings, recorder: Recorder, context: Context) -> list[Poll]:
    polls: list[Poll] = []
    if settings.argocd and (asked := settings.argocd.poll):
        api = JsonApi("Argo CD", asked)
        asking: Asking = ArgoCdPoll(api, context.clock)
        polls.append(Poll(asked, asking, api, recorder, context))
    if settings.gitlab and (listed := settings.gitlab.poll):
        api = JsonApi("GitLab", listed)
        asking = GitlabPoll(api, context.clock, listed.projects)
        polls.append(Poll(listed, asking, api, recorder, context))
    return polls


def _start_at_zero(
    context: Context, configured: Iterable[str], webhooks: Iterable[str], settings: ChangesSettings
) -> None:
    """Series of what can come, so that the first happening of each is seen as one."""
    ledger = context.ledger
    changes = [name for name in configured if name in _KINDS]
    states = [(name, kind.value, result.value) for name in changes for kind in _KINDS[name] for result in Result]
    ledger.start_at_zero(CHANGES_COUNTER, states)
    requests = [(_LABELS.get(name, name), outcome) for name in webhooks for outcome in OUTCOMES]
    ledger.start_at_zero(REQUESTS_COUNTER, requests)
    if settings.grafana is not None:
        results = [(result,) for result in ("created", "updated", "refused", "dropped")]
        ledger.start_at_zero(ANNOTATIONS_COUNTER, results)
