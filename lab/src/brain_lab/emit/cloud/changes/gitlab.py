"""GitLab pipelines as its webhook tells of them: one pipeline event each, at its end.

https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import digest
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import NANOS, Change, ChangeKind
from brain_lab.emit.stamps import rfc3339, second_text

FILE: Final = "gitlab-pipelines.jsonl"
STAGES: Final = ("build", "test", "deploy")


def write_gitlab(changes: Iterable[Change], folder: Path) -> Path:
    """Write `gitlab-pipelines.jsonl` from the pipelines among the changes; returns its path."""
    found = sorted((one for one in changes if one.kind is ChangeKind.GITLAB_PIPELINE), key=lambda one: one.end)
    return write_lines(folder / FILE, (pipeline(one) for one in found))


def pipeline(change: Change) -> Mapping[str, object]:
    """The body of the webhook. `details["stage"]` names the stage that failed, the last one if nobody says."""
    status = "success" if change.succeeded else "failed"
    user, number = _user(change), _number("pipeline", change.target, change.start)
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": number,
            "iid": number % 10_000,
            "name": None,
            "ref": "main",
            "tag": False,
            "sha": change.revision,
            "before_sha": "0" * 40,
            "source": "push",
            "status": status,
            "detailed_status": "passed" if change.succeeded else "failed",
            "stages": list(STAGES),
            "created_at": _time(change.start),
            "finished_at": _time(change.end),
            "duration": (change.end - change.start) // NANOS,
            "queued_duration": 3,
            "variables": [],
            "url": f"https://gitlab.example.com/platform/{change.target}/-/pipelines/{number}",
        },
        "user": user,
        "project": _project(change),
        "commit": {
            "id": change.revision,
            "message": change.summary,
            "title": change.summary.split("\n")[0],
            "timestamp": rfc3339(change.start),
            "url": f"https://gitlab.example.com/platform/{change.target}/-/commit/{change.revision}",
            "author": {"name": change.actor, "email": f"{change.actor}@example.com"},
        },
        "builds": _builds(change, user),
    }


def _builds(change: Change, user: Mapping[str, object]) -> list[Mapping[str, object]]:
    """One job a stage, each a third of the time; after the one that failed they are skipped."""
    failing = len(STAGES) if change.succeeded else _failing(change)
    share = (change.end - change.start) // len(STAGES)
    builds: list[Mapping[str, object]] = []
    for number, stage in enumerate(STAGES):
        status = "success" if number < failing else "failed" if number == failing else "skipped"
        ran = status != "skipped"
        started = change.start + number * share
        builds.append(
            {
                "id": _number("build", change.target, change.start, stage),
                "stage": stage,
                "name": f"{stage}-{change.target}",
                "status": status,
                "created_at": _time(change.start),
                "started_at": _time(started) if ran else None,
                "finished_at": _time(started + share) if ran else None,
                "duration": share / NANOS if ran else None,
                "when": "on_success",
                "manual": False,
                "allow_failure": False,
                "failure_reason": "script_failure" if status == "failed" else None,
                "user": user,
            }
        )
    return builds


def _failing(change: Change) -> int:
    stage = change.details.get("stage")
    return STAGES.index(stage) if stage in STAGES and isinstance(stage, str) else len(STAGES) - 1


def _user(change: Change) -> Mapping[str, object]:
    return {
        "id": _number("user", change.actor) % 10_000,
        "name": change.actor,
        "username": change.actor,
        "avatar_url": None,
        "email": "[REDACTED]",  # as GitLab has it
    }


def _project(change: Change) -> Mapping[str, object]:
    return {
        "id": _number("project", change.target) % 10_000,
        "name": change.target,
        "namespace": "platform",
        "path_with_namespace": f"platform/{change.target}",
        "web_url": f"https://gitlab.example.com/platform/{change.target}",
        "default_branch": "main",
        "visibility_level": 0,
    }


def _time(nanos: int) -> str:
    """GitLab writes the times of webhooks so."""
    return second_text(nanos // NANOS, "%Y-%m-%d %H:%M:%S UTC")


def _number(*parts: object) -> int:
    return int(digest(*parts, size=4), 16) % 900_000_000 + 1
