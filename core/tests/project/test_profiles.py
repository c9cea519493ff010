"""`extends`: what a profile inherits, what it replaces, and chains that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from multiroute_core.project import inspect_project, load_project
from multiroute_core.project.policy import Profile

Write = Callable[..., Path]

BASE = """\
[plugins]
enable = ["cost", "ladder", "cascade"]
[profiles.base]
use_case   = "chat"
candidates = ["a/x", "a/y"]
require    = ["tools?"]
[profiles.base.score]
use           = ["cost"]
usd_per_point = 0.02
[profiles.base.limits]
attempts = 2
timeouts = { connect = "1s", idle = "9s" }
[profiles.base.fallback]
use = "ladder"
on  = ["rate_limited", "overloaded"]
"""


def profile(text: str, write: Write, name: str = "child") -> Profile:
    return load_project(write(BASE + text)).file.profiles[name]


def test_tables_merge_key_by_key_and_lists_replace(write: Write):
    child = profile(
        "[profiles.child]\nextends = 'base'\nrequire = ['vision']\n"
        "limits = { deadline = '9s', timeouts = { idle = '3s' } }\nfallback = { max = 1 }\n",
        write,
    )
    assert child.extends == "base"
    assert child.use_case == "chat"
    assert child.candidates == ("a/x", "a/y")
    assert child.require == ("vision",)
    assert child.score is not None
    assert child.score.usd_per_point == Decimal("0.02")
    assert (child.limits.attempts, child.limits.deadline) == (2, 9.0)
    assert (child.limits.timeouts.connect, child.limits.timeouts.idle) == (1.0, 3.0)
    assert child.fallback is not None
    assert child.fallback.options == {"on": ("rate_limited", "overloaded"), "max": 1}


def test_the_parent_is_left_as_it_was_and_may_stand_below(write: Write):
    text = "[profiles.grandchild]\nextends = 'child'\n"
    text += "[profiles.child]\nextends = 'base'\nstrict = true\n"
    project = load_project(write(BASE + text))
    assert project.file.profiles["grandchild"].strict
    assert project.file.profiles["grandchild"].candidates == ("a/x", "a/y")
    assert not project.file.profiles["base"].strict
    where = project.where(("profiles", "grandchild", "candidates", 1))
    assert where == "multiroute.toml:5"
    assert project.where(("profiles", "grandchild", "strict")) == "multiroute.toml:20"


def test_another_way_of_choosing_replaces_the_inherited_one(write: Write):
    extends = "[profiles.child]\nextends = 'base'\n"
    ordered = profile(extends + "order = 'cost'", write)
    assert ordered.score is None
    split = profile(extends + "split = [{ profile = 'base', weight = 1 }]", write)
    assert (split.candidates, split.score, split.limits.attempts) == ((), None, 2)
    cascade = profile(extends + "fallback = { use = 'cascade', max = 1 }", write)
    assert cascade.fallback is not None
    assert cascade.fallback.options == {"max": 1}
    text = "[profiles.child]\nextends = 'w'\ncandidates = ['a/z']\n[profiles.w]\n" \
        "candidates = ['a/x']\norder = 'weight'\nweights = { 'a/x' = 3 }\n"  # fmt: skip
    assert profile(text, write).weights == {}


def test_a_mistake_that_is_inherited_is_told_once_where_it_was_written(write: Write):
    text = BASE.replace("0.02", "-1").replace('["cost"]', '["cots"]')
    path = write(text + "[profiles.child]\nextends = 'base'\n[profiles.third]\nextends = 'child'\n")
    assert [str(problem) for problem in inspect_project(path).problems] == [
        "multiroute.toml:8: the scorer 'cots' is not active in [profiles.base.score] "
        "(did you mean 'cost'?)",
        "multiroute.toml:9: 'usd_per_point' must not be negative in [profiles.base.score]",
    ]


def test_cycles_and_unknown_parents_are_told_once_and_hide_nothing_else(write: Write):
    path = write(
        "[profiles.a]\nextends = 'b'\n[profiles.b]\nextends = 'c'\n[profiles.c]\nextends = 'a'\n"
        "[profiles.into]\nextends = 'b'\n[profiles.self]\nextends = 'self'\n"
        "[profiles.lost]\nextends = 'sel'\n[profiles.fine]\norder = 'coast'\n"
    )
    assert [str(problem) for problem in inspect_project(path).problems] == [
        "multiroute.toml:2: 'extends' goes round in a circle: a → b → c → a in [profiles.a] "
        "(one of them must not extend)",
        "multiroute.toml:10: 'extends' goes round in a circle: self → self in [profiles.self] "
        "(one of them must not extend)",
        "multiroute.toml:12: 'extends' names an unknown profile 'sel' in [profiles.lost] "
        "(did you mean 'self'?)",
        "multiroute.toml:13: no candidates in [profiles.fine] "
        "(list model ids under 'candidates', or extend a profile that does)",
        "multiroute.toml:14: 'order' must be one of: 'priority', 'weight', 'cost' "
        "in [profiles.fine]",
    ]


def test_the_defaults_of_a_profile(write: Write):
    plain = profile("[profiles.child]\ncandidates = ['a/x']\n", write)
    assert plain == Profile.model_validate({"candidates": ["a/x"]})
    limits = plain.limits
    assert (limits.attempts, limits.deadline, limits.spend) == (4, 60.0, None)
    assert (limits.on_break, limits.on_loss) == ("error", "report")
    assert (limits.timeouts.connect, limits.timeouts.first_content) == (5.0, None)
    assert (limits.timeouts.idle, limits.timeouts.total) == (30.0, None)
    assert (plain.use_case, plain.order, plain.score, plain.fallback) == (
        "default",
        None,
        None,
        None,
    )
    scored = profile("[profiles.child]\ncandidates = ['a/x']\nscore = { use = ['cost'] }\n", write)
    assert scored.score is not None
    assert (scored.score.usd_per_point, scored.score.ms_per_point) == (Decimal("0.01"), 500.0)
    assert (scored.score.floor, scored.score.unknown_quality) == (0.0, "prior")
