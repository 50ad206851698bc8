"""Who is calling: bearer tokens and basic auth, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from brain_common.serving.config import CallerSettings

_KEPT = 64  # verified passwords remembered: bcrypt costs ~50 ms, Alertmanager calls often


class Authenticator:
    """Tells callers apart; with no callers configured, everybody is ``anonymous``."""

    def __init__(self, callers: Sequence[CallerSettings]) -> None:
        self._callers = tuple(callers)
        self._verified: dict[bytes, str] = {}

    @property
    def required(self) -> bool:
        """Whether a caller must show who it is."""
        return bool(self._callers)

    def identify(self, authorization: Sequence[str]) -> str | None:
        """The caller's name, None when it is not known. May take 0.1 s of CPU.

        Args:
            authorization: Every ``Authorization`` header of the request. With more than one nobody can tell which one
                a proxy in front has looked at, so it is none.
        """
        if not self._callers:
            return "anonymous"
        if len(authorization) != 1:
            return None
        scheme, _, value = authorization[0].partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(value.strip())
        if scheme.lower() == "basic":
            return self._by_password(value.strip())
        return None

    def _by_token(self, token: str) -> str | None:
        found = None
        for caller in self._callers:  # no early exit: the time must not tell which one was near
            known = caller.bearer_token
            if known and hmac.compare_digest(_digest(known.get_secret_value()), _digest(token)):
                found = caller.name
        return found

    def _by_password(self, value: str) -> str | None:
        key = _digest(value)
        if key in self._verified:
            return self._verified[key]
        try:
            user, separator, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:  # no ASCII, no base64, or no UTF-8
            return None
        name = self._check(user, password) if separator else None
        if name is not None and len(self._verified) < _KEPT:
            self._verified[key] = name
        return name

    def _check(self, user: str, password: str) -> str | None:
        import bcrypt

        secret = password.encode()
        if len(secret) > 72:  # bcrypt's limit; longer ones cannot have been hashed
            return None
        hashes = [
            (caller.name, caller.username, caller.password_bcrypt.get_secret_value().encode())
            for caller in self._callers
            if caller.username is not None and caller.password_bcrypt is not None
        ]
        named = [each for each in hashes if hmac.compare_digest(_digest(each[1]), _digest(user))]
        for each in named or hashes[:1]:  # an unknown name takes as long as a wrong password
            if bcrypt.checkpw(secret, each[2]) and each in named:
                return each[0]
        return None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()
