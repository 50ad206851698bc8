"""The parts of Kubernetes objects that the state gauges need, as they come over the wire."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from brain_common.clients.kubernetes.client import ListMeta


class Owner(msgspec.Struct, gc=False):
    """A reference to an owner."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Managed(msgspec.Struct, rename="camel"):
    """Who changed which fields last, and when."""

    manager: str = ""
    time: str | None = None
    fields_v1: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


class ObjectMeta(msgspec.Struct, rename="camel"):
    """Metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] = []
    managed_fields: list[Managed] = []

    @property
    def controller(self) -> Owner | None:
        """The owner that manages it."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class Condition(msgspec.Struct, rename="camel"):
    """One condition of a status."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class MetadataOnly(msgspec.Struct):
    """An object of which only the metadata is read."""

    metadata: ObjectMeta


class _Reference(msgspec.Struct):
    name: str = ""


class _ValueFrom(msgspec.Struct, rename="camel"):
    config_map_key_ref: _Reference | None = None
    secret_key_ref: _Reference | None = None


class _Variable(msgspec.Struct, rename="camel"):
    value_from: _ValueFrom | None = None


class _EnvFrom(msgspec.Struct, rename="camel"):
    config_map_ref: _Reference | None = None
    secret_ref: _Reference | None = None


class _Mount(msgspec.Struct, rename="camel"):
    name: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""


class _Container(msgspec.Struct, rename="camel"):
    env: list[_Variable] = []
    env_from: list[_EnvFrom] = []
    volume_mounts: list[_Mount] = []


class _SecretVolume(msgspec.Struct, rename="camel"):
    secret_name: str = ""


class _Projection(msgspec.Struct, rename="camel"):
    config_map: _Reference | None = None
    secret: _Reference | None = None


class _Projected(msgspec.Struct):
    sources: list[_Projection] = []


class _Volume(msgspec.Struct, rename="camel"):
    name: str = ""
    config_map: _Reference | None = None
    secret: _SecretVolume | None = None
    projected: _Projected | None = None


class PodSpec(msgspec.Struct, rename="camel"):
    """What a pod is made from."""

    containers: list[_Container] = []
    init_containers: list[_Container] = []
    volumes: list[_Volume] = []


class _Template(msgspec.Struct):
    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class _Selector(msgspec.Struct, rename="camel"):
    match_labels: dict[str, str] | None = None


class WorkloadSpec(msgspec.Struct):
    """Of a Deployment, StatefulSet or DaemonSet."""

    replicas: int | None = None
    selector: _Selector = msgspec.field(default_factory=_Selector)
    template: _Template = msgspec.field(default_factory=_Template)


class WorkloadStatus(msgspec.Struct, rename="camel"):
    """Of a Deployment, StatefulSet or DaemonSet; each has some of it."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    conditions: list[Condition] = []


class Workload(msgspec.Struct):
    """A Deployment, StatefulSet or DaemonSet."""

    metadata: ObjectMeta
    spec: WorkloadSpec = msgspec.field(default_factory=WorkloadSpec)
    status: WorkloadStatus = msgspec.field(default_factory=WorkloadStatus)


class _Target(msgspec.Struct):
    kind: str = ""
    name: str = ""


class _ScalerSpec(msgspec.Struct, rename="camel"):
    max_replicas: int = 0
    scale_target_ref: _Target = msgspec.field(default_factory=_Target)


class _ScalerStatus(msgspec.Struct, rename="camel"):
    desired_replicas: int = 0
    current_replicas: int | None = None


class Scaler(msgspec.Struct):
    """A HorizontalPodAutoscaler; KEDA makes one for each ScaledObject."""

    metadata: ObjectMeta
    spec: _ScalerSpec = msgspec.field(default_factory=_ScalerSpec)
    status: _ScalerStatus = msgspec.field(default_factory=_ScalerStatus)


class _QuotaStatus(msgspec.Struct):
    hard: dict[str, str] | None = None
    used: dict[str, str] | None = None


class Quota(msgspec.Struct):
    """A ResourceQuota."""

    metadata: ObjectMeta
    status: _QuotaStatus = msgspec.field(default_factory=_QuotaStatus)


class _ClaimStatus(msgspec.Struct, rename="camel"):
    node_name: str = ""
    conditions: list[Condition] = []


class NodeClaim(msgspec.Struct):
    """A node that Karpenter has asked for."""

    metadata: ObjectMeta
    status: _ClaimStatus = msgspec.field(default_factory=_ClaimStatus)


class _Running(msgspec.Struct, rename="camel"):
    started_at: str | None = None


class _ContainerState(msgspec.Struct):
    running: _Running | None = None


class _ContainerStatus(msgspec.Struct):
    state: _ContainerState = msgspec.field(default_factory=_ContainerState)


class _PodStatus(msgspec.Struct, rename="camel"):
    container_statuses: list[_ContainerStatus] = []


class Pod(msgspec.Struct):
    """A pod, for when its containers began."""

    metadata: ObjectMeta
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


class MetadataList(msgspec.Struct):
    """A page of metadata."""

    metadata: ListMeta
    items: list[MetadataOnly] | None  # null where there are none, in lists of metadata


class WorkloadList(msgspec.Struct):
    """A page of workloads."""

    metadata: ListMeta
    items: list[Workload] | None  # null where there are none, in lists of metadata


class ScalerList(msgspec.Struct):
    """A page of autoscalers."""

    metadata: ListMeta
    items: list[Scaler] | None  # null where there are none, in lists of metadata


class QuotaList(msgspec.Struct):
    """A page of quotas."""

    metadata: ListMeta
    items: list[Quota] | None  # null where there are none, in lists of metadata


class NodeClaimList(msgspec.Struct):
    """A page of node claims."""

    metadata: ListMeta
    items: list[NodeClaim] | None  # null where there are none, in lists of metadata


class PodList(msgspec.Struct):
    """A page of pods."""

    metadata: ListMeta
    items: list[Pod] | None  # null where there are none, in lists of metadata


METADATA_LIST: Final = msgspec.json.Decoder(MetadataList)
WORKLOADS: Final = msgspec.json.Decoder(WorkloadList)
SCALERS: Final = msgspec.json.Decoder(ScalerList)
QUOTAS: Final = msgspec.json.Decoder(QuotaList)
NODE_CLAIMS: Final = msgspec.json.Decoder(NodeClaimList)
PODS: Final = msgspec.json.Decoder(PodList)
