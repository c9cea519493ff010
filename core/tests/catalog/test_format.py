"""The catalog's files: what a row becomes, and how a wrong file is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from multiroute_core.api.errors import ConfigError
from multiroute_core.api.offering import ModelFacts, Quality
from multiroute_core.api.pricing import PriceSheet, Rate, Tier
from multiroute_core.catalog.format import Source, read_models, read_offerings

ROW = {
    "id": "zed-4-20250929",
    "model": "acme/zed-4",
    "snapshot": "20250929",
    "context": 200000,
    "max_output": 64000,
    "can": ["tools", "vision"],
    "cannot": ["audio_in"],
    "in": ["text", "image"],
    "out": ["text"],
    "wires": ["responses"],
    "flags": ["retires:2027-01-01"],
    "prices": [
        {"usd": {"input": "3", "searches": "10"}, "per": {"searches": 1000}},
        {
            "usd": {"input": "4"},
            "above": {"200000": {"input": "8"}},
            "start": "2026-09-01",
            "service_tier": "batch",
        },
    ],
    "source": "b",
    "disputed": {"input": {"a": "3", "b": "5"}},
}


def _file(*rows: dict, **head: object) -> bytes:
    sources = {"a": {"name": "list a", "date": "2026-08-21", "licence": "MIT"}}
    told = {"schema": 1, "provider": "acme", "as_of": "2026-11-23", "sources": sources}
    return json.dumps({**told, "source": "a", "offerings": rows, **head}).encode()


def test_a_row_becomes_an_offering_with_exact_prices() -> None:
    (offering,) = read_offerings(_file(ROW), "x.json").offerings
    assert offering.id == "zed-4-20250929"
    assert (offering.model, offering.snapshot) == ("acme/zed-4", "20250929")
    assert dict(offering.capabilities) == {"tools": True, "vision": True, "audio_in": False}
    assert offering.wires == ("responses",)
    assert offering.operations == ("chat",)
    assert offering.disputed == ("input",)
    assert offering.prices == (
        PriceSheet((Rate("input", Decimal(3)), Rate("searches", Decimal(10), 1000))),
        PriceSheet(
            (Rate("input", Decimal(4), tiers=(Tier(200_000, Decimal(8)),)),),
            start="2026-09-01",
            service_tier="batch",
        ),
    )


def test_provenance_stands_at_the_head_and_where_an_offering_differs() -> None:
    file = read_offerings(_file(ROW, {"id": "zed-5"}), "x.json")
    assert file.sources["a"] == Source("list a", "2026-08-21", "MIT")
    assert (file.source, file.as_of) == ("a", "2026-11-23")
    assert dict(file.exceptions) == {"zed-4-20250929": "b"}
    assert file.disputes["zed-4-20250929"] == {"input": {"a": "3", "b": "5"}}


def test_an_offering_without_prices_has_none_and_is_not_free() -> None:
    (offering,) = read_offerings(_file({"id": "zed-5"}), "x.json").offerings
    assert offering.prices == ()
    assert dict(offering.capabilities) == {}


def test_facts_about_models_are_read_with_rules_and_aliases() -> None:
    file = read_models(
        json.dumps(
            {
                "schema": 1,
                "rules": {"labs": {"acme": ["acme-ai"]}, "hosts": ["h"], "starts": {"z": "acme"}},
                "aliases": {"h:x": "acme/zed-4"},
                "models": [
                    {
                        "id": "acme/zed-4",
                        "family": "zed",
                        "quality": {"code": {"value": 0.5, "confidence": 0.2, "rows": 3}},
                    }
                ],
            }
        ).encode(),
        "models.json",
    )
    quality = {"code": Quality(0.5, 0.2, 3)}
    assert file.models == (ModelFacts("acme/zed-4", family="zed", quality=quality),)
    assert file.rules.labs == {"acme": ("acme-ai",)}
    assert file.aliases == {"h:x": "acme/zed-4"}


@pytest.mark.parametrize("schema", [2, 0])
def test_another_schema_is_refused_with_what_to_do(schema: int) -> None:
    with pytest.raises(ConfigError, match=r"x\.json: catalog schema .* install a version") as error:
        read_offerings(_file(ROW, schema=schema), "x.json")
    assert "reads schema 1" in str(error.value)


def test_another_schema_is_named_even_where_its_rows_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="catalog schema 7"):
        read_offerings(_file({"id": 3, "new": True}, schema=7), "x.json")
    with pytest.raises(ConfigError, match="catalog schema 7"):
        read_models(b'{"schema": 7, "models": {}}', "models.json")


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        _file({"id": "x", "cna": ["tools"]}),
        _file({"id": "x", "prices": [{"usd": {"input": "free"}}]}),
        _file({"model": "acme/zed-4"}),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(broken: bytes) -> None:
    with pytest.raises(ConfigError, match=r"x\.json: not a catalog file"):
        read_offerings(broken, "x.json")
