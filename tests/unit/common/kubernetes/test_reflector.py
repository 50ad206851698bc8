"""The picture follows the API server through broken watches, 410, refusals and nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from brain_common.clients.kubernetes.client import KubeApi
from brain_common.clients.kubernetes.config import ClientSettings
from brain_common.clients.kubernetes.reflector import Collection, Reflector
from brain_common.errors import BrainError
from tests.fakes.kubeconfig import write_kubeconfig
from tests.unit.common.kubernetes.fake_api import FakeApi, lines, plain


class Picture:
    """Names that are there, and how it went."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lists = 0
        self.bad = 0
        self.open = False
        self.times_heard = 0
        self.errors: list[BrainError] = []
        self._seen: set[str] = set()

    def begin(self) -> None:
        self._seen = set()

    def put(self, item: msgspec.Raw) -> None:
        self._seen.add(name := self._name(item))
        self.names.add(name)

    def remove(self, item: msgspec.Raw) -> None:
        self.names.discard(self._name(item))

    def end(self) -> None:
        self.names &= self._seen

    def heard(self) -> None:
        self.times_heard += 1

    def failed(self, error: BrainError) -> None:
        self.errors.append(error)

    def listed(self) -> None:
        self.lists += 1

    def watching(self, is_open: bool) -> None:
        self.open = is_open

    def malformed(self) -> None:
        self.bad += 1

    def _name(self, item: msgspec.Raw) -> str:
        read = msgspec.json.decode(item, type=dict[str, dict[str, str]])
        if "name" not in read["metadata"]:
            raise msgspec.ValidationError("no name")
        return read["metadata"]["name"]


def item(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def line(kind: str, name: str, version: int) -> str:
    return json.dumps({"type": kind, "object": item(name, version)}) + "\n"


def listed(version: int, *names: str, token: str = "") -> str:
    items = [item(name, 1) for name in names] or None
    return json.dumps({"metadata": {"resourceVersion": str(version), "continue": token}, "items": items})


@contextmanager
def following(folder: Path, api: FakeApi) -> Iterator[Picture]:
    picture = Picture()
    client = KubeApi(ClientSettings(kubeconfig=write_kubeconfig(folder, api.url)))
    reflector = Reflector(client, Collection("/api/v1/pods", {"fieldSelector": "x"}), picture, picture)
    thread = threading.Thread(target=reflector.run)
    thread.start()
    try:
        yield picture
    finally:
        reflector.stop()
        thread.join(10)
        assert not thread.is_alive()


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_pages_then_changes(tmp_path: Path) -> None:
    watch = lines(line("ADDED", "c", 11), line("DELETED", "a", 12), hold=threading.Event())
    with (
        FakeApi(plain(listed(10, "a", token="next")), plain(listed(10, "b")), watch) as api,
        following(tmp_path, api) as picture,
    ):
        eventually(lambda: picture.names == {"b", "c"})
        assert "continue=next" in api.asked[1]
        assert all("fieldSelector=x" in asked for asked in api.asked)
        assert "resourceVersion=10" in api.asked[2]
        assert "allowWatchBookmarks=true" in api.asked[2]
        assert picture.lists == 1
        assert picture.open


def test_410_lists_anew_and_what_is_gone_goes(tmp_path: Path) -> None:
    gone = json.dumps({"type": "ERROR", "object": {"metadata": {}, "code": 410, "message": "old"}}) + "\n"
    answers = (plain(listed(10, "a")), lines(gone), plain(listed(50, "b")), lines(hold=threading.Event()))
    with FakeApi(*answers) as api, following(tmp_path, api) as picture:
        eventually(lambda: picture.names == {"b"})
        assert picture.lists == 2
        assert picture.errors == []


def test_a_broken_watch_goes_on_where_it_was_bookmarks_included(tmp_path: Path) -> None:
    whole = line("ADDED", "b", 31)
    answers = (
        plain(listed(10, "a")),
        lines(line("BOOKMARK", "", 30), whole[: len(whole) // 2], cut=True),
        plain("busy", 503),
        lines(whole, hold=threading.Event()),
    )
    with FakeApi(*answers) as api, following(tmp_path, api) as picture:
        eventually(lambda: picture.names == {"a", "b"})
        assert "resourceVersion=30" in api.asked[-1]
        assert picture.lists == 1
        assert len(picture.errors) == 2


def test_while_refused_the_picture_stays_and_no_secret_is_told(tmp_path: Path) -> None:
    answers = (
        plain(listed(10, "a")),
        plain("no", 403),
        plain("no", 401),
        lines(line("ADDED", "b", 11), hold=threading.Event()),
    )
    with FakeApi(*answers) as api, following(tmp_path, api) as picture:
        eventually(lambda: bool(picture.errors))
        assert "a" in picture.names
        eventually(lambda: picture.names == {"a", "b"})
        assert not any("secret" in str(error) for error in picture.errors)


def test_nonsense_is_counted_and_passed_over(tmp_path: Path) -> None:
    bad = ("{\n", '{"type":"ADDED","object":7}\n', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"11"}}}\n')
    answers = (plain(listed(10)), lines(*bad, line("ADDED", "a", 12), hold=threading.Event()))
    with FakeApi(*answers) as api, following(tmp_path, api) as picture:
        eventually(lambda: picture.names == {"a"})
        assert picture.bad == 3
