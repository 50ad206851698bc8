"""Were log files changed or taken away? CloudTrail's digest files tell, each signed and chained to the one before.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html:
the signature is over end time, path, SHA-256 of the inflated digest and signature of the one before, by RSA with
SHA-256 and PKCS #1 v1.5.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from brain_common.errors import InputError
from brain_exporters.cloudtrail.records import Inflater


class Result(StrEnum):
    """What was found of one file."""

    GOOD = "good"
    MISSING = "missing"
    CHANGED = "changed"
    SIGNATURE = "bad_signature"
    CHAIN = "broken_chain"
    UNREADABLE = "unreadable"
    NO_KEY = "unknown_key"


class LogFile(msgspec.Struct, frozen=True):
    """A file the digest vouches for."""

    bucket: str = msgspec.field(name="s3Bucket")
    key: str = msgspec.field(name="s3Object")
    value: str = msgspec.field(name="hashValue")


class Digest(msgspec.Struct, frozen=True):
    """What is read of a digest file."""

    end: str = msgspec.field(name="digestEndTime")
    bucket: str = msgspec.field(name="digestS3Bucket")
    key: str = msgspec.field(name="digestS3Object")
    fingerprint: str = msgspec.field(name="digestPublicKeyFingerprint")
    before_bucket: str | None = msgspec.field(default=None, name="previousDigestS3Bucket")
    before_key: str | None = msgspec.field(default=None, name="previousDigestS3Object")
    before_value: str | None = msgspec.field(default=None, name="previousDigestHashValue")
    before_signature: str | None = msgspec.field(default=None, name="previousDigestSignature")
    files: list[LogFile] = msgspec.field(default_factory=list, name="logFiles")


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a digest file; ``digest`` is None where it cannot be read."""

    result: Result
    digest: Digest | None
    value: str
    signature: str


def verify(data: bytes, metadata: Mapping[str, str], bucket: str, key: str, keys: Mapping[str, bytes]) -> Verified:
    """One digest file.

    Args:
        data: As it is in S3.
        metadata: Its own; holds the signature.
        bucket: Where it was found.
        key: Under which key.
        keys: Public keys of CloudTrail by fingerprint, DER.
    """
    signature = metadata.get("signature", "")
    try:
        inflated = b"".join(Inflater().pieces([data]))
        value = hashlib.sha256(inflated).hexdigest()
        digest = msgspec.json.decode(inflated, type=Digest)
    except (InputError, msgspec.DecodeError, UnicodeDecodeError):
        return Verified(Result.UNREADABLE, None, "", signature)
    if (digest.bucket, digest.key) != (bucket, key):
        return Verified(Result.CHANGED, digest, value, signature)
    public = keys.get(digest.fingerprint)
    if public is None:
        return Verified(Result.NO_KEY, digest, value, signature)
    path = f"{digest.bucket}/{digest.key}"
    signed = f"{digest.end}\n{path}\n{value}\n{digest.before_signature or 'null'}"
    good = _signed(public, signature, signed.encode())
    return Verified(Result.GOOD if good else Result.SIGNATURE, digest, value, signature)


def follows(later: Digest, before: Verified | None) -> bool:
    """Whether a digest names the one before as it is; one without a predecessor begins a chain."""
    if later.before_key is None:
        return True
    return before is not None and (before.value, before.signature) == (later.before_value, later.before_signature)


def verify_file(file: LogFile, chunks: Iterable[bytes] | None) -> Result:
    """One log file, given as S3 keeps it; the hash is of what it is inflated. None: it is not there."""
    if chunks is None:
        return Result.MISSING
    value = hashlib.sha256()
    try:
        for piece in Inflater().pieces(iter(chunks)):
            value.update(piece)
    except InputError:
        return Result.CHANGED
    return Result.GOOD if value.hexdigest() == file.value else Result.CHANGED


def _signed(public: bytes, signature: str, signed: bytes) -> bool:
    try:
        key = _public(public)
        key.verify(bytes.fromhex(signature), signed, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(data: bytes) -> rsa.RSAPublicKey:
    """AWS gives PKCS #1; others write SubjectPublicKeyInfo."""
    try:
        key = load_der_public_key(data)
    except ValueError:
        body = base64.encodebytes(data).decode()
        key = load_pem_public_key(f"-----BEGIN RSA PUBLIC KEY-----\n{body}-----END RSA PUBLIC KEY-----\n".encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("no RSA key")
    return key
