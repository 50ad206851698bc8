"""What each exporter needs in its configuration file, with its source at a given address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Case = Callable[[Path, str], dict[str, Any]]
"""Folder of the test and URL of the source, to the settings that are the exporter's own."""


def _changes(folder: Path, url: str) -> dict[str, Any]:
    polled = {"url": url, "bearer": {"token": "a token"}, "period_seconds": 1}
    sent = {"secret_files": [str(folder / "secret")]}
    return {
        "argocd": {"poll": polled},
        "gitlab": {"poll": {**polled, "projects": ["shop/checkout"]}},
        "grafana": {"url": url},
        "terraform": sent,
        "github": sent,
        "falco": sent,
    }


def _cloudtrail(_: Path, url: str) -> dict[str, Any]:
    return {
        "aws": {"endpoint_url": url},
        "queue": {"queue_url": f"{url}/1/trail", "bucket": "trail"},
        "bucket": {"bucket": "trail"},
        "log_group": {"log_group": "trail"},
        "lookup": {},
        "digests": {"bucket": "trail"},
    }


def _cost(_: Path, url: str) -> dict[str, Any]:
    return {
        "aws": {"endpoint_url": url},
        "cost_explorer": {},
        "budgets": {},
        "anomalies": {},
        "utilization": {"prometheus": {"url": url}},
    }


def _kube_events(folder: Path, url: str) -> dict[str, Any]:
    file = folder / "kubeconfig"
    content = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file.write_text(json.dumps(content))
    api = {"kubeconfig": str(file)}
    return {"api": api, "certificates": {"api": api}}


CASES: Final[Mapping[str, Case]] = {
    "changes": _changes,
    "cloudtrail": _cloudtrail,
    "cost": _cost,
    "kube-events": _kube_events,
}
