"""A kubeconfig file of an API server without TLS."""

from __future__ import annotations

import json
from pathlib import Path


def write_kubeconfig(folder: Path, url: str) -> Path:
    """Write it.

    Args:
        folder: Where to.
        url: Of the API server.
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file
