"""Writes ``rules/service-red.yaml`` and stamps the link of every alert; run it after changing a rule.

Why a program: every source of RED metrics needs the same label clean-up around another expression, and every
alert the same link in front of another name. Maintainers call it; a repository test fails when its result
differs from what is committed. It reads no metrics and knows no thresholds: those are in the other files.

    python alert-rules/generate.py [--check] [--runbooks URL]

``--runbooks`` is for those who keep the rules in their own repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

RULES = Path(__file__).parent / "rules"
RUNBOOKS = "https://github.com/ai-devops-brain/ai-devops-brain/blob/main/docs/runbooks"

RED_HEADER = """\
# Written by alert-rules/generate.py. Do not edit; change the program and run it.
#
# Rate, errors and duration of every service, whatever produced the metrics. Three sources are read, and for
# each service the first one that exists wins:
#   http_server    OpenTelemetry HTTP server metrics (semantic conventions 1.23 and later)
#   span_metrics   the Collector's span metrics connector, server spans, in seconds or in milliseconds
#   service_graph  the Collector's service graph connector, by called service; without databases, queues and
#                  other uninstrumented peers, of which the connector measures no server time
# Every result has the labels namespace and service, and cluster where the series carry one. Names come from,
# in this order: k8s_namespace_name, service_namespace, namespace (the last may only be where the metric was
# scraped), the part of job before "/"; service_name, service, job; cluster, k8s_cluster_name.
# Rates are over 5 minutes.
#
# The rules of one group run one after the other, so the second half always sees this round's first half.
groups:
  - name: brain-service-red
    rules:
"""

# Joined as "first|second|third", the pattern keeps the first part that is not empty.
FIRST = "\\\\|*([^|]*).*"
FIRST_OR_JOB_PREFIX = "(?:\\\\|{3}([^|/]+)/.*|\\\\|{3}.*|\\\\|*([^|]*).*)"
FIRST_OR_JOB_NAME = "(?:\\\\|\\\\|[^|/]*/|\\\\|*)([^|]*).*"
OWN = {
    "cluster": (("cluster", "k8s_cluster_name"), FIRST, "$1"),
    "namespace": (
        ("k8s_namespace_name", "service_namespace", "namespace", "job"),
        FIRST_OR_JOB_PREFIX,
        "$1$2",
    ),
    "service": (("service_name", "service", "job"), FIRST_OR_JOB_NAME, "$1"),
}
CALLED = {
    "cluster": (("cluster", "server_k8s_cluster_name"), FIRST, "$1"),
    "namespace": (("server_k8s_namespace_name", "server_service_namespace", "namespace"), FIRST, "$1"),
    "service": (("server",), FIRST, "$1"),
}
HTTP = "http_server_request_duration_seconds"
SPANS = "traces_span_metrics"
GRAPH = "traces_service_graph_request"
SERVER_SPAN = 'span_kind="SPAN_KIND_SERVER"'
FAILED_SPAN = f'{SERVER_SPAN},status_code="STATUS_CODE_ERROR"'
REAL_EDGE = 'connection_type=""'
LABELS = "cluster, namespace, service"


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    stale = [path for path, text in wanted(options.runbooks).items() if _text(path) != text]
    if options.check:
        for path in stale:
            print(f"{path}: differs from what alert-rules/generate.py writes", file=sys.stderr)
        return 1 if stale else 0
    for path, text in wanted(options.runbooks).items():
        path.write_text(text, encoding="utf-8")
    return 0


def wanted(runbooks: str = RUNBOOKS) -> dict[Path, str]:
    """What every rule file should hold, by path."""
    files = {path: stamp(_text(path), runbooks) for path in sorted(RULES.glob("*.yaml"))}
    files[RULES / "service-red.yaml"] = red_rules()
    return files


def stamp(text: str, runbooks: str) -> str:
    """Give every alert of a rule file its runbook."""
    alert = ""
    lines = []
    for line in text.splitlines():
        if named := re.match(r"\s*- alert: (\w+)$", line):
            alert = named[1]
        lines.append(re.sub(r"^(\s*runbook_url:).*$", rf"\1 {runbooks}/{alert}.md", line))
    return "\n".join(lines) + "\n"


def red_rules() -> str:
    """The whole of ``service-red.yaml``."""
    return RED_HEADER + "\n".join([*_requests(), *_errors(), *_durations(), *_results()])


def _requests() -> list[str]:
    name = "service_source:requests:rate5m"
    return [
        "      # --- by source: requests per second",
        _record(name, "http_server", _per_service(f"{HTTP}_count", "", OWN)),
        _record(name, "span_metrics", _per_service(f"{SPANS}_calls_total", SERVER_SPAN, OWN)),
        _record(name, "service_graph", _per_service(f"{GRAPH}_total", REAL_EDGE, CALLED)),
    ]


def _errors() -> list[str]:
    """A service without a single failure has no failure series, so its rate is taken as 0."""

    def of(source: str, failed: str) -> str:
        total = f'service_source:requests:rate5m{{source="{source}"}}'
        none = f"sum without (source) (0 * {total})"
        return _record("service_source:request_errors:rate5m", source, f"{failed}\nor on ({LABELS})\n{none}")

    return [
        "      # --- by source: failed requests per second",
        of("http_server", _per_service(f"{HTTP}_count", 'http_response_status_code=~"5.."', OWN)),
        of("span_metrics", _per_service(f"{SPANS}_calls_total", FAILED_SPAN, OWN)),
        of("service_graph", _per_service(f"{GRAPH}_failed_total", REAL_EDGE, CALLED)),
    ]


def _durations() -> list[str]:
    """Time spent per second, and the histograms; milliseconds keep their own, as their bounds differ."""
    spent = "service_source:request_duration_seconds_sum:rate5m"
    buckets = "service_source_le:request_duration_seconds_bucket:rate5m"
    milliseconds = _per_service(f"{SPANS}_duration_milliseconds_sum", SERVER_SPAN, OWN)
    both_units = (
        _per_service(f"{SPANS}_duration_seconds_sum", SERVER_SPAN, OWN) + f"\nor on ({LABELS})\n{milliseconds} / 1000"
    )
    span_buckets = f"{SPANS}_duration_seconds_bucket"
    ms_buckets = f"{SPANS}_duration_milliseconds_bucket"
    return [
        "      # --- by source: seconds of work per second, and histograms",
        _record(spent, "http_server", _per_service(f"{HTTP}_sum", "", OWN)),
        _record(spent, "span_metrics", both_units),
        _record(spent, "service_graph", _per_service(f"{GRAPH}_server_seconds_sum", REAL_EDGE, CALLED)),
        _record(buckets, "http_server", _per_service(f"{HTTP}_bucket", "", OWN, "le")),
        _record(buckets, "span_metrics", _per_service(span_buckets, SERVER_SPAN, OWN, "le")),
        _record(buckets, "service_graph", _per_service(f"{GRAPH}_server_seconds_bucket", REAL_EDGE, CALLED, "le")),
        _record(
            "service_source_le:request_duration_milliseconds_bucket:rate5m",
            "span_metrics",
            _per_service(ms_buckets, SERVER_SPAN, OWN, "le"),
        ),
    ]


def _results() -> list[str]:
    rate = "service_source:requests:rate5m"
    ratio = f"service_source:request_errors:rate5m{{SOURCE}} / ({rate}{{SOURCE}} > 0)"
    mean = f"service_source:request_duration_seconds_sum:rate5m{{SOURCE}} / ({rate}{{SOURCE}} > 0)"
    results = {
        "service:requests:rate": _first([f"{rate}{{SOURCE}}"]),
        "service:request_errors:ratio": _first([ratio]),
        "service:request_duration_seconds:mean": _first([mean]),
    }
    for percent in (50, 90, 95, 99):
        results[f"service:request_duration_seconds:p{percent}"] = _first(_quantile(percent / 100))
    title = "      # --- results: the first source that exists; '>= 0' drops the NaN of no requests"
    return [title, *(_record(name, "", expression) for name, expression in results.items())]


def _quantile(quantile: float) -> list[str]:
    """In seconds; the second form is only there for the span metrics connector's milliseconds."""
    seconds = "service_source_le:request_duration_seconds_bucket:rate5m"
    milliseconds = "service_source_le:request_duration_milliseconds_bucket:rate5m"
    return [
        f"histogram_quantile({quantile}, {seconds}{{SOURCE}}) >= 0",
        f"histogram_quantile({quantile}, {milliseconds}{{SOURCE}}) / 1000 >= 0",
    ]


