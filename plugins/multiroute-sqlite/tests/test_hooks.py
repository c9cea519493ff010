"""The plugin's hooks: URL and settings to a store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pluggy
import pytest
from pydantic import ValidationError

import multiroute_sqlite
from multiroute_core.api import ConfigError, hookspecs
from multiroute_core.testing.stores import sample_call
from multiroute_sqlite.settings import SqliteSettings, path_of


def hooks():
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(multiroute_sqlite)
    manager.check_pending()
    return manager.hook


@pytest.mark.parametrize("synchronous", [None, "normal", "full"])
def test_the_factory_makes_a_store_that_works(tmp_path: Path, synchronous: str | None) -> None:
    model = hooks().multiroute_settings(kind="store", name="sqlite")
    settings = model(synchronous=synchronous) if synchronous else None
    url = f"sqlite:///{tmp_path}/store.db"
    store = hooks().multiroute_make_store(name="sqlite", url=url, settings=settings)

    async def scenario() -> None:
        await store.start()
        await store.records().append([sample_call("c1")])
        assert await store.records().call("c1") is not None
        await store.aclose()

    asyncio.run(scenario())
    assert (tmp_path / "store.db").exists()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///.multiroute/state.db", ".multiroute/state.db"),
        ("sqlite:////var/lib/multiroute.db", "/var/lib/multiroute.db"),
        ("sqlite:///with%20blank.db", "with blank.db"),
    ],
)
def test_the_url_names_the_file(url: str, path: str) -> None:
    assert path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite:store.db",
        "sqlite://store.db",
        "sqlite://user:s3cret@host/store.db",
        "sqlite:///store.db?mode=ro",
        "sqlite:///",
        "sqlite:///folder/",
        "sqlite:///:memory:",
    ],
)
def test_any_other_url_is_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///") as caught:
        path_of(url)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        SqliteSettings.model_validate({"synchronus": "full"})
