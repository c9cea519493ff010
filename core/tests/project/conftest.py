"""A small project file and a way to write it: shared by the tests of the project file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

EXAMPLE = """\
schema = 1

[project]
name    = "demo"
default = "fast"

[gateway]
listen = "127.0.0.1:0"

[plugins]
enable = ["acme", "quality", "cost", "ladder"]

[providers.acme]
api_keys = [{ env = "ACME_KEY" }]
tags     = ["eu"]

[providers.acme-us]
plugin   = "acme"
base_url = "https://us.acme.example/v1"
settings = { region = "us", retries = 2 }

[models."lab/large-1.5"]
serve = ["acme:large", "acme-us:large:v2"]
price = { input = 1.25, output = 10 }

[profiles.fast]
use_case   = "chat"
candidates = ["lab/large-1.5", "lab/small"]
require    = ["tools?"]
[profiles.fast.score]
use   = ["quality", "cost"]
floor = 0.5
[profiles.fast.limits]
deadline = "45s"
timeouts = { connect = "250ms" }
[profiles.fast.fallback]
use = "ladder"
on  = ["rate_limited"]

[profiles.private]
extends = "fast"
order   = "priority"
targets = { only_tags = ["eu"] }

[aliases]
"gp*" = "fast"

[keys.web]
hash     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
profiles = ["fast"]
"""


@pytest.fixture
def example() -> str:
    """A file without mistakes that uses most nouns."""
    return EXAMPLE


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes files into a fresh current folder and gives the relative path of the first."""
    monkeypatch.chdir(tmp_path)

    def put(text: str = EXAMPLE, more: Mapping[str, str] | None = None) -> Path:
        for name, content in {"multiroute.toml": text, **(more or {})}.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return Path("multiroute.toml")

    return put
