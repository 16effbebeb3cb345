"""What is kept whole in the journal has a bound that a configuration cannot exceed."""

from __future__ import annotations

import pytest

from proxy.config.load import parse
from proxy.errors import ConfigError

TWO = "backends: {a: {url: 'http://127.0.0.1:1'}, b: {url: 'http://127.0.0.1:2'}}\nactive: a\n"


def test_a_body_larger_than_the_journal_can_take_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(TWO + "limits: {body: 100MiB}\n", {})
    assert "limits.body: expected at most 48MiB" in str(refused.value)
    assert parse(TWO + "limits: {body: 48MiB}\n", {}).limits.body == 48 << 20


def test_without_a_journal_bodies_may_be_of_any_size() -> None:
    assert parse(TWO + "limits: {body: 100MiB}\ndata: shared\n", {}).limits.body == 100 << 20
    assert parse(TWO + "limits: {body: 100MiB}\njournal: {enabled: false}\n", {}).limits.body == 100 << 20
