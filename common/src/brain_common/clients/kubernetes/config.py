"""How a component reaches the API server of Kubernetes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from brain_common.settings import Settings


class ClientSettings(Settings):
    """How the API server is reached: as a kubeconfig file says, or from inside a pod."""

    kubeconfig: Path | None = Field(
        default=None, description="kubeconfig file; absent: the pod's own service account (in-cluster)."
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig file; absent: its current one.")
    timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Longest wait for a connection, and for the next bytes of a list."
    )
