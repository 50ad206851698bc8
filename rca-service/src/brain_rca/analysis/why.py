"""Why a cause is ranked where it is: what, what was changed, how it reaches the alert, and why not the next one.

By templates, from what the engine hands over; the same judgement gives the same text. It claims nothing that the
evidence does not say: two causes that are about as likely are called so.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from brain_engine.judge import RankedCause
from brain_rca.analysis.changes import lead, told
from brain_rca.analysis.words import short
from brain_rca.model import FEEDBACK_SIGNAL, Change, ChangeKind, Finding
from brain_rca.page.units import percent

NEAR: Final = 0.8  # of the likelier one's probability: what differs less is no difference to act on
_MISSING_SAID = 2
_NAMES = {
    "latency": "slow answers",
    "errors": "failing requests",
    "load": "a change of traffic",
    "cpu": "CPU use",
    "memory": "memory use",
    "disk": "disk use",
    "network": "the network",
    "saturation": "a resource at its limit",
    "restarts": "restarting containers",
    "availability": "unavailable instances",
    "cost": "what it costs",
    "unknown": "deviations of an unknown kind",
}
_CHANGED = {
    ChangeKind.CONFIG: "Its configuration was changed",
    ChangeKind.ROLLOUT: "It was rolled out",
    ChangeKind.SYNC: "It was synced",
    ChangeKind.INFRASTRUCTURE: "Its infrastructure was changed",
}


def explanation(
    cause: RankedCause,
    alerting: tuple[str, ...],
    quoted: Finding | None = None,
    changes: tuple[Change, ...] = (),
) -> str:
    """What stands out, what was changed before, and the way to what alerts; when it began is told beside it.

    Args:
        cause: Which.
        alerting: Entities the alerts are about.
        quoted: Its ``telling`` finding, in words.
        changes: To it, shortly before it began.
    """
    text = f"{short(cause.entity)} stands out by {_NAMES.get(cause.fault_kind, cause.fault_kind)}"
    text += f": {quoted.sentence}." if quoted else "."
    text += "".join(f" {_changed(change)}" for change in changes)
    if len(cause.path) > 1:
        text += f" It reaches what alerts over {' → '.join(short(one) for one in cause.path)}."
    elif cause.entity in alerting:
        text += " It is itself what alerts."
    return text


def telling(cause: RankedCause) -> int:
    """Place of the finding that shows its kind of fault: the strongest of that family, else the strongest of all."""
    families = [finding.signal.family.value for finding in cause.findings]
    return families.index(cause.fault_kind) if cause.fault_kind in families else 0


def contrast(place: int, causes: Sequence[RankedCause], none: float, entities: Collection[str]) -> str:
    """Why this cause and not the next one; of a later cause, only that it is as likely as the first.

    Args:
        place: Of the cause in ``causes``, from 0.
        causes: All, the likeliest first.
        none: Probability that it is none of them.
        entities: Names that the engine's sentences may hold; shortened.
    """
    one = causes[place]
    if place > 0:
        return f"It is as likely as {short(causes[0].entity)}." if _near(one, causes[0]) else ""
    return " ".join(in_words(text, entities) for text in (_none(one, none), _next(causes)) if text)


def without(missing: Sequence[str]) -> str:
    """What was not seen, as a caution; empty when all was."""
    if not missing:
        return ""
    more = f", and {len(missing) - _MISSING_SAID} more" if len(missing) > _MISSING_SAID else ""
    return f"Judged without all evidence: {'; '.join(missing[:_MISSING_SAID])}{more}."


def learnt(cause: RankedCause) -> tuple[Finding, ...]:
    """What people said of it in earlier incidents, where that speaks for it."""
    if cause.prior.nats <= 0:
        return ()
    score = -math.expm1(-cause.prior.nats)
    said = f"{cause.prior.words} (+{cause.prior.nats:.2f} nats)"
    return (
        Finding(entity=cause.entity, signal=FEEDBACK_SIGNAL, score=score, onset=None, direction="up", sentence=said),
    )


def _near(one: RankedCause, other: RankedCause) -> bool:
    low, high = sorted((one.probability, other.probability))
    return low >= NEAR * high


def _none(first: RankedCause, none: float) -> str:
    return f"That it is none of these is likelier: {percent(none)}." if none > first.probability else ""


def _next(causes: Sequence[RankedCause]) -> str:
    first = causes[0]
    equals = [one for one in causes[1:] if _near(one, first)]
    if equals:
        others = " and ".join(f"{short(one.entity)} ({percent(one.probability)})" for one in equals[:2])
        return f"It is as likely as {others}: the evidence does not tell them apart."
    if len(causes) < 2:
        return ""
    second = causes[1]
    reason = second.against[0] if second.against else _lighter(first, second)
    return f"Next is {short(second.entity)} ({percent(second.probability)}){': ' + reason if reason else ''}."


def _lighter(first: RankedCause, second: RankedCause) -> str:
    if not 0 < second.weight < first.weight:
        return ""
    return f"its evidence weighs {second.weight:.3g} nats against {first.weight:.3g}"


def in_words(text: str, entities: Collection[str]) -> str:
    """Entity names inside an engine's sentence, shortened for people."""
    for word in text.replace(",", " ").split():
        if word in entities:
            text = text.replace(word, short(word))
    return text


def _changed(change: Change) -> str:
    return f"{_CHANGED[change.kind]} {lead(change)}: {told(change)}."
