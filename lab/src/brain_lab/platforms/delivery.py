"""How a platform's software gets into it: one GitLab project a namespace, one for the infrastructure, Terraform
workspaces by namespace, and an Argo CD application a service."""

from __future__ import annotations

from typing import Final

from brain_lab.platforms.model import Platform

INFRASTRUCTURE: Final = "infrastructure"
"""GitLab project whose pipelines run Terraform."""

LOCK_TABLE: Final = "terraform-locks"
"""DynamoDB table in which Terraform locks its states."""


def projects(platform: Platform) -> tuple[str, ...]:
    """All GitLab projects."""
    namespaces = {service.namespace: None for service in platform.services}
    return (*(f"{namespace}-services" for namespace in namespaces), INFRASTRUCTURE)


def project_of(platform: Platform, service: str) -> str:
    """The project that builds a service."""
    return f"{platform.service(service).namespace}-services"


def workspace_of(platform: Platform, station: str) -> str:
    """The Terraform workspace that the cloud resources of a station are in."""
    return f"{platform.cluster}-{getattr(platform.by_name[station], 'namespace', 'external')}"
