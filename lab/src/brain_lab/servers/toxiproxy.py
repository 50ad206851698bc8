"""Toxiproxy: TCP proxies that can be slowed down, cut off and broken while the clients are connected.

It stands between the product and a server that is really there, which no fake can replace: half-open
connections, resets in the middle of an answer, a peer that accepts and then says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import httpx

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import HOST, HttpServer

ToxicType = Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
Stream = Literal["downstream", "upstream"]


@dataclass(frozen=True)
class Toxic:
    """One disturbance of a proxy; in force until it is removed, or for the length of a `with`."""

    api: str
    proxy: str
    name: str

    def remove(self) -> None:
        """Take it away."""
        _call("DELETE", f"{self.api}/proxies/{self.proxy}/toxics/{self.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


@dataclass(frozen=True)
class Proxy:
    """One proxied server; clients connect to `address` in its place."""

    api: str
    name: str
    address: str

    @property
    def url(self) -> str:
        """The address, for a server that speaks HTTP."""
        return f"http://{self.address}"

    def disable(self) -> None:
        """Close all connections and refuse new ones: the server is down."""
        self._switch(enabled=False)

    def enable(self) -> None:
        """Accept connections again, on the same port."""
        self._switch(enabled=True)

    def add_toxic(
        self, kind: ToxicType, *, stream: Stream = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> Toxic:
        """Disturb it, e.g. `add_toxic("latency", latency=500, jitter=100)`, in milliseconds.

        Args:
            kind: The type, as Toxiproxy calls it.
            stream: `downstream` is from the server to the client.
            toxicity: The share of connections it applies to.
            attributes: The type's own settings.
        """
        name = f"{kind}_{stream}"
        body = {
            "name": name,
            "type": kind,
            "stream": stream,
            "toxicity": toxicity,
            "attributes": attributes,
        }
        _call("POST", f"{self.api}/proxies/{self.name}/toxics", body)
        return Toxic(self.api, self.name, name)

    def _switch(self, *, enabled: bool) -> None:
        _call("POST", f"{self.api}/proxies/{self.name}", {"enabled": enabled})


@dataclass(kw_only=True)
class Toxiproxy(HttpServer):
    """A running Toxiproxy with no proxies yet."""

    program: ClassVar[str] = "toxiproxy-server"
    ready_path: ClassVar[str] = "/version"

    def create(self, name: str, upstream: str) -> Proxy:
        """Put a proxy in front of `upstream`, a `host:port`, on a free port of its own."""
        body = {"name": name, "listen": f"{HOST}:0", "upstream": upstream, "enabled": True}
        created = _call("POST", f"{self.url}/proxies", body)
        return Proxy(self.url, name, created["listen"])

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        _call("POST", f"{self.url}/reset")

    def _command(self, port: int) -> list[str]:
        return [str(self.executable), f"-host={HOST}", f"-port={port}", *self.flags]


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        with httpx.Client(trust_env=False, timeout=10) as client:
            response = client.request(method, url, json=body)
    except httpx.HTTPError as error:
        raise ServerFailed(f"toxiproxy did not answer {method} {url}: {error}") from error
    if response.is_error:
        raise ServerFailed(f"toxiproxy answered {response.status_code} to {method} {url}: {response.text}")
    answer: dict[str, Any] = response.json() if response.content else {}
    return answer
