"""Deliveries as each sender's documentation describes them, shortened, and signed as it signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z
AT = "2026-09-21T14:10:00Z"  # 200 s before
AT_SECONDS = 1_789_999_800.0
SECRET = "a secret of many letters"


def headers(**values: str) -> Headers:
    """Underscores stand for hyphens."""
    return Headers({name.replace("_", "-"): value for name, value in values.items()})


def body(data: object) -> bytes:
    return json.dumps(data).encode()


def github_headers(event: str, data: bytes, secret: str = SECRET) -> dict[str, str]:
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }


def gitlab_headers(event: str = "Deployment Hook", secret: str = SECRET) -> dict[str, str]:
    return {"X-Gitlab-Event": event, "X-Gitlab-Token": secret, "Content-Type": "application/json"}


def task_headers(data: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-TFC-Task-Signature": hmac.new(secret.encode(), data, hashlib.sha512).hexdigest()}


def notification_headers(data: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-TFE-Notification-Signature": hmac.new(secret.encode(), data, hashlib.sha512).hexdigest()}


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def github_deployment(number: int = 42, state: str = "success", **status: Any) -> dict[str, Any]:
    return {
        "action": "created",
        "deployment_status": {
            "id": 1,
            "state": state,
            "creator": {"login": "ci-bot"},
            "description": "Deployed",
            "environment": "production",
            "target_url": "https://ci.example.com/run/7",
            "log_url": "",
            "created_at": AT,
            "updated_at": AT,
            **status,
        },
        "deployment": {
            "id": number,
            "sha": "a10867b14bb761a232cd80139fbd4c0d33264240",
            "ref": "main",
            "task": "deploy",
            "payload": {},
            "environment": "production",
            "description": None,
            "creator": {"login": "octocat"},
            "created_at": "2026-09-21T14:05:00Z",
        },
        "repository": {"id": 1296269, "full_name": "shop/checkout", "default_branch": "main"},
        "sender": {"login": "octocat"},
    }


def github_run(action: str = "completed", conclusion: str | None = "success", attempt: int = 1) -> dict[str, Any]:
    return {
        "action": action,
        "workflow_run": {
            "id": 30433642,
            "name": "Build",
            "head_branch": "main",
            "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
            "display_title": "Update README.md",
            "run_attempt": attempt,
            "event": "push",
            "status": "completed",
            "conclusion": conclusion,
            "html_url": "https://github.com/shop/checkout/actions/runs/30433642",
            "run_started_at": "2026-09-21T14:05:00Z",
            "created_at": "2026-09-21T14:05:00Z",
            "updated_at": AT,
            "actor": {"login": "octocat"},
            "triggering_actor": {"login": "hubot"},
        },
        "repository": {"id": 1296269, "full_name": "shop/checkout", "default_branch": "main"},
        "sender": {"login": "octocat"},
    }


def github_push(ref: str = "refs/heads/main", deleted: bool = False) -> dict[str, Any]:
    return {
        "ref": ref,
        "before": "0" * 40,
        "after": "f" * 40,
        "deleted": deleted,
        "compare": "https://github.com/shop/checkout/compare/a...b",
        "head_commit": {"message": "Shorter time-outs\n\nBecause", "timestamp": "2020-01-01T00:00:00Z"},
        "repository": {"id": 1296269, "full_name": "shop/checkout", "default_branch": "main"},
        "sender": {"login": "octocat"},
    }


def gitlab_project() -> dict[str, Any]:
    return {
        "id": 30,
        "name": "checkout",
        "web_url": "https://gitlab.example.com/shop/checkout",
        "namespace": "shop",
        "path_with_namespace": "shop/checkout",
        "default_branch": "main",
        "ci_config_path": None,
    }


def gitlab_deployment(number: int = 15, status: str = "success") -> dict[str, Any]:
    return {
        "object_kind": "deployment",
        "status": status,
        "status_changed_at": "2026-09-21 16:10:00 +0200",
        "deployment_id": number,
        "deployable_id": 796,
        "deployable_url": "https://gitlab.example.com/shop/checkout/-/jobs/796",
        "environment": "Staging EU",
        "environment_tier": "staging",
        "environment_slug": "staging-eu",
        "project": gitlab_project(),
        "ref": "main",
        "short_sha": "279484c0",
        "user": {"id": 1, "name": "Ada", "username": "ada", "email": "ada@example.com"},
        "commit_title": "Shorter time-outs",
    }


def gitlab_pipeline(status: str = "success") -> dict[str, Any]:
    ended = status not in ("running", "pending", "created")
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 31,
            "iid": 3,
            "ref": "main",
            "sha": "bcbb5ec396a2c0f828686f14fac9b80b780504f2",
            "source": "merge_request_event",
            "status": status,
            "stages": ["build", "test"],
            "created_at": "2026-09-21 14:05:00 UTC",
            "finished_at": "2026-09-21 14:10:00 UTC" if ended else None,
            "duration": 63,
        },
        "user": {"id": 1, "username": "ada"},
        "project": gitlab_project(),
    }


def argocd_application(phase: str = "Succeeded", name: str = "checkout", started: str = AT) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "argocd", "uid": "0001"},
        "spec": {
            "destination": {"name": "eu-1", "namespace": "shop"},
            "project": "default",
            "source": {"repoURL": "https://git.example.com/shop", "path": "deploy", "targetRevision": "main"},
        },
        "status": {
            "sync": {"status": "Synced"},
            "health": {"status": "Healthy"},
            "operationState": {
                "phase": phase,
                "message": "successfully synced (all tasks run)",
                "startedAt": started,
                "finishedAt": None if phase == "Running" else "2026-09-21T14:11:00Z",
                "operation": {"initiatedBy": {"username": "ada"}, "sync": {"revision": "abc"}},
                "syncResult": {"revision": "aaaaaaaa", "resources": [{"kind": "Deployment"}]},
            },
            "history": [
                {
                    "id": 1,
                    "revision": "99999999",
                    "deployStartedAt": "2026-09-21T13:00:00Z",
                    "deployedAt": "2026-09-21T13:00:30Z",
                    "initiatedBy": {"automated": True},
                },
                {"id": 2, "revision": "aaaaaaaa", "deployStartedAt": started, "deployedAt": "2026-09-21T14:11:00Z"},
            ],
        },
    }


def run_task(stage: str = "post_plan", url: str = "https://app.terraform.io", **more: Any) -> dict[str, Any]:
    return {
        "payload_version": 1,
        "access_token": "one-time-token",
        "stage": stage,
        "is_speculative": False,
        "task_result_id": "taskrs-2nH5dncYoXaMVQmJ",
        "task_result_enforcement_level": "advisory",
        "task_result_callback_url": f"{url}/api/v2/task-results/5ea8d46c-2ceb-42cd-83f2-82e54697bddd/callback",
        "run_app_url": "https://app.terraform.io/app/shop/network/runs/run-i3Df5to9ELvibKpQ",
        "run_id": "run-i3Df5to9ELvibKpQ",
        "run_message": "Larger subnets",
        "run_created_at": "2026-09-21T14:05:00Z",
        "run_created_by": "ada",
        "workspace_id": "ws-ck4G5bb1Yei5szRh",
        "workspace_name": "network",
        "organization_name": "shop",
        "vcs_commit_url": None,
        **more,
    }


def notification(status: str = "applied", trigger: str = "run:completed") -> dict[str, Any]:
    return {
        "payload_version": 1,
        "notification_configuration_id": "nc-AeUQ2zfKZzW9TiGZ",
        "run_url": "https://app.terraform.io/app/shop/network/runs/run-i3Df5to9ELvibKpQ",
        "run_id": "run-i3Df5to9ELvibKpQ",
        "run_message": "Larger subnets",
        "run_created_at": "2026-09-21T14:05:00.000Z",
        "run_created_by": "ada",
        "workspace_id": "ws-ck4G5bb1Yei5szRh",
        "workspace_name": "network",
        "organization_name": "shop",
        "notifications": [
            {
                "message": "Run Applied",
                "trigger": trigger,
                "run_status": status,
                "run_updated_at": "2026-09-21T14:10:00.000Z",
                "run_updated_by": "bob",
            }
        ],
    }


def verification() -> dict[str, Any]:
    """What Terraform sends when a notification is set up."""
    empty = ("run_url", "run_id", "run_message", "run_created_at", "run_created_by")
    names = ("workspace_id", "workspace_name", "organization_name")
    return {
        "payload_version": 1,
        "notification_configuration_id": "nc-jWvVsmp5VxsaCeXm",
        **dict.fromkeys((*empty, *names)),
        "notifications": [
            {
                "message": "Verification of test",
                "trigger": "verification",
                "run_status": None,
                "run_updated_at": None,
                "run_updated_by": None,
            }
        ],
    }


def generic_change(**more: Any) -> dict[str, Any]:
    return {"kind": "config", "project": "shop/checkout", "title": "Larger pool", **more}


def falco_alert(**more: Any) -> dict[str, Any]:
    return {
        "uuid": "6a3c1a2e-8d43-4f3e-9d3f-3f1f2f3f4f5f",
        "output": "14:10:00.123456789: Warning Sensitive file opened (user=root file=/etc/shadow)",
        "priority": "Warning",
        "rule": "Read sensitive file untrusted",
        "source": "syscall",
        "hostname": "node-1",
        "tags": ["container", "mitre_credential_access"],
        "time": "2026-09-21T14:10:00.123456789Z",
        "output_fields": {
            "evt.time": 1789999800123456789,
            "k8s.ns.name": "shop",
            "k8s.pod.name": "checkout-7d9c",
            "user.name": "root",
            "proc.cmdline": "cat /etc/shadow",
            "container.id": None,
        },
        **more,
    }


def event(**more: Any) -> dict[str, Any]:
    return {"rule": "port scan", "severity": "high", "message": "1000 ports of 10.0.0.1", **more}


def example(source: str) -> tuple[dict[str, str], bytes]:
    """Good headers and a body of each source."""
    made: Mapping[str, Any] = {
        "github": github_deployment(),
        "gitlab": gitlab_deployment(),
        "argocd": argocd_application(),
        "terraform": run_task(),
        "generic": generic_change(),
        "falco": falco_alert(),
        "events": event(),
    }
    data = body(made[source])
    if source == "github":
        return github_headers("deployment_status", data), data
    if source == "gitlab":
        return gitlab_headers(), data
    if source == "terraform":
        return task_headers(data), data
    return bearer(), data
