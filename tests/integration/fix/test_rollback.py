"""The rollback of a proposed fix does what it says, at a real API server."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from kubernetes import client as k8s
from kubernetes import config as k8s_config

from brain_lab.servers.control_plane import ControlPlane
from tests.unit.fix.test_propose import after_change, cause_of, change, propose


def kept(core: k8s.CoreV1Api, namespace: str, pipe: str) -> dict[str, object]:
    """What the pipe leaves of the object as kubectl prints it."""
    shown = core.api_client.sanitize_for_serialization(core.read_namespaced_config_map("cart", namespace))
    text = subprocess.run(["sh", "-c", pipe], input=yaml.safe_dump(shown), capture_output=True, text=True, check=True)
    found: dict[str, object] = yaml.safe_load(text.stdout)
    return found


def test_a_config_map_that_was_put_back_can_be_put_forward_again(
    shared_control_plane: ControlPlane, kube_namespace: str
) -> None:
    proposal, *_ = propose(after_change(cause_of("errors"), change(message="ConfigMap cart: pool 20 -> 5")))
    found = re.search(r"-o yaml \| (.*) > kept\.yaml", proposal.rollback)
    assert found
    with k8s_config.new_client_from_config(str(shared_control_plane.kubeconfig("admin"))) as api:
        core = k8s.CoreV1Api(api)
        core.create_namespaced_config_map(kube_namespace, {"metadata": {"name": "cart"}, "data": {"pool": "5"}})
        with_version, without = kept(core, kube_namespace, "cat"), kept(core, kube_namespace, found[1])
        core.patch_namespaced_config_map("cart", kube_namespace, {"data": {"pool": "20"}})
        with pytest.raises(k8s.ApiException, match="Conflict"):
            core.replace_namespaced_config_map("cart", kube_namespace, with_version)
        core.replace_namespaced_config_map("cart", kube_namespace, without)
        assert core.read_namespaced_config_map("cart", kube_namespace).data == {"pool": "5"}
