"""Runs as an evaluation would have them; made by hand, so that every figure can be worked out on paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain_lab.evaluate.run_result import Judgement, RunResult, RunTruth, SaidCause

ONSET = 1_700_000_000.0
TRUTH = "prod/shop/service/cart"
OTHERS = tuple(f"prod/shop/service/other{n}" for n in range(9))


def causes(
    place: int | None, *, probability: float = 0.8, kind: str = "cpu", fix: str = "kubernetes"
) -> Sequence[SaidCause]:
    """Five causes with the truth at a place."""
    names = list(OTHERS[:5])
    if place is not None:
        names.insert(place - 1, TRUTH)
    rest = (1.0 - probability) / len(names)
    return [
        SaidCause(name, kind, probability if n == 0 else rest, (fix,) if n == 0 else ()) for n, name in enumerate(names)
    ]


def fault(
    place: int | None,
    *,
    platform: str = "finance",
    name: str = "oom-kill",
    seed: int = 0,
    detect: float | None = 60.0,
    localise: float = 90.0,
    probability: float = 0.8,
    kind: str = "cpu",
    fix: str = "kubernetes",
    unreadable: str = "",
    kinds: tuple[str, ...] = ("cpu",),
) -> RunResult:
    """A run with the truth at a place of its one judgement."""
    said = causes(place, probability=probability, kind=kind, fix=fix)
    return RunResult(
        platform,
        name,
        seed,
        truths=(RunTruth(TRUTH, kinds, ONSET, "kubernetes"),),
        alert_at=None if detect is None else ONSET + detect,
        judgements=() if detect is None else (Judgement(ONSET + localise, tuple(said), 0.05, 0.5),),
        unreadable=unreadable,
    )


def quiet(*, named: bool, platform: str = "finance", seed: int = 0, alert: bool = True) -> RunResult:
    """A run without a fault."""
    said = tuple(causes(None, probability=0.6)) if named else ()
    judgement = Judgement(ONSET, said, 0.4 if named else 1.0, 0.5)
    return RunResult(platform, None, seed, alert_at=ONSET if alert else None, judgements=(judgement,) if alert else ())


FAULTS = (
    "latency-spike",
    "oom-kill",
    "database-lock",
    "network-delay",
    "bad-rollout",
    "node-pressure",
    "kafka-consumer-lag",
    "rate-limit-too-low",
    "logging-storm",
    "iam-change",
    "dns-failure",
    "retry-storm+idle-gpu",
)


def evaluation(seed: int = 5) -> list[RunResult]:
    """Some hundred runs that look like an evaluation of the real thing."""
    drawn = np.random.default_rng(seed)
    runs: list[RunResult] = []
    for platform, skill in (("finance", 0.75), ("healthcare", 0.6), ("automotive", 0.45)):
        for number, name in enumerate(FAULTS):
            for run_seed in range(3):
                runs.append(_drawn(drawn, platform, name, run_seed, skill - 0.03 * number))
        runs += [
            quiet(named=drawn.random() < 0.12, platform=platform, seed=n, alert=drawn.random() < 0.5) for n in range(9)
        ]
    runs[7] = RunResult.failed(
        "finance", "database-lock", 1, "PermanentError: promtool could not make a block: no space"
    )
    return runs


def _drawn(drawn: np.random.Generator, platform: str, name: str, seed: int, skill: float) -> RunResult:
    if name == "logging-storm":
        return fault(None, platform=platform, name=name, seed=seed, detect=None, unreadable="its signals are logs")
    first = drawn.random() < skill
    place = 1 if first else int(drawn.integers(2, 6)) if drawn.random() < 0.7 else None
    sure = float(drawn.beta(7, 2) if first else drawn.beta(3, 3))
    detect = float(drawn.gamma(4, 25))
    return fault(
        place,
        platform=platform,
        name=name,
        seed=seed,
        detect=None if drawn.random() < 0.05 else detect,
        localise=detect + float(drawn.gamma(2, 30)),
        probability=sure,
        kind="cpu" if drawn.random() < 0.8 else "latency",
        fix="kubernetes" if drawn.random() < 0.7 else "config",
    )
