"""From a provider's own name to a model: what is taken off, and what is not."""

from __future__ import annotations

import pytest

from multiroute_core.catalog.normalise import NameRules, Normalised, Normaliser

RULES = NameRules(
    labs={"acme": ("acme-ai", "acmeai"), "bolt": ()},
    hosts=("hostly", "models", "cf"),
    starts={"zed-": "acme", "rig": "bolt"},
)
KNOWN = (
    "acme/zed-4.5",
    "acme/zed-4.5-mini",
    "acme/zed-4",
    "acme/zed-4-turbo",
    "acme/zed-think-thinking",
    "acme/zed-open-30b-a3b",
    "acme/zed-open-8b",
    "bolt/rig-r1",
    "bolt/rig2",
)


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser(RULES, KNOWN, {"zed-old": "acme/zed-4", "hostly:flash": "bolt/rig2"})


@pytest.mark.parametrize(
    ("upstream_id", "model"),
    [
        ("zed-4.5", "acme/zed-4.5"),
        ("ZED-4-5", "acme/zed-4.5"),
        ("zed_4p5", "acme/zed-4.5"),
        ("acme/zed-4.5", "acme/zed-4.5"),
        ("acme-ai/Zed-4.5-Mini", "acme/zed-4.5-mini"),
        ("us.acme.zed-4-5-20250929-v1:0", "acme/zed-4.5"),
        ("global.acme.zed-4-5", "acme/zed-4.5"),
        ("hostly-zed-4-5", "acme/zed-4.5"),
        ("@cf/acme/zed-4.5-instruct-fp8-fast", "acme/zed-4.5"),
        ("accounts/hostly/models/zed-4p5-mini", "acme/zed-4.5-mini"),
        ("zed-4.5:free", "acme/zed-4.5"),
        ("zed-4.5@20250929", "acme/zed-4.5"),
        ("zed-4.5-latest", "acme/zed-4.5"),
        ("zed-4.5-preview-05-20", "acme/zed-4.5"),
        ("zed-4.5-thinking:32000", "acme/zed-4.5"),
        ("zed-open:30b-instruct-q4_K_M", "acme/zed-open-30b-a3b"),
        ("zed-mini-4.5", "acme/zed-4.5-mini"),
        ("zed-old", "acme/zed-4"),
        ("acme/zed-old", "acme/zed-4"),
    ],
)
def test_one_model_is_found_under_many_names(
    normaliser: Normaliser, upstream_id: str, model: str
) -> None:
    found = normaliser.normalise(upstream_id)
    assert found is not None
    assert (found.model, found.known) == (model, True)


def test_a_name_that_leaves_out_its_lab_is_found() -> None:
    found = Normaliser(RULES, ("bolt/bolt-r1",)).normalise("us.bolt.r1-v1:0")
    assert found is not None
    assert found.model == "bolt/bolt-r1"


@pytest.mark.parametrize(
    ("upstream_id", "model"),
    [
        ("zed-4-turbo", "acme/zed-4-turbo"),
        ("zed-think-thinking", "acme/zed-think-thinking"),
        ("zed-open-8b", "acme/zed-open-8b"),
        ("zed-open-70b", "acme/zed-open-70b"),
        ("zed-4.5-nano", "acme/zed-4.5-nano"),
        ("zed-5", "acme/zed-5"),
        ("bolt/zed-9", "bolt/zed-9"),
    ],
)
def test_another_model_is_never_merged_into_a_known_one(
    normaliser: Normaliser, upstream_id: str, model: str
) -> None:
    found = normaliser.normalise(upstream_id)
    assert found is not None
    assert found.model == model


def test_what_is_taken_off_is_kept_apart(normaliser: Normaliser) -> None:
    assert normaliser.normalise("zed-4.5-2025-09-29:free") == Normalised(
        "acme/zed-4.5", "20250929", ("free",)
    )
    assert normaliser.normalise("zed-4.5-08-2024") == Normalised("acme/zed-4.5", "202408")


def test_a_model_that_nobody_told_of_still_gets_a_dotted_id(normaliser: Normaliser) -> None:
    assert normaliser.normalise("zed-7-1-20270101") == Normalised(
        "acme/zed-7.1", "20270101", (), known=False
    )


def test_a_name_without_a_lab_is_not_guessed(normaliser: Normaliser) -> None:
    assert normaliser.normalise("mystery-1") is None
    assert normaliser.normalise("") is None


def test_a_name_may_mean_something_else_at_one_provider(normaliser: Normaliser) -> None:
    found = normaliser.normalise("flash", "hostly")
    assert found is not None
    assert found.model == "bolt/rig2"
    assert normaliser.normalise("flash") is None


def test_a_bare_name_of_two_labs_says_nothing() -> None:
    both = Normaliser(NameRules(labs={"acme": (), "bolt": ()}), ("acme/one", "bolt/one"))
    assert both.normalise("one") is None
    found = both.normalise("one", "bolt")
    assert found is not None
    assert found.model == "bolt/one"
