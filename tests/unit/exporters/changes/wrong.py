"""Credentials that are none, by the kind of door that has to refuse them; all for the same body."""

from __future__ import annotations

import base64
import hashlib
import hmac

from tests.unit.exporters.changes.samples import SECRET

BODY = b'{"a": 1}'
OLD = "the secret before this one"
H, T, N, G = "X-Hub-Signature-256", "X-TFC-Task-Signature", "X-TFE-Notification-Signature", "X-Gitlab-Token"
Pairs = list[tuple[str, str]]


def signed(algorithm: str, secret: str = SECRET, data: bytes = BODY) -> str:
    return hmac.new(secret.encode(), data, algorithm).hexdigest()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD256, GOOD512 = signed("sha256"), signed("sha512")
WRONG: dict[str, list[Pairs]] = {
    "github": [
        [],
        [(H, "")],
        [(H, "sha256=")],
        [(H, GOOD256)],
        [(H, "sha256=" + GOOD256.upper())],
        [(H, "sha256=" + GOOD256[:-1])],
        [(H, "sha256=" + GOOD256 + "0")],
        [(H, "sha256=" + signed("sha256", "another secret"))],
        [(H, "sha256=" + signed("sha256", data=BODY + b" "))],
        [(H, "sha256=" + signed("sha256", "short"))],
        [(H, "sha256=" + signed("sha256", ""))],
        [(H, "sha1=" + signed("sha1"))],
        [("X-Hub-Signature", "sha1=" + signed("sha1"))],
        [(H, "sha512=" + GOOD512)],
        [(H, "sha256=" + GOOD256), (H, "sha256=" + GOOD256)],
        [(H, "sha256=é" + GOOD256[1:])],
        [("Authorization", f"Bearer {SECRET}")],
        [(H, SECRET)],
    ],
    "terraform": [
        [],
        [(T, "")],
        [(T, "sha512=" + GOOD512)],
        [(T, GOOD512.upper())],
        [(T, GOOD512[:-1])],
        [(T, GOOD512 + "0")],
        [(T, GOOD256)],
        [(T, signed("sha512", "another secret"))],
        [(T, signed("sha512", data=b""))],
        [(T, signed("sha512", ""))],
        [(T, GOOD512), (T, GOOD512)],
        [(T, GOOD512), (N, GOOD512)],
        [(T, "é" * 128)],
        [("Authorization", f"Bearer {SECRET}")],
        [(T, SECRET)],
    ],
    "gitlab": [
        [],
        [(G, "")],
        [(G, "short")],
        [(G, SECRET[:-1])],
        [(G, SECRET + "x")],
        [(G, SECRET.upper())],
        [(G, f"Bearer {SECRET}")],
        [(G, SECRET), (G, SECRET)],
        [(G, f"{SECRET},{OLD}")],
        [(G, "é" * 10)],
        [(G, f"{SECRET}\\n{OLD}")],
        [(G, hashlib.sha256(SECRET.encode()).hexdigest())],
        [("Authorization", f"Bearer {SECRET}")],
        [("X-Gitlab-Tokens", SECRET)],
    ],
    "caller": [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", SECRET)],
        [("Authorization", "Bearer short")],
        [("Authorization", f"Bearer {SECRET}x")],
        [("Authorization", f"Bearer {SECRET.upper()}")],
        [("Authorization", f"Token {SECRET}")],
        [("Authorization", f"Bearer {SECRET}"), ("Authorization", f"Bearer {SECRET}")],
        [("Authorization", basic("ci", "wrong"))],
        [("Authorization", basic("", "open sesame"))],
        [("Authorization", basic("other", "open sesame"))],
        [("Authorization", "Basic !!!")],
        [("Authorization", "Basic " + base64.b64encode(b"\xff:\xff").decode())],
        [("Authorization", basic("ci", "open sesame" + "x" * 100))],
        [("Authorization", "Bearer é")],
        [("X-Auth-Token", SECRET)],
    ],
    "named": [
        [],
        [("X-Falco-Token", "")],
        [("X-Falco-Token", SECRET + "x")],
        [("X-Falco-Token", "short")],
        [("X-Falco-Token", SECRET), ("X-Falco-Token", SECRET)],
        [("X-Falco-Token", f"Bearer {SECRET}")],
        [("X-Falco-Token", "é")],
        [("Authorization", f"Bearer {SECRET}")],
        [("Authorization", basic("x", SECRET))],
        [("X-Falco-Tokens", SECRET)],
        [("X-Falco-Token", SECRET.upper())],
        [("X-Falco-Token", SECRET[1:])],
    ],
}
