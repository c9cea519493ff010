"""Every mistake of a file is told at once, with its line, in plain words, without its value."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from multiroute_core.project import (
    Locator,
    ProjectError,
    inspect_project,
    load_project,
    problems_from_validation,
)
from multiroute_core.project.locate import Mark, locate

Write = Callable[..., Path]

CANARY = "sk-CANARY-7f3a"

# each line with a mistake says so in its comment: the words that its problem must hold
BAD = f"""\
schema = 2                                  #! 'schema' must be 1
[project]
nme = "x"                                   #! unknown key 'nme' in [project] (did you mean 'name'?)
default = "balancd"                         #! unknown profile 'balancd' in [project] (did you mean
environment = "production"                  #! must be one of: 'dev', 'staging', 'prod'
[gateway]
listen = 4300                               #! must be an address and a port
[stores]
state = "redis://u:{CANARY}@h/0"            #! 'state' holds a literal secret in [stores]
ledger = {{ url = "sqlite:///x", password = "{CANARY}" }} #! 'password' is a literal secret
[plugins]
enable = ["acme", "quality"]
local = ["./notes.txt"]                     #! 'local[0]' must be a Python file
[providers.acme]
api_keys = "{CANARY}"                       #! 'api_keys' must be a list
timeout = 3                                 #! unknown key 'timeout' in [providers.acme] (the
tags = "eu"                                 #! 'tags' must be a list in [providers.acme]
base_url = "https://u:{CANARY}@x.example"   #! 'base_url' holds a user name or secret
[providers.other]
plugin = "acme"
api_keys = [
  "{CANARY}",                               #! write {{ env = "NAME" }}
  {{ env = "{CANARY}" }},                   #! needs as 'env' the name of an environment variable
  {{ file = 3 }},                           #! needs as 'file' a string
  {{ {CANARY} = 1 }},                       #! exactly one of 'env', 'file' and 'cmd'
  {{ env = "A", file = "b" }},              #! exactly one of 'env', 'file' and 'cmd'
]
[providers.third]
plugin = "acme"
[providers.third.quota]
rpm = -1                                    #! 'rpm' must be greater than 0
tpm = "{CANARY}"                            #! 'tpm' must be a whole number
[providers.third.settings]
api_key = "{CANARY}"                        #! 'api_key' is a literal secret
[models."a/b"]
serve = [
  "acm:x",
  "noinstance",                             #! 'serve[1]' must name an instance and a model
]
[models."a/b".price]
input = -1                                  #! 'input' must not be negative
inptu = 2                                   #! unknown key 'inptu' in [models."a/b".price] (did
output = "{CANARY}"                         #! write the number without quotes
[models."a/b".quality]
default = 1.5                               #! 'default' must be at most 1
[models."a/b".capabilities]
tool = true                                 #! (did you mean 'tools'?)
vision = "yes"                              #! 'vision' must be true or false
[models."a/c"]
serve = ["acm:x"]                           #! instance 'acm' in [models."a/c"] (did you mean 'ac
[profiles.balanced]
candidates = ["a/b"]
require = ["tool?"]                         #! unknown capability 'tool'
[profiles.balanced.limits]
deadline = 45                               #! 'deadline' is a number without a unit
attempts = 0                                #! 'attempts' must be greater than 0
timeouts = {{ conect = "2s", idle = "8 s" }} #! 'conect'; 'idle' must be a duration
[profiles.balanced.score]
use = ["quality", "cots"]
floor = 2                                   #! 'floor' must be at most 1
[profiles.empty]                            #! no candidates in [profiles.empty]
order = "cost"
[profiles.a]
extends = "b"                               #! goes round in a circle: a → b → a
[profiles.b]
extends = "a"
[profiles.c]
extends = "balancd"                         #! unknown profile 'balancd' in [profiles.c] (did
order = "cheapest"                          #! must be one of: 'priority', 'weight', 'cost'
[profiles.d]
split = [
  {{ weight = 1 }},                         #! must name either a profile or a model
  {{ profile = "nope", weight = 0 }},       #! 'split[1].weight' must be greater than 0
]
[profiles.d.fallback]                       #! 'use' is missing in [profiles.d.fallback]
on = ["x"]
[profiles."x:y"]                            #! 'x:y' is not a valid name
candidates = ["a/b"]
[aliases]
"a*b" = "balanced"                          #! 'a*b' may hold '*' at its end only
balanced = "a/b"                            #! the name 'balanced' is an alias and a profile's
[keys.web]                                  #! 'hash' is missing in [keys.web]
profiles = ["balanced"]
[keys.two]
hash = "{CANARY}"                           #! 'hash' must be 'sha256:' and 64 hex digits
overrides = ["provider.ordr"]               #! (did you mean 'order'?)
[budgets.g]
limit = {{ usd = 2, per = "year" }}         #! 'per' must be one of:
at = [{{ pct = 80, do = "stop" }}]          #! 'at[0].do' must be 'reject', 'warn' or
[[expect]]                                  #! 'assert' is missing in [[expect]] number 1
name = "x"
request = {{ model = "x" }}
[provders.x]                                #! unknown key 'provders' (did you mean 'providers'?)
a = 1
"""


def expected() -> list[tuple[int, str]]:
    """(line, words) of every mistake that the file's own comments announce."""
    found = []
    for number, line in enumerate(BAD.splitlines(), 1):
        for words in line.partition("#!")[2].split(";"):
            found += [(number, words.strip())] if words.strip() else []
    return found


