"""What is known of a cluster: pods by all that names them, and who owns them.

Written by the threads of the reflectors under a lock; read in the event loop without, by plain reads of dictionaries
whose values are never changed. A pod's attributes are made when it is asked for, since its owner may come later than
itself; ``version`` says when owners, nodes or namespaces have changed, so that what was made of them is made anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec
from prometheus_client import Counter

from brain_otel.enrich.kubernetes.config import KubernetesSettings
from brain_otel.enrich.kubernetes.pod import Pairs, Pod, Rules
from brain_otel.enrich.kubernetes.wire import META, POD, Meta, Owner

T = TypeVar("T")

_log = logging.getLogger(__name__)
_ABOVE = {"ReplicaSet": "Deployment", "Job": "CronJob"}


class Cluster:
    """Pods, owners of ReplicaSets and Jobs, attributes of nodes and namespaces."""

    def __init__(
        self, settings: KubernetesSettings, refused: Counter, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = Rules(settings)
        self.by_uid: dict[str, Pod] = {}
        self.by_ip: dict[str, Pod] = {}
        self.by_name: dict[tuple[str, str], Pod] = {}
        self.by_container: dict[str, Pod] = {}
        self.owners: dict[str, Owner] = {}
        self.nodes: dict[str, Pairs] = {}
        self.namespaces: dict[str, Pairs] = {}
        self.version = 0
        self._settings = settings
        self._refused = refused
        self._said_full = False
        self._now = now
        self._lock = threading.Lock()
        self._deleted: deque[tuple[float, Pod]] = deque()

    def put(self, pod: Pod) -> None:
        """There is this pod, or it has changed."""
        with self._lock:
            before = self.by_uid.get(pod.uid)
            if before is None and len(self.by_uid) >= self._settings.max_pods:
                self._full()
                return
            self.by_uid[pod.uid] = pod
            self._name(pod)  # first, so that it is known at every moment
            if before is not None:
                self._unname(before)

    def remove(self, uid: str) -> None:
        """It was deleted; known until the grace time is over."""
        with self._lock:
            pod = self.by_uid.get(uid)
            if pod is not None:
                pod.done = True  # gives its address to whoever comes
                self._deleted.append((self.later(), pod))

    def sweep(self) -> None:
        """Forget pods whose grace time is over."""
        with self._lock:
            while self._deleted and self.due(self._deleted[0][0]):
                _, pod = self._deleted.popleft()
                if self.by_uid.get(pod.uid) is pod:
                    del self.by_uid[pod.uid]
                    self._unname(pod)

    def later(self) -> float:
        """When the grace time of what is deleted now is over, by the clock of ``due``."""
        return self._now() + self._settings.deleted_grace_seconds

    def due(self, at: float) -> bool:
        """Whether it is."""
        return at <= self._now()

    def changed(self) -> None:
        """Owners, nodes or namespaces have: attributes are made anew."""
        with self._lock:
            self.version += 1

    def attributes(self, pod: Pod) -> Iterator[tuple[str, str]]:
        """What a pod gives to its resources, but for its containers; of what comes twice the first counts."""
        owners = list(self._chain(pod.owner))
        workload = owners[-1] if owners else Owner(kind="Pod", name=pod.name)
        pairs = {
            **{f"k8s.{owner.kind.lower()}.name": owner.name for owner in owners},
            "k8s.namespace.name": pod.namespace,
            "k8s.pod.name": pod.name,
            "k8s.pod.uid": pod.uid,
            "k8s.pod.ip": pod.ips[0] if pod.ips else "",
            "k8s.pod.start_time": pod.since,
            "k8s.node.name": pod.node,
            "service.name": pod.service or workload.name,
            "brain.workload.name": workload.name,
            "brain.workload.kind": workload.kind,
        }
        yield from ((key, value) for key, value in pairs.items() if value and key in self.rules.wanted)
        yield from pod.own
        yield from self.namespaces.get(pod.namespace, ())
        yield from self.nodes.get(pod.node, ())

    def _chain(self, owner: Owner | None) -> Iterator[Owner]:
        if owner is None or owner.kind == "Node":  # a static pod is nobody's
            return
        yield owner
        above = self.owners.get(owner.uid)
        if above is not None and above.kind == _ABOVE.get(owner.kind):
            yield above

    def _name(self, pod: Pod) -> None:
        for ip in pod.ips:
            holder = self.by_ip.get(ip)
            if holder is None or holder.uid == pod.uid or _yields(holder, pod):
                self.by_ip[ip] = pod
        self.by_name[pod.namespace, pod.name] = pod
        for container in pod.containers:
            if container.id:
                self.by_container[container.id] = pod

    def _unname(self, pod: Pod) -> None:
        for ip in pod.ips:
            if self.by_ip.get(ip) is pod:
                del self.by_ip[ip]
        if self.by_name.get((pod.namespace, pod.name)) is pod:
            del self.by_name[pod.namespace, pod.name]
        for container in pod.containers:
            if self.by_container.get(container.id) is pod:
                del self.by_container[container.id]

    def _full(self) -> None:
        self._refused.inc()
        if not self._said_full:
            self._said_full = True
            _log.warning("kubernetes: more than max_pods (%d) pods; the others stay unknown", self._settings.max_pods)


class Pods:
    """Mirror of pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._seen: set[str] = set()

    def begin(self) -> None:
        """A list begins."""
        self._seen = set()

    def put(self, item: msgspec.Raw) -> None:
        """There is a pod."""
        read = POD.decode(item)
        if not read.metadata.uid:
            raise msgspec.ValidationError("a pod without uid")
        self._seen.add(read.metadata.uid)
        self._cluster.put(Pod(read, self._cluster.rules))

    def remove(self, item: msgspec.Raw) -> None:
        """It was deleted."""
        self._cluster.remove(META.decode(item).metadata.uid)

    def sweep(self) -> None:
        """Forget those whose grace time is over."""
        self._cluster.sweep()

    def end(self) -> None:
        """Those that were not listed are gone."""
        for uid in list(self._cluster.by_uid):  # of now: the sweep of another thread may take some away
            if uid not in self._seen:
                self._cluster.remove(uid)
        self._seen = set()


