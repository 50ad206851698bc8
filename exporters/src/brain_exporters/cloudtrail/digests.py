"""Verifies the digest files of the last days, and the log files they vouch for; each digest once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from brain_exporters.cloudtrail.client import Storage
from brain_exporters.cloudtrail.config import DigestSettings
from brain_exporters.cloudtrail.digest import LogFile, Result, Verified, follows, verify, verify_file
from brain_exporters.runtime.aws import AwsClients, translated
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.ledger import Ledger

VERIFIED: Final = CounterSpec(
    "cloudtrail_digest_files", "Files verified, digests and the log files they vouch for.", ("kind", "result")
)
NOTE: Final = "d/"


class Verifier:
    """Makes rounds over the digest files.

    Args:
        clients: For S3 and CloudTrail's public keys.
        ledger: Takes the counts, and remembers which digests were verified.
    """

    def __init__(self, clients: AwsClients, ledger: Ledger) -> None:
        self._clients = clients
        self._ledger = ledger

    def round(self, settings: DigestSettings, now: float) -> None:
        """All digests of the last days that were not verified yet, oldest first.

        Raises:
            TemporaryError: S3 or CloudTrail cannot now.
            PermanentError: One refuses.
        """
        storage = Storage(self._clients.client("s3"))
        today = datetime.fromtimestamp(now, UTC)
        done = self._ledger.notes(NOTE)
        for prefix in storage.regions(settings.bucket, settings.prefix, "CloudTrail-Digest"):
            keys = _public_keys(self._clients.client("cloudtrail", region=prefix.rstrip("/").rsplit("/", 1)[-1]), today)
            before: Verified | None = None
            for back in reversed(range(settings.days)):
                day = today - timedelta(days=back)
                for file in storage.files(settings.bucket, f"{prefix}{day:%Y/%m/%d}/"):
                    before = self._digest(storage, file.bucket, file.key, keys, before, done)

    def _digest(
        self,
        storage: Storage,
        bucket: str,
        key: str,
        keys: dict[str, bytes],
        before: Verified | None,
        done: dict[str, bytes],
    ) -> Verified:
        data, metadata = storage.metadata(bucket, key)
        found = verify(data, metadata, bucket, key, keys)
        note = f"{NOTE}{bucket}/{key}"
        if note in done:
            return found
        batch = Batch(notes={note: b"1"})
        result = found.result
        if result is Result.GOOD and found.digest is not None and before is not None:
            result = Result.GOOD if follows(found.digest, before) else Result.CHAIN
        batch.count(VERIFIED.name, ("digest", result.value))
        for file in found.digest.files if found.digest and found.result is Result.GOOD else ():
            batch.count(VERIFIED.name, ("log", verify_file(file, _chunks(storage, file)).value))
        self._ledger.commit(batch)
        return found


def _chunks(storage: Storage, file: LogFile) -> Iterable[bytes] | None:
    found = storage.head(file.bucket, file.key)
    return None if found is None else storage.read(found)


def _public_keys(client: Any, today: datetime) -> dict[str, bytes]:  # noqa: ANN401 - boto3 has no types
    """By fingerprint, of the last ninety days: a digest is signed by the key of its time."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = client.list_public_keys(StartTime=today - timedelta(days=90), EndTime=today + timedelta(days=1))
    except (BotoCoreError, ClientError) as error:
        raise translated(error, "cloudtrail:ListPublicKeys") from error
    return {key["Fingerprint"]: key["Value"] for key in found.get("PublicKeyList", ())}
