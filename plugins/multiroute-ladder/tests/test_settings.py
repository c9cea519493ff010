"""The ladder's settings and hooks."""

from __future__ import annotations

import pluggy
import pytest
from pydantic import ValidationError

import multiroute_ladder
from multiroute_core.api import hookspecs
from multiroute_ladder import Ladder, LadderSettings


def test_the_hooks_give_settings_and_strategy() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(multiroute_ladder)
    manager.check_pending()
    model = manager.hook.multiroute_settings(kind="fallback", name="ladder")
    settings = model.model_validate({"on": ["rate_limited"], "backoff_base": "100ms"})
    made = manager.hook.multiroute_make_fallback(name="ladder", settings=settings)
    assert isinstance(made, Ladder)
    assert (made.needs_reply, made.uses) == (False, frozenset())
    assert manager.hook.multiroute_make_fallback(name="ladder", settings=None) is not None


def test_durations_are_written_with_a_unit() -> None:
    settings = LadderSettings.model_validate({"backoff_base": "250ms", "backoff_max": "1m0s"})
    assert (settings.backoff_base, settings.backoff_max) == (0.25, 60.0)
    assert LadderSettings.model_validate({"backoff_base": "0ms"}).backoff_base == 0.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"retries": 2}, "Extra inputs are not permitted"),
        ({"on": ["timeout"]}, "rate_limited"),
        ({"on": ["bad_request"]}, "no other try helps against bad_request"),
        ({"on": ["circuit_open"]}, "always goes to the next candidate"),
        ({"retries_same": -1}, "greater than or equal to 0"),
        ({"retries_same": "2"}, "valid integer"),
        ({"backoff_base": 5}, "must be a duration"),
        ({"backoff_base": 0.5}, "must be a duration"),
        ({"backoff_base": "soon"}, "must be a duration"),
        ({"backoff_base": "9s"}, "must not be longer than backoff_max"),
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LadderSettings.model_validate(table)
    assert message in str(caught.value)


def test_the_settings_have_a_schema() -> None:
    schema = LadderSettings.model_json_schema()
    assert schema["properties"]["backoff_base"]["type"] == "string"
    assert schema["additionalProperties"] is False
