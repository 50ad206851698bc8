"""The proto file says of everything what it means."""

from __future__ import annotations

import re
from pathlib import Path

PROTO = Path(__file__).resolve().parents[2] / "proto/brain_api/rca/v1/rca.proto"
DECLARED = re.compile(r"^(?:message \w+ \{|enum \w+ \{|  (?:repeated )?[\w.<>, ]+ \w+ = \d+;|  [A-Z_]+ = \d+;|  rpc )")


def test_every_message_field_value_and_method_has_a_comment() -> None:
    lines = PROTO.read_text(encoding="utf-8").splitlines()
    declared = [number for number, line in enumerate(lines) if DECLARED.match(line)]
    assert len(declared) > 90
    assert [lines[n].strip() for n in declared if not lines[n - 1].strip().startswith("//")] == []
