"""Writes `docs/reference/fidelity.md` from the results of `tests/fidelity`.

MULTIROUTE_FIDELITY_OUT=/tmp/fidelity.json python -m pytest tests/fidelity
python docs/tools/build_fidelity_page.py /tmp/fidelity.json            # write
python docs/tools/build_fidelity_page.py /tmp/fidelity.json --check    # exit 1 if it would change
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the suite lives with the tests

from tests.fidelity import corpus, registry, suite  # noqa: E402  needs the path above
from tests.fidelity.allow import Allowed, allowed  # noqa: E402  needs the path above

PAGE = ROOT / "docs/reference/fidelity.md"

HEAD = """# Wire fidelity, measured

<!-- written by docs/tools/build_fidelity_page.py: change that, not this -->

Every recorded exchange in scope went through the adapter of its provider. A cell is passed/total;
an empty one means that the check has nothing to look at there. The recordings are real traffic from
the test suites of public projects; they are not part of this repository
(`tests/fidelity/README.md`).

| check | what must hold |
|---|---|
| oracle | what we read of a reply equals what an independent extractor reads |
| faults | an error has the stated kind, status and retry verdict, and the provider's message |
| roundtrip | a recorded request, read and written again, is the same |
| stream | equal events however a stream is cut; cut off, it is an error |
| dialects | retold as chat, responses and messages, the official clients load it, content equal |
| losses | random requests with unknown and rare fields: carried or reported |
| continuity | signatures, encrypted reasoning and cache marks come back byte for byte |
| billing | buckets are disjoint and sum to the total; reported costs are ours |
"""

ORDER = (
    "oracle",
    "faults",
    "roundtrip",
    "stream",
    "dialects",
    "losses",
    "continuity",
    "billing",
)


def page(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The page for these results."""
    lines = [HEAD, *_table(results), *_failures(results), *_left_out(), *_allowed(allowed())]
    return "\n".join(lines).rstrip() + "\n"


def _table(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    passed = total = 0
    rows = []
    for provider in sorted(results):
        for api in sorted(results[provider]):
            checks = results[provider][api]
            passed += sum(figures["passed"] for figures in checks.values())
            total += sum(figures["total"] for figures in checks.values())
            cells = " | ".join(_cell(checks.get(name)) for name in ORDER)
            rows.append(f"| {provider} | {api} | {cells} |")
    return [
        "## Results",
        "",
        f"{passed:,} of {total:,} checks pass.",
        "",
        f"| provider | api | {' | '.join(ORDER)} |",
        f"|---|---|{'---|' * len(ORDER)}",
        *rows,
        "",
    ]


def _cell(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return ""
    text = f"{figures['passed']}/{figures['total']}"
    return text if figures["passed"] == figures["total"] else f"**{text}**"


def _failures(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    lines = [
        f"- {provider}, {api}, {check}: {' '.join(f'`{i}`' for i in figures['failed'])}"
        for provider, apis in sorted(results.items())
        for api, checks in sorted(apis.items())
        for check, figures in checks.items()
        if figures["failed"]
    ]
    return ["## Failures", "", *(lines or ["None."]), ""]


def _left_out() -> list[str]:
    """Records that a check could not look at, and providers that no plugin here speaks for."""
    lines = ["## Left out", "", "No recording in scope is left out of every check."]
    found = suite.left_out()
    if found:
        lines += ["Without a request to compare, and so not in `roundtrip`:", ""]
        lines += [f"- `{record_id}`: {reason}" for record_id, reason in sorted(found.items())]
    strangers: dict[str, int] = {}
    for provider, api in corpus.groups():
        if not registry.in_scope(provider):
            strangers[provider] = strangers.get(provider, 0) + len(corpus.records(provider, api))
    if strangers:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(strangers.items()))
        lines += ["", f"Recordings of providers without a plugin, not counted: {listed}."]
    return [*lines, ""]


def _allowed(entries: Sequence[Allowed]) -> list[str]:
    lines = [
        "## What may differ after a round trip",
        "",
        f"{len(entries)} entries, each reviewed, none with a wildcard. Not counted as a",
        "difference: that we ask for usage in every stream (`stream_options.include_usage`), and",
        "keep it from a client who did not.",
        "",
    ]
    if entries:
        lines += ["| provider | api | place | direction | why |", "|---|---|---|---|---|"]
        lines += [
            f"| {e.provider} | {e.api} | `{e.path}` | {e.direction} | {e.reason} |" for e in entries
        ]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="what MULTIROUTE_FIDELITY_OUT named")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a change")
    options = parser.parse_args()
    text = page(json.loads(options.results.read_text(encoding="utf-8")))
    if options.check:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.name} is {'up to date' if same else 'out of date'}")
        return 0 if same else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
