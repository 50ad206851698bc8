"""Exporter of AWS CloudTrail: calls by service and outcome, changes, suspicious calls, intact logs."""

from __future__ import annotations

from brain_exporters.cloudtrail.collector import KIND

__all__ = ["KIND"]
