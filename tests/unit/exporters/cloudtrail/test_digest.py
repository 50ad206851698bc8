"""Digest files tell what was changed, taken away or put in between."""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from brain_exporters.cloudtrail.digest import LogFile, Result, Verified, follows, verify, verify_file

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = {"print": KEY.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)}
BUCKET = "trail"


def digest(key: str, before: Verified | None = None, before_key: str = "", **more: Any) -> tuple[bytes, dict[str, str]]:
    """A digest file and its metadata, signed as CloudTrail signs."""
    content = {
        "digestEndTime": "2026-01-02T03:00:00Z",
        "digestS3Bucket": BUCKET,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": "print",
        "previousDigestS3Bucket": BUCKET if before else None,
        "previousDigestS3Object": before_key if before else None,
        "previousDigestHashValue": before.value if before else None,
        "previousDigestSignature": before.signature if before else None,
        "logFiles": [],
        **more,
    }
    data = msgspec.json.encode(content)
    value = hashlib.sha256(data).hexdigest()
    text = f"{content['digestEndTime']}\n{BUCKET}/{key}\n{value}\n{content['previousDigestSignature'] or 'null'}"
    signature = KEY.sign(text.encode(), padding.PKCS1v15(), SHA256()).hex()
    return gzip.compress(data), {"signature": signature}


def test_a_chain_as_it_was_written_is_good() -> None:
    first = verify(*digest("d/1"), BUCKET, "d/1", KEYS)
    second = verify(*digest("d/2", first, "d/1"), BUCKET, "d/2", KEYS)
    assert (first.result, second.result) == (Result.GOOD, Result.GOOD)
    assert second.digest is not None
    assert follows(second.digest, first)


def test_a_digest_that_was_taken_away_breaks_the_chain() -> None:
    first = verify(*digest("d/1"), BUCKET, "d/1", KEYS)
    second = verify(*digest("d/2", first, "d/1"), BUCKET, "d/2", KEYS)
    third = verify(*digest("d/3", second, "d/2"), BUCKET, "d/3", KEYS)
    assert third.digest is not None
    assert not follows(third.digest, first)


def test_a_changed_digest_does_not_fit_its_signature() -> None:
    data, metadata = digest("d/1")
    changed = gzip.compress(gzip.decompress(data).replace(b"03:00:00", b"03:00:01"))
    assert verify(changed, metadata, BUCKET, "d/1", KEYS).result is Result.SIGNATURE


@pytest.mark.parametrize("signature", ["", "00", "zz", "00" * 256])
def test_another_signature_is_none(signature: str) -> None:
    data, _ = digest("d/1")
    assert verify(data, {"signature": signature}, BUCKET, "d/1", KEYS).result is Result.SIGNATURE


def test_a_digest_at_another_place_is_changed() -> None:
    assert verify(*digest("d/1"), BUCKET, "d/2", KEYS).result is Result.CHANGED


def test_an_unknown_key_is_said_to_be_one() -> None:
    assert verify(*digest("d/1"), BUCKET, "d/1", {}).result is Result.NO_KEY


@pytest.mark.parametrize("data", [b"", b"{}", b"\x1f\x8b", gzip.compress(b"[]")])
def test_what_is_no_digest_is_unreadable(data: bytes) -> None:
    assert verify(data, {}, BUCKET, "d/1", KEYS).result is Result.UNREADABLE


def test_log_files_are_compared_by_what_they_inflate_to() -> None:
    content = b'{"Records":[]}'
    file = LogFile(BUCKET, "l/1", hashlib.sha256(content).hexdigest())
    assert verify_file(file, [gzip.compress(content)]) is Result.GOOD
    assert verify_file(file, [gzip.compress(content + b" ")]) is Result.CHANGED
    assert verify_file(file, [b"\x1f\x8bgarbage"]) is Result.CHANGED
    assert verify_file(file, None) is Result.MISSING


def test_keys_may_come_in_either_form() -> None:
    other = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert verify(*digest("d/1"), BUCKET, "d/1", {"print": other}).result is Result.GOOD
    assert verify(*digest("d/1"), BUCKET, "d/1", {"print": base64.b64decode("AAAA")}).result is Result.SIGNATURE
