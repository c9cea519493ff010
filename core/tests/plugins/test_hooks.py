from __future__ import annotations

import pytest
from pydantic import ValidationError

from multiroute_core.plugins import PluginErrors

HEAD = """
from pydantic import BaseModel, ConfigDict, SecretStr
from multiroute_core.api import PerCandidate, hookimpl

class Flat(PerCandidate):
    def rate(self, candidate, features):
        return 1.0
"""
FACTORY = """
@hookimpl
def multiroute_make_scorer(name, settings):
    return Flat()
"""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("@hookimpl\ndef multiroute_make_scorer(name, options): ...", "{'options'}"),
        (
            "@hookimpl\nasync def multiroute_make_scorer(name, settings): ...",
            "is an async function",
        ),
        ("@hookimpl\ndef multiroute_make_scorer(name, settings): yield", "is a generator function"),
        (
            "@hookimpl\nasync def multiroute_make_scorer(name, settings): yield",
            "is a generator function",
        ),
        ("@hookimpl\ndef multiroute_make_scorer(name, settings=None): ...", "'settings' a default"),
        ("@hookimpl\ndef multiroute_make_scorer(*args): ...", "takes *args"),
        ("@hookimpl\ndef multiroute_make_scorer(name, *, settings): ...", "takes settings"),
        (
            "@hookimpl(wrapper=True)\ndef multiroute_make_scorer(name):\n    return (yield)",
            "is a wrapper",
        ),
        ("def multiroute_make_scorer(name, settings): ...", "mark it with @hookimpl"),
        ("", "lacks multiroute_make_scorer (add a function"),
        (
            f"{FACTORY}\n@hookimpl\ndef multiroute_make_scorr(name): ...",
            "unknown hook 'multiroute_make_scorr' (did you mean 'multiroute_make_scorer'?)",
        ),
        (
            f"{FACTORY}\n@hookimpl\nasync def multiroute_settings(kind, name): ...",
            "multiroute_settings is an async function",
        ),
    ],
)
def test_a_wrong_hook_stops_the_start_before_anything_is_called(site, code, words):
    site.add_scorer("cost", HEAD + code)
    (problem,) = site.refuse("cost")
    assert problem.startswith("scorer 'cost' (multiroute-cost 1.0) ")
    assert words in problem


def test_several_wrong_hooks_of_one_plugin_are_told_at_once(site):
    code = "@hookimpl\ndef multiroute_odd(): ...\n@hookimpl\ndef multiroute_even(): ...\n"
    site.add_scorer("cost", HEAD + code)
    assert len(site.refuse("cost")) == 3  # two unknown hooks, no factory


