"""The API server: requests and watches with the official client's configuration, answers as they came.

The official client knows kubeconfigs, service accounts, exec plug-ins and rotating tokens; its models are far too slow
for thousands of events a second, so the bytes are decoded by ``msgspec`` into what is needed of them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx
import msgspec

from brain_common.errors import BrainError, ConfigError, PermanentError, TemporaryError
from brain_exporters.kube_events.config import ApiSettings

PAGE: Final = 500  # objects of a page, as kubectl and informers ask
WATCH_SECONDS: Final = 300  # the server ends a watch after this long; a new one goes on where it was
_SILENCE_SECONDS: Final = WATCH_SECONDS + 30.0  # a bookmark comes each minute; longer silence is a dead connection
_LARGEST_ANSWER: Final = 256 << 20  # bytes of one page: 500 objects of at most 0.5 MiB each, as etcd takes them
_LARGEST_LINE: Final = 8 << 20  # bytes of one watched object: etcd takes 1.5 MiB


class GoneError(TemporaryError):
    """410: the resourceVersion is too old; list anew."""


class RefusedError(PermanentError):
    """Another 4xx: by somebody's doing it may be answered later."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class KubeClient:
    """Methods raise ``TemporaryError`` for what may pass, ``GoneError`` for 410, ``RefusedError`` for other refusals.

    Args:
        settings: How the API server is reached.

    Raises:
        ConfigError: There is no such file or context, or this is no pod of a cluster.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._configuration = _configuration(settings)
        self._http = httpx.AsyncClient(
            base_url=self._configuration.host,
            verify=_tls(self._configuration),
            timeout=httpx.Timeout(30.0, read=_SILENCE_SECONDS),
            trust_env=False,
            limits=httpx.Limits(max_connections=64),
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None, metadata_only: bool = False) -> bytes:
        """One object or page; only names, labels and owners when ``metadata_only``."""
        return await self.send("GET", path, query, accept=_METADATA if metadata_only else _JSON)

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        accept: str = "application/json",
    ) -> bytes:
        """Any request, with a JSON body."""
        headers = await self._headers(accept)
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = self._http.build_request(
                method, path, params=query, headers=headers, content=content, timeout=30.0
            )
            response = await self._http.send(request, stream=True)
            try:
                return await _bounded(response, path)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise TemporaryError(f"API server: {type(error).__name__}: {error}".rstrip(": ")) from error

    async def pages(self, path: str, metadata_only: bool = False, selector: str = "") -> AsyncIterator[bytes]:
        """All objects of a collection, page by page; only those that the field selector takes."""
        token = ""
        while True:
            query = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            query |= {"fieldSelector": selector} if selector else {}
            page = await self.get(path, query, metadata_only)
            token = decode(page, _Continued).metadata.next
            yield page
            if not token:
                return

    async def watch(self, path: str, version: str, metadata_only: bool = False) -> AsyncIterator[list[bytes]]:
        """What happens after ``version``, some lines at a time; ends when the server ends it."""
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        headers = await self._headers(_METADATA if metadata_only else _JSON)
        try:
            async with self._http.stream("GET", path, params=query, headers=headers) as response:
                if response.status_code != 200:
                    await _bounded(response, path)
                yield []  # it answers; the first change may be a long time coming
                rest = b""
                async for chunk in response.aiter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    if len(rest) > _LARGEST_LINE:
                        raise PermanentError(f"API server: {path}: a line of more than {_LARGEST_LINE >> 20} MiB")
                    if lines:
                        yield lines
        except httpx.HTTPError as error:
            raise TemporaryError(f"API server: {path}: {type(error).__name__}: {error}".rstrip(": ")) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": "ai-devops-brain"}
        # May read a file or run an exec plug-in: not on the event loop.
        shown = await asyncio.to_thread(self._configuration.auth_settings)
        return headers | {each["key"]: each["value"] for each in shown.values() if each["in"] == "header"}


_JSON: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class _ListMetadata(msgspec.Struct, frozen=True):
    next: str = msgspec.field(default="", name="continue")


class _Continued(msgspec.Struct, frozen=True):
    metadata: _ListMetadata


def decode(data: bytes, shape: Any) -> Any:  # noqa: ANN401 - whatever shape says
    """An answer of the API server.

    Raises:
        TemporaryError: It is not of this shape: something else answers there.
    """
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TemporaryError(f"API server: the answer is not what Kubernetes says: {error}") from error


async def _bounded(response: httpx.Response, path: str) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > _LARGEST_ANSWER:
            raise PermanentError(f"API server: {path}: an answer of more than {_LARGEST_ANSWER >> 20} MiB")
    if response.is_success:
        return bytes(read)
    raise _refusal(response, path, bytes(read[:4096]))


def _refusal(response: httpx.Response, path: str, body: bytes) -> BrainError:
    status = response.status_code
    try:
        words = str(msgspec.json.decode(body)["message"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        words = response.reason_phrase
    message = f"API server: {path.partition('?')[0]}: {status}: {words[:300]}"
    if status == 410:
        return GoneError(message)
    if status == 429 or status >= 500:
        after = response.headers.get("retry-after", "")
        return TemporaryError(message, float(after) if after.isdecimal() else None)
    return RefusedError(message, status)


def _configuration(settings: ApiSettings) -> Any:  # noqa: ANN401 - the package has no types
    from kubernetes import config
    from kubernetes.client import Configuration

    made = Configuration()
    try:
        if settings.kubeconfig is None and settings.context is None and _in_cluster():
            config.load_incluster_config(client_configuration=made)
        else:
            file = str(settings.kubeconfig) if settings.kubeconfig else None
            config.load_kube_config(file, settings.context, client_configuration=made)
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        where = settings.kubeconfig or "no pod of a cluster and no kubeconfig"
        raise ConfigError(f"api.kubeconfig: {where}: {error}") from error
    return made


def _in_cluster() -> bool:
    import os

    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def _tls(configuration: Any) -> ssl.SSLContext | bool:  # noqa: ANN401 - the package has no types
    if not str(configuration.host).startswith("https"):
        return True
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