def test_every_mistake_at_once_each_on_its_line(write: Write):
    errors = inspect_project(write(BAD)).errors
    told = {(problem.line, str(problem)) for problem in errors}
    for line, words in expected():
        assert any(at == line and words in text for at, text in told), (line, words, sorted(told))
    assert len(errors) == len(expected()), sorted(told)
    assert [problem.line for problem in errors] == sorted(problem.line or 0 for problem in errors)


def test_no_value_that_could_be_a_secret_is_ever_shown(write: Write):
    inspection = inspect_project(write(BAD))
    assert BAD.count(CANARY) >= 10
    for problem in inspection.problems:
        assert "CANARY" not in f"{problem}{problem!r}"
    with pytest.raises(ProjectError) as caught:
        load_project(Path("multiroute.toml"))
    shown = f"{caught.value}{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
    assert "CANARY" not in shown


def test_a_file_with_mistakes_still_gives_what_can_be_checked_further(write: Write):
    project = inspect_project(write(BAD)).project
    assert project is not None
    assert project.file.plugins.enable == ("acme", "quality")
    assert project.file.providers["third"].settings["api_key"] == CANARY
    assert "a/c" in project.file.models


def test_the_words_of_the_design_example(write: Write):
    text = '[plugins]\nenable = ["acme"]\n\n[providers.acme]\ntags = []\nbase_ulr = 1\n'
    with pytest.raises(ProjectError) as caught:
        load_project(write(text))
    assert str(caught.value) == (
        "multiroute.toml:6: unknown key 'base_ulr' in [providers.acme] (did you mean 'base_url'?)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("project = 1", "multiroute.toml:1: 'project' must be a table"),
        ("[providers]\nx = 'y'", "multiroute.toml:2: 'x' must be a table in [providers]"),
        ("[profiles]\nx = []", "multiroute.toml:2: 'x' must be a table in [profiles]"),
        ("profiles = 3", "multiroute.toml:1: 'profiles' must be a table"),
        ("include = 'x'", "multiroute.toml:1: 'include' must be a list"),
        ("expect = {}", "multiroute.toml:1: 'expect' must be a list"),
        ("schema = '1'", "multiroute.toml:1: 'schema' must be a whole number"),
        ("schema = true", "multiroute.toml:1: 'schema' must be a whole number"),
        ("[project]\nname = ''", "multiroute.toml:2: 'name' must not be empty in [project]"),
        ("[project]\nname = 1979-05-27", "multiroute.toml:2: 'name' must be a string in [project]"),
        ("[gateway]\nlisten = 'h:99999'", "multiroute.toml:2: 'listen' must be an address and a"),
        ("[gateway]\nport = 1", "multiroute.toml:2: unknown key 'port' in [gateway] (known:"),
        ("[stores]\nstate = 'here.db'", "multiroute.toml:2: 'state' must be a store's URL"),
        ("[models.'a/b'.price]\ninput = nan", "multiroute.toml:2: 'input' must be an amount"),
        ("[models.'a/b'.price]\ninput = true", "multiroute.toml:2: 'input' must be an amount of"),
        ("[models.'a:b']", "multiroute.toml:1: 'a:b' is not a valid model id in [models]"),
    ],
)  # fmt: skip
def test_mistakes_of_shape(text: str, message: str, write: Write):
    errors = [str(problem) for problem in inspect_project(write(text)).errors]
    assert len(errors) == 1
    assert errors[0].startswith(message)


