"""The pipeline of a GitLab project is broken: nothing that its team pushes is deployed any more.

What runs goes on running, so that no promise breaks and no alert of an objective tells of it. It shows in the
pipelines and in what does not follow them: no image, no sync, no rollout.
"""

from __future__ import annotations

from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.records import Change
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments
from brain_lab.faults.still import still
from brain_lab.platforms.delivery import project_of
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import pipeline
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.recording import Truth

_WAYS: Final = (
    ("build", "ERROR: failed to push {image}: unauthorized: authentication required"),
    ("build", "ERROR: failed to solve: {image}: failed to resolve source metadata: 429 Too Many Requests"),
    ("test", "ERROR: Job failed (system failure): prepare environment: waiting for pod running: timed out"),
    ("deploy", "error: You must be logged in to the server (Unauthorized)"),
)
"""Stage that fails, and the last line of its job."""

_PEOPLE: Final = ("kim", "robin", "sam", "alex", "dana")


def make(aim: Aim) -> Fault:
    """By the seed the registry, the runner or the cluster's credentials are at fault."""
    name = aim.choose(aim.services(lambda one: one.role is Role.HTTP), "no service")
    project = project_of(aim.platform, name)
    stage, words = _WAYS[int(aim.rng.integers(len(_WAYS)))]
    words = words.format(image=f"registry.example.com/{project}/{name}:main")
    changes = [
        pipeline(at, project, words, _PEOPLE[n % len(_PEOPLE)], (name,), failed_stage=stage, seconds=45.0)
        for n, at in enumerate(moments(aim, 5.0, 110.0, aim.rng))
    ]
    changes += _mended(aim, project, name)
    truth = Truth(
        "pipeline-broken",
        Entity(aim.platform.cluster, "", EntityKind.CLOUD_RESOURCE, project),
        ("errors", "availability"),
        aim.onset,
        "config",
        accepted=(aim.platform.entity(name),),
        fix=f"mend the {stage} stage of {project}",
        silent=True,
        evidence=("changes", "gitlab_ci_pipeline_status"),
    )
    return Effect(still, truth, changes=tuple(changes))


def _mended(aim: Aim, project: str, name: str) -> list[Change]:
    over = aim.onset + aim.duration
    return [] if over == float("inf") else [pipeline(over + 5.0, project, "Mend the pipeline", "dana", (name,))]
