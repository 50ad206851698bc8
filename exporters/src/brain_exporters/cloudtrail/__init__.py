"""cloudtrail: calls of the AWS API counted, changes and suspicious calls marked, all of them into the lake."""

from brain_exporters.cloudtrail.collector import KIND

__all__ = ["KIND"]
