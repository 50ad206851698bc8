"""One POST whose answer matters only by its status; for Alertmanager peers and outgoing webhooks.

Messages name the host only, since the path of a webhook is often its secret; servers like to repeat it ("cannot
POST /…"), so it is masked in their words, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx

from brain_common.clients.http import HttpSettings, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError

_MAX_READ: Final = 65536  # bytes of an answer that are read so that the connection can be used again
_MAX_SHOWN: Final = 2000  # bytes of it that may go into a message; safe_text shortens them further
_SHORTEST_SECRET: Final = 6  # characters; shorter parts of a path are words like "hooks"


async def post(
    client: httpx.AsyncClient, settings: HttpSettings, url: str, body: bytes, headers: Mapping[str, str]
) -> None:
    """Send ``body`` to ``url`` and return when the server took it (2xx).

    Args:
        client: Built from ``settings``.
        settings: Known credentials, which messages must not show.
        url: Absolute, or a path below the client's base URL.
        body: Sent as it is.
        headers: Of this request.

    Raises:
        TemporaryError: No connection, too slow, 5xx, 408, 425 or 429; with the server's Retry-After.
        PermanentError: Any other status; redirects are not followed.
    """
    server = urlsplit(settings.url).netloc
    try:
        # Uncompressed: the answer is read as it comes, and a small one cannot become a large one.
        sent = {**headers, "Accept-Encoding": "identity"}
        async with client.stream("POST", url, content=body, headers=sent) as response:
            text = await _beginning(response)
    except httpx.LocalProtocolError as error:  # its words repeat the header, which may be the credential
        raise PermanentError(f"{server}: a header or the credential is not fit to be sent") from error
    except httpx.TransportError as error:
        raise transport_error(server, settings, error) from error
    except OSError as error:  # httpx lets a TLS alert during the answer pass as it is
        raise TemporaryError(f"{server}: {safe_text(settings, str(error))}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words = safe_text(settings, str(error), _secrets_in(url))
        raise PermanentError(f"{server}: {type(error).__name__}: {words}") from error
    if not response.is_success:
        raise status_error(server, response, safe_text(settings, text, _secrets_in(url)))


async def _beginning(response: httpx.Response) -> str:
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) >= _MAX_READ:
            break
    return bytes(read[:_MAX_SHOWN]).decode(errors="replace")


def _secrets_in(url: str) -> Collection[str]:
    """Of an address: its path and query, whole and in parts. A path alone is this product's own, and no secret."""
    parts = urlsplit(url)
    if not parts.netloc:
        return ()
    pieces = {parts.path, parts.query, *parts.path.split("/"), *parts.query.replace("=", "&").split("&")}
    pieces |= {unquote(piece) for piece in pieces}
    return [piece for piece in pieces if len(piece) >= _SHORTEST_SECRET]
