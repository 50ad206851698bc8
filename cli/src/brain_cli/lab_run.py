"""``brain lab run``: a simulated platform in which something breaks, into a folder or in real time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from brain_cli.rca import YEAR_3000

if TYPE_CHECKING:
    from brain_lab.run.folder import Written
    from brain_lab.run.request import Request

_ONSET_BEFORE_END: Final = 900.0
"""Seconds; enough for the rules to fire and for the trouble to spread."""

_LIVE_ONSET: Final = 30.0
"""Seconds after the past has ended: somebody wants to see it begin."""

_SOON: Final = 300.0
"""Seconds that an instant query looks back."""


def run(
    platform: Annotated[str, typer.Argument(help="finance, healthcare or automotive; --list tells more.")] = "",
    fault: Annotated[str, typer.Option(help="What breaks; two joined by + break together.")] = "none",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another target, strength and noise.")] = 1,
    out: Annotated[Path | None, typer.Option(help="New or empty folder for everything; --live can do without.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Go on in real time, into a Prometheus that is started.")
    ] = False,
    target: Annotated[str, typer.Option(help="Name of what breaks; drawn from the seed when left out.")] = "",
    length: Annotated[float, typer.Option(help="Minutes that are simulated; with --live, of past.")] = 60.0,
    onset: Annotated[
        float | None,
        typer.Option(help="Minute of the run at which the fault begins; 15 before its end, with --live half past now."),
    ] = None,
    end: Annotated[
        float | None,
        typer.Option(
            min=0, max=YEAR_3000, help="When it ends, seconds since the epoch; now when left out. Not with --live."
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(min=1, max=720, help="With --live: how long it goes on.")] = 10.0,
    alertmanager: Annotated[str, typer.Option(help="With --live: URL of who is told of the alerts.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --live: of Prometheus; 0: a free one.")] = 9090,
    forward: Annotated[str, typer.Option(help="With --live: host:port of a Fluent Forward input for logs.")] = "",
    otlp: Annotated[
        str, typer.Option(help="With --live: http://host:port, or host:port for gRPC, for logs and traces.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="Say which platforms and faults there are, and exit.")] = False,
) -> None:
    """Simulate a platform in which something breaks, with everything that it would tell."""
    from brain_common.errors import InputError
    from brain_lab.run.request import Request, check, whole

    if list_:
        _list()
        return
    if not platform or (out is None and not live):
        raise InputError("brain lab run PLATFORM --out DIR, or --live; brain lab run --list names the platforms")
    if live and end is not None:
        raise InputError("--end: a live run ends in the future; leave it out, or --live")
    past, future = length * 60.0, minutes * 60.0 if live else 0.0
    begins = onset * 60.0 if onset is not None else past + _LIVE_ONSET if live else past - _ONSET_BEFORE_END
    now = whole(time.time() if end is None else end)
    request = Request(platform, fault, seed, now - past, past + future, begins, target)
    check(request)
    if live:
        _live(request, out, now, alertmanager, port, forward, otlp)
    else:
        assert out is not None
        _write(request, out)


def _list() -> None:
    from brain_lab.run.listing import fault_lines, platform_lines

    for title, lines in (
        ("platforms", list(platform_lines())),
        ("faults", [("none", "Nothing breaks"), *fault_lines()]),
    ):
        typer.echo(f"{title}:")
        for name, about in lines:
            typer.echo(f"  {name:26} {about}")


def _write(request: Request, out: Path) -> None:
    from brain_lab.run.folder import prepare, write_run
    from brain_lab.run.request import played

    prepare(out)
    _line(f"simulating {request.seconds / 60:g} minutes of {request.platform}, fault: {request.fault}")
    written = write_run(request, played(request), out, _line)
    typer.echo(
        f"{written.samples:,} samples of {written.series:,} series, {written.lines:,} log lines, "
        f"{written.spans:,} spans in {out}"
    )
    typer.echo(f"fires at the end: {', '.join(written.alerts) or 'nothing'}")
    typer.echo(f"what was broken: {written.truth}")
    _say_how_to_go_on(written)
    if written.group is not None:
        _say_what_is_short(request)


def _say_how_to_go_on(written: Written) -> None:
    """The commands; of a run that ended long ago, the options that make them look there."""
    old = time.time() - written.end > _SOON
    if written.text is not None:
        typer.echo(f"promtool tsdb create-blocks-from openmetrics {written.text} {written.config.parent / 'tsdb'}")
    keep = " --storage.tsdb.retention.time=100y" if old else ""
    tsdb = written.tsdb or written.config.parent / "tsdb"
    typer.echo(f"prometheus --storage.tsdb.path={tsdb} --config.file={written.config}{keep}")
    if written.group is not None:
        at = f" --at {written.end:.0f}" if old else ""
        typer.echo(
            "judged by its metrics only; brain lab evaluate plays runs of its own and shows the product the rest, too:"
        )
        typer.echo(f"brain rca analyze --alerts {written.group} --prometheus http://localhost:9090{at}")


def _say_what_is_short(request: Request) -> None:
    if request.onset < _usual(request.seconds - request.onset):
        suffices = _usual(_ONSET_BEFORE_END) + _ONSET_BEFORE_END
        _line(
            f"note: a fault at minute {request.onset / 60:g} leaves the analysis hardly a baseline; "
            f"--length {suffices / 60:g} suffices, without --onset"
        )


def _usual(trouble: float) -> float:
    """Seconds that have to come before a fault with so many seconds after it: the window reaches back before the first
    alert, and the baseline ends where it begins."""
    from brain_rca.analysis.weakness import FEW_SAMPLES
    from brain_rca.analysis.window import WindowSettings

    settings = WindowSettings()
    window = min(settings.lookback_seconds + trouble, settings.longest_seconds)
    return settings.lookback_seconds + FEW_SAMPLES * settings.step(window)


def _live(
    request: Request, out: Path | None, now: float, alertmanager: str, port: int, forward: str, otlp: str
) -> None:
    import tempfile
    from contextlib import ExitStack

    from brain_lab.live.session import Options, live
    from brain_lab.live.story import Addresses

    def ready(url: str) -> None:
        typer.echo(f"prometheus: {url}")
        typer.echo(
            f"until {time.strftime('%H:%M:%S', time.gmtime(request.start + request.seconds))} UTC; Ctrl-C ends it"
        )

    with ExitStack() as kept:
        folder = out or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="brain-live-")))
        live(request, Options(folder, now, alertmanager, port, Addresses(forward, otlp)), _line, ready)


def _line(line: str) -> None:
    typer.echo(line, err=True)
