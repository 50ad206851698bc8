"""The lake in a bucket: the same as on a folder, with commits that exclude each other."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import boto3
import pytest
from moto.server import ThreadedMotoServer

from brain_common.clock import ManualClock
from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_lab.servers.s3_gateway import S3Gateway
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Maintenance
from brain_lake.reader import LakeReader
from brain_lake.schemas import EDGES, EVENTS, METRICS
from brain_lake.writer import Batch, open_writer
from tests.servers.fixtures import S3GatewayFactory
from tests.unit.lake.rows import START, edge_rows, event_rows, sample_rows

KEY, SECRET = S3Gateway.access_key, S3Gateway.secret_key


def s3(url: str, bucket: str, key: str = KEY, secret: str = SECRET, **more: Any) -> LakeSettings:
    settings = {"bucket": bucket, "prefix": "brain/lake", "endpoint_url": url, "retry_seconds": 2}
    return LakeSettings.model_validate({"s3": settings | {"access_key_id": key, "secret_access_key": secret} | more})


def made_bucket(url: str) -> str:
    name = f"lake-{uuid.uuid4().hex[:12]}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=name)
    client.close()
    return name


@pytest.fixture
def gateway(s3_gateway: S3GatewayFactory) -> S3Gateway:
    """A real S3 server."""
    return s3_gateway()


@pytest.fixture
def bucket(gateway: S3Gateway) -> LakeSettings:
    """An empty bucket of a real S3 server."""
    return s3(gateway.url, made_bucket(gateway.url))


def test_what_was_written_to_a_bucket_is_read_from_it(bucket: LakeSettings) -> None:
    writer, reader = open_writer(bucket), LakeReader(LakeLocation.of(bucket))
    assert reader.rows(EVENTS, START, START + 60).num_rows == 0
    assert writer.last_batch(EVENTS, "w") is None
    for cluster in ("c1", "", "a/b %"):
        writer.append(EVENTS, event_rows([START, START + 3600], cluster=cluster), Batch("w", 1))
    found = reader.rows(EVENTS, START, START + 60, {"cluster": "a/b %", "name": "cart"})
    assert [row["cluster"] for row in found.to_pylist()] == ["a/b %"]
    assert reader.rows(EVENTS, START, START + 60, {"cluster": ""}).num_rows == 1
    assert reader.rows(EVENTS, START, START + 7200).num_rows == 6
    assert reader.events(START, START + 60).num_rows == 3
    assert writer.last_batch(EVENTS, "w") == 1


def test_samples_and_edges_are_read_from_a_bucket(bucket: LakeSettings) -> None:
    writer, reader = open_writer(bucket), LakeReader(LakeLocation.of(bucket))
    writer.append(METRICS, sample_rows(METRICS, [START, START + 1]))
    writer.append(EDGES, edge_rows(4))
    assert reader.metrics(START, START + 60, 15.0)["value"].to_pylist() == [1.0]
    assert reader.edges(START, START + 60).num_rows == 1


def test_writers_that_commit_at_once_to_a_bucket_all_come_in(bucket: LakeSettings) -> None:
    def write(number: int) -> None:
        writer = open_writer(bucket)
        for batch in range(6):
            writer.append(EDGES, edge_rows(2), Batch(f"w{number}", batch))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    status = Maintenance(LakeLocation.of(bucket), UpkeepSettings()).status(EDGES)
    assert status
    assert (status.rows, status.version) == (36, 17)


def test_a_bucket_is_kept_like_a_folder(bucket: LakeSettings) -> None:
    writer, location = open_writer(bucket), LakeLocation.of(bucket)
    for _ in range(4):
        writer.append(EVENTS, event_rows([START]))
    now = Maintenance(location, UpkeepSettings(), ManualClock(START + 7200))
    compacted = now.compact(EVENTS)
    assert compacted
    assert (compacted.files_before, compacted.files_after) == (4, 1)
    assert now.checkpoint(EVENTS)
    assert LakeReader(location).rows(EVENTS, START, START + 1).num_rows == 4
    later = Maintenance(location, UpkeepSettings(), ManualClock(START + 40 * 86400))
    retained, vacuumed = later.retain(EVENTS), later.vacuum(EVENTS)
    assert retained
    assert vacuumed
    assert (retained.files, vacuumed.files) == (1, 0)


def test_credentials_come_from_the_environment(gateway: S3Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = LakeSettings.model_validate({"s3": {"bucket": made_bucket(gateway.url), "endpoint_url": gateway.url}})
    open_writer(settings).append(EDGES, edge_rows(1))


@pytest.mark.parametrize("wrong", [{"secret": "wrong-secret"}, {"bucket": "no-such-bucket"}])
def test_what_will_not_heal_by_itself_is_permanent(wrong: dict[str, str], gateway: S3Gateway) -> None:
    settings = s3(gateway.url, wrong.get("bucket") or made_bucket(gateway.url), secret=wrong.get("secret", SECRET))
    with pytest.raises(PermanentError, match=r"^lake table edges: ") as caught:
        open_writer(settings).append(EDGES, edge_rows(1))
    assert "wrong-secret" not in str(caught.value)


def test_a_server_that_is_away_is_temporary() -> None:
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1:9"):
        open_writer(s3("http://127.0.0.1:9", "lake")).append(EDGES, edge_rows(1))


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with one error of S3."""

    code: ClassVar[str] = ""

    def do_GET(self) -> None:
        body = f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("code", "kind"), [("ExpiredToken", TemporaryError), ("AccessDenied", PermanentError)])
def test_expired_credentials_heal_and_denied_access_does_not(
    code: str, kind: type[BrainError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Refusing, "code", code)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(kind, match=code) as caught:
            open_writer(s3(f"http://127.0.0.1:{server.server_port}", "lake")).last_batch(EDGES, "w")
        assert type(caught.value) is kind
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def moto() -> Iterator[str]:
    """A simulated S3 that tells with which key an object is encrypted."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_every_object_is_encrypted_with_the_key(moto: str) -> None:
    name = made_bucket(moto)
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    open_writer(s3(moto, name, kms_key_id=key)).append(EDGES, edge_rows(1))
    client = boto3.client(
        "s3", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    objects = [entry["Key"] for entry in client.list_objects_v2(Bucket=name)["Contents"]]
    heads = [client.head_object(Bucket=name, Key=each) for each in objects]
    client.close()
    assert len(objects) == 2
    assert {(head["ServerSideEncryption"], head["SSEKMSKeyId"]) for head in heads} == {("aws:kms", key)}
