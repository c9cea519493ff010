from __future__ import annotations

import pytest

from multiroute_core.api import ConfigError
from multiroute_core.plugins import store_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("memory:", "memory"),
        ("sqlite:///a.db", "sqlite"),
        ("redis://127.0.0.1", "redis"),
        ("rediss://127.0.0.1", "redis"),
        ("postgres://127.0.0.1/x", "postgresql"),
        ("POSTGRESQL+driver://127.0.0.1/x", "postgresql"),
        ("sqlite", "sqlite"),
    ],
)
def test_a_url_names_its_store_by_scheme(url, name):
    assert store_name(url) == name


def test_a_url_without_scheme_is_refused_without_repeating_it():
    with pytest.raises(ConfigError) as caught:
        store_name("//me:hunter2@host")
    assert "hunter2" not in str(caught.value)
