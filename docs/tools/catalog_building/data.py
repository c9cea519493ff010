"""The shared data, and who of its sources is believed first."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("MULTIROUTE_SHARED") or ROOT.parent / "shared").resolve()

Row = dict[str, Any]

SOURCE_NAMES = {
    "gp": "genai-prices",
    "ll": "litellm",
    "md": "models.dev",
    "pk": "portkey",
    "lf": "langfuse",
}
"""In order of preference where sources disagree: compiled from the providers' own pages and dated
first (genai-prices, 2026-08-21), then the newest by content, then the rest."""

MAIN_SOURCE = SOURCE_NAMES["gp"]


@dataclass(frozen=True)
class Data:
    """The shared data, parsed once."""

    models: list[Row]
    offerings: list[Row]
    dated: list[Row]
    prices: list[Row]
    quality: list[Row]
    labels: Row
    sources: Row
    rules: Row

    @classmethod
    def read(cls) -> Data:
        folder = SHARED / "data" / "catalog"
        if not folder.is_dir():
            sys.exit(f"no catalog data in {folder}: set MULTIROUTE_SHARED to the shared folder")

        def load(name: str) -> Any:
            return json.loads((folder / name).read_text(encoding="utf-8"), parse_float=str)

        return cls(
            models=load("models.json")["models"],
            offerings=load("offerings.json")["offerings"],
            dated=load("prices-conditional.json")["entries"],
            prices=load("genai-prices-v2.json"),
            quality=load("quality-permissive.json")["scores"],
            labels=load("normalisation-labels.json"),
            sources=load("SOURCES.json"),
            rules=json.loads((ROOT / "docs/tools/catalog-rules.json").read_text("utf-8")),
        )
