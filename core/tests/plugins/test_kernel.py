from __future__ import annotations

import sys

import pytest

from multiroute_core.api import PluginError
from multiroute_core.plugins import Kernel, PluginErrors

OBSERVER = """
from multiroute_core.api import hookimpl

class Quiet:
    async def start(self): ...
    async def observe(self, records): ...
    async def aclose(self): ...

@hookimpl
def multiroute_make_observer(name, settings):
    return Quiet()
"""


def test_a_name_in_several_groups_is_active_in_each(site):
    site.add_scorer("cost")
    site.add(
        "multiroute-cost-log",
        {"multiroute.observers": {"cost": "multiroute_cost_log"}},
        {"multiroute_cost_log/__init__.py": OBSERVER},
    )
    kernel = site.load("cost")
    assert [(a.kind, a.distribution) for a in kernel.active] == [
        ("observer", "multiroute-cost-log"),
        ("scorer", "multiroute-cost"),
    ]
    assert kernel.make_scorer("cost", None)
    assert kernel.make_observer("cost", None)


def test_one_module_may_stand_behind_many_names(site):
    code = """
    from multiroute_core.api import PerCandidate, hookimpl

    class Named(PerCandidate):
        def __init__(self, name):
            self.name = name
        def rate(self, candidate, features):
            return 1.0

    @hookimpl
    def multiroute_make_scorer(name, settings):
        return Named(name)
    """
    site.add(
        "multiroute-many",
        {"multiroute.scorers": {"one": "multiroute_many", "two": "multiroute_many"}},
        {"multiroute_many/__init__.py": code},
    )
    kernel = site.load("two", "one")
    assert kernel.names("scorer") == ("two", "one")
    assert kernel.make_scorer("one", None).name == "one"
    assert kernel.make_scorer("two", None).name == "two"


def test_a_store_is_active_by_its_scheme_and_memory_needs_no_plugin(site):
    site.add_scorer("sqlite")  # the same name in another group stays inactive
    site.add(
        "multiroute-sqlite-store",
        {"multiroute.stores": {"sqlite": "multiroute_sqlite_store"}},
        {
            "multiroute_sqlite_store/__init__.py": """
            from multiroute_core.api import hookimpl

            @hookimpl
            def multiroute_make_store(name, url, settings): ...
            """
        },
    )
    kernel = site.load(stores=["sqlite", "memory"])
    assert [(a.kind, a.name) for a in kernel.active] == [("store", "sqlite")]


def test_a_catalog_is_active_without_being_imported(site):
    site.add(
        "multiroute-catalog",
        {"multiroute.catalogs": {"catalog": "multiroute_catalog"}},
        {
            "multiroute_catalog/__init__.py": "raise SystemExit(0)",
            "multiroute_catalog/plugin.toml": "schema = 1\n[catalog.catalog]\nmodels = 'm.json'\n",
            "multiroute_catalog/m.json": "[]",
        },
    )
    kernel = site.load("catalog")
    models = kernel.facts("catalog", "catalog").models
    assert kernel.data_path("catalog", "catalog", models).read_text() == "[]"
    assert "multiroute_catalog" not in sys.modules


def test_a_name_that_is_not_installed_is_told_with_the_nearest_and_a_folder_to_install(site):
    site.add_scorer("latency")
    near, far, store = site.refuse("latancy", "acme", stores=["redis"])
    assert near.startswith("plugin 'latancy' is not installed (did you mean 'latency'? or install")
    assert "pip install ./plugins/multiroute-acme" in far
    assert store.startswith("a store for redis: URLs is not installed")
    assert "pip install ./plugins/multiroute-redis" in store


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        (("multiroute-core>=99",), "needs multiroute-core>=99; this is 0."),
        (("Multiroute_Core<0.1",), "needs multiroute-core<0.1; this is 0."),
        ((), "does not say which multiroute-core it works with"),
        (("multiroute-core>=>1",), "is not a valid requirement"),
    ],
)
def test_a_plugin_of_another_contract_stops_the_start_unimported(site, requires, words):
    site.add_scorer("cost", requires=requires)
    (problem,) = site.refuse("cost")
    assert problem.startswith("scorer 'cost' (multiroute-cost 1.0) ")
    assert words in problem
    assert "multiroute_cost" not in sys.modules


