"""Draws up one proposal: fills an entry of the catalogue with the names and numbers of a cause.

Called by the catalogue for each entry it chose. Pure; it neither knows why the entry was chosen
nor tries the change.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from string import Template

from brain_rca.analysis.changes import lead, told
from brain_rca.fix.config_map import config_map_edit
from brain_rca.fix.entry import Fix
from brain_rca.fix.names import SafeNames
from brain_rca.fix.quantity import Fact
from brain_rca.model import Change, Proposal

_BY_HAND = re.compile(r"<[^<>\n]+>")
_WHOLE_FILE = 1000  # lines of context: manifests in the catalogue are excerpts and shown whole


def draft(fix: Fix, names: SafeNames, current: Mapping[Fact, float], change: Change | None = None) -> Proposal:
    """The proposal; what was guessed or left out is said in its rationale.

    Of ``change``, which it takes back, the templates get the time, names that Kubernetes would accept, and harmless
    values: its words come from anybody, and are quoted in the rationale only.
    """
    values = {"name": names.name, "namespace": names.namespace, "caller": names.caller}
    if fix.quantity:
        values["current"], values["proposed"] = fix.quantity.texts(current.get(fix.quantity.fact))
    if change:
        edit = config_map_edit(change)
        values["at"] = f"{_utc(change.at):%H:%M:%S} UTC"
        values["config_map"] = edit.name or f"<ConfigMap of {names.name}>"
        values["config_key"] = edit.key or "<changed key>"
        values["config_new"] = edit.new or f"<value since {values['at']}>"
        values["config_old"] = edit.old or f"<value before {values['at']}>"
    used = fix.variables()
    notes = [note for variable, note in names.notes.items() if variable in used]
    assumption = [f"Assumes {_fill(fix.assumes, values)}."] if fix.assumes else []
    return Proposal(
        kind=fix.kind,
        title=_fill(fix.title, values | {"name": names.shown}),
        diff=_diff(fix, values),
        rationale=" ".join([*_evidence(change), _fill(fix.rationale, values), *assumption, *notes]),
        risk=fix.risk,
        rollback=_fill(fix.rollback, {name: shlex.quote(value) for name, value in values.items()}),
    )


def is_whole(proposal: Proposal) -> bool:
    """Whether nothing of it has to be put in by hand, which ``<…>`` marks."""
    return _BY_HAND.search(proposal.diff) is None


def _evidence(change: Change | None) -> list[str]:
    """What changed, who did it, when, and how long before the cause began."""
    if change is None:
        return []
    return [f"{told(change)} at {_utc(change.at):%Y-%m-%d %H:%M:%S} UTC, {lead(change)}."]


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _fill(template: str, values: Mapping[str, str]) -> str:
    return Template(template).substitute(values)


def _diff(fix: Fix, values: Mapping[str, str]) -> str:
    """A unified diff that ``git apply`` and ``patch -p1`` understand."""
    path = _fill(fix.file, values)
    before, after = (_fill(text, values).splitlines() for text in (fix.before, fix.after))
    old = f"a/{path}" if before else "/dev/null"
    lines = difflib.unified_diff(before, after, old, f"b/{path}", n=_WHOLE_FILE, lineterm="")
    return "\n".join(lines) + "\n"