@pytest.mark.parametrize(
    "text",
    ["", "schema = 1", "[profiles.a]\nextends = 3", "[profiles.a]\nfallback = 3",
     "[profiles.a]\nextends = 'b'\nscore = 1\n[profiles.b.score]\nuse = 2", "include = [1]",
     "profiles = { a = 1, b = { extends = 'a' } }", "plugins = { settings = { x = 1 } }"],
)  # fmt: skip
def test_odd_shapes_are_problems_and_never_a_crash(text: str, write: Write):
    inspect_project(write(text))


# ---- models of plugins, through the same function


class Nested(BaseModel):
    model_config = ConfigDict(extra="forbid")
    retries: int = 2
    mode: Literal["soft", "hard"] = "soft"


class PluginSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    region: str = Field(description="the region's name, e.g. 'eu'")
    ratio: float | None = None
    choice: int | list[str] = 1
    nested: Nested | None = None
    many: list[Nested] = []
    token: str = ""

    @field_validator("token")
    @classmethod
    def _is_short(cls, value: str) -> str:
        if len(value) > 3:
            raise ValueError(f"{value!r} is too long")
        return value


def plugin_problems(text: str) -> list[str]:
    marks: dict[tuple[str | int, ...], Mark] = locate(text, "multiroute.toml")
    locator = Locator(marks, Mark("multiroute.toml", 1, (), True))
    import tomllib

    settings = tomllib.loads(text)["providers"]["acme"]["settings"]
    with pytest.raises(ValidationError) as caught:
        PluginSettings.model_validate(settings)
    found = problems_from_validation(
        caught.value,
        locator=locator,
        base=("providers", "acme", "settings"),
        model=PluginSettings,
    )
    return [str(problem).removeprefix("multiroute.toml:") for problem in found]


def test_a_plugins_settings_are_reported_as_core_reports_its_own():
    text = f"""\
[providers.acme.settings]
ratio = "{CANARY}"
choice = {{ a = "{CANARY}" }}
regoin = "eu"
token = "{CANARY}"
[providers.acme.settings.nested]
retries = "{CANARY}"
mod = "hard"
[[providers.acme.settings.many]]
mode = "{CANARY}"
"""
    where = "in [providers.acme.settings]"
    assert plugin_problems(text) == [
        f"1: 'region' is missing {where} (the region's name, e.g. 'eu')",
        f"2: 'ratio' must be a number {where}",
        f"3: 'choice' must be a whole number or a list {where}",
        f"4: unknown key 'regoin' {where} (did you mean 'region'?)",
        f"5: 'token' is not accepted: '…' is too long {where}",
        "7: 'retries' must be a whole number in [providers.acme.settings.nested]",
        "8: unknown key 'mod' in [providers.acme.settings.nested] (did you mean 'mode'?)",
        f"10: 'many[0].mode' must be one of: 'soft', 'hard' {where}",
    ]


def test_in_a_union_the_arm_that_nearly_fits_is_told():
    text = '[providers.acme.settings]\nregion = "eu"\nchoice = ["a", 1]\n'
    (message,) = plugin_problems(text)
    assert re.match(r"3: 'choice\[1\]' must be a string", message)


def test_a_list_at_the_top_is_no_table(write: Write):
    errors = inspect_project(write("include = ['x', 1]\nexpect = [2]\n")).errors
    assert [str(problem) for problem in errors] == [
        "multiroute.toml:1: 'include[0]' matches no file (patterns are relative to this file)",
        "multiroute.toml:1: 'include[1]' must be a string",
        "multiroute.toml:2: 'expect[0]' must be a table",
    ]
