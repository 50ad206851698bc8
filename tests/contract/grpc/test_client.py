"""The one client of the API: refusals become the product's errors, whoever asks, and nothing shows a credential."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.clients import rca
from brain_common.clients.rca import RcaClient, RcaServer
from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError
from tests.contract.grpc.conftest import group, serving_api

pytestmark = pytest.mark.anyio
CODE = grpc.StatusCode
QUESTIONS: dict[str, Callable[[RcaClient], object]] = {
    "incidents": lambda client: client.incidents(9, only_open=False),
    "incident": lambda client: client.incident("0" * 16),
    "confirm": lambda client: client.confirm(pb.FeedbackRequest()),
    "reject": lambda client: client.reject(pb.FeedbackRequest()),
    "withdraw": lambda client: client.withdraw(pb.WithdrawFeedbackRequest()),
}


class Refusing(grpc.GenericRpcHandler):
    """Ends every call with one code; keeps what it was shown."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        self.shown: list[str] = []
        self._code, self._words = code, words

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        self.shown.append(dict(handler_call_details.invocation_metadata).get("authorization", ""))

        def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(self._code, self._words)
            raise AssertionError

        return grpc.unary_unary_rpc_method_handler(refuse)


@contextmanager
def refusing(code: grpc.StatusCode, words: str = "no") -> Iterator[tuple[str, Refusing]]:
    server, handler = grpc.server(ThreadPoolExecutor(1)), Refusing(code, words)
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", handler
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (CODE.INVALID_ARGUMENT, InputError, "no"),
        (CODE.NOT_FOUND, InputError, "no"),
        (CODE.UNAVAILABLE, TemporaryError, "RCA service {}: UNAVAILABLE: no"),
        (CODE.DEADLINE_EXCEEDED, TemporaryError, "RCA service {}: DEADLINE_EXCEEDED: no"),
        (CODE.ABORTED, TemporaryError, "RCA service {}: ABORTED: no"),
        (CODE.UNAUTHENTICATED, PermanentError, "RCA service {}: UNAUTHENTICATED: no; check the credentials"),
        (CODE.PERMISSION_DENIED, PermanentError, "RCA service {}: PERMISSION_DENIED: no; check the credentials"),
        (CODE.UNIMPLEMENTED, PermanentError, "RCA service {}: UNIMPLEMENTED: no; the service is of an older release"),
        (CODE.RESOURCE_EXHAUSTED, PermanentError, "RCA service {}: RESOURCE_EXHAUSTED: no"),
        (CODE.INTERNAL, PermanentError, "RCA service {}: INTERNAL: no"),
    ],
)
async def test_a_refusal_is_the_same_error_whatever_was_asked(
    question: str, code: grpc.StatusCode, kind: type[BrainError], words: str
) -> None:
    with refusing(code) as (address, _), pytest.raises(kind) as caught:
        await QUESTIONS[question](RcaClient(RcaServer(address)))  # type: ignore[misc]
    assert str(caught.value) == words.format(address)


async def test_long_words_are_cut() -> None:
    with refusing(CODE.INVALID_ARGUMENT, "x" * 5000) as (address, _), pytest.raises(InputError) as caught:
        await RcaClient(RcaServer(address)).incident("0" * 16)
    assert len(str(caught.value)) == 300


async def test_nobody_there_is_temporary_and_hanging_ends() -> None:
    with pytest.raises(TemporaryError, match=r"RCA service 127\.0\.0\.1:1: UNAVAILABLE"):
        await RcaClient(RcaServer("127.0.0.1:1", seconds=5.0)).incident("0" * 16)


async def test_credentials_are_read_anew_and_not_shown(tmp_path: Path) -> None:
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("s3cret\n")
    password.write_text("pässword")
    with refusing(CODE.UNAUTHENTICATED) as (address, handler):
        by_token = RcaClient(RcaServer(address, token_file=token))
        for client in (by_token, by_token, RcaClient(RcaServer(address, username="me", password_file=password))):
            with pytest.raises(PermanentError) as caught:
                await client.incident("0" * 16)
            assert "s3cret" not in str(caught.value)
            token.write_text("another")
    assert handler.shown == ["Bearer s3cret", "Bearer another", "Basic bWU6cMOkc3N3b3Jk"]


@pytest.mark.parametrize(
    ("given", "content", "words"),
    [
        ("token_file", b"", "holds no bearer token"),
        ("token_file", b"two\nlines", "holds no bearer token"),
        ("token_file", "für".encode(), "holds no bearer token"),
        ("token_file", None, "cannot be read"),
        ("password_file", b"\xff", "is no text"),
        ("password_file", b"\n", "holds no password"),
        ("ca_file", None, "cannot be read"),
        ("key_file", None, "cannot be read"),
    ],
)
async def test_files_that_will_not_do_are_named_before_anything_is_sent(
    tmp_path: Path, given: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    client = RcaClient(RcaServer("127.0.0.1:1", given in ("ca_file", "key_file"), username="me", **{given: file}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=words):
        client.check()
    with pytest.raises(ConfigError, match=words):
        await client.incident("0" * 16)


async def test_no_more_are_read_than_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rca, "_PAGE", 2)
    async with serving_api(tmp_path) as api:
        for number in range(5):
            await api.analysed(group(f"k{number}"))
        client = RcaClient(RcaServer(f"127.0.0.1:{api.port}"))
        newest = [one.id for one in await client.incidents(9, only_open=False)]
        assert len(newest) == 5
        assert [one.id for one in await client.incidents(3, only_open=False)] == newest[:3]


def test_nobody_else_makes_a_channel_to_the_service() -> None:
    root = Path(__file__).resolve().parents[3]
    found = [path for path in root.glob("*/src/brain_*/**/*.py") if "RcaServiceStub" in path.read_text()]
    assert sorted(str(path.relative_to(root)) for path in found) == [
        "api/src/brain_api/rca/v1/rca_pb2_grpc.py",
        "common/src/brain_common/clients/rca.py",
    ]
