"""An incident for a terminal, or for whatever reads instead of one.

Prose is wrapped at the width of the terminal; what is to be copied (commands, queries, diffs) never is, and where the
output is no terminal nothing is: a file or another program has no width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.markup import escape as escape_markup
from rich.table import Table

from brain_common.entity import Entity
from brain_engine.judge import NAMED_FROM
from brain_rca.began import beginnings, known_to
from brain_rca.model import Analysis, Cause, Incident
from brain_rca.page.units import percent
from brain_rca.unjudged import unjudged

_CAUSES, _FINDINGS, _EXPLAINED = 5, 3, 2
_ENDLESS = 10_000  # columns of what is no terminal: more than any line has
# Names of entities come from labels: no escape sequence for the terminal, nothing that reorders or hides text.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def print_incident(incident: Incident, console: Console | None = None) -> None:
    """What was said, ranked causes with their best findings, proposed fix, incidents like it, and missing evidence."""
    console = console or _console()
    analysis = incident.analysis
    print_said(incident, console)
    if late := unjudged(incident):
        console.print(escape(late), soft_wrap=True)
    if analysis is None:
        return
    console.print(
        f"alerting: {escape(', '.join(_name(entity) for entity in analysis.alerting) or 'nothing that a label names')}"
        f"   window: {_full(analysis.window_start)} to {_after(analysis.window_end, analysis.window_start)} UTC"
    )
    _print_beginnings(incident, console)
    if analysis.causes:
        console.print(_table(analysis.causes))
        console.print()
        for cause in analysis.causes[:_EXPLAINED]:
            console.print(f"{cause.rank}. {escape(cause.explanation)}")
            for text in cause.against:
                console.print(f"   [dim]against:[/] {escape(text)}")
        _print_weighing(analysis.causes[0], console)
        _print_looks(analysis.causes[0], console)
        _print_fix(analysis.causes[0], console)
    else:
        console.print(f"[bold]No cause found:[/] {escape(analysis.no_cause_reason)}")
        _print_suspects(analysis, console)
    _print_shared(incident, console)
    _print_similar(analysis, console)
    for sentence in analysis.missing:
        console.print(f"[yellow]missing evidence:[/] {escape(sentence)}")


def print_said(incident: Incident, console: Console | None = None) -> None:
    """Which incident it is, and what people said about its causes."""
    console = console or _console()
    console.print(f"[bold]{escape(incident.title)}[/]  {incident.severity}, {incident.status}")
    for said in incident.feedback:
        fault = f", {said.fault_kind}" if said.fault_kind else ""
        fix = f'; mended by: "{said.fix}"' if said.fix else ""
        what = escape(f"{_name(said.entity)}{fault}")
        who = escape(f"by {said.actor}, {_day(said.at)}{fix}")
        console.print(f"[bold]{said.kind}:[/] {what} ({who})", soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_ENDLESS)


def _print_beginnings(incident: Incident, console: Console) -> None:
    """The date is that of the window, unless a moment is of another day."""
    assert incident.analysis is not None
    moments = [
        f"[bold]{name}:[/] {_after(at, incident.analysis.window_start)} UTC" for name, at in beginnings(incident)
    ]
    if moments:
        console.print("   ".join([*moments, *filter(None, [known_to(incident)])]))


def _table(causes: tuple[Cause, ...]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "cause", "kind", "probability", "began", "evidence"):
        table.add_column(title, overflow="fold")
    for cause in causes[:_CAUSES]:
        table.add_row(
            str(cause.rank),
            escape(_name(cause.entity)),
            cause.fault_kind,
            f"{percent(cause.probability)} {'█' * round(cause.probability * 10)}".rstrip(),
            "" if cause.began is None else _time(cause.began),
            escape("\n".join(_evidence(cause))),
        )
    return table


def _evidence(cause: Cause) -> Iterator[str]:
    """The strongest findings, and the one that the cause began with."""
    best, rest = cause.findings[:_FINDINGS], cause.findings[_FINDINGS:]
    dated = any(finding.onset == cause.began for finding in best)
    first = [] if dated else [finding for finding in rest if finding.onset == cause.began][:1]
    for finding in (*best, *first):
        moments = (("began", finding.onset), ("over", finding.until))
        yield ", ".join((finding.sentence, *(f"{name} {_time(at)}" for name, at in moments if at is not None)))


def _print_suspects(analysis: Analysis, console: Console) -> None:
    if not analysis.suspects:
        return
    console.print(f"[bold]nearest to one[/] (of the {NAMED_FROM:g} nats that it takes to be named):")
    for one in analysis.suspects:
        said = f": {one.finding.sentence}" if one.finding else " alerts"
        console.print(f"  {one.weight:.2g}  {escape(_name(one.entity) + said)}")


def _print_weighing(cause: Cause, console: Console) -> None:
    if not cause.weighed:
        return
    console.print("[bold]weighed:[/]")
    for step in cause.weighed:
        how = f" = {step.how}" if step.how else ""
        console.print(f"  {step.nats:+.3g} {escape(step.what + how)}")
    console.print(f"  = {cause.weight:.3g} nats, divided by {cause.temperature:.3g}")


def _print_looks(cause: Cause, console: Console) -> None:
    for look in cause.look:
        console.print(f"[bold]look at:[/] {escape(look.what)}")
        if look.command:
            console.print(f"  {escape(look.command)}", soft_wrap=True)


def _print_fix(cause: Cause, console: Console) -> None:
    for proposal in cause.proposals:
        console.print(f"\n[bold]Proposed fix[/] ({proposal.validation}): {escape(proposal.title)}")
        console.print(escape(proposal.diff), soft_wrap=True)
        console.print(f"risk: {escape(proposal.risk)}")
        console.print("rollback:")
        for line in proposal.rollback.splitlines():
            console.print(f"  {escape(line)}", soft_wrap=True)


def _print_shared(incident: Incident, console: Console) -> None:
    if incident.shared is None:
        return
    console.print(f"[bold]one cause, {incident.shared.total} groups:[/] {escape(_name(incident.shared.entity))}")
    for member in incident.shared.members:
        console.print(f"  {escape(member.incident_id)}  {escape(member.title)}")


def _print_similar(analysis: Analysis, console: Console) -> None:
    for one in analysis.similar:
        title = escape(f"{one.incident_id}  {one.title}, {_day(one.opened_at)}")
        fix = f'; mended by: "{one.fix}"' if one.fix else ""
        console.print(f"[bold]similar ({one.score:.2f}):[/] {title}", soft_wrap=True)
        console.print(f"  {escape(_name(one.entity))}: {escape(one.why + fix)}", soft_wrap=True)


def _name(entity: str) -> str:
    parsed = Entity.parse(entity)
    return f"{parsed.kind} {parsed.namespace + '/' if parsed.namespace else ''}{parsed.name}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def _full(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _after(seconds: float, dated: float) -> str:
    """With its date where that is not the one of ``dated``, which stands before it."""
    return _time(seconds) if _full(seconds)[:10] == _full(dated)[:10] else _full(seconds)


def _day(seconds: float) -> str:
    return _full(seconds)[:-3]


def escape(text: str) -> str:
    """``text`` as it is, whatever it holds."""
    return escape_markup(plain(text))


def plain(text: str) -> str:
    """``text`` without what a terminal would obey or hide."""
    return _UNSEEN.sub("", text)
