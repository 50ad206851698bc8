"""Processes of the benches of the processor: sink, generator, and ``brain otel`` as users start it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec

from brain_lab.bench.otel.generator import Order, Sent
from brain_lab.bench.otel.sink import SAMPLE, Arrivals
from brain_lab.servers.binaries import find, runnable
from brain_lab.servers.process import ServerProcess
from brain_lab.servers.server import HOST, Server, free_port

_GRACE: Final = 120.0  # seconds for what is under way


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


class Listener(Server):
    """Ready once its port takes connections."""

    def keep_port(self) -> None:
        """Come back where it is now when it is started again."""
        self.port = int(self.address.rpartition(":")[2])

    def _answers(self, port: int) -> bool:
        return _listens(port)


@dataclass(kw_only=True)
class Sink(Listener):
    """A running ``bench.otel.sink``; what has come is kept over restarts.

    Attributes:
        capacity: Records are numbered below it.
        seconds: That it takes to answer.
    """

    program: ClassVar[str] = "otel-sink"

    capacity: int
    seconds: float = 0.0
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)

    @property
    def arrivals(self) -> Arrivals:
        """What has come so far; the sink must have been started."""
        if self._arrivals is None:
            raise RuntimeError("the sink was never started")
        return self._arrivals

    def sample(self) -> bytes:
        """A recent request, as it came."""
        return (self.data_dir / SAMPLE).read_bytes()

    def _command(self, port: int) -> list[str]:
        if self._arrivals is None:
            self._arrivals = Arrivals.create(self.data_dir, self.capacity)
        module = "brain_lab.bench.otel.sink"
        return [sys.executable, "-m", module, str(port), str(self.data_dir), str(self.seconds)]


@dataclass(kw_only=True)
class Processor(Listener):
    """A running ``brain otel``, OTLP/gRPC on its port.

    Attributes:
        next_hop: Address that it sends to.
        config: The rest of its configuration.
    """

    program: ClassVar[str] = "brain"

    next_hop: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def executable(self) -> Path:
        """The ``brain`` of this very environment, where there is one."""
        beside = Path(sys.executable).with_name(self.program)
        return self.binary or (beside if runnable(beside) else find(self.program))

    def _command(self, port: int) -> list[str]:
        file = self.data_dir / "config.yaml"
        own = {
            "otlp": {**self.config.get("otlp", {}), "grpc": {"host": HOST, "port": port}, "http": None},
            "next_hop": {"endpoint": f"http://{self.next_hop}"},
            "metrics": {"host": HOST, "port": free_port()},
            "log_level": "WARNING",
        }
        # JSON is YAML.
        file.write_text(json.dumps({**self.config, **own}, indent=1), encoding="utf-8")
        return [str(self.executable), "otel", "--config", str(file)]


class Load:
    """A running ``bench.otel.generator``.

    Args:
        order: What it sends.
        folder: For its account and its log.
    """

    def __init__(self, order: Order, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._account = folder / "sent.json"
        argument = msgspec.json.encode(order).decode()
        argv = [sys.executable, "-m", "brain_lab.bench.otel.generator", argument, str(self._account)]
        self._process = ServerProcess("the generator", argv, folder / "generator.log")
        self._process.start()

    @property
    def runs(self) -> bool:
        """Whether it is not through yet."""
        return self._process.pid is not None

    def wait(self, seconds: float) -> Sent:
        """Its account, once it is through.

        Raises:
            ServerFailed: It is not through in time, or broke.
        """
        self._process.wait_for_end(seconds)
        return msgspec.json.decode(self._account.read_bytes(), type=Sent)

    def stop(self) -> None:
        """Nothing new is sent from now on; what is under way is seen through."""
        self._process.stop(_GRACE)
