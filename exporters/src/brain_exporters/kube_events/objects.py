"""The objects whose state is read, as far as it is: shapes of the API server's answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec


class Owner(msgspec.Struct, frozen=True):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class Manager(msgspec.Struct, frozen=True):
    """Who wrote which part of an object, and when last."""

    manager: str = ""
    time: datetime | None = None
    subresource: str = ""


class Metadata(msgspec.Struct, frozen=True):
    """Of any object."""

    name: str = ""
    namespace: str = ""
    created: datetime | None = msgspec.field(default=None, name="creationTimestamp")
    deleted: datetime | None = msgspec.field(default=None, name="deletionTimestamp")
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owners: list[Owner] = msgspec.field(default_factory=list, name="ownerReferences")
    managers: list[Manager] = msgspec.field(default_factory=list, name="managedFields")

    @property
    def owner(self) -> Owner | None:
        """Its controller."""
        return next((owner for owner in self.owners if owner.controller), None)

    def last_write(self) -> tuple[float, str]:
        """When something other than its status was written last, and by which manager."""
        writes = [(m.time.timestamp(), m.manager) for m in self.managers if m.time and not m.subresource]
        made = self.created.timestamp() if self.created else 0.0
        return max(writes, default=(made, ""))


class Named(msgspec.Struct, frozen=True):
    """A reference by name."""

    name: str = ""


class KeyRef(msgspec.Struct, frozen=True):
    """One variable's source."""

    config: Named | None = msgspec.field(default=None, name="configMapKeyRef")
    secret: Named | None = msgspec.field(default=None, name="secretKeyRef")


class Variable(msgspec.Struct, frozen=True):
    """One variable."""

    source: KeyRef | None = msgspec.field(default=None, name="valueFrom")


class EnvFrom(msgspec.Struct, frozen=True):
    """All keys as variables."""

    config: Named | None = msgspec.field(default=None, name="configMapRef")
    secret: Named | None = msgspec.field(default=None, name="secretRef")


class Mount(msgspec.Struct, frozen=True):
    """A mounted volume."""

    name: str = ""
    sub_path: str = msgspec.field(default="", name="subPath")
    sub_path_expression: str = msgspec.field(default="", name="subPathExpr")


class SecretVolume(msgspec.Struct, frozen=True):
    """A secret as a volume."""

    name: str = msgspec.field(default="", name="secretName")


class Volume(msgspec.Struct, frozen=True):
    """A volume of configuration."""

    name: str = ""
    config: Named | None = msgspec.field(default=None, name="configMap")
    secret: SecretVolume | None = None


class Container(msgspec.Struct, frozen=True):
    """What a container takes from configuration."""

    image: str = ""
    env: list[Variable] = []
    env_from: list[EnvFrom] = msgspec.field(default_factory=list, name="envFrom")
    mounts: list[Mount] = msgspec.field(default_factory=list, name="volumeMounts")


class PodSpec(msgspec.Struct, frozen=True):
    """Of a template."""

    containers: list[Container] = []
    init: list[Container] = msgspec.field(default_factory=list, name="initContainers")
    volumes: list[Volume] = []


class Template(msgspec.Struct, frozen=True):
    """Of pods."""

    spec: PodSpec = PodSpec()


class WorkloadSpec(msgspec.Struct, frozen=True):
    """Of a workload."""

    template: Template = Template()


class Workload(msgspec.Struct, frozen=True):
    """A Deployment, StatefulSet or DaemonSet."""

    metadata: Metadata
    spec: WorkloadSpec = WorkloadSpec()

    def images(self) -> str:
        """Of its containers."""
        return ", ".join(container.image for container in self.spec.template.spec.containers)

    def fixed_configs(self) -> Iterator[tuple[str, str]]:
        """Kind and name of what its containers read at their start only.

        A mounted volume is refreshed by the kubelet; a variable and a ``subPath`` are not
        (https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
        """
        spec = self.spec.template.spec
        volumes = {volume.name: volume for volume in spec.volumes}
        for container in (*spec.init, *spec.containers):
            for source in (*(v.source for v in container.env), *container.env_from):
                if source and source.config:
                    yield "ConfigMap", source.config.name
                if source and source.secret:
                    yield "Secret", source.secret.name
            for mount in container.mounts:
                volume = volumes.get(mount.name)
                if volume is None or not (mount.sub_path or mount.sub_path_expression):
                    continue
                if volume.config:
                    yield "ConfigMap", volume.config.name
                if volume.secret:
                    yield "Secret", volume.secret.name


class Bare(msgspec.Struct, frozen=True):
    """An object of which only the metadata is read."""

    metadata: Metadata


class Target(msgspec.Struct, frozen=True):
    """What an autoscaler scales."""

    kind: str = ""
    name: str = ""


class HpaSpec(msgspec.Struct, frozen=True):
    """Bounds of an autoscaler."""

    maximum: int = msgspec.field(default=0, name="maxReplicas")
    target: Target = msgspec.field(default=Target(), name="scaleTargetRef")


class HpaStatus(msgspec.Struct, frozen=True):
    """What an autoscaler wants."""

    current: int = msgspec.field(default=0, name="currentReplicas")
    desired: int = msgspec.field(default=0, name="desiredReplicas")


class Hpa(msgspec.Struct, frozen=True):
    """A HorizontalPodAutoscaler; KEDA makes one for each of its ScaledObjects."""

    metadata: Metadata
    spec: HpaSpec = HpaSpec()
    status: HpaStatus = HpaStatus()


class QuotaStatus(msgspec.Struct, frozen=True):
    """Quantities by resource."""

    hard: dict[str, str] = {}
    used: dict[str, str] = {}


class Quota(msgspec.Struct, frozen=True):
    """A ResourceQuota."""

    metadata: Metadata
    status: QuotaStatus = QuotaStatus()


class Condition(msgspec.Struct, frozen=True):
    """Of a NodeClaim."""

    type: str = ""
    status: str = ""
    reason: str = ""


class ClaimStatus(msgspec.Struct, frozen=True):
    """Of a NodeClaim."""

    node: str = msgspec.field(default="", name="nodeName")
    conditions: list[Condition] = []


class NodeClaim(msgspec.Struct, frozen=True):
    """Karpenter's request for a node."""

    metadata: Metadata
    status: ClaimStatus = ClaimStatus()


class TlsSecret(msgspec.Struct, frozen=True):
    """A secret with a certificate; the private key is never decoded."""

    metadata: Metadata
    type: str = ""
    data: dict[str, msgspec.Raw] = {}
