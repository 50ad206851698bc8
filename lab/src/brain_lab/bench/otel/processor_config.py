"""The configuration that is measured: what a Collector does with k8sattributes and servicegraph, and our tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def processor_config(kubeconfig: Path) -> dict[str, Any]:
    """Of ``brain otel``, but for its addresses."""
    return {"cluster": "bench", "enrich": [{"tags": {"attributes": {"brain.industry": "finance"}}}]}
