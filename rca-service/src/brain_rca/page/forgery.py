"""Whether a form was sent from a page of ours: browsers send credentials with whatever another site makes them post.

Three things must be true. The browser says that the request comes from our own origin (``Sec-Fetch-Site``; where it
does not say, since it tells only over TLS and on loopback, ``Origin`` names the host that was asked). The form holds a
token that only we can make. And the token is for the cookie of this very browser (a signed double submit), which
another site cannot read, and which ``SameSite=Strict`` keeps from being sent with a request of another site.

References: OWASP Cross-Site Request Forgery Prevention Cheat Sheet; W3C Fetch Metadata Request Headers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from brain_common.serving.config import CallerSettings

COOKIE = "brain-form"
_NONCE = re.compile(r"[0-9a-f]{32}")


class FormSeal:
    """Makes and checks tokens; all replicas with the same ``callers`` make the same.

    Args:
        callers: Their secrets are what the tokens are signed with, so that no further secret has to be shared.
        own_host: Host of the address for people, where a proxy in front changes ``Host``; may be empty.
    """

    def __init__(self, callers: Sequence[CallerSettings], own_host: str = "") -> None:
        known = [caller.bearer_token or caller.password_bcrypt for caller in callers]
        joined = "\n".join(secret.get_secret_value() for secret in known if secret is not None)
        self._key = hashlib.sha256(b"brain form seal\n" + joined.encode()).digest()
        self._own_host = own_host.lower()

    def nonce(self, request: Request) -> str:
        """The browser's, a new one for a browser that has none."""
        known = request.cookies.get(COOKIE, "")
        return known if _NONCE.fullmatch(known) else secrets.token_hex(16)

    def token(self, nonce: str, incident_id: str) -> str:
        """For the form about one incident in one browser."""
        return hmac.new(self._key, f"{nonce}:{incident_id}".encode(), hashlib.sha256).hexdigest()

    def give(self, response: Response, request: Request, nonce: str) -> None:
        """Hand the browser its nonce; below the folder of the page only, as browsers do without a path."""
        secure = "; Secure" if request.url.scheme == "https" else ""
        response.headers.append("Set-Cookie", f"{COOKIE}={nonce}; HttpOnly; SameSite=Strict{secure}")

    def is_ours(self, request: Request, token: str, incident_id: str) -> bool:
        """Whether the form came from a page we gave to this browser."""
        nonce = request.cookies.get(COOKIE, "")
        return (
            self._is_own_origin(request)
            and _NONCE.fullmatch(nonce) is not None
            and hmac.compare_digest(self.token(nonce, incident_id).encode(), token.encode(errors="replace"))
        )

    def _is_own_origin(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        try:
            host = urlsplit(request.headers.get("origin", "")).netloc.lower()
        except ValueError:
            return False
        return host != "" and host in (request.headers.get("host", "").lower(), self._own_host)
