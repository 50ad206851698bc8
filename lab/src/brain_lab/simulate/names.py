"""Names of pods as Kubernetes would give them."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from brain_lab.platforms.model import Role

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Without vowels and look-alikes: apimachinery's rand.SafeEncodeString."""


def pod_name(service: str, role: Role, revision: int, rng: np.random.Generator) -> str:
    """Of a new pod: Deployment pods carry the hash of their ReplicaSet, those of Jobs do not."""
    suffix = "".join(_LETTERS[n] for n in rng.integers(len(_LETTERS), size=5))
    return f"{service}-{suffix}" if role is Role.JOB else f"{replica_set(service, revision)}-{suffix}"


def replica_set(service: str, revision: int) -> str:
    """Name of the ReplicaSet of a revision."""
    digest = hashlib.sha256(f"{service}/{revision}".encode()).digest()
    return f"{service}-" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])
