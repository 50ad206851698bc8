"""Whether digest files are what CloudTrail wrote, and the log files what they say.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html: a digest is
signed (SHA-256 with RSA) together with the signature of the one before it, whose hash it also holds; hashes are of
inflated content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from brain_common.errors import InputError


class LogFile(msgspec.Struct):
    """A log file that the digest vouches for."""

    s3Object: str  # noqa: N815 - the digest's name
    hashValue: str  # noqa: N815 - the digest's name
    s3Bucket: str = ""  # noqa: N815 - the digest's name


class Digest(msgspec.Struct):
    """A digest file."""

    digestS3Bucket: str  # noqa: N815 - the digest's name
    digestS3Object: str  # noqa: N815 - the digest's name
    digestEndTime: str  # noqa: N815 - the digest's name
    digestStartTime: str  # noqa: N815 - the digest's name
    digestPublicKeyFingerprint: str  # noqa: N815 - the digest's name
    previousDigestS3Object: str | None = None  # noqa: N815 - the digest's name
    previousDigestHashValue: str | None = None  # noqa: N815 - the digest's name
    previousDigestSignature: str | None = None  # noqa: N815 - the digest's name
    logFiles: list[LogFile] = []  # noqa: N815 - the digest's name; msgspec copies it

    @property
    def period(self) -> tuple[datetime, datetime]:
        """Begin and end; raises ``ValueError``."""
        return datetime.fromisoformat(self.digestStartTime), datetime.fromisoformat(self.digestEndTime)


@dataclass(frozen=True, slots=True)
class Link:
    """What the next digest has to say of this one."""

    key: str
    hash: str
    signature: str


def read_digest(text: bytes) -> Digest:
    """Raises ``InputError`` when it is none."""
    try:
        digest = msgspec.json.decode(text, type=Digest)
        digest.period  # noqa: B018 - raises
    except (msgspec.DecodeError, ValueError) as error:
        raise InputError(f"no digest: {error}") from error
    return digest


def result(
    digest: Digest, text: bytes, signature: str, where: tuple[str, str], before: Link | None, keys: Mapping[str, bytes]
) -> str:
    """``valid``, or what is wrong: moved, signature_invalid, key_unknown, chain_broken, digest_missing.

    Args:
        digest: As it says.
        text: The same, inflated.
        signature: Hexadecimal, of the file's metadata.
        where: Bucket and key it was found at.
        before: The digest verified before; None for the first.
        keys: By fingerprint.
    """
    if where != (digest.digestS3Bucket, digest.digestS3Object):
        return "moved"
    key = keys.get(digest.digestPublicKeyFingerprint)
    if key is None:
        return "key_unknown"
    if not _signed(digest, text, signature, key):
        return "signature_invalid"
    if before is None:
        return "valid"
    if digest.previousDigestS3Object != before.key:
        return "digest_missing"
    same = (digest.previousDigestHashValue, digest.previousDigestSignature) == (before.hash, before.signature)
    return "valid" if same else "chain_broken"


def _signed(digest: Digest, text: bytes, signature: str, key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    lines = (
        digest.digestEndTime,
        f"{digest.digestS3Bucket}/{digest.digestS3Object}",
        hashlib.sha256(text).hexdigest(),
        digest.previousDigestSignature or "null",
    )
    try:
        public = load_der_public_key(key)
        if not isinstance(public, RSAPublicKey):
            return False
        public.verify(bytes.fromhex(signature), "\n".join(lines).encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
