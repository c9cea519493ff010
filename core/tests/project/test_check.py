"""Names that lead nowhere and settings that exclude each other are found from the file alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from multiroute_core.project import check_references, inspect_project, load_project

Write = Callable[..., Path]

HASH = "sha256:" + "0" * 64
HEAD = """\
[plugins]
enable = ["acme", "cost", "ladder"]
[providers.acme]
[profiles.p]
candidates = ["a/x"]
"""  # the next line is 6


def test_a_sound_file_has_no_problem(write: Write):
    assert check_references(load_project(write())) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project]\ndefault = 'q'", "7: 'default' names an unknown profile 'q' in [project]"),
        ("[providers.other]", "6: the provider plugin 'other' is not active in [providers.other]"
         " (add it to 'enable' in [plugins])"),
        ("[providers.o]\nplugin = 'acm'", "7: the provider plugin 'acm' is not active in"
         " [providers.o] (did you mean 'acme'?)"),
        ("[models.'a/x']\nserve = ['acme:x', 'acne:x']", "7: 'serve[1]' names an unknown provider"
         " instance 'acne' in [models.\"a/x\"] (did you mean 'acme'?)"),
        ("[models.p]", "6: the name 'p' is a profile's and a model's in [models.p]"),
        ("[profiles.q]", "6: no candidates in [profiles.q]"),
        ("[profiles.q]\ncandidates = []", "7: no candidates in [profiles.q]"),
        ("[profiles.q]\ncandidates = ['a/x', 'a/x']", "7: 'candidates' names 'a/x' twice"),
        ("score = { use = ['costs'] }", "6: the scorer 'costs' is not active in"
         " [profiles.p.score] (did you mean 'cost'?)"),
        ("score = { use = [] }", "6: 'use' names no scorer in [profiles.p.score]"),
        ("fallback = { use = 'hedge' }", "6: the fallback strategy 'hedge' is not active in"
         " [profiles.p.fallback]"),
        ("order = 'cost'\nscore = { use = ['cost'] }", "6: 'order' and 'score' exclude each other"),
        ("weights = { 'a/x' = 1 }", "6: 'weights' does nothing without order = \"weight\""),
        ("order = 'weight'\nweights = { 'a/y' = 1 }", "7: 'weights' names 'a/y', which is no"),
        ("rules = [{ when = 'true', profile = 'q' }]", "6: 'rules[0]' names an unknown profile"),
        ("[profiles.s]\nsplit = [{ profile = 'q', weight = 1 }]", "7: 'split[0]' names an unknown"),
        ("[profiles.s]\ncandidates = ['a/x']\nsplit = [{ profile = 'p', weight = 1 }]",
         "7: 'candidates' does nothing beside 'split'"),
        ("[profiles.s]\nsplit = [{ profile = 's', weight = 1 }]", "7: 'split' leads back to this"),
        ("[aliases]\np = 'a/x'", "7: the name 'p' is an alias and a profile's in [aliases]"),
        ("[aliases]\n'p:fast' = 'a/x'", "7: the name 'p:fast' is an alias and a profile's with"),
        ("[aliases]\n'acme:x' = 'a/x'", "7: the name 'acme:x' is an alias and a provider instance"),
        ("[aliases]\nb = 'p:quick'", "7: 'b' names an unknown preset 'quick' in [aliases]"),
        ("[aliases]\nb = 'acne:x'", "7: 'b' names neither a profile nor a provider"),
        ("[aliases]\nb = 'c'\nc = 'p'", "7: 'b' names another alias, 'c' in [aliases]"),
        (f"[keys.k]\nhash = '{HASH}'\nprofiles = ['q']", "8: 'profiles[0]' names an unknown"),
        (f"[keys.k]\nhash = '{HASH}'\nprofiles = []", "8: 'profiles' allows nothing in [keys.k]"),
        (f"[keys.k]\nhash = '{HASH}'\nbudget = 'b'", "8: 'budget' names an unknown budget 'b'"),
        (f"[keys.k]\nhash = '{HASH}'\n[keys.l]\nhash = '{HASH}'", "9: this key is the same as"),
        ("[budgets.b]\nlimit = { usd = 1 }\nat = [{ pct = 50, do = 'profile:q' }]",
         "8: 'at[0].do' names an unknown profile 'q' in [budgets.b]"),
        ("[plugins.settings.cost]\nlist = [{ auth_token = 'v' }]", "7: 'auth_token' is a literal"
         " secret in [plugins.settings.cost]"),
        ("fallback = { use = 'ladder', password = 'v' }", "6: 'password' is a literal secret"),
    ],
)  # fmt: skip
def test_impossible_settings(text: str, message: str, write: Write):
    errors = [str(problem) for problem in inspect_project(write(HEAD + text + "\n")).errors]
    assert len(errors) == 1, errors
    assert errors[0].startswith(f"multiroute.toml:{message}")


@pytest.mark.parametrize(
    "text",
    [
        "[aliases]\nb = 'p:fast'",
        "[aliases]\nb = 'acme:x:y'",
        "[aliases]\n'b*' = 'lab/model'",
        "[plugins.settings.cost]\ntoken = { env = 'T' }\nmax_tokens = 3\ntokenizer = 'x'",
        "split = []",
        f"[keys.k]\nhash = '{HASH}'\noverrides = ['provider.order', 'max_price', 'models']",
    ],
)
def test_what_may_well_work_is_no_error(text: str, write: Write):
    assert inspect_project(write(HEAD + text + "\n")).errors == ()


def test_what_only_a_local_file_or_the_catalog_can_tell_is_deferred(write: Write):
    text = HEAD.replace("[providers", "local = ['./my_scorer.py']\n[providers", 1)
    text += "score = { use = ['my_scorer', 'other'] }\n[aliases]\nbare = 'some-upstream-id'\n"
    project = load_project(write(text))
    assert [(problem.severity, problem.line) for problem in project.warnings] == [
        ("deferred", 7),
        ("deferred", 9),
    ]
    assert "the scorer 'other' is not active" in project.warnings[0].message


def test_what_is_accepted_but_has_no_effect_yet_is_a_warning_where_it_is_written(write: Write):
    text = (
        "rules = [{ when = 'true', profile = 'q' }]\nlimits = { on_break = 'continue' }\n"
        "[profiles.q]\nextends = 'p'\n[profiles.s]\nsplit = [{ profile = 'p', weight = 1 }]\n"
        f"[keys.k]\nhash = '{HASH}'\nlimits = {{ rpm = 1 }}\nbudget = 'b'\noverrides = ['only']\n"
        "[budgets.b]\nlimit = { usd = 1 }\n"
        "[[expect]]\nname = 'n'\nrequest = {}\nassert = { a = 1 }\n"
        "[providers.acme.quota]\nrpm = 1\n"
    )
    project = load_project(write(HEAD + text))
    assert [(p.line, p.severity, p.message.split()[0]) for p in project.warnings] == [
        (6, "warning", "'rules'"),
        (7, "warning", "'on_break'"),
        (11, "warning", "'split'"),
        (14, "warning", "'limits'"),
        (15, "warning", "'budget'"),
        (16, "warning", "'overrides'"),
        (17, "warning", "this"),
        (19, "warning", "'expect'"),
        (23, "warning", "'quota'"),
    ]
    assert str(project.warnings[0]) == (
        "multiroute.toml:6: warning: 'rules' is accepted but not yet in effect in [profiles.p]"
    )
