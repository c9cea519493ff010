"""Builds the catalog files that ship with the plugins, from the shared data.

    python docs/tools/build_catalog.py            # write
    python docs/tools/build_catalog.py --check    # exit 1 where a checked-in file would change

Reads `data/catalog` below MULTIROUTE_SHARED (default `../shared` beside the checkout) and
`catalog-rules.json` beside this file. What each rule is and why stands in
`docs/reference/catalog.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_building.data import MAIN_SOURCE, ROOT, SOURCE_NAMES, Data, Row
from catalog_building.names import Names, build_names
from catalog_building.offerings import build_offerings
from catalog_building.quality import build_quality


@dataclass(frozen=True)
class Provider:
    """A provider whose offerings are built, and where they go.

    `data`: its name in the data, if that is another. `ids`: which of the ids listed there it takes
    as a model's name: sources also list regions, sizes and other providers' ids under its name.
    """

    name: str
    package: str
    file: str = "offerings.json"
    data: str = ""
    ids: str = r"^[^/]*$"

    @property
    def path(self) -> Path:
        folder = self.package.replace("_", "-")
        return ROOT / "plugins" / folder / "src" / self.package / self.file


def compatible(name: str, ids: str = r"^[^/]*$") -> Provider:
    """A provider of the distribution that holds many."""
    return Provider(name, "multiroute_openai_compatible", f"offerings-{name}.json", ids=ids)


_NOT_GEMINI = r".*(?:-(?:gt|lte)-\d+k$|live|tts|transcri|native-audio|omni|batchx)"
"""Google's ids of other APIs than generateContent, and price tiers listed as models."""

PROVIDERS = (
    Provider("openai", "multiroute_openai"),
    Provider("anthropic", "multiroute_anthropic"),
    Provider(
        "aws-bedrock",
        "multiroute_aws_bedrock",
        data="bedrock",
        ids=r"^(?:[a-z-]+\.)?[a-z][a-z0-9]*\.[a-z0-9][^/@]*$",
    ),
    Provider(
        "aws-bedrock-mantle",
        "multiroute_aws_bedrock",
        "offerings-mantle.json",
        "bedrock-mantle",
    ),
    Provider("azure-openai", "multiroute_azure_openai", data="azure"),
    Provider(
        "google",
        "multiroute_google",
        ids=rf"^(?!{_NOT_GEMINI})(?:gemini-(?:\d|embedding|[a-z-]+latest$)|gemma-|nano-banana)",
    ),
    Provider(
        "google-vertex",
        "multiroute_google",
        "offerings-vertex.json",
        "vertex",
        ids=rf"^(?!{_NOT_GEMINI})(?:gemini-|text-(?:multilingual-)?embedding|textembedding)",
    ),
    Provider("cohere", "multiroute_cohere"),
    Provider("mistral", "multiroute_mistral"),
    Provider("ollama-cloud", "multiroute_ollama", "offerings-cloud.json"),
    Provider("openrouter", "multiroute_openrouter", ids="/"),
    compatible("cerebras"),
    compatible("crusoe", "/"),
    compatible("deepinfra", "/"),
    compatible("deepseek"),
    compatible("fireworks", "^accounts/"),
    compatible("groq", ""),
    compatible("huggingface", "/"),
    compatible("moonshot"),
    compatible("nvidia", "/"),
    compatible("perplexity", "sonar|^r1-"),
    compatible("sambanova"),
    compatible("snowflake"),
    compatible("together", "/"),
    compatible("xai"),
    compatible("zai"),
)
MODELS_PATH = ROOT / "plugins/multiroute-catalog/src/multiroute_catalog/models.json"


def build_models(data: Data, names: Names) -> list[Row]:
    quality = build_quality(data, names)
    rows = []
    for model_id, model in sorted(names.kept.items()):
        row = {
            "id": model_id,
            "name": model.get("name"),
            # derived families are guesses (a realtime model in the family of the flagship)
            "family": model.get("family") if model["meta"] == "models.dev/models" else None,
            "released": model.get("release_date"),
            "open_weights": model.get("open_weights"),
            "aliases": names.aliases.get(model_id),
            "quality": quality.get(model_id),
        }
        rows.append({name: value for name, value in row.items() if value not in (None, "", [], {})})
    return rows


def _sources(data: Data, wanted: Iterable[str]) -> dict[str, Row]:
    told = {source["id"]: source for source in data.sources["sources"]}
    found = {}
    for name in wanted:
        source = told[name]
        day = re.match(r"20\d\d-\d\d-\d\d", str(source.get("date", "")))
        origin = source.get("repo") or source.get("via", "")
        if source.get("commit"):
            origin += "@" + source["commit"][:12]
        found[name] = {"name": origin, "licence": source["licence"].partition(" (")[0]}
        if day:
            found[name]["date"] = day.group()
    return found


def render(head: Row, name: str, rows: Sequence[Row]) -> bytes:
    """JSON with one row a line, so that a change of one price is a change of one line."""
    lines = ["{"]
    lines += [f"{_json(key)}: {_json(value)}," for key, value in head.items()]
    lines.append(f"{_json(name)}: [")
    lines += [_json(row) + ("," if at < len(rows) - 1 else "") for at, row in enumerate(rows)]
    lines += ["]", "}", ""]
    return "\n".join(lines).encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def build(data: Data) -> dict[Path, bytes]:
    """Every file this tool writes, with its content."""
    names = build_names(data)
    as_of = data.sources["generated"]
    files: dict[Path, bytes] = {}
    for provider in PROVIDERS:
        head = {
            "schema": 1,
            "provider": provider.name,
            "as_of": as_of,
            "sources": _sources(data, SOURCE_NAMES.values()),
            "source": MAIN_SOURCE,
        }
        rows = build_offerings(data, provider.data or provider.name, names, provider.ids)
        files[provider.path] = render(head, "offerings", rows)
    head = {
        "schema": 1,
        "as_of": as_of,
        "sources": _sources(data, ("models.dev", "aider", "vectara", "arena-hard", "ruler")),
        "rules": {
            "labs": data.rules["labs"],
            "hosts": data.rules["hosts"],
            "starts": data.rules["starts"],
        },
        "aliases": dict(sorted(names.qualified.items())),
    }
    files[MODELS_PATH] = render(head, "models", build_models(data, names))
    return files


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where a file would change")
    check = parser.parse_args(arguments).check
    stale = []
    for path, content in build(Data.read()).items():
        if check:
            if not path.is_file() or path.read_bytes() != content:
                stale.append(path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path.relative_to(ROOT)}: {len(content):,} bytes")
    for path in stale:
        print(
            f"{path.relative_to(ROOT)} is not what the data gives: run docs/tools/build_catalog.py"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
