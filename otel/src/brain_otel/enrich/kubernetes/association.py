"""Which pod a resource is of: rules in their order, as k8sattributes has them.

The first rule whose sources the resource has decides, found or not. A resource that names a pod which is unknown yet
is not looked up by its connection: that may be the Collector's, and a wrong pod is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

from brain_otel.batch import Group
from brain_otel.enrich.kubernetes.cluster import Cluster
from brain_otel.enrich.kubernetes.config import AssociationSettings
from brain_otel.enrich.kubernetes.pod import Pod

Key = str | tuple[str, str]
Source = tuple[Callable[[Group], Key], Mapping[Key, Pod]]


class Associations:
    """All rules over what is known."""

    def __init__(self, rules: Sequence[AssociationSettings], cluster: Cluster) -> None:
        self._rules = tuple(tuple(_sources(rule, cluster)) for rule in rules)

    def find(self, group: Group) -> tuple[Pod | None, bool]:
        """The pod, if it is known; and whether any rule applied."""
        for rule in self._rules:
            keys = [key(group) for key, _ in rule]
            if all(keys):
                found = [known.get(key) for key, (_, known) in zip(keys, rule, strict=True)]
                pod = found[0]
                return (pod if all(each is pod for each in found) else None), True
        return None, False


def _sources(rule: AssociationSettings, cluster: Cluster) -> list[Source]:
    found: dict[str, Source] = {}
    for source in rule.sources:
        name = "connection" if source.from_ == "connection" else source.name
        if name in ("k8s.pod.name", "k8s.namespace.name"):
            found["name"] = (_named, cluster.by_name)  # type: ignore[assignment]
        else:
            found[name] = (_KEYS[name], _known(name, cluster))
    return list(found.values())


def _known(name: str, cluster: Cluster) -> Mapping[Key, Pod]:
    known: dict[str, dict[str, Pod]] = {"k8s.pod.uid": cluster.by_uid, "container.id": cluster.by_container}
    return known.get(name, cluster.by_ip)  # type: ignore[return-value]


def _named(group: Group) -> Key:
    namespace, name = group.resource.get("k8s.namespace.name"), group.resource.get("k8s.pod.name")
    return (namespace, name) if namespace and name else ""


def _host(group: Group) -> str:
    """``host.name``, where it is an address."""
    text = group.resource.get("host.name")
    try:
        return str(ip_address(text)) if text else ""
    except ValueError:
        return ""


_KEYS: Mapping[str, Callable[[Group], Key]] = {
    "connection": lambda group: group.peer.removeprefix("::ffff:"),  # IPv4, as a listener on all of IPv6 says it
    "k8s.pod.ip": lambda group: group.resource.get("k8s.pod.ip"),
    "k8s.pod.uid": lambda group: group.resource.get("k8s.pod.uid"),
    "container.id": lambda group: group.resource.get("container.id"),
    "host.name": _host,
}
