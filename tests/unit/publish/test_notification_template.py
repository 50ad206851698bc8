"""The notification template with this installation's address in it."""

from __future__ import annotations

import pytest

from brain_common.errors import ConfigError
from brain_rca.publish.notification_template import notification_template


@pytest.mark.parametrize("url", ["https://brain.example", "http://[::1]:8088", "https://brain.example/a/b/"])
def test_it_links_to_the_given_address(url: str) -> None:
    text = notification_template(url)
    assert '{{ define "brain.external_url" }}' + url.rstrip("/") + "{{ end }}" in text
    assert "localhost" not in text


@pytest.mark.parametrize(
    "url", ['https://x/{{ define "y" }}', "javascript:alert(1)", "", "https://x/\n", "https://x/ y"]
)
def test_what_would_change_the_template_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="external_url"):
        notification_template(url)
