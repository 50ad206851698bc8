"""The users of a control plane: their tokens, and the files that let a client come in as one of them."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from brain_lab.servers.document import render

PRIVATE: Final = 0o600


def new_tokens(users: Mapping[str, Sequence[str]], file: Path) -> dict[str, str]:
    """Write a token for each user, with its groups, in the API server's format, and return them by user."""
    tokens = {user: secrets.token_hex(16) for user in users}
    file.touch(mode=PRIVATE)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerows([tokens[user], user, user, ",".join(groups)] for user, groups in users.items())
    return tokens


def write_kubeconfig(file: Path, *, url: str, ca_file: Path, user: str, token: str) -> None:
    """Write what kubectl and every client library read."""
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user, "namespace": "default"}}],
        "current-context": "lab",
    }
    file.touch(mode=PRIVATE)
    file.write_text(render(config), encoding="utf-8")
