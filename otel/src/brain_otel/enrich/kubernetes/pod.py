"""A pod as it is remembered: little, immutable, and with its attributes made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from brain_otel.enrich.kubernetes.config import FieldSettings, KubernetesSettings
from brain_otel.enrich.kubernetes.wire import Meta, Owner, PodObject

Pairs = tuple[tuple[str, str], ...]
_LONGEST: Final = 4096  # characters of a value; annotations may have 256 KiB
_DONE: Final = ("Succeeded", "Failed")
_SERVICE_NAME: Final = "resource.opentelemetry.io/service.name"
_SERVICE_LABELS: Final = ("app.kubernetes.io/instance", "app.kubernetes.io/name")


class Container:
    """One container.

    Attributes:
        name: In the pod.
        id: Of the runtime, without its prefix; empty while it has none.
        pairs: Its attributes.
    """

    __slots__ = ("id", "name", "pairs")

    def __init__(self, name: str, identity: str, image: str, wanted: frozenset[str]) -> None:
        self.name = name
        self.id = identity
        image_name, tag = image_parts(image)
        pairs = (
            ("k8s.container.name", name),
            ("container.id", identity),
            ("container.image.name", image_name),
            ("container.image.tag", tag),
        )
        self.pairs: Pairs = tuple((key, value) for key, value in pairs if value and key in wanted)


class Pod:
    """One pod.

    Attributes:
        made: Version of what it was made from, and what the pod gives, encoded, by container and what is not wanted.
    """

    __slots__ = (
        "containers",
        "done",
        "ips",
        "made",
        "name",
        "namespace",
        "node",
        "own",
        "owner",
        "service",
        "since",
        "uid",
    )

    def __init__(self, read: PodObject, rules: Rules) -> None:
        meta, status = read.metadata, read.status
        self.name, self.namespace, self.uid = meta.name, meta.namespace, meta.uid
        self.node = read.spec.node_name or ""
        self.since = meta.creation_timestamp or ""
        self.owner: Owner | None = meta.controller
        self.done = status.phase in _DONE
        self.ips: tuple[str, ...] = ()
        if not read.spec.host_network:  # all such pods of a node have the node's address
            found = [status.pod_ip or "", *(each.ip for each in status.pod_ips or ())]
            self.ips = tuple(dict.fromkeys(ip for ip in found if ip))
        self.service = service_name(meta)
        self.own: Pairs = rules.pod_fields(meta)
        self.containers = tuple(_containers(read, rules.wanted))
        self.made: tuple[int, dict[tuple[str, frozenset[str]], bytes]] | None = None

    def container(self, name: str, identity: str) -> Container | None:
        """That of a name, else of an id, else the only one."""
        if name:
            return next((each for each in self.containers if each.name == name), None)
        if identity:
            return next((each for each in self.containers if each.id == identity), None)
        return self.containers[0] if len(self.containers) == 1 else None


class Rules:
    """Which labels and annotations become which attributes."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self.wanted: frozenset[str] = frozenset(settings.extract.metadata)
        labels, annotations = settings.extract.labels, settings.extract.annotations
        self._labels = {kind: _named(labels, kind, "labels") for kind in ("pod", "namespace", "node")}
        self._annotations = {kind: _named(annotations, kind, "annotations") for kind in ("pod", "namespace", "node")}

        named = (*self._labels.values(), *self._annotations.values())
        self.keys = self.wanted.union(name for fields in named for _, name in fields)

    def of(self, kind: str, meta: Meta) -> Pairs:
        """Attributes from labels and annotations of a pod, namespace or node."""
        return (*_picked(self._labels[kind], meta.labels), *_picked(self._annotations[kind], meta.annotations))

    def pod_fields(self, meta: Meta) -> Pairs:
        """Those of a pod."""
        return self.of("pod", meta)

    @property
    def namespaces(self) -> bool:
        """Whether anything is asked of namespaces."""
        return bool(self._labels["namespace"] or self._annotations["namespace"])


def service_name(meta: Meta) -> str:
    """What a pod says its service is called; empty where it does not.

    https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
    """
    annotated = (meta.annotations or {}).get(_SERVICE_NAME, "")
    labels = meta.labels or {}
    return (annotated or next(filter(None, (labels.get(key, "") for key in _SERVICE_LABELS)), ""))[:_LONGEST]


def image_parts(image: str) -> tuple[str, str]:
    """Name and tag of an image; a port of the registry is no tag, and without tag and digest it is ``latest``."""
    named, at, _ = image.partition("@")
    slash = named.rfind("/")
    name, colon, tag = named[slash + 1 :].partition(":")
    if not name:
        return "", ""
    return named[: slash + 1] + name, tag if colon else "" if at else "latest"


def _containers(read: PodObject, wanted: frozenset[str]) -> Iterator[Container]:
    status = read.status
    statuses = (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
    ids = {each.name: (each.container_id or "").rpartition("://")[2] for each in statuses}
    for each in (*(read.spec.containers or ()), *(read.spec.init_containers or ())):
        yield Container(each.name, ids.get(each.name, ""), each.image, wanted)


def _named(fields: object, kind: str, what: str) -> tuple[tuple[str, str], ...]:
    assert isinstance(fields, tuple | list)
    mine: list[FieldSettings] = [field for field in fields if field.from_ == kind]
    return tuple((field.key, field.tag_name or f"k8s.{kind}.{what}.{field.key}") for field in mine)


def _picked(fields: tuple[tuple[str, str], ...], found: dict[str, str] | None) -> Iterator[tuple[str, str]]:
    if found:
        for key, name in fields:
            if key in found:
                yield name, found[key][:_LONGEST]
