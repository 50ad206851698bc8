"""Sessions, counting and errors of AWS, against moto and against botocore's own service model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto.server import ThreadedMotoServer

from brain_common.errors import PermanentError, TemporaryError
from brain_exporters.runtime.aws import ApiRequests, AwsAccountSettings, AwsSettings, open_accounts, translated
from tests.fakes.aws_model import AwsRefusal, aws_model

_ROLE = "arn:aws:iam::222233334444:role/costs"
_PERIOD = {"Start": "2025-03-01", "End": "2025-04-01"}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _counts(requests: ApiRequests) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in requests.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def test_a_role_is_assumed_for_its_account_and_each_request_is_counted(moto: str) -> None:
    requests = ApiRequests()
    with aws_model({"cloudtrail.LookupEvents": lambda _: {"Events": []}}, upstream=moto) as model:
        settings = AwsSettings(endpoint_url=model.url, accounts=(AwsAccountSettings(role_arn=_ROLE),))
        (account,) = open_accounts(settings, requests)
        assert account.client("cloudtrail").lookup_events()["Events"] == []
    assert [call.operation for call in model.calls] == ["AssumeRole", "LookupEvents"]
    assert model.calls[1].access_key != "AKIDOWN"
    assert _counts(requests) == {
        ("222233334444", "sts", "AssumeRole", "success"): 1,
        ("222233334444", "cloudtrail", "LookupEvents", "success"): 1,
    }


def test_own_credentials_say_whose_account_it_is(moto: str) -> None:
    (account,) = open_accounts(AwsSettings(endpoint_url=moto), ApiRequests())
    assert account.account_id() == "123456789012"


def test_timestamps_and_numbers_of_the_model_come_back_as_botocore_reads_them() -> None:
    when = datetime(2025, 3, 1, 12, tzinfo=UTC)
    answer = {"PublicKeyList": [{"Value": b"key", "ValidityStartTime": when, "Fingerprint": "f"}]}
    with aws_model({"cloudtrail.ListPublicKeys": lambda _: answer}) as model:
        (account,) = open_accounts(AwsSettings(endpoint_url=model.url), ApiRequests())
        (key,) = account.client("cloudtrail").list_public_keys()["PublicKeyList"]
    assert (key["Value"], key["ValidityStartTime"]) == (b"key", when)


def test_a_refusal_names_the_action_that_is_missing_and_no_secret() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": "ce:GetAnomalies", "Resource": "*"}]}
    with aws_model({"ce.GetCostForecast": lambda _: {}}, policy=policy) as model:
        (account,) = open_accounts(AwsSettings(endpoint_url=model.url), ApiRequests())
        client = account.client("ce")
        with (
            pytest.raises(PermanentError, match="allow the action ce:GetCostForecast") as caught,
            translated("ce", "GetCostForecast", account.name),
        ):
            client.get_cost_forecast(TimePeriod=_PERIOD, Metric="UNBLENDED_COST", Granularity="MONTHLY")
    assert "own-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, TemporaryError),
        ("ExpiredTokenException", 400, TemporaryError),
        ("InternalFailure", 500, TemporaryError),
        ("ValidationException", 400, PermanentError),
    ],
)
def test_errors_say_whether_they_may_heal(code: str, status: int, error: type[Exception]) -> None:
    def refuse(_: object) -> dict[str, object]:
        raise AwsRefusal(code, "no", status)

    with aws_model({"cloudtrail.LookupEvents": refuse}) as model:
        (account,) = open_accounts(AwsSettings(endpoint_url=model.url), ApiRequests())
        with pytest.raises(error), translated("cloudtrail", "LookupEvents", account.name):
            account.client("cloudtrail", max_attempts=1).lookup_events()


def test_a_server_that_is_away_is_a_matter_of_time() -> None:
    requests = ApiRequests()
    (account,) = open_accounts(AwsSettings(endpoint_url="http://127.0.0.1:9"), requests)
    with pytest.raises(TemporaryError), translated("cloudtrail", "LookupEvents", account.name):
        account.client("cloudtrail", max_attempts=1).lookup_events()
    assert list(_counts(requests)) == [("own", "cloudtrail", "LookupEvents", "no_answer")]
