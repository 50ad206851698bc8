"""Tiny folders in the layouts of the public data sets, made by the tests that read them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

Columns = Mapping[str, Sequence[float]]
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "datasets"
FOLDERS = {
    "petshop": "petshop",
    "rcd": "rcd_sockshop",
    "rcaeval4": "rcaeval_4cases",
    "nezha": "nezha",
    "nezha-past": "nezha",
    "causalrca": "causalrca",
}

PETSHOP_METRICS = (
    ("requests", "Sum"),
    ("availability", "Average"),
    ("latency", "Average"),
    ("latency", "p50"),
    ("latency", "p90"),
    ("latency", "p95"),
    ("latency", "p99"),
)
PETSHOP_USUAL = (300.0, 100.0, 0.1, 0.08, 0.2, 0.25, 0.4)
NASTY = 'table "a{{b}}\\c"\n::Table'


def petshop(root: Path, *, scenario: str = "low", part: str = "test", issue: str = "issue_0") -> Path:
    """web calls search and both call a table with a nasty name; in the issue the latency of web triples."""
    services = ["web", "search", NASTY]
    base = root / scenario
    graph = [["", *services], ["web", "0.0", "1.0", "1.0"], ["search", "0.0", "0.0", "1.0"]]
    write(base / "graph.csv", [*graph, [NASTY, "0.0", "0.0", "0.0"]])
    usual = [_petshop_row(1_700_000_000 + 300 * n, services, wobble=n % 3) for n in range(40)]
    write(base / "noissue" / "metrics.csv", _petshop_headers(services) + usual)
    slow = [_petshop_row(1_600_000_000 + 300 * n, services, slow=n >= 2) for n in range(5)]
    slow[0][-1] = ""
    write(base / part / issue / "metrics.csv", _petshop_headers(services) + slow)
    target = {
        "target": {"node": "web", "metric": "latency", "agg": "Average", "timestamp": 1},
        "root_cause": {"node": NASTY, "metric": None},
        "metadata": {"reproducibility": {"command": "secret-command"}},
    }
    (base / part / issue / "target.json").write_text(json.dumps(target))
    return root


def columns(folder: Path, normal: Mapping[str, Sequence[float]], anomalous: Mapping[str, Sequence[float]]) -> None:
    """An RCD or RCAEval case."""
    for name, table in (("normal", normal), ("anomalous", anomalous)):
        rows = zip(*table.values(), strict=True)
        write(folder / f"{name}.csv", [list(table), *([str(cell) for cell in row] for row in rows)])


def rcd(root: Path, case: str = "carts-cpu/1") -> Path:
    """carts burns a core from the beginning of the anomalous period."""

    def table(start: float, carts_cpu: float) -> dict[str, list[float]]:
        return {
            "time": [start + n for n in range(60)],
            "carts_cpu": [carts_cpu + n % 3 for n in range(60)],
            "carts-db_cpu": [3.0 + n % 2 for n in range(60)],
            "carts_mem": [3e8] * 60,
            "carts_lod": [4.0] * 60,
            "carts_lat_50": [0.0025] * 60,
            "carts_lat_99": [0.00495] * 60,
        }

    columns(root / case, table(1000, 2.0), table(250_000, 100.0))
    return root


def rcaeval4(root: Path, case: str = "shop/carts_cpu_1") -> Path:
    """Five minutes. No time column; memory in megabytes; errors per second; the latency of front triples."""

    def table(latency: float, errors: float) -> dict[str, list[float]]:
        return {
            "front_cpu": [50.0] * 300,
            "front_mem": [94.0] * 300,
            "front_workload": [40.0] * 300,
            "front_latency": [latency] * 300,
            "front_latency-50": [latency / 2] * 300,
            "front_error": [errors] * 300,
            "front_diskio": [1000.0] * 300,
            "front_socket": [12.0] * 300,
            "front_unheard-of": [1.0] * 300,
        }

    columns(root / case, table(0.0046, 0.0), table(0.0138, 10.0))
    return root


def nezha(root: Path, day: str = "2022-08-22") -> Path:
    """web calls store; twenty minutes, in which store burns its CPU from 04:10:30 on; the numbers of the fault list's
    `inject_timestamp` and of web's `TimeStamp` are as wrong as in the public set."""
    faults = [
        {
            "inject_time": f"{day} 04:{minute}:30",
            "inject_timestamp": "1",
            "inject_pod": "store-5f6585d649-fnmft",
            "inject_type": kind,
        }
        for minute, kind in (("10", "cpu_contention"), ("18", "return"))
    ]
    metric = root / "rca_data" / day / "metric"
    for pod in ("web-6cfdd55578-gfj6q", "store-5f6585d649-fnmft"):
        rows = [_nezha_row(day, minute, pod) for minute in range(23)]
        write(metric / f"{pod}_metric.csv", [list(NEZHA_HEADER), *rows])
    (root / "rca_data" / day / f"{day}-fault_list.json").write_text(json.dumps({"04": faults}))
    write(metric / "dependency.csv", [["Source", "Target", "Weight"], ["web", "store", "1"], ["web", "10.0.0.1", "1"]])
    return root


