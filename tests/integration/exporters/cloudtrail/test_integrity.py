"""Digest files, signed here as CloudTrail signs them: tampering of each kind is found."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.exporters.cloudtrail.conftest import Cloud, counters, packed, record, started, total, until

pytestmark = pytest.mark.anyio

_FOLDER = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/"
_KEY = generate_private_key(65537, 2048)


class _Trail:
    """Writes digest files as CloudTrail does."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._before: dict[str, Any] = {}
        value = _KEY.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        keys = {"PublicKeyList": [{"Value": value, "Fingerprint": "ours"}]}
        cloud.model.handlers["cloudtrail.ListPublicKeys"] = lambda _: keys

    def digest(self, hour: int, *logs: str, spoil: bool = False) -> str:
        key = f"{_FOLDER}2025/03/01/111122223333_CloudTrail-Digest_eu-west-1_{hour:02d}.json.gz"
        files = [
            {"s3Bucket": self._cloud.bucket, "s3Object": log, "hashValue": self._hash(log), "hashAlgorithm": "SHA-256"}
            for log in logs
        ]
        end = f"2025-03-01T{hour:02d}:00:00Z"
        text = json.dumps(
            {
                "digestS3Bucket": self._cloud.bucket,
                "digestS3Object": key,
                "digestStartTime": f"2025-03-01T{hour - 1:02d}:00:00Z",
                "digestEndTime": end,
                "digestPublicKeyFingerprint": "ours",
                "logFiles": files,
                **self._before,
            }
        ).encode()
        digested = hashlib.sha256(text).hexdigest()
        before = self._before.get("previousDigestSignature") or "null"
        signed = f"{end}\n{self._cloud.bucket}/{key}\n{digested}\n{before}".encode()
        signature = _KEY.sign(signed, PKCS1v15(), SHA256()).hex()
        content = text.replace(b"eu-west-1", b"eu-west-2") if spoil else text
        content = text.replace(b'"SHA-256"', b'"SHA-257"') if spoil else content
        self._cloud.put(key, gzip.compress(content), Metadata={"signature": signature})
        self._before = {
            "previousDigestS3Object": key,
            "previousDigestHashValue": digested,
            "previousDigestSignature": signature,
        }
        return key

    def _hash(self, log: str) -> str:
        body = self._cloud.s3.get_object(Bucket=self._cloud.bucket, Key=log)["Body"].read()
        return hashlib.sha256(gzip.decompress(body)).hexdigest()


async def test_each_kind_of_tampering_is_found(cloud: Cloud, tmp_path: Path) -> None:
    trail = _Trail(cloud)
    logs = [cloud.put(f"log{number}", packed([record()])) for number in range(4)]
    trail.digest(1, logs[0])
    trail.digest(2, logs[1], logs[2])
    cloud.put(logs[1], packed([record("StopLogging")]))
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=logs[2])
    gone = trail.digest(3)
    trail.digest(4)
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=gone)
    trail.digest(5, logs[3], spoil=True)
    trail.digest(6, logs[3])
    policy = Path("exporters/permissions/cloudtrail-digest.json").read_text().replace("my-trail-bucket", cloud.bucket)
    cloud.model.policy = json.loads(policy)
    settings = cloud.settings(tmp_path, digest={"prefix": _FOLDER, "interval_seconds": 1})
    async with started(settings) as run:
        await until(lambda: total(run, "digest_verified") == 5)
        assert counters(run) == {
            "digest_verified valid": 2,
            "digest_verified digest_missing": 1,
            "digest_verified signature_invalid": 1,
            "digest_verified chain_broken": 1,
            "digest_log_files valid": 2,
            "digest_log_files modified": 1,
            "digest_log_files missing": 1,
        }
    async with started(settings) as run:
        await until(lambda: run.context.health.up)
        trail.digest(7)
        await until(lambda: total(run, "digest_verified") == 6)
        assert counters(run)["digest_verified valid"] == 3


async def test_without_any_one_action_of_its_policy_it_is_down(cloud: Cloud, tmp_path: Path) -> None:
    trail = _Trail(cloud)
    trail.digest(1, cloud.put("log", packed([record()])))
    text = Path("exporters/permissions/cloudtrail-digest.json").read_text().replace("my-trail-bucket", cloud.bucket)
    for action in ("cloudtrail:ListPublicKeys", "s3:ListBucket", "s3:GetObject"):
        cloud.model.policy = json.loads(text.replace(f'"{action}"', '"s3:Nothing"'))
        folder = tmp_path / action.replace(":", "-")
        settings = cloud.settings(folder, digest={"prefix": _FOLDER, "interval_seconds": 1})
        async with started(settings) as run:
            await until(lambda: action in "".join(run.context.health.reasons().values()))  # noqa: B023
