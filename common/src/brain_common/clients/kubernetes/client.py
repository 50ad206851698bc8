"""The API server over HTTP, with the official client's configuration: certificates, tokens, exec plug-ins, refresh.

Bodies are taken as bytes: the client's models take longer to make than a busy cluster's events take to come. Errors
become those of the product here: ``Gone`` for 410, ``PermanentError`` for 401, 403, 404 and 409, ``TemporaryError``
for all that may heal by itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import msgspec

from brain_common.clients.kubernetes.config import ClientSettings
from brain_common.errors import BrainError, PermanentError, TemporaryError

JSON: Final = "application/json"
METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Lists of metadata alone: neither the data of a ConfigMap nor the spec of a pod is sent."""
METADATA_WATCH: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""The same for a watch, which sends one object a line."""

_PAGE: Final = 500  # objects a page, as kubectl asks
_LARGEST_BODY: Final = 256 << 20  # bytes; 500 objects of the largest size that etcd takes (1.5 MiB) do not all come
_CHUNK: Final = 1 << 16
_WORDS: Final = 300  # characters of the server's words in an error


class Gone(TemporaryError):  # noqa: N818 - as HTTP calls it
    """410: the resourceVersion is too old; list anew."""


class NotThere(PermanentError):  # noqa: N818
    """404."""


class Conflict(PermanentError):  # noqa: N818
    """409: somebody else was quicker."""


class Page(Protocol):
    """A list as the server pages it."""

    metadata: ListMeta


class ListMeta(msgspec.Struct, gc=False, rename={"token": "continue"}):
    """Where a list stands, and whether more is to come."""

    resourceVersion: str = ""  # noqa: N815 - as it is on the wire
    token: str = ""


class Stream:
    """An open watch. ``shutdown`` may be called from another thread: a read that waits ends with an error."""

    def __init__(self, response: Any) -> None:  # noqa: ANN401 - urllib3's, which the client does not name
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they come, until the server ends the watch.

        Raises:
            TemporaryError: The connection broke.
        """
        with _translated("watch"):
            yield from self._response.stream(_CHUNK, decode_content=True)

    def shutdown(self) -> None:
        """End reading; harmless when the watch has ended by itself, also at this moment."""
        with suppress(OSError, RuntimeError, ValueError):  # its socket is closed, or given back
            self._response.shutdown()


class KubeApi:
    """One account at one API server; connects at the first request. May be used from several threads."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._guard = threading.Lock()
        self._client: Any = None

    def send(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None, accept: str = JSON
    ) -> bytes:
        """One request, and its whole answer.

        Raises:
            BrainError: It was refused or did not come through.
        """
        with _translated(f"{method} {path}"):
            response = self._request(method, path, query or {}, body, accept, self._settings.timeout_seconds)
            try:
                data: bytes = response.read(_LARGEST_BODY + 1, decode_content=True)
            finally:
                response.release_conn()
        if len(data) > _LARGEST_BODY:
            raise TemporaryError(f"{method} {path}: answer of more than {_LARGEST_BODY} bytes")
        self._check(f"{method} {path}", response.status, data, response.headers)
        return data

    def pages(
        self, path: str, decoder: msgspec.json.Decoder[Any], query: Mapping[str, str] | None = None, accept: str = JSON
    ) -> Iterator[Any]:
        """A list, page by page.

        Raises:
            BrainError: It was refused, did not come through or is no list; ``Gone`` when it took too long.
        """
        token = ""
        while True:
            asked = {"limit": str(_PAGE), **(query or {}), **({"continue": token} if token else {})}
            data = self.send("GET", path, asked, accept=accept)
            try:
                page = decoder.decode(data)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise TemporaryError(f"GET {path}: no list as expected: {error}") from error
            page.items = page.items or []
            yield page
            token = page.metadata.token
            if not token:
                return

    @contextmanager
    def watch(self, path: str, query: Mapping[str, str], silence: float, accept: str = JSON) -> Iterator[Stream]:
        """An open watch.

        Args:
            path: Of the collection.
            query: Its parameters.
            silence: Seconds without a byte after which the connection counts as dead.
            accept: Form of the objects.

        Raises:
            BrainError: It was refused or did not come through.
        """
        with _translated(f"watch {path}"):
            response = self._request("GET", path, {**query, "watch": "1"}, None, accept, silence)
        try:
            if response.status != 200:
                with _translated(f"watch {path}"):
                    data = response.read(_CHUNK, decode_content=True)
                self._check(f"watch {path}", response.status, data, response.headers)
            yield Stream(response)
        finally:
            response.close()

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: object, accept: str, silence: float
    ) -> Any:  # noqa: ANN401
        from urllib3 import Timeout

        client = self._connected()
        headers = {"Accept": accept, "User-Agent": "ai-devops-brain"}
        for setting in client.configuration.auth_settings().values():  # asks again for a token that has run out
            headers[setting["key"]] = setting["value"]
        if body is not None:
            headers["Content-Type"] = JSON
        return client.rest_client.pool_manager.request(
            method,
            f"{client.configuration.host}{path}?{urlencode(query)}",
            headers=headers,
            body=None if body is None else json.dumps(body),
            preload_content=False,
            redirect=False,
            retries=False,
            timeout=Timeout(connect=self._settings.timeout_seconds, read=silence),
        )

    def _connected(self) -> Any:  # noqa: ANN401
        with self._guard:
            if self._client is None:
                self._client = _client(self._settings)
            return self._client

    def _check(self, what: str, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        if status < 300:
            return
        text = f"{what}: {status} {_words(body)}"
        if status == 410:
            raise Gone(text)
        if status == 401:
            with self._guard:
                self._client = None  # the file may hold other credentials by now
        kinds: dict[int, type[PermanentError]] = {404: NotThere, 409: Conflict}
        if 400 <= status < 500 and status not in (408, 425, 429):
            raise kinds.get(status, PermanentError)(text)
        hint = headers.get("Retry-After", "")
        raise TemporaryError(text, float(hint) if hint.isdecimal() else None)


def _client(settings: ClientSettings) -> Any:  # noqa: ANN401
    from kubernetes import client, config

    configuration = client.Configuration()
    if settings.kubeconfig is None:
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as error:
            raise PermanentError("this is no pod of a cluster; outside of one, set client.kubeconfig") from error
    else:
        config.load_kube_config(str(settings.kubeconfig), settings.context, configuration, persist_config=False)
    return client.ApiClient(configuration)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Foreign exceptions as those of the product."""
    try:
        yield
    except BrainError:
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:_WORDS]
        raise TemporaryError(f"{what}: {type(error).__name__}: {words}") from error


class _Status(msgspec.Struct):
    message: str = ""


def _words(body: bytes) -> str:
    """What the server says, of a Status or of anything else."""
    try:
        text = msgspec.json.decode(body, type=_Status).message
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body[:_WORDS].decode(errors="replace")
    return " ".join(text.split())[:_WORDS]
