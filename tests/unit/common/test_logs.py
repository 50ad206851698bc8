"""Secrets are masked whoever logs them."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from brain_common.logs import mask


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:s3cret@host:9090/path", "http://***@host:9090/path"),
        ("postgresql://brain:s3cret@db/brain", "postgresql://***@db/brain"),
        ("postgresql://brain:s3@cret@db/brain", "postgresql://***@db/brain"),
        ("https://s3cret@host", "https://***@host"),
        ("Authorization: Bearer s3cret", "Authorization: Bearer ***"),
        ("authorization: basic czNjcmV0czNjcmV0", "authorization: basic ***"),
        ("{'Authorization': 'Bearer s3cret'}", "{'Authorization': 'Bearer ***'}"),
        ("bearer s3cret, and more", "bearer ***, and more"),
        ("Basic czNjcmV0OnMzY3JldA==", "Basic ***"),
        ("password=s3cret host=db", "password=*** host=db"),
        ("PASSWORD: s3cret", "PASSWORD: ***"),
        ("pa\u017f\u017fword=s3cret", "pa\u017f\u017fword=***"),
        ("passw\u00f6rter: Token: s3cret", "passw\u00f6rter: Token: ***"),
        ('{"token": "s3cret", "name": "x"}', '{"token": "***", "name": "x"}'),
        ("api_key=s3cret&x=1", "api_key=***&x=1"),
        ("api-key: s3cret", "api-key: ***"),
        ("client_secret=s3cret", "client_secret=***"),
        ("a password=s3cret and token=s3cret", "a password=*** and token=***"),
    ],
)
def test_a_secret_is_masked_and_the_rest_is_not(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://host:9090/path",
        "mail to alex@example.com",
        "https://host/people/@alex",
        "bearer.token_file /etc/brain/token: No such file",
        "basic_auth or bearer, not both",
        "rca.yaml: publish.grafana.http.bearer.token: Input should be a valid string",
        "rca.yaml: callers.0.bearer_token: environment variable TOKEN is not set",
        "the token expired",
        "10 secrets",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert mask(text) == text


PROGRAM = """
import logging
from brain_common.logs import configure_logging
configure_logging({level!r})
log = logging.getLogger("x")
log.debug("too much")
log.info("to http://user:s3cret@host")
logging.getLogger("httpx").info("GET http://host/s3cret")
try:
    raise ValueError("password=s3cret")
except ValueError:
    log.exception("failed")
"""


@pytest.mark.parametrize(("level", "lines"), [("INFO", 2), ("ERROR", 1)])
def test_it_goes_to_standard_error_masked_with_tracebacks(level: str, lines: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert "s3cret" not in done.stderr
    assert "ValueError: password=***" in done.stderr
    assert len([line for line in done.stderr.splitlines() if " x: " in line]) == lines
    assert ("http://***@host" in done.stderr) is (level == "INFO")


def test_a_record_that_was_formatted_before_is_masked_all_the_same() -> None:
    assert "s3cret" not in mask(logging.Formatter("%(message)s").format(logging.makeLogRecord({"msg": "token=s3cret"})))
