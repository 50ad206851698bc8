"""Each real server starts, answers what it exists for, and is gone afterwards.

These are tests of the lab's handling, not of the servers; but a fixture that only pretends to start a
Prometheus would make every test built on it worthless, so they ask each server for something only the real
one can answer.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from brain_lab.servers import server as server_module
from brain_lab.servers.errors import AddressInUse, ServerFailed
from brain_lab.servers.opensearch import OpenSearch
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.process import ServerProcess
from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.server import free_port
from tests.servers.fixtures import AlertmanagerFactory, PrometheusFactory, ThanosFactory, ToxiproxyFactory
from tests.servers.pins import pin_of
from tests.servers.provide import require

ALWAYS_FIRING = {
    "groups": [
        {
            "name": "test",
            "interval": "1s",
            "rules": [{"alert": "AlwaysFiring", "expr": "vector(1)", "labels": {"severity": "info"}}],
        }
    ]
}


ANSWER = {"groups": [{"name": "test", "interval": "1s", "rules": [{"record": "answer", "expr": "vector(42)"}]}]}


def eventually(holds: Callable[[], bool], timeout: float = 30) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def get(url: str, **params: str) -> Any:
    """The JSON answer of a server."""
    response = httpx.get(url, params=params, timeout=10)
    response.raise_for_status()
    return response.json()


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """An instant query's series."""
    result: list[dict[str, Any]] = get(f"{url}/api/v1/query", query=expression)["data"]["result"]
    return result


def has_answer(url: str) -> bool:
    """Whether the recording rule of these tests has left a sample."""
    return bool(query(url, "answer"))


def knows_two_peers(url: str) -> bool:
    """Whether an Alertmanager has found another one; it counts itself."""
    return len(get(f"{url}/api/v2/status")["cluster"]["peers"]) == 2


def refuses(address: str) -> bool:
    """Whether nobody listens there."""
    host, port = address.split(":")
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((host, int(port))) != 0


