"""``brain bench``: figures of the product, each by a command that anybody can repeat."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from brain_cli.recorded_sets import Dataset

if TYPE_CHECKING:
    import msgspec
    from rich.table import Table

app = typer.Typer(no_args_is_help=True)

_TABLES = ("without", "peers")  # figures that are tables of their own
_APART = ("bench", "bars", *_TABLES)

Peers = Annotated[
    Path | None,
    typer.Option(
        "--peers",
        exists=True,
        dir_okay=False,
        help="Also ask published methods; the Python of their environment (make peers).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")]


@app.callback()
def _group() -> None:
    """Measure the product."""


@app.command()
def analysis(
    groups: Annotated[int, typer.Option(min=1, max=80, help="Groups that are timed, one after another.")] = 40,
    services: Annotated[int, typer.Option(min=4, max=2000, help="Services in the recorded system.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Seconds from webhook to annotation, and what an analysis costs, behind a real Prometheus."""
    from brain_lab.bench import analysis as bench

    _show(bench.run(groups, services, _progress), as_json=as_json)


@app.command()
def intake(
    groups: Annotated[int, typer.Option(min=1, max=5000, help="Alert groups; each is told about ten times.")] = 500,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections at the same time.")] = 50,
    as_json: AsJson = False,
) -> None:
    """A burst of notifications, each made durable before it is answered."""
    from brain_lab.bench import intake as bench

    _show(bench.run(groups, connections, _progress), as_json=as_json)


@app.command()
def crash(
    kills: Annotated[int, typer.Option(min=1, max=1000, help="Times the service is killed.")] = 50,
    store: Annotated[Literal["sqlite", "postgres"], typer.Option(help="Where incidents are kept.")] = "sqlite",
    as_json: AsJson = False,
) -> None:
    """kill -9 at random moments under intake: nothing accepted is lost, nothing is told twice."""
    from brain_lab.bench import crash as bench

    _show(bench.run(kills, store, _progress), as_json=as_json)


