"""What a user says of a SQLite store: its URL and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from multiroute_core.api import ConfigError

_PREFIX: Final = "sqlite:///"


class SqliteSettings(BaseModel):
    """`[plugins.settings.sqlite]`.

    synchronous: "normal" survives a crash of the process; a loss of power may cost the last
        moments. "full" survives that too and waits for the disk at every batch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    synchronous: Literal["normal", "full"] = "normal"


def path_of(url: str) -> Path:
    """The file of `sqlite:///relative.db` or `sqlite:////absolute.db`.

    Raises:
        ConfigError: the URL has another form.
    """
    parts = urlsplit(url)
    path = unquote(url.removeprefix(_PREFIX))
    if not url.startswith(_PREFIX) or parts.query or parts.fragment:
        raise ConfigError(
            "a sqlite store's URL must be sqlite:///FOLDER/FILE.db (four slashes for an absolute"
            " path) and takes no parameters"
        )
    if not path or path.endswith("/") or path == ":memory:" or "\0" in path:
        raise ConfigError(
            "a sqlite store needs a file: write sqlite:///.multiroute/records.db; for a store"
            " without a file write memory:"
        )
    return Path(path)
