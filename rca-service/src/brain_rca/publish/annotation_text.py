"""The body of a Grafana annotation: a small piece of HTML.

Called by the Grafana sink. Grafana sanitises annotation HTML once more when it shows it; that is no reason to
rely on it: everything that came from a label, a log or a server is escaped here, and the only link goes to
this service.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from brain_rca.publish.summary import CauseLine, Summary

MAX_LENGTH: Final = 8000  # characters: a tooltip; MySQL keeps 65,535 bytes, four of them a character at worst


def annotation_html(summary: Summary) -> str:
    """Ranked causes, evidence, the first fix and a link; never longer than ``MAX_LENGTH``.

    Whole lines are left out when it would be longer, never the link.
    """
    link = f'<a href="{escape(summary.link)}">Incident, evidence and proposals</a>'
    lines: list[str] = []
    room = MAX_LENGTH - len(link)
    for line in _lines(summary):
        room -= len(line) + len("<br>")
        if room < 0:
            break
        lines.append(line)
    return "<br>".join([*lines, link])


def _lines(summary: Summary) -> Iterator[str]:
    yield f"<b>{escape(summary.headline)}</b>"
    yield escape(f"{summary.title}, {summary.severity}, {summary.status}")
    if summary.began:
        yield escape(summary.began)
    for cause in summary.causes:
        yield from _cause(cause)
    if summary.none_probability:
        yield escape(f"None of these: {summary.none_probability}")
    if summary.fix:
        yield f"Proposed fix: {escape(summary.fix)}"
    if summary.shared:
        yield escape(summary.shared)
    if summary.missing:
        yield f"Evidence that could not be fetched: {summary.missing}"


def _cause(cause: CauseLine) -> Iterator[str]:
    yield escape(cause.text)
    if cause.evidence:
        yield f"&nbsp;&nbsp;<i>{escape(cause.evidence)}</i>"