@app.command()
def outage(
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long each server is away.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Grafana, Prometheus, Alertmanager and PostgreSQL away, one after another."""
    from brain_lab.bench import outage as bench

    _show(bench.run(seconds, _progress), as_json=as_json)


@app.command()
def rca(
    dataset: Dataset,
    path: Annotated[Path, typer.Option(help="Folder of the data set, which you have.")],
    rankings: Annotated[
        Path | None, typer.Option(help="File for the rankings: a line of JSON per case, as scorers read them.")
    ] = None,
    ranker: Annotated[str, typer.Option(help="Entry point of the ranker.")] = "explain-away",
    injection_time: Annotated[
        Literal["known", "late60", "late120", "unknown"],
        typer.Option(help="What the alerts tell about when the fault began; late: so many seconds too late."),
    ] = "unknown",
    ablate: Annotated[
        str, typer.Option(help="Take away one signal, or one idea of the ranker; an unknown name lists them.")
    ] = "",
    ablations: Annotated[
        bool, typer.Option("--ablations", help="A table instead: each signal and each idea taken away, one at a time.")
    ] = False,
    leak_check: Annotated[
        bool,
        typer.Option("--leak-check", help="Also judge with services renamed and columns shuffled: nothing may change."),
    ] = False,
    peers: Peers = None,
    as_json: AsJson = False,
) -> None:
    """How often the judgement is right on recorded public incidents."""
    from brain_cli import recorded
    from brain_cli.recorded import ProductJudge
    from brain_lab.bench import rca as bench
    from brain_lab.bench import rca_ablations
    from brain_lab.bench.told import InjectionTime

    if ablations and (ablate or rankings or leak_check or peers):
        raise typer.BadParameter(
            "--ablations is a table by itself: without --ablate, --rankings, --leak-check and --peers"
        )
    course = bench.Course(dataset, path, InjectionTime(injection_time), rankings, leak_check, ranker, ablate, peers)
    if ablations:
        _show(rca_ablations.run(course, recorded.ablations(ranker), _progress), as_json=as_json)
        return
    _show(bench.run(course, ProductJudge(ranker, ablate), _progress), as_json=as_json)


@app.command()
def rca_scale(
    ranker: Annotated[str, typer.Option(help="Entry point of the ranker.")] = "explain-away",
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Times that each size is judged; the best counts.")] = 3,
    peers: Peers = None,
    as_json: AsJson = False,
) -> None:
    """Processor time of a judgement for systems of up to 5,000 services, the engine alone."""
    from brain_cli.ablation import ranker_named
    from brain_lab.bench import rca_scale as bench

    ranker_named(ranker)
    _show(bench.run(ranker, rounds, _progress, peers=peers), as_json=as_json)


@app.command()
def lab(
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated hour.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Seconds and memory of the lab for an hour of a platform with 200 services, on one core."""
    from brain_lab.bench import lab as bench

    _show(bench.run(seed, _progress), as_json=as_json)


@app.command()
def lake(
    rows: Annotated[int, typer.Option(min=1000, max=1_000_000_000, help="Events in the lake.")] = 10_000_000,
    commits: Annotated[int, typer.Option(min=20, max=100_000, help="Commits that they come in.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Seconds to ask for the last hour of one entity among ten million events."""
    from brain_lab.bench import lake as bench

    _show(bench.run(rows, commits, _progress), as_json=as_json)


@app.command()
def exporters(
    kills: Annotated[int, typer.Option(min=1, max=1000, help="Times each of two exporters is killed.")] = 50,
    seconds: Annotated[float, typer.Option(min=5, max=600, help="Of load for kube-events.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """What kube-events and cloudtrail sustain, what kill -9 costs them, and how quick the lake answers."""
    from brain_lab.bench import exporters as bench

    _show(bench.run(kills, seconds, _progress), as_json=as_json)


@app.command()
def otel(
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Of each load with a rate.")] = 10.0,
    away: Annotated[float, typer.Option(min=1, max=300, help="Seconds that the next hop is away.")] = 10.0,
    kills: Annotated[int, typer.Option(min=1, max=100, help="Times the processor is killed.")] = 6,
    as_json: AsJson = False,
) -> None:
    """What the processor behind a Collector sustains, costs and loses: five minutes of real processes."""
    from brain_lab.bench.otel import run as bench

    _show(bench.run(seconds, away, kills, _progress), as_json=as_json)


@app.command()
def otel_soak(
    minutes: Annotated[float, typer.Option(min=1, max=1440, help="Of steady load.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Memory of the processor under a steady load of logs and spans, minute by minute."""
    from brain_lab.bench.otel import soak as bench

    _show(bench.run(minutes, _progress), as_json=as_json)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _show(figures: msgspec.Struct, *, as_json: bool) -> None:
    """The figures, and exit code 1 where one misses its bar."""
    import msgspec

    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(figures) + b"\n")
        sys.stdout.flush()
    else:
        _print(msgspec.to_builtins(figures))
    if not all(bar["met"] for bar in msgspec.to_builtins(figures)["bars"]):
        raise typer.Exit(1)


def _print(figures: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("figure", "measured", "bar", ""):
        table.add_column(title, justify="right" if title == "measured" else "left")
    bars = {bar["figure"]: bar for bar in figures["bars"]}
    for name, value in _flat({key: value for key, value in figures.items() if key not in _APART}):
        bar = bars.get(name, {"bar": "", "met": None})
        verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[bar["met"]]
        table.add_row(name, _cell(value), bar["bar"], verdict)
    Console(highlight=False).print(table)
    for name in _TABLES:
        if figures.get(name):
            Console(highlight=False).print(_rows(name, figures[name]))


def _rows(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """Figures that are the same of each thing: a row a thing."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    for column in next(iter(rows.values())):
        table.add_column(column, justify="right")
    for name, row in rows.items():
        table.add_row(name, *map(_cell, row.values()))
    return table


def _cell(value: object) -> str:
    """A figure; empty where there is none."""
    return "" if value is None else f"{value:,.3f}" if isinstance(value, float) else f"{value}"


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    """Figures by their name with dots, as bars name them."""
    rows: list[tuple[str, Any]] = []
    for name, value in figures.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)]
    return rows
