"""Every relative link of the Markdown pages leads somewhere, and the index leads to every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DOCS = _ROOT / "docs"
_PAGES = sorted(
    [
        *_ROOT.glob("*.md"),
        *_DOCS.rglob("*.md"),
        *(_ROOT / folder / "README.md" for folder in ("core", "contrib")),
        *_ROOT.glob("plugins/*/README.md"),
        *_ROOT.glob("contrib/*/README.md"),
    ]
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def _prose(page: Path) -> str:
    """The page without its fenced blocks and code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def _links(page: Path) -> list[tuple[str, Path, str]]:
    """(as written, file, anchor) of every relative link."""
    found = []
    for link in _LINK.findall(_prose(page)):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            found.append((link, (page.parent / path).resolve() if path else page, anchor))
    return found


def _anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as forges make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_somewhere(page: Path):
    broken = [
        link
        for link, path, anchor in _links(page)
        if not path.exists() or (anchor and anchor not in _anchors(path))
    ]
    assert broken == []


def test_a_broken_link_is_noticed(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# One Two\n[a](#one-two) [b](gone.md) `[c](x)` [d](https://example.com)\n")
    links = _links(page)
    assert [link for link, _, _ in links] == ["#one-two", "gone.md"]
    assert [path.exists() for _, path, _ in links] == [True, False]
    assert _anchors(page) == {"one-two"}


def test_the_index_leads_to_every_page_of_the_documentation():
    seen: set[Path] = set()
    ahead = [_DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        ahead += [path for _, path, _ in _links(page)]
    missing = {str(page.relative_to(_ROOT)) for page in set(_DOCS.rglob("*.md")) - seen}
    assert missing == set(), "add them to docs/index.md"


def test_the_readme_leads_to_the_index():
    assert _DOCS / "index.md" in [path for _, path, _ in _links(_ROOT / "README.md")]