def nezha_flow(root: Path, day: str = "2022-08-22") -> Path:
    """Traces of web calling store, each named by the time at which it began: two of the fault-free phase, those around
    the two faults, and two much later. One is in two files, and no line has its `TimeUnixNano`."""
    phases = {
        "construct_data/{day}/{kind}/03_31_{kind}.csv": ("03:30:10", "03:31:10"),
        "rca_data/{day}/{kind}/04_10_{kind}.csv": ("04:09:10", "04:10:10", "04:10:40"),
        "rca_data/{day}/{kind}/04_11_{kind}.csv": ("04:10:40", "04:11:40"),
        "rca_data/{day}/{kind}/04_18_{kind}.csv": ("04:17:10", "04:18:40"),
        "rca_data/{day}/{kind}/05_05_{kind}.csv": ("05:05:10", "05:06:10"),
    }
    for name, moments in phases.items():
        spans = [row for moment in moments for row in _nezha_trace(day, moment)]
        lines = [
            [f"{day}T{moment}.05", "-1", "store-5f6585d649-fnmft", moment, "b", f"INFO found it at {moment}"]
            for moment in moments
        ]
        write(root / name.format(day=day, kind="trace"), [list(NEZHA_SPAN), *spans])
        lost = [f"{day}T{moments[0]}.06Z", "1", "store-5f6585d649-fnmft", "", "", "INFO of nobody"]
        write(root / name.format(day=day, kind="log"), [list(NEZHA_LINE), *lines, lost])
    return root


def _nezha_trace(day: str, moment: str) -> list[list[str]]:
    start = int(datetime.fromisoformat(f"{day}T{moment}+00:00").timestamp()) * 10**9
    return [
        [moment, "a", "root", "web-6cfdd55578-gfj6q", "GET /", str(start), str(start + 10**8)],
        [moment, "b", "a", "store-5f6585d649-fnmft", "load", str(start + 10**7), str(start + 9 * 10**7)],
    ]


NEZHA_SPAN = ("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano")
NEZHA_LINE = ("Timestamp", "TimeUnixNano", "PodName", "TraceID", "SpanID", "Log")
NEZHA_HEADER = (
    "Time",
    "TimeStamp",
    "PodName",
    "CpuUsage(m)",
    "MemoryUsage(Mi)",
    "PodServerLatencyP99(s)",
    "PodWorkload(Ops)",
    "PodSuccessRate(%)",
)


def _nezha_row(day: str, minute: int, pod: str) -> list[str]:
    """As collected at the minute's 20th second, so that the row tells of the minute before."""
    burns = pod.startswith("store") and 11 <= minute <= 14
    idle = minute == 5
    latency = "0" if idle else f"{0.9 if burns else 0.1 + minute % 3 / 100}"
    return [
        f"{day} 04:{minute:02}:20.6 +0000 UTC m=+0.1",
        "1861140279",
        pod,
        f"{300.0 if burns else 20.0 + minute % 2}",
        "200",
        latency,
        "0" if idle else "5",
        "0",
    ]


def causalrca(root: Path, case: str = "cpu-hog1_carts") -> Path:
    """Five minutes without times; the last three of them carts burns a core."""
    count = 60
    table = {
        "carts_ctn_latency": [0.1 if n < 24 else 0.9 for n in range(count)],
        "carts_ctn_cpu": [2.0 + n % 2 if n < 24 else 100.0 for n in range(count)],
        "carts_ctn_mem": [94.0] * count,
        "carts_ctn_write": [1000.0] * count,
        "carts_ctn_read": [500.0] * count,
        "carts_ctn_net_in": [1.0] * count,
        "front-end_ctn_cpu": [50.0 + n % 3 for n in range(count)],
    }
    write(root / f"{case}.csv", [list(table), *([str(v) for v in row] for row in zip(*table.values(), strict=True))])
    return root


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """A CSV file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def _petshop_headers(services: Sequence[str]) -> list[list[str]]:
    keys = [(service, *metric) for service in services for metric in PETSHOP_METRICS]
    names = ("microservice", "metric", "statistic")
    headers = [[name, *(key[row] for key in keys)] for row, name in enumerate(names)]
    return [*headers, ["unix_timestamp", *("" for _ in keys)]]


def _petshop_row(time: int, services: Sequence[str], *, slow: bool = False, wobble: int = 0) -> list[str]:
    row = [f"{time}.0"]
    for service in services:
        factor = 3.0 if slow and service == "web" else 1.0 + wobble / 100
        row += [str(v * factor if n > 1 else v) for n, v in enumerate(PETSHOP_USUAL)]
    return row


def maker(dataset: str) -> Callable[..., Path]:
    """What writes the layout that a data set's loader reads."""
    makers: dict[str, Callable[..., Path]] = {
        "petshop": petshop,
        "rcd": rcd,
        "rcaeval4": rcaeval4,
        "nezha": nezha,
        "nezha-past": nezha,
        "causalrca": causalrca,
    }
    return makers[dataset]