def psql(url: str, statement: str) -> str:
    """What a statement returns, by PostgreSQL's own client."""
    command = [str(require("postgres").with_name("psql")), url, "-Atc", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_prometheus_is_the_pinned_release(prometheus: PrometheusFactory) -> None:
    server = prometheus()
    version = get(f"{server.url}/api/v1/status/buildinfo")["data"]["version"]
    assert version == pin_of("prometheus").release


def test_prometheus_obeys_a_configuration_given_as_text(
    prometheus: PrometheusFactory, alertmanager: AlertmanagerFactory
) -> None:
    config = f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: lab
    static_configs: [{{targets: ["{alertmanager().address}"]}}]
"""
    server = prometheus(config=config, flags=["--web.page-title=lab"])
    eventually(lambda: bool(query(server.url, 'up{job="lab"} == 1')))
    assert get(f"{server.url}/api/v1/status/flags")["data"]["web.page-title"] == "lab"


def test_prometheus_ends_with_its_context(tmp_path: Path) -> None:
    with Prometheus(data_dir=tmp_path, binary=require("prometheus")) as server:
        address, process = server.address, server.process
        assert process.pid is not None
    assert process.pid is None
    assert refuses(address)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_prometheus_shows_recorded_samples(prometheus: PrometheusFactory, tmp_path: Path) -> None:
    now = int(time.time())
    samples = [f"recorded_total {n} {now - 600 + n}" for n in range(300)]
    recording = tmp_path / "recording.om"
    recording.write_text("\n".join(["# TYPE recorded counter", *samples, "# EOF\n"]))
    command = [str(require("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(recording)]
    subprocess.run([*command, str(tmp_path / "tsdb")], check=True, capture_output=True)
    server = prometheus(data_dir=tmp_path)
    [series] = query(server.url, "max_over_time(recorded_total[20m])")
    assert series["value"][1] == "299"


def test_a_rule_that_fires_reaches_alertmanager(
    prometheus: PrometheusFactory, alertmanager: AlertmanagerFactory
) -> None:
    receiver = alertmanager()
    config = {
        "global": {"evaluation_interval": "1s", "external_labels": {"cluster": "lab"}},
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [receiver.address]}]}]},
    }
    # What fires before the receiver is known is dropped, and by default said again only after a minute.
    prometheus(config=config, rules=[ALWAYS_FIRING], flags=["--rules.alert.resend-delay=2s"])
    eventually(lambda: bool(get(f"{receiver.url}/api/v2/alerts")))
    [alert] = get(f"{receiver.url}/api/v2/alerts")
    assert alert["labels"] == {"alertname": "AlwaysFiring", "severity": "info", "cluster": "lab"}


def test_rules_beside_a_configuration_text_must_be_listed_in_it(tmp_path: Path) -> None:
    never_run = Path("never-run")
    server = Prometheus(data_dir=tmp_path, config="global: {}\n", rules=[ALWAYS_FIRING], binary=never_run)
    with pytest.raises(ValueError, match="rule_files"):
        server.start()


def test_two_alertmanagers_gossip(alertmanager: AlertmanagerFactory) -> None:
    first = alertmanager(peers=[])
    second = alertmanager(peers=[first.gossip_address])
    for peer in (first, second):
        eventually(partial(knows_two_peers, peer.url))


def test_thanos_answers_a_series_of_the_prometheus_behind_it(
    prometheus: PrometheusFactory, thanos: ThanosFactory
) -> None:
    server = prometheus(rules=[ANSWER])
    eventually(partial(has_answer, server.url))
    [series] = query(thanos(server).url, "answer")
    assert series["metric"] == {"__name__": "answer", "cluster": "lab"}
    assert series["value"][1] == "42"


def test_thanos_merges_replicas(prometheus: PrometheusFactory, thanos: ThanosFactory) -> None:
    labels = [{"cluster": "lab", "replica": replica} for replica in ("a", "b")]
    servers = [prometheus(config={"global": {"external_labels": pair}}, rules=[ANSWER]) for pair in labels]
    for server in servers:
        eventually(partial(has_answer, server.url))
    [merged] = query(thanos(*servers, replica_labels=["replica"]).url, "answer")
    assert merged["metric"] == {"__name__": "answer", "cluster": "lab"}


def test_thanos_says_why_it_cannot_stand_over_a_prometheus(
    prometheus: PrometheusFactory, thanos: ThanosFactory
) -> None:
    anonymous = prometheus(config={})
    with pytest.raises(ServerFailed, match=r"(?s)thanos exited .*no external labels configured"):
        thanos(anonymous)


def test_toxiproxy_delays(toxiproxy: ToxiproxyFactory, alertmanager: AlertmanagerFactory) -> None:
    proxy = toxiproxy().create("alertmanager", alertmanager().address)
    with proxy.add_toxic("latency", latency=700):
        started = time.monotonic()
        get(f"{proxy.url}/api/v2/status")
        assert time.monotonic() - started >= 0.7
    assert httpx.get(f"{proxy.url}/-/ready", timeout=0.6).status_code == 200


def test_toxiproxy_cuts_and_mends(toxiproxy: ToxiproxyFactory, alertmanager: AlertmanagerFactory) -> None:
    proxy = toxiproxy().create("alertmanager", alertmanager().address)
    proxy.disable()
    with pytest.raises(httpx.ConnectError):
        get(f"{proxy.url}/api/v2/status")
    proxy.enable()
    assert get(f"{proxy.url}/api/v2/status")["versionInfo"]["version"] == pin_of("alertmanager").release


def test_toxiproxy_holds_answers_back_until_reset(
    toxiproxy: ToxiproxyFactory, alertmanager: AlertmanagerFactory
) -> None:
    server = toxiproxy()
    proxy = server.create("alertmanager", alertmanager().address)
    proxy.add_toxic("timeout", timeout=0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{proxy.url}/-/ready", timeout=0.5)
    server.reset()
    assert httpx.get(f"{proxy.url}/-/ready", timeout=5).status_code == 200


def test_toxiproxy_says_why_it_refused(toxiproxy: ToxiproxyFactory) -> None:
    server = toxiproxy()
    server.create("twice", "127.0.0.1:9")
    with pytest.raises(ServerFailed, match=r"409.*already exists"):
        server.create("twice", "127.0.0.1:9")


def test_opensearch_is_the_pinned_release_and_finds_what_was_written(opensearch: OpenSearch, index_prefix: str) -> None:
    assert get(opensearch.url)["version"]["number"] == pin_of("opensearch").release
    opensearch.write(f"{index_prefix}a", [{"text": "wound up"}, {"text": "run down"}])
    found = get(f"{opensearch.url}/{index_prefix}*/_search", q="text:wound")
    assert [hit["_source"] for hit in found["hits"]["hits"]] == [{"text": "wound up"}]


def test_opensearch_says_what_it_does_not_take(opensearch: OpenSearch, index_prefix: str) -> None:
    opensearch.create_index(f"{index_prefix}a", {"mappings": {"properties": {"number": {"type": "long"}}}})
    with pytest.raises(ServerFailed, match=r"did not take all documents.*number"):
        opensearch.write(f"{index_prefix}a", [{"number": "none"}])
    with pytest.raises(ServerFailed, match=r"answered 400 to PUT .*must be lowercase"):
        opensearch.create_index("UPPER")


def test_opensearch_says_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        server = OpenSearch(data_dir=tmp_path, binary=require("opensearch"), port=holder.getsockname()[1])
        with pytest.raises(AddressInUse):
            server.start()


def test_postgres_gives_each_test_an_empty_database(postgres_url: str) -> None:
    assert psql(postgres_url, "select count(*) from pg_stat_user_tables") == "0"
    psql(postgres_url, "create table incident (id int)")
    assert psql(postgres_url, "select count(*) from pg_stat_user_tables") == "1"


def test_postgres_drops_a_database_that_is_in_use(postgres: Postgres) -> None:
    url = postgres.create_database("in_use")
    client = subprocess.Popen(
        [str(require("postgres").with_name("psql")), url, "-c", "select pg_sleep(60)"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    sessions = "select count(*) from pg_stat_activity where datname = 'in_use'"
    eventually(lambda: psql(postgres.url(), sessions) == "1")
    postgres.drop_database("in_use")
    assert client.wait(10) != 0


def test_postgres_finds_its_databases_after_a_crash() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Postgres(data_dir=Path(folder), binary=require("postgres")) as server,
    ):
        server.create_database("kept")
        server.process.kill()
        server.start()
        assert psql(server.url("kept"), "select 1") == "1"


def test_postgres_refuses_a_folder_that_its_user_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postgres, "_user", lambda _: "nobody")
    tmp_path.chmod(0o700)
    server = Postgres(data_dir=tmp_path / "data", binary=require("postgres"))
    with pytest.raises(ServerFailed, match=r"runs as nobody here, who cannot enter"):
        server.start()


def test_a_running_server_is_not_started_twice(prometheus: PrometheusFactory) -> None:
    server = prometheus()
    with pytest.raises(RuntimeError, match="already running"):
        server.start()


def test_an_early_exit_shows_the_end_of_the_log(tmp_path: Path) -> None:
    server = Prometheus(data_dir=tmp_path, config="no_such_key: 1\n", binary=require("prometheus"))
    with pytest.raises(ServerFailed, match=r"(?s)prometheus exited with status 2 .*no_such_key"):
        server.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_a_server_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    deaf = tmp_path / "prometheus"
    deaf.write_text("#!/bin/sh\necho deaf as a post\nexec sleep 60\n")
    deaf.chmod(0o755)
    server = Prometheus(data_dir=tmp_path, binary=deaf, ready_timeout=0.3)
    with pytest.raises(ServerFailed, match=r"(?s)not ready after 0\.3 s.*deaf as a post"):
        server.start()
    assert server.process.pid is None


def test_a_server_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    stubborn = ServerProcess("stubborn", ["sh", "-c", script], tmp_path / "log")
    stubborn.start()
    eventually(lambda: "up" in stubborn.output())
    stubborn.stop(grace=0.2)
    assert stubborn.pid is None


def test_a_lost_port_is_given_up_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        offered = iter([taken, free_port()])
        monkeypatch.setattr(server_module, "free_port", lambda: next(offered))
        with Prometheus(data_dir=tmp_path, binary=require("prometheus")) as server:
            assert server.address != f"127.0.0.1:{taken}"


def test_a_port_that_was_asked_for_is_not_exchanged(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        server = Prometheus(data_dir=tmp_path, binary=require("prometheus"), port=holder.getsockname()[1])
        with pytest.raises(AddressInUse):
            server.start()
