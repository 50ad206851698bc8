"""The Kubernetes behind the benches: a real API server with the pods that the prepared requests name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from brain_common.errors import TemporaryError
from brain_lab.bench.otel.requests import NAMESPACE, RESOURCES, service_name
from brain_lab.servers.control_plane import ControlPlane

_PATIENCE: Final = 60.0  # seconds until all pods run


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """Run it while the block does; yields the kubeconfig of its administrator.

    Raises:
        TemporaryError: The pods do not run in time.
    """
    with ControlPlane(data_dir=folder) as plane:
        plane.add_node("node-0")
        plane.create_namespace(NAMESPACE)
        with plane.client() as client:
            for number in range(RESOURCES):
                path = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"
                client.post(path, json=_stateful_set(service_name(number))).raise_for_status()
            _wait_for_pods(client)
        yield plane.kubeconfig()


def _stateful_set(name: str) -> dict[str, Any]:
    """One pod, ``<name>-0``."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/version": "1.4.2"}
    container = {"name": "app", "image": f"registry.example.com/shop/{name}:1.4.2"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _wait_for_pods(client: httpx.Client) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        pods = client.get(f"/api/v1/namespaces/{NAMESPACE}/pods").raise_for_status().json()["items"]
        if len([pod for pod in pods if pod["status"].get("phase") == "Running"]) == RESOURCES:
            return
        if time.monotonic() > deadline:
            raise TemporaryError(f"the pods of the bench do not run after {_PATIENCE:g} s")
        time.sleep(0.5)
