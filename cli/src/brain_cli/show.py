"""An incident for a terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from brain_common.entity import Entity
from brain_rca.model import Analysis, Cause, Incident

_CAUSES, _FINDINGS, _EXPLAINED = 5, 3, 2
# Names of entities come from labels: no escape sequence for the terminal, nothing that reorders or hides text.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def print_incident(incident: Incident, console: Console | None = None) -> None:
    """What was said, ranked causes with their best findings, proposed fix, incidents like it, and missing evidence."""
    console = console or Console(highlight=False)
    analysis = incident.analysis
    print_said(incident, console)
    if analysis is None:
        console.print("not judged yet")
        return
    console.print(
        f"alerting: {escape(', '.join(_name(entity) for entity in analysis.alerting) or 'nothing known')}"
        f"   window: {_time(analysis.window_start)} to {_time(analysis.window_end)} UTC"
    )
    if analysis.causes:
        console.print(_table(analysis.causes))
        for cause in analysis.causes[:_EXPLAINED]:
            console.print(f"{cause.rank}. {escape(cause.explanation)}")
            for text in cause.against:
                console.print(f"   [dim]against:[/] {escape(text)}")
        _print_weighing(analysis.causes[0], console)
        _print_looks(analysis.causes[0], console)
        _print_fix(analysis.causes[0], console)
    else:
        console.print(f"[bold]No cause found:[/] {escape(analysis.no_cause_reason)}")
    _print_shared(incident, console)
    _print_similar(analysis, console)
    for sentence in analysis.missing:
        console.print(f"[yellow]missing evidence:[/] {escape(sentence)}")


def print_said(incident: Incident, console: Console | None = None) -> None:
    """Which incident it is, and what people said about its causes."""
    console = console or Console(highlight=False)
    console.print(f"[bold]{escape(incident.title)}[/]  {incident.severity}, {incident.status}")
    for said in incident.feedback:
        fault = f", {said.fault_kind}" if said.fault_kind else ""
        fix = f'; mended by: "{said.fix}"' if said.fix else ""
        what = escape(f"{_name(said.entity)}{fault}")
        who = escape(f"by {said.actor}, {_day(said.at)}{fix}")
        console.print(f"[bold]{said.kind}:[/] {what} ({who})", soft_wrap=True)


def _table(causes: tuple[Cause, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "cause", "kind", "probability", "evidence"):
        table.add_column(title, overflow="fold")
    for cause in causes[:_CAUSES]:
        evidence = "\n".join(
            f"{finding.sentence}" + (f" from {_time(finding.onset)}" if finding.onset else "")
            for finding in cause.findings[:_FINDINGS]
        )
        table.add_row(
            str(cause.rank),
            escape(_name(cause.entity)),
            cause.fault_kind,
            f"{cause.probability:.0%} {'█' * round(cause.probability * 10)}",
            escape(evidence),
        )
    return table


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
        console.print(escape(proposal.diff))
        console.print(f"risk: {escape(proposal.risk)}\nrollback: {escape(proposal.rollback)}")


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


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def escape(text: str) -> str:
    """``text`` as it is, whatever it holds."""
    return escape_markup(plain(text))


def plain(text: str) -> str:
    """``text`` without what a terminal would obey or hide."""
    return _UNSEEN.sub("", text)