def test_a_factory_may_leave_out_arguments_that_it_does_not_need(site):
    site.add_scorer("cost", HEAD + "@hookimpl\ndef multiroute_make_scorer(): return Flat()\n")
    assert site.load("cost").make_scorer("cost", None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "multiroute_make_scorer returned None"),
        ("return job()", "returned an awaitable"),
        ("return asyncio.Future(loop=asyncio.new_event_loop())", "returned an awaitable"),
        ("raise KeyError('region')", "failed at start-up: KeyError: 'region' (at "),
        ("raise SystemExit(0)", "failed at start-up: SystemExit: 0"),
        ("return Flat", "the class Flat was returned, not an instance"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_factory_that_makes_no_object_is_told_with_plugin_and_distribution(site, body, words):
    head = f"{HEAD}\nimport asyncio\nasync def job(): ...\n"
    code = f"@hookimpl\ndef multiroute_make_scorer(name, settings):\n    {body}\n"
    site.add_scorer("cost", head + code)
    kernel = site.load("cost")
    with pytest.raises(PluginErrors) as caught:
        kernel.make_scorer("cost", None)
    assert "scorer 'cost' (multiroute-cost 1.0)" in caught.value.message
    assert words in caught.value.message


SETTINGS = (
    HEAD
    + FACTORY
    + """
class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    weight: float = 1.0
    key: SecretStr | None = None

@hookimpl
def multiroute_settings(kind, name):
    return MODEL if (kind, name) == ("scorer", "cost") else None
"""
)


def test_settings_are_validated_by_the_plugins_own_model(site):
    site.add_scorer("cost", SETTINGS.replace("MODEL", "Settings"))
    kernel = site.load("cost")
    assert kernel.settings_model("scorer", "cost").__name__ == "Settings"
    assert kernel.validate_settings("scorer", "cost", None).weight == 1.0
    assert kernel.validate_settings("scorer", "cost", {"weight": 2}).weight == 2.0
    with pytest.raises(ValidationError) as caught:
        kernel.validate_settings("scorer", "cost", {"wait": 2})
    assert caught.value.errors()[0]["loc"] == ("wait",)


def test_settings_for_a_plugin_that_takes_none_are_an_error(site):
    site.add_scorer("cost")
    kernel = site.load("cost")
    assert kernel.settings_model("scorer", "cost") is None
    assert kernel.validate_settings("scorer", "cost", {}) is None
    with pytest.raises(PluginErrors, match="takes no settings, but has 'weight'"):
        kernel.validate_settings("scorer", "cost", {"weight": 2})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("Settings()", "returned a Settings from multiroute_settings"),
        ("dict", "returned the class dict from multiroute_settings"),
        ("type('Loose', (BaseModel,), {})", "let unknown keys pass: Loose"),
        ("1 / 0", "failed at start-up: ZeroDivisionError"),
    ],
)
def test_a_wrong_settings_model_stops_the_start(site, model, words):
    site.add_scorer("cost", SETTINGS.replace("MODEL", model))
    (problem,) = site.refuse("cost")
    assert words in problem


def test_a_validator_that_breaks_is_told_without_the_settings(site):
    broken = """
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        from pydantic_core import core_schema
        def fail(value):
            raise KeyError(value["key"])
        return core_schema.no_info_before_validator_function(fail, handler(source))
"""
    code = SETTINGS.replace("MODEL", "Settings").replace(
        "    weight: float = 1.0\n", f"    weight: float = 1.0\n{broken}"
    )
    site.add_scorer("cost", code)
    with pytest.raises(PluginErrors) as caught:
        site.load("cost").validate_settings("scorer", "cost", {"key": "hunter2"})
    assert "KeyError" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_the_password_of_a_stores_url_never_reaches_a_message(site):
    site.add(
        "multiroute-acme",
        {"multiroute.stores": {"acme": "multiroute_acme"}},
        {
            "multiroute_acme/__init__.py": """
            from multiroute_core.api import hookimpl

            @hookimpl
            def multiroute_make_store(name, url, settings):
                raise ValueError(f"cannot open {url}, p@ss")
            """
        },
    )
    kernel = site.load(stores=["acme"])
    with pytest.raises(PluginErrors) as caught:
        kernel.make_store("acme", "acme://me:p%40ss@127.0.0.1/x", None)
    assert "ValueError: cannot open ***, *** (at " in caught.value.message
    assert caught.value.__cause__ is None


def test_a_secret_of_a_provider_never_reaches_a_message(site):
    site.add(
        "multiroute-acme",
        {"multiroute.providers": {"acme": "multiroute_acme"}},
        {
            "multiroute_acme/plugin.toml": "schema = 1\n[provider.acme]\n",
            "multiroute_acme/__init__.py": """
            from multiroute_core.api import hookimpl

            @hookimpl
            def multiroute_make_provider(name, instance, settings, runtime):
                raise ValueError(f"{instance}: bad key {runtime.secret('a')}")
            """,
        },
    )

    class Runtime:
        credentials = ("a",)

        def secret(self, credential: str) -> str:
            return "sk-hunter2"

    with pytest.raises(PluginErrors) as caught:
        site.load("acme").make_provider("acme", "eu", None, Runtime())
    assert "ValueError: eu: bad key *** (at " in caught.value.message