def _first(forms: list[str]) -> str:
    """The first source that has the service; the service graph only where no other knows it in any namespace.

    The service graph has a namespace only if the connector is given the dimension; without this such a
    service would be there twice, once with and once without its namespace.
    """
    branches = [
        f"sum without (source) ({form.replace('{SOURCE}', _matcher(source))})"
        for source in ("http_server", "span_metrics")
        for form in forms
        if source == "span_metrics" or "milliseconds" not in form
    ]
    graph = f"sum without (source) ({forms[0].replace('{SOURCE}', _matcher('service_graph'))})"
    others = 'service_source:requests:rate5m{source!="service_graph"}'
    return f"\nor on ({LABELS})\n".join([*branches, f"({graph} unless on (cluster, service) {others})"])


def _matcher(source: str) -> str:
    return f'{{source="{source}"}}'


def _per_service(metric: str, matchers: str, names: dict[str, tuple[tuple[str, ...], str, str]], *more: str) -> str:
    expression = f"rate({metric}{{{matchers}}}[5m])" if matchers else f"rate({metric}[5m])"
    for label, (sources, pattern, kept) in names.items():
        joined = ", ".join(f'"{source}"' for source in sources)
        expression = (
            f'label_replace(label_join(\n{expression},\n"{label}", "|", {joined}),'
            f' "{label}", "{kept}", "{label}", "{pattern}")'
        )
    return f"sum by ({', '.join([LABELS, *more])}) (\n{expression})"


def _record(name: str, source: str, expression: str) -> str:
    body = "\n".join(" " * 10 + line for line in expression.splitlines())
    labels = f"        labels:\n          source: {source}\n" if source else ""
    return f"      - record: {name}\n{labels}        expr: |\n{body}\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the generated rules and the links of the alerts.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail if something would change")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="where the runbooks are; default %(default)s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
