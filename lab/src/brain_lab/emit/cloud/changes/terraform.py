"""Terraform runs as HCP Terraform's notifications tell of them.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/notifications#run-notification-payload
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import letters_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import Change, ChangeKind
from brain_lab.emit.stamps import rfc3339

FILE: Final = "terraform-runs.jsonl"
_ORGANISATION: Final = "platform"


def write_terraform(changes: Iterable[Change], folder: Path) -> Path:
    """Write `terraform-runs.jsonl` from the runs among the changes: two notifications each, applying and its end."""
    found = (one for one in changes if one.kind is ChangeKind.TERRAFORM_RUN)
    parts = [(run.start, run, False) for run in found]
    parts += [(run.end, run, True) for _, run, _ in parts]
    parts.sort(key=lambda part: part[0])
    return write_lines(folder / FILE, (notification(run, ended=ended) for _, run, ended in parts))


def notification(run: Change, *, ended: bool) -> Mapping[str, object]:
    """The body of the notification: of the run's start, or of its end with the error if it failed.

    `details` may have `add`, `change` and `destroy`, the numbers of resources.
    """
    name = f"run-{letters_of('run', run.target, run.start)}"
    trigger, status = "run:applying", "applying"
    if ended:
        trigger, status = ("run:completed", "applied") if run.succeeded else ("run:errored", "errored")
    return {
        "payload_version": 1,
        "notification_configuration_id": f"nc-{letters_of('nc', run.target)}",
        "run_url": f"https://app.terraform.io/app/{_ORGANISATION}/{run.target}/runs/{name}",
        "run_id": name,
        "run_message": run.summary if run.succeeded else "Triggered via CLI",
        "run_created_at": rfc3339(run.start),
        "run_created_by": run.actor,
        "workspace_id": f"ws-{letters_of('ws', run.target)}",
        "workspace_name": run.target,
        "organization_name": _ORGANISATION,
        "notifications": [
            {
                "message": _message(run, ended),
                "trigger": trigger,
                "run_status": status,
                "run_updated_at": rfc3339(run.end if ended else run.start),
                "run_updated_by": run.actor,
            }
        ],
    }


def _message(run: Change, ended: bool) -> str:
    if not ended:
        return "Run Applying"
    if not run.succeeded:
        return f"Run Errored: {run.summary}"
    added, changed, destroyed = (run.details.get(key, 0) for key in ("add", "change", "destroy"))
    return f"Run Applied: {added} added, {changed} changed, {destroyed} destroyed"
