"""Records as bytes: they come back whole, and always as the same bytes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from multiroute_core.api import (
    AttemptRecord,
    CallRecord,
    Candidate,
    Decision,
    DecisionRecord,
    Features,
    Live,
    Loss,
    NotARecord,
    PriceSheet,
    Quality,
    Rate,
    Record,
    Target,
    Tier,
    Usage,
    Verdict,
    View,
    ViewRecord,
    decode_record,
    deep_frozen,
    encode_record,
    frozen,
)
from multiroute_core.testing.stores import (
    sample_attempt,
    sample_call,
    sample_decision,
    sample_view,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ints = st.integers(-(2**63), 2**64 - 1)
counts = st.none() | st.integers(0, 2**63)
floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | ints | floats | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
).map(deep_frozen)
objects = st.dictionaries(text, json_values, max_size=3).map(frozen)


def rows(inner, most=3):
    return st.lists(inner, max_size=most).map(tuple)


def built(kind, **fields):
    """As `st.builds`; a required field that is not given is text."""
    optional = len(kind.__struct_defaults__)
    required = kind.__struct_fields__[: len(kind.__struct_fields__) - optional]
    strategies = dict.fromkeys(required, text) | fields
    return st.fixed_dictionaries(strategies).map(lambda values: kind(**values))


small = st.integers(0, 99)
seeds = st.integers(0, 2**64 - 1)
instants = st.integers(0, 2**53)
usages = built(
    Usage,
    input_fresh=counts,
    cache_write_1h=counts,
    output_text=counts,
    media=rows(st.tuples(text, small)),
    others=rows(st.tuples(text, built(Usage, output_text=counts)), 2),
    reported_cost_pusd=counts,
    native=st.none() | objects,
    estimated=st.booleans(),
)
outcomes = st.sampled_from(["ok", "fault", "cancelled"])
losses = rows(built(Loss))
result = {
    "outcome": outcomes,
    "total_s": floats,
    "first_content_s": st.none() | floats,
    "usage": st.none() | usages,
    "cost_pusd": counts,
    "losses": losses,
}
attempts = built(
    AttemptRecord,
    number=small,
    status=st.none() | small,
    started_ms=instants,
    committed=st.booleans(),
    retry_after_s=st.none() | floats,
    **result,
)
calls = built(
    CallRecord,
    stream=st.booleans(),
    at_ms=instants,
    status=small,
    attempts=small,
    metadata=objects,
    **result,
)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
tiers = built(Tier, above=small, usd=decimals)
rates = built(Rate, usd=decimals, per=small, tiers=rows(tiers, 2))
sheets = built(PriceSheet, rates=rows(rates), until=st.none() | text)
candidates = built(
    Candidate,
    target=built(Target, wires=rows(text), region=st.none() | text),
    context=counts,
    capabilities=st.dictionaries(text, st.booleans(), max_size=2).map(frozen),
    prices=rows(sheets, 2),
    quality=st.dictionaries(text, built(Quality, value=floats, confidence=floats), max_size=2).map(
        frozen
    ),
    weight=floats,
)
views = built(
    ViewRecord,
    view=built(
        View,
        candidates=rows(candidates),
        signals=rows(st.dictionaries(text, floats, max_size=2).map(frozen)),
        seed=seeds,
        state=objects,
    ),
)
decisions = built(
    DecisionRecord,
    decision=built(
        Decision,
        seed=seeds,
        features=built(
            Features,
            stream=st.booleans(),
            input_tokens=small,
            output_tokens=small,
            needs=rows(text),
            metadata=objects,
            text=st.none() | text,
        ),
        live=built(Live, in_flight=rows(small), seed=seeds),
        plan=rows(small),
        utilities=rows(floats),
        removed=rows(built(Verdict, index=small)),
        votes_lost=rows(st.tuples(text, text)),
        via=rows(text),
    ),
    at_ms=instants,
    settings=objects,
)


@given(attempts | calls | decisions | views)
def test_every_record_comes_back_whole_and_as_the_same_bytes(record: Record) -> None:
    data = encode_record(record)
    back = decode_record(data)
    assert type(back) is type(record)
    assert encode_record(back) == data


def test_the_order_in_which_a_mapping_was_filled_does_not_show() -> None:
    one = sample_call("c1")
    other = sample_call("c1")
    turned = dict(reversed(other.metadata.items()))
    assert list(turned) != list(one.metadata)
    other = type(other)(
        **{
            name: frozen(turned) if name == "metadata" else getattr(other, name)
            for name in other.__struct_fields__
        }
    )
    assert encode_record(one) == encode_record(other)


def test_money_is_text_and_keeps_its_digits() -> None:
    rate = Rate("input", Decimal("0.100"))
    candidate = Candidate(Target("a:m", "a", "m", "lab/m", ""), prices=(PriceSheet((rate,)),))
    data = encode_record(ViewRecord("v1", View("p", "u", (candidate,))))
    assert b'"usd":"0.100"' in data


@pytest.mark.parametrize(
    "record", [sample_call("c1"), sample_attempt("c1", 0), sample_decision("d1"), sample_view()]
)
def test_the_type_stands_in_the_document(record: Record) -> None:
    doc = json.loads(encode_record(record))
    assert doc["type"] == type(record).__name__.removesuffix("Record").lower()


def test_unknown_fields_are_left_out_and_absent_ones_take_their_defaults() -> None:
    doc = json.loads(encode_record(sample_attempt("c1", 0)))
    doc["from_the_future"] = {"a": 1}
    del doc["losses"], doc["upstream_request_id"]
    back = decode_record(json.dumps(doc))
    assert isinstance(back, AttemptRecord)
    assert (back.losses, back.upstream_request_id) == ((), None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "truncated"),
        ("[]", "Expected `object`"),
        ('{"type":"bill"}', "Invalid value 'bill' - at `$.type`"),
        ('{"type":"view"}', "missing required field `id`"),
        ('{"type":"view","id":"s3cret","view":[]}', "at `$.view`"),
        ('{"type":"view","id":7,"view":{}}', "at `$.id`"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(data: str, message: str) -> None:
    with pytest.raises(NotARecord) as caught:
        decode_record(data)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
