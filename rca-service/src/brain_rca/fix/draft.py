"""Draws up one proposal: fills an entry of the catalogue with the names and numbers of a cause.

Called by the catalogue for each entry it chose. Pure; it neither knows why the entry was chosen
nor tries the change.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping
from string import Template

from brain_rca.fix.entry import Fix
from brain_rca.fix.names import SafeNames
from brain_rca.fix.quantity import Fact
from brain_rca.model import Proposal

_WHOLE_FILE = 1000  # lines of context: manifests in the catalogue are excerpts and shown whole


def draft(fix: Fix, names: SafeNames, current: Mapping[Fact, float]) -> Proposal:
    """The proposal; what was guessed or left out is said in its rationale."""
    values = {"name": names.name, "namespace": names.namespace, "caller": names.caller}
    if fix.quantity:
        values["current"], values["proposed"] = fix.quantity.texts(current.get(fix.quantity.fact))
    used = fix.variables()
    notes = [note for variable, note in names.notes.items() if variable in used]
    assumption = [f"Assumes {_fill(fix.assumes, values)}."] if fix.assumes else []
    return Proposal(
        kind=fix.kind,
        title=_fill(fix.title, values),
        diff=_diff(fix, values),
        rationale=" ".join([_fill(fix.rationale, values), *assumption, *notes]),
        risk=fix.risk,
        rollback=_fill(fix.rollback, {name: shlex.quote(value) for name, value in values.items()}),
    )


def _fill(template: str, values: Mapping[str, str]) -> str:
    return Template(template).substitute(values)


def _diff(fix: Fix, values: Mapping[str, str]) -> str:
    """A unified diff that ``git apply`` and ``patch -p1`` understand."""
    path = _fill(fix.file, values)
    before, after = (_fill(text, values).splitlines() for text in (fix.before, fix.after))
    old = f"a/{path}" if before else "/dev/null"
    lines = difflib.unified_diff(before, after, old, f"b/{path}", n=_WHOLE_FILE, lineterm="")
    return "\n".join(lines) + "\n"
