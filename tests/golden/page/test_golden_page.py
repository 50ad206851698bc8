"""The page of the rich sample, byte by byte; ``UPDATE_GOLDEN=1 pytest tests/golden`` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from brain_rca.page.headers import STYLE
from brain_rca.page.render import render_incident
from tests.unit.page import samples

GOLDEN = Path(__file__).parent / "incident.html"


def test_the_rich_incident_is_rendered_as_before() -> None:
    html = render_incident(samples.rich(), samples.NOW).replace(STYLE, "/* page.css */")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(html, encoding="utf-8")
    assert html == GOLDEN.read_text(encoding="utf-8")
