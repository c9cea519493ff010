"""No vendor's name in core outside wire/<format>/: what differs between vendors lives in plugins.

The names come from the shared catalogue of providers and from our own provider plugins. Each is
taken apart into words, so that `AzureOpenAI`, `azure_key` and "Azure" are all found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.workspace import distributions

_ROOT = Path(__file__).resolve().parents[2]
_CORE = _ROOT / "core" / "src" / "multiroute_core"

# Words of vendors' names that are words of English, or of our trade, first. Reviewed one by one: a
# name goes in only with the reason why core needs the word.
_ORDINARY: dict[str, str] = {
    "302": "an HTTP status",
    "agent": "trade: user agent",
    "ai": "trade",
    "ambient": "English",
    "ams": "a region's code",
    "atomic": "trade: atomic writes",
    "biases": "English",
    "chat": "a wire format",
    "cloud": "trade",
    "cn": "a country's code",
    "coding": "a use case",
    "cognitive": "English",
    "core": "ourselves",
    "d": "a letter",
    "deep": "trade: deep copies",
    "duo": "English",
    "endpoints": "trade",
    "face": "English",
    "factory": "trade: a plugin's factory",
    "for": "English",
    "gateway": "ourselves",
    "github": "where issues that a workaround names are found",
    "gitlab": "where issues that a workaround names are found",
    "go": "English",
    "grid": "trade: tables in a terminal",
    "inception": "English",
    "inference": "trade",
    "infra": "trade",
    "io": "the standard library's module",
    "kilo": "a unit's prefix",
    "llm": "trade",
    "merge": "trade: profiles are merged",
    "models": "ourselves",
    "morph": "English",
    "nano": "a unit's prefix",
    "near": "English",
    "neon": "English",
    "net": "trade",
    "nova": "English",
    "plan": "a decision's plan",
    "routing": "ourselves",
    "run": "English",
    "sandbox": "our own provider without a model: no vendor",
    "services": "English",
    "sgp": "a region's code",
    "submodel": "trade: nested pydantic models",
    "synthetic": "English: made-up data",
    "the": "English",
    "together": "English",
    "token": "trade",
    "v0": "a version",
    "weights": "trade: weighted splits",
    "workers": "trade: server processes",
    "z": "a letter",
}


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)", "", name).lower())


def _terms(names: Iterable[str]) -> set[tuple[str, ...]]:
    """What to look for: each telling word; a name of ordinary words only as a whole, if longer."""
    terms: set[tuple[str, ...]] = set()
    for name in names:
        words = _words(name)
        telling = [word for word in words if word not in _ORDINARY]
        terms.update((word,) for word in telling)
        if not telling and len(words) > 1 and "".join(words) not in _OUR_OWN_PHRASES:
            terms.add(tuple(words))
    return terms


# Names made of ordinary words that say what we are, or that read as code of ours.
_OUR_OWN_PHRASES = {"llmgateway", "routingrun", "drun", "ionet", "nearai", "zai"}


def _pattern(terms: set[tuple[str, ...]]) -> re.Pattern[str]:
    """One expression over all terms, whatever the case; `_is_whole` then looks at the edges."""
    alternatives = sorted((r"[\W_]?".join(term) for term in terms), key=len, reverse=True)
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is a word by itself: between non-letters, or a hump of camelCase."""
    before, first = text[start - 1 : start], text[start]
    last, after, second = text[end - 1], text[end : end + 1], text[end + 1 : end + 2]
    opens = not before.isalnum() or (before.islower() and first.isupper())
    closes = (
        not after.isalpha()
        or (last.islower() and after.isupper())
        or (last.isupper() and after.isupper() and second.islower())
    )
    return opens and closes


def _found(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(line, name) of each vendor's name in a text."""
    start = 0
    while match := pattern.search(text, start):
        if _is_whole(text, match.start(), match.end()):
            yield text.count("\n", 0, match.start()) + 1, match.group()
        start = match.start() + 1


def _hits(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    hits = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or "__pycache__" in inside.parts or inside.parts[0] == "wire":
            continue
        where = path.relative_to(_ROOT)
        hits += [f"{where}: {name} in the file's name" for _, name in _found(str(inside), pattern)]
        text = path.read_text(encoding="utf-8")
        hits += [f"{where}:{line}: {name}" for line, name in _found(text, pattern)]
    return hits


def test_core_names_no_provider_of_the_catalogue(shared: Path):
    catalogue = json.loads((shared / "data" / "catalog" / "providers.json").read_text("utf-8"))
    names = set(catalogue["providers"]) | set(catalogue["our_id"].values())
    names |= {provider["name"] for provider in catalogue["providers"].values()}
    assert len(names) > 100, "the catalogue's format changed: nothing would be looked for"
    hits = _hits(_CORE, _pattern(_terms(names)))
    assert not hits, "\n".join(hits)


def test_core_names_no_provider_that_we_ship():
    names = {
        name
        for distribution in distributions(_ROOT)
        for group, name, _ in distribution.entry_points
        if group == "multiroute.providers"
    }
    assert {"anthropic", "openai", "sandbox"} <= names
    hits = _hits(_CORE, _pattern(_terms(names | {"gemini", "claude"})))
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize(
    "text",
    ["AzureOpenAI", "an openai key", "OPENAI_API_KEY", "OpenAIProvider", "x-openai-beta"],
)
def test_a_name_is_found_however_it_is_spelt(text: str):
    assert list(_found(text, _pattern(_terms({"openai"}))))


def test_a_name_of_several_words_is_found_however_it_is_joined():
    pattern = _pattern(_terms({"Deep Infra", "amazon-bedrock"}))
    texts = ("DeepInfra", "deep_infra", "deep-infra", "Bedrock", "amazon.com")
    assert all(list(_found(text, pattern)) for text in texts)


@pytest.mark.parametrize("text", ["coherent", "incoherent", "token", "routing.run()", "aio.net"])
def test_a_word_that_merely_holds_a_name_is_left_alone(text: str):
    assert not list(_found(text, _pattern(_terms({"Cohere", "io-net", "routing.run", "token"}))))
