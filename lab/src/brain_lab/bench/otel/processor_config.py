"""The configuration that is measured: what a Collector does with k8sattributes and servicegraph, and tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def processor_config(kubeconfig: Path) -> dict[str, Any]:
    """Of ``brain otel``, but for its addresses."""
    kubernetes = {"client": {"kubeconfig": str(kubeconfig)}}
    tags = {"attributes": {"brain.industry": "finance"}}
    return {"cluster": "bench", "enrich": [{"kubernetes": kubernetes}, {"tags": tags}]}
