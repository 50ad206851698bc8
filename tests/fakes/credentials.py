"""Callers of a listener, and credentials that are near to theirs and let nobody in."""

from __future__ import annotations

import base64
from typing import Any, Final

import bcrypt

TOKEN: Final = "s3cret-token-for-tests"
PASSWORD: Final = "s3cret-pass:word"


def callers() -> list[dict[str, Any]]:
    """One who comes by ``TOKEN``, and ``anna``, who comes by ``PASSWORD``, as settings."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    return [
        {"name": "by-token", "bearer_token": TOKEN},
        {"name": "by-password", "username": "anna", "password_bcrypt": hashed},
    ]


def basic(username: str, password: str) -> str:
    """As a header has them."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


BAD: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "none": (),
    "empty": (("authorization", ""),),
    "scheme alone": (("authorization", "Bearer"),),
    "no scheme": (("authorization", TOKEN),),
    "another scheme": (("authorization", f"Token {TOKEN}"),),
    "wrong token": (("authorization", "Bearer s3cret-other-token"),),
    "wrong case": (("authorization", f"Bearer {TOKEN.upper()}"),),
    "prefix": (("authorization", f"Bearer {TOKEN[:-1]}"),),
    "suffix": (("authorization", f"Bearer {TOKEN}x"),),
    "long": (("authorization", f"Bearer {TOKEN * 100}"),),
    "twice": (("authorization", f"Bearer {TOKEN}"),) * 2,
    "right then wrong": (("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer x")),
    "wrong then right": (("authorization", "Bearer x"), ("authorization", f"Bearer {TOKEN}")),
    "another header": (("x-authorization", f"Bearer {TOKEN}"),),
    "proxy's header": (("proxy-authorization", f"Bearer {TOKEN}"),),
    "wrong password": (("authorization", basic("anna", "s3cret-other")),),
    "another user": (("authorization", basic("bert", PASSWORD)),),
    "no colon": (("authorization", "Basic YW5uYQ=="),),
    "no base64": (("authorization", f"Basic anna:{PASSWORD}"),),
}
"""By what is wrong: headers, or metadata of gRPC."""
