"""Secrets are masked whoever logs them."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.logs import mask, names_secret


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
        ("aws_secret_access_key=AKIA/xx", "aws_secret_access_key=***"),
        ("AWS_SECRET_ACCESS_KEY: wJalr", "AWS_SECRET_ACCESS_KEY: ***"),
        ('{"accessKey":"k2","n":1}', '{"accessKey":"***","n":1}'),
        ("credentials=abc", "credentials=***"),
        ("DB_PASS=zz DB_HOST=db", "DB_PASS=*** DB_HOST=db"),
        ("pwd=foo", "pwd=***"),
        ("Server=db;Pwd=abc;Port=1", "Server=db;Pwd=***;Port=1"),
        ("passphrase: hello", "passphrase: ***"),
        ("PASSWORD_2=s3cret", "PASSWORD_2=***"),
        ("psql --password hunter db", "psql --password *** db"),
        ("['psql', '--password', 'hunter2']", "['psql', '--password', '***']"),
        ("PGPASSWORD hunter2", "PGPASSWORD ***"),
        ("DB_PASSWORD old1 -> new1", "DB_PASSWORD *** -> ***"),
        ("password old \u2192 new", "password *** \u2192 ***"),
        ("token: old -> new2", "token: *** -> ***"),
        ('token: "the old" -> "the new" -> "third"', 'token: "***" -> "***" -> "***"'),
        ("token: old -> token: new", "token: *** -> token: ***"),
        ("password: -> new", "password: -> ***"),
        ("DB_PASSWORD -> hunter2", "DB_PASSWORD -> ***"),
        ('password: "two words here" of db', 'password: "***" of db'),
        ('password="a,b;c" x', 'password="***" x'),
        ("password='it\\'s' x", "password='***' x"),
        ('password="two words, cut o', 'password="***'),
        (r'{"m":"{\"password\":\"two words\",\"n\":1}"}', r'{"m":"{\"password\":\"***\",\"n\":1}"}'),
        ('{:password=>"two words"}', '{:password=>"***"}'),
        ("password: token: s3cret", "password: token: ***"),
        ("spring.datasource.password: hunter2", "spring.datasource.password: ***"),
        ("key ASIAIOSFODNN7EXAMPLE of ghu_abcdefghijkl and ghr_abcdefghijkl", "key *** of *** and ***"),
        ("invalid token: mismatch", "invalid token: ***"),
        ("access_token: Bearer abc", "access_token: Bearer ***"),
        ("Cookie: session=abc; b=2", "Cookie: ***; ***"),
        ("Set-Cookie: id=a3f; Secure\nHost: x", "Set-Cookie: ***; ***\nHost: x"),
        ('{"Cookie": "session=abc; b=2", "x": 1}', '{"Cookie": "***", "x": 1}'),
        ("with ghp_abcdefghij0123456789 pushed", "with *** pushed"),
        ("of AKIAIOSFODNN7EXAMPLE.", "of ***."),
        ("glpat-abcdefghij0123456789", "***"),
        ("xoxb-123456789-abcdef", "***"),
        ("of eyJhbGciOi.eyJzdWIiOi.sig-_x, expired", "of ***, expired"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nb", "a\n***\nb"),
        ("key: -----BEGIN PRIVATE KEY-----\nMIIabc", "key: ***"),
        ("postgres://u:p/w@h/db", "postgres://***@h/db"),
        ("Authorization: Negotiate abc def\nHost: x", "Authorization: Negotiate ***\nHost: x"),
        ('Authorization: Digest username="x", response="abcd"', "Authorization: Digest ***"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=abc", "Authorization: AWS4-HMAC-SHA256 ***"),
        ("AWS4-HMAC-SHA256 Credential=A/b, Signature=abc", "AWS4-HMAC-SHA256 ***"),
        ("Authorization: Token abcdef12, x", "Authorization: *** ***"),
        (r'{"Authorization": "Digest a=\"x\", b=\"y\"", "z": 1}', '{"Authorization": "Digest ***", "z": 1}'),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("app.bearer.token: tok98765", "app.bearer.token: ***"),
        ("s3.secret_key: abcdEF1234, then", "s3.secret_key: ***, then"),
        ("basic_auth.password: hunter2", "basic_auth.password: ***"),
        ("callers.0.bearer_token: 'no such word'", "callers.0.bearer_token: '***'"),
        ("/path/password: hunter2", "/path/password: ***"),
        ("token: input", "token: ***"),
        ("token=unknown key", "token=*** key"),
        ("postgres://u:p@ss/w@h/db", "postgres://***@h/db"),
        ("postgres://u:p@ss/w@10.0.0.1:5432/db or http://x/@y", "postgres://***@10.0.0.1:5432/db or http://x/@y"),
        ("postgres://u:p@h/db;postgres://u:p@h2/db", "postgres://***@h/db;postgres://***@h2/db"),
        ("https://user:pw@host/path@2", "https://***@host/path@2"),
        ("https://user:pw@host/app@v1.2.0/x", "https://***@host/app@v1.2.0/x"),
        ("https://user:pw@host/people/@alex", "https://***@host/people/@alex"),
        ("https://user:pw@host/find?mail=a@b.c", "https://***@host/find?mail=a@b.c"),
        ('://://"@', "://://***@"),
        ("of xapp-1-A0123456789-abc.", "of ***."),
        ("glrt-t1_abcdefghij.01.0w1x glptt-abcdefghij, glagent-abcdefghij", "*** ***, ***"),
        ("dbpass=abc requirepass=abc, mypass: abc", "dbpass=*** requirepass=***, mypass: ***"),
        ('db_pass=abc&DBPASS_OLD=abc {"userpass":"abc"}', 'db_pass=***&DBPASS_OLD=*** {"userpass":"***"}'),
        ("--dbpass hunter db", "--dbpass *** db"),
        ("passnew=abc", "passnew=***"),
    ],
)
def test_a_secret_is_masked_and_the_rest_is_not(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(shown) == shown


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
        "basic authentication failed",
        "bearer token expired",
        'WWW-Authenticate: Basic realm="x"',
        "the password is wrong",
        "environment variable DB_PASSWORD is not set",
        "the option --password is required",
        "--token-file /etc/brain",
        "secretName: x, token_file=/etc/x",
        '"secret": {"name": "x"}',
        "/etc/token: No such file or directory",
        "/etc/brain/password: cannot be read: Permission denied",
        "/etc/brain/token: holds no bearer token of printable ASCII",
        "s3.secret_access_key: Field required; s3.access_token: unknown key, did you mean session_token?",
        "store.password: file /etc/word cannot be read: Is a directory",
        "bypass: on, compass=1, tests passed: 3, encompass: x, --no-bypass on",
        "the global glance-api-0 of gitlab glfs-abcdefghijkl",
        "cache key=abc, monkey: x, tokens: 5",
        "http://host:8080/people/@alex",
        "password:",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert mask(text) == text


PARTS = [
    *("password", "DB_PASS", "token", "api_key", "Authorization", "cookie", "bearer", "basic", "Digest", "--", "://"),
    *(":", "=", "=>", "->", " ", "\n", '"', "'", "\\", ",", ";", "@", "/", ".", "-", "_", "[", "{", ")", "***"),
    *("dbpass", "bypass", "Input should ", "cannot be ", "host", "1.2", "glrt-abcdefghij", "xapp-"),
    *("hunter2", "abc", "eyJhbGciOi", "ghp_abcdefghij", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=16).map("".join))
def test_what_was_masked_is_not_changed_again(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.lists(st.sampled_from(PARTS), max_size=16).map("".join))
def test_no_pattern_is_left_out_for_want_of_its_words(text: str) -> None:
    every = "\u017f\n"  # a text with such a letter is held against every pattern
    assert mask(every + text) == every + mask(text)


@pytest.mark.parametrize("first", ["", "password: ", 'password "', "-----BEGIN PRIVATE KEY-----"])
@pytest.mark.parametrize(
    "part",
    [
        *PARTS,
        "password ",
        "://a:b/",
        "://a:b@c/",
        "@a/",
        "dbpass ",
        "token: a -> ",
        'token "',
        "cookie: a=b;",
        "bearer a",
    ],
)
def test_a_long_line_takes_no_longer_than_its_length(first: str, part: str) -> None:
    def seconds(length: int) -> float:
        text = first + part * (length // len(part))
        began = time.process_time()
        mask(text)
        return time.process_time() - began

    # Ten times as long takes ten times as long, not a hundred times.
    assert seconds(100_000) < 30 * seconds(10_000) + 0.5


@pytest.mark.parametrize(
    "key", ["DB_PASSWORD", "db.password", "apiKey", "token", "cookie", "PASSWORD_OLD", "db_pass", "dbpass"]
)
def test_a_name_of_a_secret(key: str) -> None:
    assert names_secret(key)


@pytest.mark.parametrize("key", ["pool", "token_ttl", "bypass", "compass", "key", "", "secretary", "password_file"])
def test_a_name_of_something_else(key: str) -> None:
    assert not names_secret(key)


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
