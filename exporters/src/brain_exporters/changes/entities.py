"""Which entity a change is about: the first rule of the configuration that fits, else what the payload suggests."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from brain_common.entity import Entity
from brain_exporters.changes.config import EntityRule
from brain_exporters.changes.model import MAX_NAME, Subject, clean


class EntityMap:
    """Args:
    rules: In order.
    cluster: Where neither a rule nor the payload names one.
    """

    def __init__(self, rules: Sequence[EntityRule], cluster: str) -> None:
        self._rules = tuple(rules)
        self._cluster = cluster

    def entity(self, source: str, subject: Subject) -> Entity:
        """Of a change."""
        rule = next((rule for rule in self._rules if _fits(rule, source, subject)), EntityRule())
        guess = subject.entity
        return self.placed(
            Entity(
                guess.cluster if rule.cluster is None else _filled(rule.cluster, subject),
                guess.namespace if rule.namespace is None else _filled(rule.namespace, subject),
                rule.kind or guess.kind,
                guess.name if rule.name is None else _filled(rule.name, subject),
            )
        )

    def placed(self, entity: Entity) -> Entity:
        """In the exporter's own cluster, where none is named."""
        return entity if entity.cluster else Entity(self._cluster, entity.namespace, entity.kind, entity.name)


def _fits(rule: EntityRule, source: str, subject: Subject) -> bool:
    pairs = ((source, rule.source), (subject.project, rule.project), (subject.environment, rule.environment))
    return all(fnmatchcase(text, pattern) for text, pattern in pairs)


def _filled(text: str, subject: Subject) -> str:
    values = {
        "{project}": last_part(subject.project),
        "{project_id}": subject.project_id,
        "{environment}": subject.environment,
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return clean(text, MAX_NAME)


def last_part(path: str) -> str:
    """``shop`` of ``team/shop``."""
    return path.rstrip("/").rpartition("/")[2]