class Facts(Generic[T]):
    """Mirror of something else: one fact of each object, by a key.

    Args:
        cluster: Told when a fact has changed.
        facts: Where they are kept.
        key: Of an object.
        fact: Of an object; None: nothing worth keeping.
        most: Facts kept, so that no cluster fills the memory.
    """

    def __init__(
        self,
        cluster: Cluster,
        facts: dict[str, T],
        key: Callable[[Meta], str],
        fact: Callable[[Meta], T | None],
        most: int,
    ) -> None:
        self._cluster = cluster
        self._facts = facts
        self._key = key
        self._fact = fact
        self._most = most
        self._seen: set[str] = set()
        self._deleted: deque[tuple[float, str, T]] = deque()

    def begin(self) -> None:
        """A list begins."""
        self._seen = set()

    def put(self, item: msgspec.Raw) -> None:
        """There is an object."""
        meta = META.decode(item).metadata
        key, fact = self._key(meta), self._fact(meta)
        if not key:
            raise msgspec.ValidationError("an object without name or uid")
        self._seen.add(key)
        if fact is not None and self._facts.get(key) != fact and (key in self._facts or len(self._facts) < self._most):
            self._facts[key] = fact
            self._cluster.changed()

    def remove(self, item: msgspec.Raw) -> None:
        """It was deleted; its pods are known for the grace time yet, and so is the fact."""
        self._gone(self._key(META.decode(item).metadata))

    def end(self) -> None:
        """Those that were not listed are gone."""
        for key in list(self._facts):  # of now: the sweep of another thread may take some away
            if key not in self._seen:
                self._gone(key)
        self._seen = set()

    def sweep(self) -> None:
        """Forget those whose grace time is over."""
        while self._deleted and self._cluster.due(self._deleted[0][0]):
            _, key, fact = self._deleted.popleft()
            if self._facts.get(key) is fact:
                del self._facts[key]

    def _gone(self, key: str) -> None:
        fact = self._facts.get(key)
        if fact is not None:
            self._deleted.append((self._cluster.later(), key, fact))


def _yields(holder: Pod, pod: Pod) -> bool:
    """Whether an address goes from one pod to another: to one that runs, and of those to the youngest."""
    if holder.done != pod.done:
        return holder.done
    return pod.since >= holder.since  # RFC 3339 in UTC, as the API server writes it, sorts as text
