"""Rounds over the objects that explain events: what kube-state-metrics does not say and a root cause needs.

Lists, not watches: the answers change by the minute, and a round of lists needs no memory between rounds. Where
metadata is enough (pods, ReplicaSets, ConfigMaps, Secrets), only metadata is asked for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
from prometheus_client.core import GaugeMetricFamily

from brain_common.clients.kubernetes.client import METADATA, KubeApi, NotThere
from brain_common.clock import Clock
from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_exporters.kube_events import kinds
from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.rollouts import Rollouts, Seen
from brain_exporters.kube_events.rows import moment
from brain_exporters.kube_events.stale import CONFIG_MAP, SECRET, Version, is_stale, read_once, used, version
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger
from brain_lake.schemas import CHANGES

SOURCE: Final = "objects"
_CONFIG_NOTES: Final = "config/"
_WORKLOADS: Final = (("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets"))
_CLAIMS: Final = "/apis/karpenter.sh/v1/nodeclaims"
_MOST_LOOKS: Final = 100  # workloads a round whose pods are read in full

Samples = Mapping[tuple[str, ...], float]


@dataclass(slots=True)
class Round:
    """What one round found; ``problems`` says what it could not read."""

    gauges: dict[str, dict[tuple[str, ...], float]] = field(default_factory=lambda: defaultdict(dict))
    problems: list[BrainError] = field(default_factory=list)


GAUGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "kube_workload_last_rollout_timestamp_seconds": (
        "When the workload's pod template was last rolled out, seconds since the epoch.",
        ("namespace", "kind", "name"),
    ),
    "kube_workload_config_stale": (
        "1 when a container started before the last change of what it read at its start, else 0.",
        ("namespace", "kind", "name", "config_kind", "config"),
    ),
    "kube_autoscaler_at_maximum": (
        "1 when the autoscaler wants its maximum of replicas, else 0.",
        ("namespace", "kind", "name", "target_kind", "target"),
    ),
    "kube_quota_used_ratio": (
        "Used part of a quota, 1 is all; without those whose limit is 0.",
        ("namespace", "resourcequota", "resource"),
    ),
    "kube_karpenter_disruption": (
        "1 for a node that Karpenter takes away or has a reason to.",
        ("nodeclaim", "node", "nodepool", "reason"),
    ),
}


class Objects:
    """Makes rounds; holds what they found last.

    Args:
        api: The API server.
        secrets: The same as an account that may list secrets; None: versions of secrets are not looked at.
        cluster: First part of entities.
        ledger: For notes and rows of changes.
        owners: Told who owns the pods.
        clock: For what has no time of its own.
        max_series: Of each gauge.
    """

    def __init__(
        self,
        api: KubeApi,
        secrets: KubeApi | None,
        cluster: str,
        ledger: Ledger,
        owners: Owners,
        clock: Clock,
        max_series: int,
    ) -> None:
        self._api = api
        self._secrets = secrets
        self._cluster = cluster
        self._ledger = ledger
        self._owners = owners
        self._clock = clock
        self._max_series = max_series
        self._rollouts = Rollouts(cluster, ledger.notes(Rollouts.prefix()))
        self._configs = {key: float(value) for key, value in ledger.notes(_CONFIG_NOTES).items()}
        self._gauges: Mapping[str, Samples] = {}
        self._pods_owned: Mapping[tuple[str, str], str] = {}
        self._targets: Mapping[tuple[str, str], str] = {}
        self._unsaved: list[Batch] = []

    def round(self) -> None:
        """Look at everything; blocking. What can be read is shown even where something else cannot.

        Raises:
            BrainError: Something could not be read; the gauges made from it are those of the round before.
        """
        now = self._clock.now()
        found = Round()
        batch = Batch()
        steps = (
            (self._workloads, ("kube_workload_last_rollout_timestamp_seconds", "kube_workload_config_stale")),
            (self._scalers, ("kube_autoscaler_at_maximum",)),
            (self._quotas, ("kube_quota_used_ratio",)),
            (self._claims, ("kube_karpenter_disruption",)),
        )
        for step, names in steps:
            try:
                step(found, batch, now)
            except BrainError as error:
                found.problems.append(error)
                for name in names:
                    found.gauges[name] = dict(self._gauges.get(name, {}))
        self._gauges = found.gauges
        self._unsaved.append(batch)
        while self._unsaved:  # what could not be taken last time first: notes in memory are ahead of it
            self._ledger.commit(self._unsaved[0])
            del self._unsaved[0]
        if found.problems:
            kind = TemporaryError if isinstance(found.problems[0], TemporaryError) else PermanentError
            raise kind("; ".join(str(problem) for problem in found.problems))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, fresh."""
        gauges = self._gauges
        for name, (text, labels) in GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for place, (values, value) in enumerate(sorted(gauges.get(name, {}).items())):
                if place < self._max_series:
                    family.add_metric(values, value)
            yield family

    def forget(self) -> None:
        """Show nothing: another replica does."""
        self._gauges = {}

    def _workloads(self, found: Round, batch: Batch, now: float) -> None:
        seen = [
            Seen(kind, item)
            for kind, plural in _WORKLOADS
            for page in self._api.pages(f"/apis/apps/v1/{plural}", kinds.WORKLOADS)
            for item in page.items
        ]
        made, sets = self._revisions()
        rollouts = self._rollouts.look(seen, made, now, batch)
        found.gauges["kube_workload_last_rollout_timestamp_seconds"].update(rollouts.items())
        started = self._pods(sets)
        versions = self._versions(found)
        found.gauges["kube_workload_config_stale"] = self._stale(seen, started, versions)
        self._config_changes(seen, versions, batch)

    def _revisions(self) -> tuple[dict[str, float], dict[str, str]]:
        """By uid of a workload, when its newest revision was made; by uid of a ReplicaSet, its Deployment's name."""
        made: dict[str, float] = {}
        sets: dict[str, str] = {}
        for plural in ("replicasets", "controllerrevisions"):
            for meta in self._metadata(f"/apis/apps/v1/{plural}"):
                owner, at = meta.controller, moment(meta.creation_timestamp)
                if owner is not None and at is not None:
                    made[owner.uid] = max(made.get(owner.uid, 0.0), at.timestamp())
                    sets[meta.uid] = owner.name
        return made, sets

    def _pods(self, sets: Mapping[str, str]) -> dict[tuple[str, str], float]:
        """By namespace and workload, when its oldest pod was made; tells ``Owners`` of all pods."""
        pods: dict[tuple[str, str], str] = {}
        oldest: dict[tuple[str, str], float] = {}
        for meta in self._metadata("/api/v1/pods"):
            owner, at = meta.controller, moment(meta.creation_timestamp)
            if owner is None or owner.kind == "Node":
                continue
            name = sets.get(owner.uid, owner.name)
            pods[meta.namespace, meta.name] = name
            if at is not None and meta.deletion_timestamp is None:
                key = (meta.namespace, name)
                oldest[key] = min(oldest.get(key, at.timestamp()), at.timestamp())
        self._pods_owned = pods
        self._owners.replace(pods, self._targets)
        return oldest

    def _versions(self, found: Round) -> dict[tuple[str, str, str], Version]:
        versions = {
            (meta.namespace, CONFIG_MAP, meta.name): version(meta) for meta in self._metadata("/api/v1/configmaps")
        }
        try:
            for meta in self._metadata("/api/v1/secrets", self._secrets) if self._secrets is not None else ():
                versions[meta.namespace, SECRET, meta.name] = version(meta)
        except BrainError as error:  # an account of its own: without it, the rest is still right
            found.problems.append(error)
        return versions

    def _stale(
        self,
        seen: list[Seen],
        started: Mapping[tuple[str, str], float],
        versions: Mapping[tuple[str, str, str], Version],
    ) -> dict[tuple[str, ...], float]:
        samples: dict[tuple[str, ...], float] = {}
        looks = 0
        for each in seen:
            namespace, kind, name = each.key
            oldest = started.get((namespace, name))
            refs = [(ref, versions.get((namespace, *ref))) for ref in read_once(each.object.spec.template.spec)]
            if any(v is not None and oldest is not None and is_stale(v, oldest) for _, v in refs):
                looks += 1
                if looks <= _MOST_LOOKS:  # a container that was started again has read it again
                    oldest = self._containers_started(each)
            for (config_kind, config), current in refs:
                if current is not None:
                    stale = oldest is not None and is_stale(current, oldest)
                    samples[namespace, kind, name, config_kind, config] = float(stale)
        return samples

    def _containers_started(self, each: Seen) -> float | None:
        """When the oldest running container of a workload was started; None: none runs."""
        labels = each.object.spec.selector.match_labels or {}
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
        path = f"/api/v1/namespaces/{each.object.metadata.namespace}/pods"
        times = [
            moment(status.state.running.started_at)
            for page in self._api.pages(path, kinds.PODS, query)
            for pod in page.items
            for status in pod.status.container_statuses
            if status.state.running is not None and pod.metadata.deletion_timestamp is None
        ]
        return min((at.timestamp() for at in times if at is not None), default=None)

    def _config_changes(self, seen: list[Seen], versions: Mapping[tuple[str, str, str], Version], batch: Batch) -> None:
        """A row for each workload that uses a ConfigMap whose data was changed; of the others nobody is concerned."""
        users: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for each in seen:
            namespace, _, name = each.key
            for config_kind, config in used(each.object.spec.template.spec):
                users[namespace, config_kind, config].append(name)
        rows: list[dict[str, Any]] = []
        there = set()
        for key, names in users.items():
            note = _CONFIG_NOTES + "/".join(key)
            there.add(note)
            current = versions.get(key)
            if current is None:
                continue
            before = self._configs.get(note)
            if before == current.changed:
                continue
            self._configs[note] = current.changed
            batch.notes[note] = repr(current.changed).encode()
            if before is not None and current.changed > before:
                rows.extend(self._config_row(key, name, current) for name in sorted(set(names)))
        for note in self._configs.keys() - there:
            del self._configs[note]
            batch.notes[note] = None
        if rows:
            batch.add_rows(CHANGES, pa.Table.from_pylist(rows, schema=CHANGES.columns))

    def _config_row(self, key: tuple[str, str, str], workload: str, current: Version) -> dict[str, Any]:
        namespace, kind, name = key
        at = datetime.fromtimestamp(current.changed, UTC)
        return {
            "timestamp": at,
            "cluster": self._cluster,
            "namespace": namespace,
            "kind": "workload",
            "name": workload,
            "source": "kubernetes",
            "change_kind": "config",
            "result": "succeeded",
            "change_id": f"{kind}/{namespace}/{name}/{at:%Y-%m-%dT%H:%M:%SZ}",
            "title": f"{kind} {namespace}/{name}, which {workload} uses, was changed",
            "actor": current.manager,
            "started_at": at,
            "details": json.dumps({"config_kind": kind, "config": name}),
        }

    def _scalers(self, found: Round, _: Batch, __: float) -> None:
        targets: dict[tuple[str, str], str] = {}
        samples = found.gauges["kube_autoscaler_at_maximum"]
        for page in self._api.pages("/apis/autoscaling/v2/horizontalpodautoscalers", kinds.SCALERS):
            for item in page.items:
                meta, target = item.metadata, item.spec.scale_target_ref
                targets[meta.namespace, meta.name] = target.name
                owner = next((each for each in meta.owner_references if each.kind == "ScaledObject"), None)
                named = ("ScaledObject", owner.name) if owner else ("HorizontalPodAutoscaler", meta.name)
                wants = max(item.status.desired_replicas, item.status.current_replicas or 0)
                at_maximum = item.spec.max_replicas > 0 and wants >= item.spec.max_replicas
                samples[meta.namespace, *named, target.kind, target.name] = float(at_maximum)
        self._targets = targets
        self._owners.replace(self._pods_owned, targets)

    def _quotas(self, found: Round, _: Batch, __: float) -> None:
        samples = found.gauges["kube_quota_used_ratio"]
        for page in self._api.pages("/api/v1/resourcequotas", kinds.QUOTAS):
            for item in page.items:
                for resource, limit in (item.status.hard or {}).items():
                    hard, spent = _number(limit), _number((item.status.used or {}).get(resource, "0"))
                    if hard and spent is not None:
                        samples[item.metadata.namespace, item.metadata.name, resource] = spent / hard

    def _claims(self, found: Round, _: Batch, __: float) -> None:
        samples = found.gauges["kube_karpenter_disruption"]
        try:
            for page in self._api.pages(_CLAIMS, kinds.NODE_CLAIMS):
                for item in page.items:
                    pool = (item.metadata.labels or {}).get("karpenter.sh/nodepool", "")
                    for reason in _reasons(item):
                        samples[item.metadata.name, item.status.node_name, pool, reason] = 1.0
        except NotThere:  # a cluster without Karpenter
            return

    def _metadata(self, path: str, api: KubeApi | None = None) -> Iterator[kinds.ObjectMeta]:
        for page in (api or self._api).pages(path, kinds.METADATA_LIST, accept=METADATA):
            for item in page.items:
                yield item.metadata


def _reasons(claim: kinds.NodeClaim) -> Iterator[str]:
    """Why a node goes: conditions of karpenter.sh/v1 (pkg/apis/v1/nodeclaim_status.go), or that it is being deleted."""
    for condition in claim.status.conditions:
        if condition.status == "True" and condition.type in ("Drifted", "Consolidatable"):
            yield condition.type
        elif condition.status == "True" and condition.type == "DisruptionReason":
            yield condition.reason or condition.type
    if claim.metadata.deletion_timestamp is not None:
        yield "Deleting"


def _number(quantity: str) -> float | None:
    """A quantity of Kubernetes, such as 500m or 2Gi; None where it is none."""
    from kubernetes.utils.quantity import parse_quantity

    try:
        return float(parse_quantity(quantity))
    except ValueError:
        return None