def test_a_taken_name_stops_the_start_when_it_is_selected_and_only_then(site):
    for distribution in ("multiroute-one", "multiroute-two"):
        site.add(distribution, {"multiroute.scorers": {"cost": "m"}}, {})
    site.add_scorer("quality")
    assert site.load("quality").names("scorer") == ("quality",)
    (problem,) = site.refuse("cost")
    assert problem == (
        "scorer 'cost' is claimed by multiroute-one 1.0 and by multiroute-two 1.0 "
        "(uninstall all but one of: multiroute-one, multiroute-two)"
    )


def test_all_problems_are_told_at_once_and_the_sound_plugins_do_not_hide_them(site, tmp_path):
    site.add_scorer("sound")
    site.add_scorer("broken", "raise SystemExit(0)")
    site.add_scorer("old", requires=("multiroute-core<0.1",))
    site.add_scorer("empty", "")
    for distribution in ("multiroute-one", "multiroute-two"):
        site.add(distribution, {"multiroute.scorers": {"taken": "m"}}, {})
    names = ["sound", "broken", "old", "empty", "taken", "missing"]
    with pytest.raises(PluginError) as caught:
        Kernel.load(site.inventory(), names, ["redis"], [tmp_path / "gone.py"])
    error = caught.value
    assert isinstance(error, PluginErrors)
    assert sorted(problem.name for problem in error.problems) == [
        "broken", "empty", "gone", "missing", "old", "redis", "taken",
    ]  # fmt: skip
    assert error.message.count("\n") == 6
    assert all(problem.hint for problem in error.problems)


def test_an_object_that_breaks_its_protocol_is_told_with_every_wrong_member(site):
    code = """
    from multiroute_core.api import hookimpl

    class Odd:
        async def start(self): ...
        def observe(self, batch): ...

    @hookimpl
    def multiroute_make_observer(name, settings):
        return Odd()
    """
    site.add(
        "multiroute-odd",
        {"multiroute.observers": {"odd": "multiroute_odd"}},
        {"multiroute_odd/__init__.py": code},
    )
    with pytest.raises(PluginErrors) as caught:
        site.load("odd").make_observer("odd", None)
    wrong, missing = caught.value.problems
    assert str(wrong).startswith(
        "observer 'odd' (multiroute-odd 1.0) made a Odd that is no Observer: `observe` should be "
        "`async def observe(records)`, found `def observe(batch)`"
    )
    assert "`aclose` is missing" in str(missing)


def test_asking_for_an_inactive_plugin_is_an_error_with_the_nearest_name(site):
    site.add_scorer("cost")
    with pytest.raises(PluginErrors, match=r"scorer 'cots' is not active \(did you mean 'cost'\?"):
        site.load("cost").make_scorer("cots", None)


def test_hashes_change_with_code_and_version_and_with_nothing_else(site, tmp_path):
    site.add_scorer("cost")
    file = site.path / "multiroute_cost" / "__init__.py"
    local = tmp_path / "mine.py"
    local.write_text(file.read_text())
    first = site.load("cost", local=[local]).hashes()
    assert list(first) == ["local:mine", "multiroute-cost"]
    assert all(value.startswith("sha256:") for value in first.values())

    (site.path / "multiroute_cost" / "__pycache__").mkdir()
    (site.path / "multiroute_cost" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert site.load("cost", local=[local]).hashes() == first

    file.write_text(file.read_text() + "\n# changed\n")
    second = site.load("cost", local=[local]).hashes()
    assert second["multiroute-cost"] != first["multiroute-cost"]
    assert second["local:mine"] == first["local:mine"]
