"""Which cluster, namespace and service an incident is about, by its group and not by its causes.

Called by the sinks: tags and labels must stay the same while the ranking changes. The group's own labels come
first, then labels that all its alerts share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from brain_rca.model import Incident
from brain_rca.publish.text import clean
from brain_rca.scope.alerting import entity_of

MAX_VALUE: Final = 200  # characters of a label value


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Empty where neither the group nor its alerts agree."""

    cluster: str
    namespace: str
    service: str  # the name of whatever hurts: a service, a workload, a node


def subject_of(incident: Incident, cluster: str = "") -> Subject:
    """Cleaned and capped; ``cluster`` is for groups that have no such label."""
    labels = {**_common(incident), **incident.group_labels}
    entity = entity_of(labels, cluster)
    return Subject(
        cluster=clean(labels.get("cluster") or cluster, MAX_VALUE),
        namespace=clean(entity.namespace if entity else labels.get("namespace", ""), MAX_VALUE),
        service=clean(entity.name if entity else "", MAX_VALUE),
    )


def _common(incident: Incident) -> Mapping[str, str]:
    if not incident.alerts:
        return {}
    shared = dict(incident.alerts[0].labels)
    for alert in incident.alerts[1:]:
        shared = {name: value for name, value in shared.items() if alert.labels.get(name) == value}
    return shared
