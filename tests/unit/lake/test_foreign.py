"""Errors of deltalake, object stores and DuckDB in the words of the product."""

from __future__ import annotations

import duckdb
import pytest
from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError, TableNotFoundError

from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_lake.foreign import ConflictError, is_gone, told, translated
from brain_lake.schemas import EVENTS

S3 = (
    "Kernel error -> Generic S3 error\n          \x1b[31m↳\x1b[0m Error performing GET http://127.0.0.1:1/lake/x"
    " - Server returned non-2xx status code\n           \x1b[31m↳\x1b[0m {status}\n            \x1b[31m↳\x1b[0m"
    " <Error><Code>{code}</Code><Message>m</Message></Error>\n   0: <unknown>\n   1: start_thread\n"
    "             at ./nptl/pthread_create.c:442:8\n"
)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("403 Forbidden", "AccessDenied", PermanentError),
        ("403 Forbidden", "InvalidAccessKeyId", PermanentError),
        ("403 Forbidden", "ExpiredToken", TemporaryError),
        ("400 Bad Request", "ExpiredToken", TemporaryError),
        ("403 Forbidden", "RequestTimeTooSkewed", TemporaryError),
        ("404 Not Found", "NoSuchBucket", PermanentError),
        ("503 Service Unavailable", "SlowDown", TemporaryError),
        ("500 Internal Server Error", "InternalError", TemporaryError),
    ],
)
def test_what_s3_refuses_is_told_apart_by_whether_it_heals(status: str, code: str, kind: type[BrainError]) -> None:
    assert type(told(EVENTS, OSError(S3.format(status=status, code=code)))) is kind


def test_a_message_is_one_line_without_colours_and_backtrace() -> None:
    message = str(told(EVENTS, OSError(S3.format(status="403 Forbidden", code="AccessDenied"))))
    assert message.startswith("lake table events: Kernel error -> Generic S3 error Error performing GET http")
    assert message.endswith("403 Forbidden <Error><Code>AccessDenied</Code><Message>m</Message></Error>")
    assert not {"\n", "\x1b", "↳"} & set(message)
    assert len(str(told(EVENTS, OSError("x" * 9999)))) < 500


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CommitFailedError("Concurrent transaction failed."), ConflictError),
        (SchemaMismatchError("Cannot cast"), PermanentError),
        (DeltaError("Invalid log"), TemporaryError),
        (duckdb.IOException("No files found"), TemporaryError),
        (ValueError("no JSON"), TemporaryError),
        (OSError("Permission denied (os error 13)"), PermanentError),
        (OSError("No space left on device (os error 28)"), TemporaryError),
    ],
)
def test_every_foreign_error_becomes_ours(error: Exception, kind: type[BrainError]) -> None:
    with pytest.raises(kind) as caught, translated(EVENTS):
        raise error
    assert type(caught.value) is kind


def test_an_absent_table_and_our_own_errors_pass_through() -> None:
    for error in (TableNotFoundError("none"), TemporaryError("own"), KeyError("bug")):
        with pytest.raises(type(error)), translated(EVENTS):
            raise error


def test_a_file_that_is_gone_is_known() -> None:
    assert is_gone(OSError("No such file or directory"))
    assert not is_gone(OSError("Permission denied"))


def test_the_reason_at_the_end_of_many_words_is_kept() -> None:
    text = f"error performing GET https://{'x' * 900}/_delta_log: client error (Connect): Connection refused"
    words = str(told(EVENTS, OSError(text)))
    assert words.endswith("Connection refused")
    assert len(words) < 450
