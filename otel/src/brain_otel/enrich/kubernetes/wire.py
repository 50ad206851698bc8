"""The parts of pods, nodes, namespaces and owners that are used, as they come over the wire."""

from __future__ import annotations

from typing import Final

import msgspec


class Owner(msgspec.Struct, frozen=True, gc=False):
    """A reference to an owner."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Meta(msgspec.Struct, rename="camel"):
    """Metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None

    @property
    def controller(self) -> Owner | None:
        """The owner that manages it."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


class Container(msgspec.Struct, gc=False):
    """Of the spec."""

    name: str = ""
    image: str = ""


class Spec(msgspec.Struct, rename="camel"):
    """Of a pod."""

    node_name: str | None = None
    host_network: bool | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None


class Address(msgspec.Struct, gc=False):
    """One address of a pod."""

    ip: str = ""


class ContainerStatus(msgspec.Struct, gc=False):
    """Which container runs."""

    name: str = ""
    container_id: str | None = msgspec.field(default=None, name="containerID")


class Status(msgspec.Struct, rename="camel"):
    """Of a pod."""

    phase: str = ""
    pod_ip: str | None = msgspec.field(default=None, name="podIP")
    pod_ips: list[Address] | None = msgspec.field(default=None, name="podIPs")
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class PodObject(msgspec.Struct):
    """A pod."""

    metadata: Meta
    spec: Spec = msgspec.field(default_factory=Spec)
    status: Status = msgspec.field(default_factory=Status)


class MetaObject(msgspec.Struct):
    """An object of which only the metadata is read."""

    metadata: Meta


POD: Final = msgspec.json.Decoder(PodObject)
META: Final = msgspec.json.Decoder(MetaObject)
