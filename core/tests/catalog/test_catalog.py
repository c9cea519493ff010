"""The catalog as a whole: names that people send, the project's overrides, offerings."""

from __future__ import annotations

from decimal import Decimal

import pytest

from multiroute_core.api.offering import ModelFacts, Offering, Quality
from multiroute_core.api.pricing import PriceSheet, Rate
from multiroute_core.catalog.catalog import Catalog
from multiroute_core.catalog.normalise import NameRules
from multiroute_core.catalog.overrides import ModelOverride

PRICED = (PriceSheet((Rate("input", Decimal(3)), Rate("output", Decimal(9)))),)
RULES = NameRules(labs={"acme": (), "bolt": ()}, hosts=("hostly",), starts={"zed": "acme"})
MODELS = (
    ModelFacts("acme/zed-4", family="zed", released="2025-01-01", aliases=("old-zed",)),
    ModelFacts("acme/zed-4.5", family="zed", released="2025-09-29"),
    ModelFacts("acme/zed-5", family="zed", released="2026-05-01"),
    ModelFacts("bolt/twin"),
    ModelFacts("acme/twin"),
)
OFFERINGS = {
    "acme": (
        Offering("zed-4", "acme/zed-4", prices=PRICED, context=1000),
        Offering("zed-4-5", "acme/zed-4.5", prices=PRICED, capabilities={"tools": True}),
        Offering("zed-4-5-20250929", "acme/zed-4.5", "20250929", prices=PRICED),
    ),
    "hostly": (Offering("acme.zed-4-5", "acme/zed-4.5"), Offering("secret-sauce")),
}


def _catalog(overrides: dict[str, ModelOverride] | None = None) -> Catalog:
    aliases = {"hostly:sauce": "acme/zed-4"}
    return Catalog.of(MODELS, OFFERINGS, rules=RULES, aliases=aliases, overrides=overrides or {})


def test_offerings_are_found_by_plugin_and_by_model() -> None:
    catalog = _catalog()
    offering = catalog.offering("acme", "zed-4-5")
    assert offering is not None
    assert offering.model == "acme/zed-4.5"
    assert catalog.offering("acme", "nope") is None
    assert catalog.offering("nobody", "zed-4-5") is None
    sold = [(plugin, one.id) for plugin, one in catalog.offerings_of("acme/zed-4.5")]
    assert sold == [("acme", "zed-4-5"), ("acme", "zed-4-5-20250929"), ("hostly", "acme.zed-4-5")]
    (dated,) = catalog.offerings_of("acme/zed-4.5@20250929")
    assert dated[1].id == "zed-4-5-20250929"
    assert catalog.offerings_of("acme/none") == ()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("acme/zed-4.5", "acme/zed-4.5"),
        ("acme/zed-4.5@20250929", "acme/zed-4.5@20250929"),
        ("acme/zed-4.5@19990101", None),
        ("zed-4.5", "acme/zed-4.5"),
        ("old-zed", "acme/zed-4"),
        ("Old-Zed", "acme/zed-4"),
        ("acme/zed@latest", "acme/zed-4.5"),
        ("bolt/twin@latest", "bolt/twin"),
        ("bolt/nothing@latest", None),
        ("twin", None),
        ("us.acme.zed-4-5-v1:0", "acme/zed-4.5"),
        ("zed-6", None),
        ("", None),
    ],
)
def test_a_name_resolves_to_one_model_or_none(name: str, model: str | None) -> None:
    assert _catalog().resolve(name) == model


def test_latest_prefers_what_is_sold() -> None:
    unsold = Catalog.of(MODELS, {}, rules=RULES)
    assert unsold.resolve("acme/zed@latest") == "acme/zed-5"


def test_a_providers_own_file_beats_aliases_and_rules() -> None:
    catalog = Catalog.of(
        MODELS,
        {"hostly": (Offering("zed-4", "bolt/twin"),)},
        rules=RULES,
        aliases={"hostly:zed-4": "acme/zed-5"},
    )
    assert catalog.normalise("hostly", "zed-4") == "bolt/twin"
    assert catalog.normalise("acme", "zed-4") == "acme/zed-4"
    assert _catalog().normalise("hostly", "sauce") == "acme/zed-4"
    assert _catalog().normalise("hostly", "mystery") is None


def test_nearest_names_are_suggested_for_a_slip() -> None:
    catalog = _catalog()
    assert catalog.nearest("acme/zde-4.5")[0] == "acme/zed-4.5"
    assert catalog.nearest("zed4.5")[0] == "acme/zed-4.5"
    assert catalog.nearest("qqqq") == []


def test_an_override_replaces_price_limits_and_capabilities_of_every_offering() -> None:
    override = ModelOverride(
        price={"input": Decimal(0), "output": Decimal(0)},
        capabilities={"tools": False, "context": 32768},
    )
    catalog = _catalog({"acme/zed-4": override})
    offering = catalog.offering("acme", "zed-4")
    assert offering is not None
    assert [rate.usd for rate in offering.prices[0].rates] == [0, 0]
    assert offering.context == 32768
    assert offering.capabilities["tools"] is False
    other = catalog.offering("acme", "zed-4-5")
    assert other is not None
    assert other.prices == PRICED


def test_an_override_reaches_an_upstream_id_that_no_file_lists() -> None:
    catalog = _catalog({"acme/zed-4": ModelOverride(price={"input": Decimal(1)})})
    served = catalog.offering_for("local", "zed:latest", "acme/zed-4")
    assert (served.id, served.model) == ("zed:latest", "acme/zed-4")
    assert served.prices == (PriceSheet((Rate("input", Decimal(1)),)),)
    assert catalog.offering_for("acme", "zed-4-5").capabilities == {"tools": True}
    assert catalog.offering_for("local", "zed-5").model == "acme/zed-5"
    assert catalog.offering_for("local", "mystery") == Offering("mystery")
    renamed = catalog.offering_for("hostly", "secret-sauce", "acme/zed-5")
    assert renamed.model == "acme/zed-5"


def test_the_users_quality_wins_over_the_catalogs() -> None:
    rated = ModelFacts("acme/zed-4", quality={"code": Quality(0.2, 0.5), "chat": Quality(0.3, 0.5)})
    added = Catalog.of([rated], {}, overrides={rated.id: ModelOverride(quality={"code": 0.9})})
    model = added.model("acme/zed-4")
    assert model is not None
    assert model.quality == {"code": Quality(0.9, 1.0, 0), "chat": Quality(0.3, 0.5)}
    said = ModelOverride(quality={"default": 0.55})
    replaced = Catalog.of([rated], {}, overrides={rated.id: said}).model("acme/zed-4")
    assert replaced is not None
    assert replaced.quality == {"default": Quality(0.55, 1.0, 0)}


def test_a_model_that_only_the_project_names_is_known() -> None:
    catalog = _catalog({"mine/own": ModelOverride(quality={"default": 0.4})})
    assert catalog.resolve("mine/own") == "mine/own"
    assert catalog.model("mine/own@v2") is not None
    assert catalog.model("mine/other") is None


def test_an_overridden_field_is_no_longer_disputed() -> None:
    disputed = Offering("x", "acme/zed-4", prices=PRICED, disputed=("input", "cache_read"))
    override = ModelOverride(price={"input": Decimal(1)})
    assert override.offering(disputed).disputed == ("cache_read",)
