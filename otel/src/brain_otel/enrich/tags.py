"""Fixed attributes: the cluster, the industry, whatever else all signals that pass here have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from brain_common.settings import Settings
from brain_otel.batch import Group
from brain_otel.enrich.kind import Context, EnricherKind


class TagSettings(Settings):
    """Attributes for all, and for those of a namespace."""

    attributes: Mapping[str, str] = Field(default={}, description="For every resource, such as `brain.industry`.")
    by_namespace: Mapping[str, Mapping[str, str]] = Field(
        default={}, description="For resources of a Kubernetes namespace; these win over `attributes`."
    )
    overwrite: bool = Field(default=False, description="Whether they replace what a resource says itself.")


class Tags:
    """Sets them. What a resource says itself stays, unless settings say otherwise."""

    def __init__(self, settings: TagSettings, context: Context) -> None:
        cluster = {"k8s.cluster.name": context.cluster} if context.cluster else {}
        self._common = {**cluster, **settings.attributes}
        self._by_namespace = {name: {**self._common, **more} for name, more in settings.by_namespace.items()}
        self._overwrite = settings.overwrite

    def enrich(self, group: Group) -> None:
        """Set them on the resource."""
        resource = group.resource
        tags = self._by_namespace.get(resource.get("k8s.namespace.name"), self._common)
        put = resource.set if self._overwrite else resource.setdefault
        for key, value in tags.items():
            put(key, value)


KIND: Final = EnricherKind(name="tags", settings=TagSettings, build=Tags, resource_only=True)
