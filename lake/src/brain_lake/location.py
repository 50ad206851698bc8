"""Where a lake is and how to get at it: one value that writer, reader and upkeep share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from brain_common.errors import ConfigError
from brain_lake.config import LakeSettings, S3Settings
from brain_lake.schemas import TableSchema


@dataclass(frozen=True, slots=True)
class LakeLocation:
    """A lake on a local folder or in a bucket.

    Attributes:
        root: ``file:///folder`` or ``s3://bucket/prefix``.
        options: For deltalake; not part of the representation, since it may hold secrets.
        folder: The local folder; None in a bucket.
    """

    root: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None

    @classmethod
    def local(cls, path: Path) -> Self:
        """A folder of this machine; made by the first write.

        Raises:
            ConfigError: deltalake cannot use such a path: it decodes what looks percent-encoded.
        """
        folder = path.absolute()
        if "%" in str(folder):
            raise ConfigError(f"the path of a lake must not contain %: {folder}")
        return cls(folder.as_uri(), {}, folder)

    @classmethod
    def of(cls, settings: LakeSettings) -> Self:
        """As configured; nothing is reached yet."""
        if settings.path is not None:
            return cls.local(settings.path)
        assert settings.s3 is not None
        place = "/".join(filter(None, (settings.s3.bucket, settings.s3.prefix)))
        return cls(f"s3://{place}", _options(settings.s3))

    def uri(self, schema: TableSchema) -> str:
        """Where a table is."""
        return f"{self.root}/{schema.name}"


def _options(s3: S3Settings) -> dict[str, str]:
    """For the object store below deltalake, which reads what is left out from the environment.

    Conditional writes are what makes a commit on S3 atomic; they are the default since S3 itself knows them, and said
    here nevertheless, so that no variable of the environment turns them off.
    """
    options = {
        "aws_region": s3.region,
        "aws_conditional_put": "etag",
        "aws_virtual_hosted_style_request": str(s3.virtual_hosted_style).lower(),
        "timeout": f"{max(round(s3.timeout_seconds), 1)}s",
        "retry_timeout": f"{max(round(s3.retry_seconds), 1)}s",
    }
    if s3.endpoint_url is not None:
        options["aws_endpoint"] = str(s3.endpoint_url).rstrip("/")
        options["aws_allow_http"] = str(s3.endpoint_url.scheme == "http").lower()
    secrets = {
        "aws_access_key_id": s3.access_key_id,
        "aws_secret_access_key": s3.secret_access_key,
        "aws_session_token": s3.session_token,
    }
    options |= {name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None}
    if s3.kms_key_id is not None:
        options |= {"aws_server_side_encryption": "aws:kms", "aws_sse_kms_key_id": s3.kms_key_id}
    return options
