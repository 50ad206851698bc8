"""What each exporter needs in its configuration file, with its source at a given address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.fakes.kubeconfig import write_kubeconfig

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
        "aws": _aws(url),
        "bucket": "trail",
        "sqs": {"queue_url": f"{url}/1/trail"},
        "listing": {"prefixes": ["AWSLogs/"]},
        "logs": {"group": "trail"},
        "lookup": {},
        "digest": {"prefix": "AWSLogs/"},
    }


def _cost(_: Path, url: str) -> dict[str, Any]:
    return {
        "aws": _aws(url),
        "cost_explorer": {},
        "budgets": {},
        "files": {"bucket": "exports"},
        "workloads": {"prometheus": {"url": url}, "node_prices": {"m5.large": 0.1}},
    }


def _aws(url: str) -> dict[str, Any]:
    return {"region": "eu-west-1", "endpoint_url": url}


def _kube_events(folder: Path, url: str) -> dict[str, Any]:
    api = {"kubeconfig": str(write_kubeconfig(folder, url))}
    return {"client": api, "certificates": {"client": api}}


CASES: Final[Mapping[str, Case]] = {
    "changes": _changes,
    "cloudtrail": _cloudtrail,
    "cost": _cost,
    "kube-events": _kube_events,
}
