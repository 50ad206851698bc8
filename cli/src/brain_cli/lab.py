"""``brain lab``: recorded incidents into a real Prometheus, and simulated ones judged and scored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from brain_cli.lab_run import run
from brain_cli.rca import YEAR_3000
from brain_cli.recorded_sets import Dataset

app = typer.Typer(no_args_is_help=True)
app.command()(run)


@app.callback()
def _group() -> None:
    """Recorded and simulated incidents."""


@app.command()
def replay(
    dataset: Dataset,
    path: Annotated[Path, typer.Option(help="Folder of the data set, which you have.")],
    case: Annotated[str, typer.Option(help="Id of the case; a wrong one lists those there are.")],
    into_prometheus: Annotated[Path, typer.Option(help="New or empty folder that becomes Prometheus' data.")],
    end: Annotated[
        float | None,
        typer.Option(min=0, max=YEAR_3000, help="When the incident ends, seconds since the epoch; now when left out."),
    ] = None,
) -> None:
    """Load a recorded incident so that it ends now, with a rule that fires on it."""
    from brain_common.errors import InputError
    from brain_lab.recorded import list_cases, load_case
    from brain_lab.replay.run import replay as run

    known = list_cases(dataset, path)
    if case not in known:
        raise InputError(f"case {case!r} is not among: {', '.join(known) or 'none found in this folder'}")
    result = run(load_case(dataset, path, case), into_prometheus, time.time() if end is None else end, _progress)
    typer.echo(f"{result.samples:,} samples of {result.series} series in {result.tsdb}")
    typer.echo(f"fires at the end: {', '.join(result.alerts) or 'nothing'}")
    typer.echo(f"prometheus --storage.tsdb.path={result.tsdb} --config.file={result.config}")
    if result.group is not None:
        typer.echo(f"brain rca analyze --alerts {result.group} --prometheus http://localhost:9090")


@app.command()
def evaluate(
    platform: Annotated[
        list[str] | None, typer.Option(help="Platform to play; may be given several times; all when left out.")
    ] = None,
    faults: Annotated[
        str, typer.Option(help="Faults, separated by commas, a combination joined by +; all when left out.")
    ] = "",
    seeds: Annotated[str, typer.Option(help="A seed, or a range such as 1..3.")] = "1..3",
    scenarios: Annotated[
        Path | None,
        typer.Option(help="Scenario file, or folder of them, instead of all faults and seeds."),
    ] = None,
    ranker: Annotated[str, typer.Option(help="Entry point of the ranker.")] = "explain-away",
    ablate: Annotated[str, typer.Option(help="Take a signal, or an idea of the ranker, away.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each processor.")] = 0,
    dask: Annotated[str, typer.Option(help="Address of a Dask scheduler, tcp://HOST:PORT, instead of processes.")] = "",
    report: Annotated[Path | None, typer.Option(help="HTML file for the report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON on standard output.")] = False,
) -> None:
    """Play scenarios on simulated platforms, ask the product, and score its answers."""
    from brain_cli.evaluation import Request, evaluation

    names = tuple(name.strip() for name in faults.split(",") if name.strip())
    done = evaluation(Request(tuple(platform or ()), names, seeds, ranker, workers, dask, scenarios, ablate, report))
    done.show(as_json=as_json)
    if report is not None:
        done.write(report)
        typer.echo(f"report: {report}", err=True)


def _progress(done: int, total: int) -> None:
    typer.echo(f"block {done} of {total}", err=True)
