from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest
import stevedore._cache

from multiroute_core.plugins.loading import load


def test_only_the_selected_plugin_is_imported(site):
    site.add_scorer("cost")
    site.add_scorer("quality")
    inventory = site.inventory()
    module = load(inventory, inventory.named("cost")[0])
    assert module.__name__ == "multiroute_cost"
    assert "multiroute_quality" not in sys.modules


def test_stevedores_cache_on_disk_is_never_asked(site, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the cache was read")

    monkeypatch.setattr(stevedore._cache, "get_group_all", refuse)
    site.add_scorer("cost")
    assert site.load("cost").names("scorer") == ("cost",)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import sys; sys.exit()", "SystemExit"),
        ("assert False, 'no'", "AssertionError: no"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_an_import_raises_stops_the_start_with_plugin_and_place(site, code, words):
    site.add_scorer("cost", f"# one\n{code}\n")
    (problem,) = site.refuse("cost")
    assert problem.startswith(
        f"scorer 'cost' (multiroute-cost 1.0) failed at import: {words} "
        f"(at {site.path / 'multiroute_cost' / '__init__.py'}:2)"
    )
    assert "take 'cost' out of [plugins] enable" in problem


def test_a_keyboard_interrupt_at_import_is_the_users_and_goes_through(site):
    site.add_scorer("cost", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load("cost")


def test_a_syntax_error_is_told_with_its_line(site):
    site.add_scorer("cost", "x = 1\ndef broken(:\n")
    (problem,) = site.refuse("cost")
    assert f"SyntaxError: invalid syntax (at {site.path}/multiroute_cost/__init__.py:2)" in problem


def test_a_missing_module_of_its_own_is_told_apart_from_a_missing_dependency(site):
    site.add("multiroute-gone", {"multiroute.scorers": {"gone": "multiroute_gone.deep"}}, {})
    site.add_scorer("needy", "import a_library_that_is_not_there")
    gone, needy = site.refuse("gone", "needy")
    assert "its entry point names the module 'multiroute_gone.deep'" in gone
    assert "reinstall multiroute-gone" in gone
    assert "No module named 'a_library_that_is_not_there'" in needy
    assert "install multiroute-needy together with what it depends on" in needy


def test_in_a_fresh_process_an_inactive_plugin_shows_facts_but_is_not_in_sys_modules(site):
    site.add_scorer("cost")
    site.add(
        "multiroute-acme",
        {"multiroute.providers": {"acme": "multiroute_acme"}},
        {
            "multiroute_acme/__init__.py": "raise SystemExit(0)",
            "multiroute_acme/plugin.toml": "schema = 1\n[provider.acme]\ntitle = 'Acme'\n",
        },
    )
    code = """
    import sys
    from multiroute_core.plugins import Kernel, discover, facts_of
    inventory = discover()
    kernel = Kernel.load(inventory, ["cost"])
    print(facts_of(inventory.named("acme")[0]).title)
    print("multiroute_cost" in sys.modules, "multiroute_acme" in sys.modules)
    """
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(site.path)!r})\n" + dedent(code),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.split() == ["Acme", "True", "False"], run.stderr


def test_in_a_fresh_process_a_plugin_that_exits_with_zero_does_not_end_it_as_if_all_were_well(site):
    site.add_scorer("cost", "raise SystemExit(0)")
    code = """
    from multiroute_core.api import ConfigError
    from multiroute_core.plugins import Kernel, discover
    try:
        Kernel.load(discover(), ["cost"])
    except ConfigError as error:
        print(error.message)
        raise SystemExit(2)
    """
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(site.path)!r})\n" + dedent(code),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2
    assert run.stdout.count("\n") == 1
    assert "failed at import: SystemExit: 0" in run.stdout
