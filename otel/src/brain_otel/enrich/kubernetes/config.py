"""Settings of the step ``kubernetes``; names are those of the Collector's k8sattributes processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, model_validator

from brain_common.clients.kubernetes.config import ClientSettings
from brain_common.settings import Settings

Metadata = Literal[
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.ip",
    "k8s.pod.start_time",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.job.name",
    "k8s.cronjob.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.container.name",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "service.name",
    "cloud.availability_zone",
    "cloud.region",
    "brain.workload.name",
    "brain.workload.kind",
]

DEFAULT_METADATA: Final[tuple[Metadata, ...]] = (
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.start_time",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.job.name",
    "k8s.cronjob.name",
    "k8s.node.name",
    "k8s.container.name",
    "container.image.name",
    "container.image.tag",
    "service.name",
    "cloud.availability_zone",
    "cloud.region",
    "brain.workload.name",
    "brain.workload.kind",
)

_ALONE: Final = frozenset({"k8s.pod.ip", "k8s.pod.uid", "container.id", "host.name"})
_TOGETHER: Final = frozenset({"k8s.pod.name", "k8s.namespace.name"})


class SourceSettings(Settings):
    """One thing by which a pod is known."""

    from_: Literal["resource_attribute", "connection"] = Field(
        alias="from", description="An attribute of the resource, or the address of the sender."
    )
    name: str = Field(default="", description="Of the attribute: one that says which pod it is.")

    @model_validator(mode="after")
    def _known(self) -> SourceSettings:
        if self.from_ == "connection" and self.name:
            raise ValueError("a connection has no name")
        if self.from_ == "resource_attribute" and self.name not in _ALONE | _TOGETHER:
            raise ValueError(f"no pod is known by {self.name!r}; use one of {', '.join(sorted(_ALONE | _TOGETHER))}")
        return self


class AssociationSettings(Settings):
    """A rule that applies when the resource has all its sources; they must all mean the same pod."""

    sources: Sequence[SourceSettings] = Field(min_length=1, max_length=4, description="All of them count.")

    @model_validator(mode="after")
    def _whole(self) -> AssociationSettings:
        names = {source.name for source in self.sources}
        if names & _TOGETHER not in (frozenset(), _TOGETHER):
            raise ValueError("k8s.pod.name and k8s.namespace.name mean a pod only together")
        return self


def _rule(*names: str) -> AssociationSettings:
    sources = [SourceSettings.model_validate({"from": "resource_attribute", "name": name}) for name in names]
    return AssociationSettings(sources=sources)


DEFAULT_ASSOCIATION: Final = (
    _rule("k8s.pod.ip"),
    _rule("k8s.pod.uid"),
    _rule("k8s.pod.name", "k8s.namespace.name"),
    _rule("container.id"),
    AssociationSettings(sources=[SourceSettings.model_validate({"from": "connection"})]),
)


class FieldSettings(Settings):
    """A label or annotation that becomes an attribute."""

    key: str = Field(min_length=1, max_length=317, description="Of the label or annotation.")
    tag_name: str = Field(
        default="", max_length=255, description="Attribute; empty: as k8sattributes names it, `k8s.pod.labels.<key>`."
    )
    from_: Literal["pod", "namespace", "node"] = Field(default="pod", alias="from", description="Whose it is.")


class ExtractSettings(Settings):
    """Which attributes are added."""

    metadata: Sequence[Metadata] = Field(default=DEFAULT_METADATA, description="Names of attributes.")
    labels: Sequence[FieldSettings] = Field(default=(), max_length=100, description="Labels that become attributes.")
    annotations: Sequence[FieldSettings] = Field(
        default=(), max_length=100, description="Annotations that become attributes."
    )


class FilterSettings(Settings):
    """Which pods are known."""

    node: str = Field(
        default="",
        max_length=253,
        description="Only pods of this node, for a processor on each: `${env:NODE_NAME}` by the downward API.",
    )


class KubernetesSettings(Settings):
    """Who a resource is in Kubernetes; all defaults work inside a cluster."""

    client: ClientSettings = Field(default=ClientSettings(), description="How the API server is reached.")
    pod_association: Sequence[AssociationSettings] = Field(
        default=DEFAULT_ASSOCIATION,
        min_length=1,
        max_length=20,
        description="Rules in their order; the first whose sources the resource has decides.",
    )
    extract: ExtractSettings = Field(default=ExtractSettings(), description="Which attributes are added.")
    filter: FilterSettings = Field(default=FilterSettings(), description="Which pods are known.")
    max_pods: int = Field(
        default=20_000, ge=1, le=1_000_000, description="Pods kept, 1 KB each, 2 KB when heard of; others are unknown."
    )
    deleted_grace_seconds: float = Field(
        default=120.0, ge=0, le=3600, description="A deleted pod stays known for so long: its last signals come late."
    )
