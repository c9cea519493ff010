"""`multiroute models`: what callers may send as their model."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import AsJson, Config

if TYPE_CHECKING:
    from multiroute_core.router import ModelCard

_EPILOG = examples(
    ("multiroute models", "every name that a caller may send"),
    ("multiroute models --profile balanced", "the candidates of one profile"),
    ("multiroute models --provider eu", "what one provider instance serves"),
    ("multiroute models show balanced", "one of them, with its targets"),
)
_SHOW = examples(
    ("multiroute models show balanced", "a profile: where its calls can go"),
    ("multiroute models show lab/name", "a model: price, limits, capabilities"),
    ("multiroute models show lab/name --json", "for programs"),
)


def register(app: typer.Typer) -> None:
    """Adds the group, which is a command too."""
    models = typer.Typer(
        help="List what callers may send as their model.",
        epilog=_EPILOG,
        invoke_without_command=True,
        rich_markup_mode=None,
    )
    models.callback()(list_models)
    models.command("show", epilog=_SHOW)(show_model)
    app.add_typer(models, name="models")


def list_models(
    context: typer.Context,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME", help="Only what this instance serves."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", metavar="NAME", help="Only this profile's candidates."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List what callers may send as their model.

    Profiles first, then aliases, then models with their prices (USD per million tokens), limits in
    tokens and where they are served. A dash is unknown. Local servers are asked what they have.
    """
    if context.invoked_subcommand is not None:
        return
    cards = _chosen(_cards(config), provider, profile)
    if as_json:
        from multiroute_core.cli.console import print_json

        print_json([_document(card) for card in cards])
        return
    _print_list(cards)


def show_model(
    name: Annotated[str, typer.Argument(metavar="ID", help="A profile, alias or model.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one of the names that callers may send."""
    cards = _cards(config)
    card = next((card for card in cards if card.id == name), None)
    if card is None:
        from multiroute_core.api import ModelNotFound
        from multiroute_core.project import did_you_mean

        hint = did_you_mean(name, [card.id for card in cards])
        said = f"nothing here is called '{name}'"
        raise ModelNotFound(f"{said} ({hint or '`multiroute models` lists what is'})")
    if as_json:
        from multiroute_core.cli.console import print_json

        print_json(_document(card))
        return
    _print_card(card)


def _cards(config: Path | None) -> tuple[ModelCard, ...]:
    import asyncio

    from multiroute_core.cli.session import load_router, operator

    router = load_router(config)

    async def ask() -> tuple[ModelCard, ...]:
        async with router:
            return router.models(operator(router))

    return asyncio.run(ask())


def _chosen(
    cards: tuple[ModelCard, ...], provider: str | None, profile: str | None
) -> list[ModelCard]:
    chosen = list(cards)
    if profile is not None:
        own = next((c for c in cards if c.kind == "profile" and c.id == profile), None)
        profiles = [card.id for card in cards if card.kind == "profile"]
        if own is None:
            raise _unknown("profile", profile, profiles)
        targets = frozenset(own.targets)
        chosen = [c for c in chosen if c.kind != "profile" and targets.intersection(c.targets)]
    if provider is not None:
        served = [c for c in chosen if provider in {_instance(target) for target in c.targets}]
        if not served:
            instances = {_instance(target) for card in cards for target in card.targets}
            if provider not in instances:
                raise _unknown("provider instance", provider, instances)
        chosen = [card for card in served if card.kind != "profile"]
    return chosen


def _unknown(what: str, name: str, known: Any) -> Exception:
    from multiroute_core.api import ConfigError
    from multiroute_core.project import did_you_mean

    hint = did_you_mean(name, known)
    return ConfigError(f"there is no {what} '{name}'" + (f" ({hint})" if hint else ""))


def _instance(target: str) -> str:
    return target.partition(":")[0]


def _document(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "kind": card.kind,
        "owned_by": card.owned_by,
        "model": card.model,
        "context": card.context,
        "max_output": card.max_output,
        "input_usd_per_mtok": _decimal(card.input_usd_per_mtok),
        "output_usd_per_mtok": _decimal(card.output_usd_per_mtok),
        "capabilities": dict(card.capabilities),
        "targets": list(card.targets),
    }


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _print_list(cards: list[ModelCard]) -> None:
    from multiroute_core.cli.console import out, table

    console = out()
    if not cards:
        console.print("nothing matches")
        return
    shown = table("kind", "id", "in $/M", "out $/M", "context", "served by",
                  numbers=["in $/M", "out $/M", "context"])  # fmt: skip
    order = {"profile": 0, "alias": 1, "model": 2, "offering": 3}
    for card in sorted(cards, key=lambda card: order.get(card.kind, 9)):
        instances = dict.fromkeys(_instance(target) for target in card.targets)
        shown.add_row(
            card.kind,
            card.id,
            _decimal(card.input_usd_per_mtok) or "–",
            _decimal(card.output_usd_per_mtok) or "–",
            f"{card.context:,}" if card.context else "–",
            ", ".join(instances) or "–",
            style="bold" if card.kind == "profile" else "",
        )
    console.print(shown)


def _print_card(card: ModelCard) -> None:
    from multiroute_core.cli.console import out

    console = out()
    console.print(f"{card.kind} {card.id}", style="bold")
    can = [name for name, is_able in card.capabilities.items() if is_able]
    cannot = [name for name, is_able in card.capabilities.items() if not is_able]
    facts = {
        "stands for": card.model if card.model not in ("", card.id) else "",
        "owned by": card.owned_by,
        "input": f"{_decimal(card.input_usd_per_mtok) or '–'} USD per million tokens",
        "output": f"{_decimal(card.output_usd_per_mtok) or '–'} USD per million tokens",
        "context": f"{card.context:,} tokens" if card.context else "unknown",
        "longest answer": f"{card.max_output:,} tokens" if card.max_output else "unknown",
        "can": ", ".join(sorted(can)),
        "cannot": ", ".join(sorted(cannot)),
    }
    if card.kind == "profile":
        facts = {"owned by": card.owned_by}
    for key, value in facts.items():
        if value:
            console.print(f"  {key:16}{value}", soft_wrap=True)
    console.print("  targets")
    for target in card.targets:
        console.print(f"    {target}", soft_wrap=True)
