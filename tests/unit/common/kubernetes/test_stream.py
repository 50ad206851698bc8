"""A watch that is shut down while, or after, it ends by itself."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from brain_common.clients.kubernetes.client import KubeApi
from brain_common.clients.kubernetes.config import ClientSettings
from brain_common.errors import TemporaryError
from tests.fakes.kubeconfig import write_kubeconfig
from tests.unit.common.kubernetes.fake_api import FakeApi, lines


def api_at(folder: Path, url: str) -> KubeApi:
    return KubeApi(ClientSettings(kubeconfig=write_kubeconfig(folder, url)))


def test_a_watch_that_has_ended_may_be_shut_down(tmp_path: Path) -> None:
    with FakeApi(lines("one", "two")) as fake, api_at(tmp_path, fake.url).watch("/x", {}, 10) as stream:
        assert b"".join(stream.chunks()) == b"onetwo"
        stream.shutdown()
    stream.shutdown()


def test_a_watch_whose_socket_is_closed_may_be_shut_down(tmp_path: Path) -> None:
    hold = threading.Event()
    with FakeApi(lines("one", hold=hold)) as fake, api_at(tmp_path, fake.url).watch("/x", {}, 10) as stream:
        os.close(stream._response._sock_shutdown.__self__.detach())
        stream.shutdown()
        hold.set()


def test_a_read_that_waits_ends(tmp_path: Path) -> None:
    hold = threading.Event()
    with FakeApi(lines("one", hold=hold)) as fake, api_at(tmp_path, fake.url).watch("/x", {}, 60) as stream:
        chunks = stream.chunks()
        assert next(chunks) == b"one"
        threading.Timer(0.2, stream.shutdown).start()
        began = time.monotonic()
        with pytest.raises(TemporaryError):
            next(chunks)
        assert time.monotonic() - began < 20
        hold.set()
