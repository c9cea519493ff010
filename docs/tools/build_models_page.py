"""Writes `docs/models/index.md` from the offerings and facts of the plugins in this repository.

python docs/tools/build_models_page.py            # write
python docs/tools/build_models_page.py --check    # exit 1 where the page would change
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from multiroute_core.api.offering import ModelFacts, Offering
from multiroute_core.api.pricing import PriceSheet
from multiroute_core.catalog.format import ModelsFile, read_models, read_offerings
from multiroute_core.catalog.pricing import sheet_at

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/models/index.md"

NO_DATA = "no data"


@dataclass(frozen=True)
class Section:
    """A heading of the page: which use cases rate a model for it, and which offerings belong."""

    title: str
    use_cases: tuple[str, ...]
    about: str
    needs: tuple[str, ...] = ()
    operations: tuple[str, ...] = ("chat",)

    def takes(self, offering: Offering) -> bool:
        if offering.operations[0] in self.operations:
            return all(offering.capabilities.get(name) for name in self.needs)
        return "images" in offering.operations and "vision" in self.needs


SECTIONS = (
    Section(
        "General chat and assistants",
        ("chat", "faithfulness"),
        "Quality: hard prompts judged pairwise (`chat`) and how often a summary stays true to its "
        "source (`faithfulness`).",
    ),
    Section(
        "Reasoning and complex workflows",
        ("agentic", "long-context"),
        "Models that reason. Quality: finishing tasks in a terminal (`agentic`) and using a long "
        "input (`long-context`). No free benchmark of pure reasoning rates five models or more.",
        needs=("reasoning",),
    ),
    Section(
        "Code and tooling",
        ("code",),
        "Models that call tools. Quality: changing code so that its tests pass (`code`).",
        needs=("tools",),
    ),
    Section(
        "Images and multimodal",
        ("vision", "images"),
        "Models that read or make images. No free benchmark rates five of them or more.",
        needs=("vision",),
    ),
)


@dataclass(frozen=True)
class Listed:
    """One model as the page shows it: its facts and everybody's offerings of it."""

    model: ModelFacts
    sold: tuple[tuple[str, Offering], ...]


def read_plugins() -> tuple[ModelsFile, dict[str, tuple[Offering, ...]]]:
    """The models file of the catalog plugin, and the offerings of each provider plugin."""
    models: ModelsFile | None = None
    offerings: dict[str, tuple[Offering, ...]] = {}
    for path in sorted(ROOT.glob("plugins/*/src/*/plugin.toml")):
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in facts.get("catalog", {}).values():
            file = path.with_name(table["models"])
            models = read_models(file.read_bytes(), str(file.relative_to(ROOT)))
        for name, table in facts.get("provider", {}).items():
            if "offerings" in table:
                file = path.with_name(table["offerings"])
                read = read_offerings(file.read_bytes(), str(file.relative_to(ROOT)))
                offerings[name] = read.offerings
    if models is None:
        raise SystemExit("no catalog plugin in plugins/: nothing to write a page from")
    return models, offerings


def render() -> str:
    """The page."""
    models, offerings = read_plugins()
    at = datetime.combine(date.fromisoformat(models.as_of), datetime.min.time(), UTC)
    facts = {model.id: model for model in models.models}
    sold: dict[str, list[tuple[str, Offering]]] = {}
    for provider, listed in offerings.items():
        for offering in listed:
            # what answers from this machine's script is no model
            current = "not-a-model" not in offering.flags and not _retired(offering, at.date())
            if offering.model and current:
                sold.setdefault(offering.model, []).append((provider, offering))
    shown = [Listed(facts[model], tuple(of)) for model, of in sorted(sold.items())]
    lines = [
        "# Models by use case",
        "",
        "<!-- written by docs/tools/build_models_page.py: change that, not this -->",
        "",
        f"What the provider plugins in this repository sell ({', '.join(sorted(offerings))}), "
        f"as of {models.as_of}: {len(shown)} models. Retired offerings are left out. Prices are "
        "USD per 1M tokens, standard tier; *disputed* means that sources disagree. Quality is a "
        "rank, 0 to 1, with n benchmark rows behind it; it says nothing about a model without "
        f"rows, and such a model says *{NO_DATA}*. The rules stand in "
        "[the catalog reference](../reference/catalog.md).",
    ]
    for section in SECTIONS:
        lines += ["", f"## {section.title}", "", *_section(section, shown, at)]
    return "\n".join(lines) + "\n"


def _retired(offering: Offering, today: date) -> bool:
    days = [flag.removeprefix("retires:") for flag in offering.flags if flag.startswith("retires:")]
    return any(date.fromisoformat(day) < today for day in days)


def _section(section: Section, shown: Sequence[Listed], at: datetime) -> list[str]:
    rows = []
    unrated = 0
    for listed in shown:
        sold = tuple(one for one in listed.sold if section.takes(one[1]))
        if not sold:
            continue
        rated = [case for case in section.use_cases if case in listed.model.quality]
        unrated += not rated
        best = max((listed.model.quality[case].value for case in rated), default=-1.0)
        rows.append((-best, listed.model.id, _row(section, listed.model, sold, at)))
    rows.sort()
    cases = [f" {case} |" for case in section.use_cases]
    return [
        section.about,
        "",
        f"{len(rows)} models, {unrated} of them without quality data.",
        "",
        "| model | providers | context | in | out |" + "".join(cases),
        "|---|---|---|---|---|" + "---|" * len(cases),
        *(row for _, _, row in rows),
    ]


def _row(
    section: Section, model: ModelFacts, sold: Sequence[tuple[str, Offering]], at: datetime
) -> str:
    # the plain name stands for the model; dated snapshots are the same at another price
    named = [one for one in sold if one[1].snapshot is None] or list(sold)
    offering = max((one[1] for one in named), key=lambda one: (bool(one.prices), one.context or 0))
    sheet = sheet_at(offering.prices, at)
    cells = [
        f"`{model.id}`",
        ", ".join(sorted({provider for provider, _ in sold})),
        "unknown" if offering.context is None else f"{offering.context:,}",
        _price(sheet, "input", offering),
        _price(sheet, "output", offering),
    ]
    for case in section.use_cases:
        quality = model.quality.get(case)
        told = NO_DATA if quality is None else f"{quality.value:.2f} (n={quality.rows})"
        cells.append(told)
    return "| " + " | ".join(cells) + " |"


def _price(sheet: PriceSheet | None, unit: str, offering: Offering) -> str:
    if sheet is None:
        return "unknown"
    for rate in sheet.rates:
        if rate.unit == unit:
            usd = rate.usd * 1_000_000 / rate.per
            return f"{usd.normalize():f}" + (" *disputed*" if unit in offering.disputed else "")
    return "unknown"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where the page would change")
    page = render()
    if parser.parse_args(arguments).check:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is stale: run docs/tools/build_models_page.py")
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(page.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
