from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from multiroute_core.plugins import PluginErrors, PluginFacts, data_path, facts_of, facts_of_all

FACTS = """
schema = 1
[provider.acme]
title = "Acme"
base_url = "https://api.acme.com/v1/"
base_url_env = ["ACME_BASE_URL"]
env = ["ACME_API_KEY"]
origins = ["https://api.acme.com", "https://*.acme.com:8443"]
token_origins = ["https://login.acme.com"]
wires = ["chat"]
auth = ["bearer"]
probe = "http://127.0.0.1:11434/api/version"
offerings = "offerings.json"
"""


def acme(site, facts: str | None = FACTS, **files: str):
    texts = {"multiroute_acme/__init__.py": "raise SystemExit('imported')"}
    if facts is not None:
        texts["multiroute_acme/plugin.toml"] = facts
    texts.update({f"multiroute_acme/{name}": text for name, text in files.items()})
    site.add("multiroute-acme", {"multiroute.providers": {"acme": "multiroute_acme"}}, texts)
    return site.inventory().found[0]


def test_facts_are_read_without_importing_the_plugin(site):
    facts = facts_of(acme(site))
    assert facts == PluginFacts(
        title="Acme",
        base_url="https://api.acme.com/v1",
        base_url_env=("ACME_BASE_URL",),
        env=("ACME_API_KEY",),
        origins=("https://api.acme.com", "https://*.acme.com:8443"),
        token_origins=("https://login.acme.com",),
        wires=("chat",),
        auth=("bearer",),
        probe="http://127.0.0.1:11434/api/version",
        offerings="offerings.json",
    )
    assert "multiroute_acme" not in sys.modules


def test_an_editable_install_is_found_through_its_pth_file_in_a_fresh_process(site, tmp_path):
    acme(site)
    source = tmp_path / "checkout" / "src"
    source.mkdir(parents=True)
    (site.path / "multiroute_acme").rename(source / "multiroute_acme")
    (site.path / "multiroute_acme.pth").write_text(f"{source}\n")
    code = f"""
    import site, sys
    site.addsitedir({str(site.path)!r})
    from multiroute_core.plugins import discover, facts_of
    (found,) = [f for f in discover().of("provider") if f.name == "acme"]
    print(facts_of(found).title, found.origin, "multiroute_acme" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["Acme", "multiroute-acme", "1.0", "False"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema = 1\n[provider.acme\n", "line 2"),
        ("[provider.acme]\n", "'schema' should be 1"),
        ("schema = 2\n[provider.acme]\n", "'schema' should be 1"),
        ("schema = 1\n[providers.acme]\n", "did you mean 'provider'?"),
        ("schema = 1\nprovider = 3\n", "should hold one table for each name"),
        ("schema = 1\n[provider.acne]\n", "has no table [provider.acme]"),
        ("schema = 1\n[provider.acme]\ntittle = 'x'\n", "did you mean 'title'?"),
        ("schema = 1\n[provider.acme]\nmodels = 'x.json'\n", "a provider has no 'models'"),
        ("schema = 1\n[provider.acme]\nenv = 'KEY'\n", "env: "),
        ("schema = 1\n[provider.acme]\nenv = ['A KEY']\n", "env.0: "),
        ("schema = 1\n[provider.acme]\nbase_url = 'api.acme.com'\n", "http or https URL"),
        ("schema = 1\n[provider.acme]\nbase_url = 'https://a:b@acme.com'\n", "no user"),
        ("schema = 1\n[provider.acme]\norigins = ['http://acme.com']\n", "should be https"),
        ("schema = 1\n[provider.acme]\norigins = ['https://acme.com/v1']\n", "no path"),
        ("schema = 1\n[provider.acme]\norigins = ['https://*.com']\n", "wildcard"),
        ("schema = 1\n[provider.acme]\norigins = ['https://*']\n", "wildcard"),
        ("schema = 1\n[provider.acme]\norigins = ['https://a*.acme.com']\n", "wildcard"),
        ("schema = 1\n[provider.acme]\nprobe = 'https://acme.com'\n", "loopback"),
        ("schema = 1\n[provider.acme]\nauth = ['magic']\n", "auth.0: "),
        ("schema = 1\n[provider.acme]\nofferings = '../secrets'\n", "name of a file beside"),
    ],
)
def test_a_bad_plugin_toml_is_told_with_file_and_what_to_do(site, text, words):
    with pytest.raises(PluginErrors) as caught:
        facts_of(acme(site, text))
    (problem,) = caught.value.problems
    assert words in str(problem)
    assert str(site.path / "multiroute_acme" / "plugin.toml") in problem.message
    assert "multiroute-acme" in str(problem)
    assert problem.hint


def test_a_mistake_in_facts_never_repeats_the_value(site):
    with pytest.raises(PluginErrors) as caught:
        facts_of(acme(site, "schema = 1\n[provider.acme]\nenv = ['sk not a name']\n"))
    assert "sk not a name" not in str(caught.value)


def test_a_provider_must_state_facts_but_a_scorer_need_not(site):
    with pytest.raises(PluginErrors, match="states no facts"):
        facts_of(acme(site, None))
    site.add_scorer("cost")
    (scorer,) = site.inventory().of("scorer")
    assert facts_of(scorer) == PluginFacts()


def test_one_bad_file_does_not_hide_the_facts_of_the_others(site):
    acme(site, "schema = 1\n[provider.acme]\nauth = ['magic']\n")
    site.add_scorer("cost")
    (site.path / "multiroute_cost" / "plugin.toml").write_text(
        "schema = 1\n[scorer.cost]\ntitle = 'Cost'\n"
    )
    facts = {found.name: fact for found, fact in facts_of_all(site.inventory().found).items()}
    assert isinstance(facts["acme"], PluginErrors)
    assert facts["cost"] == PluginFacts(title="Cost")


def test_a_data_file_is_found_beside_the_facts_or_told_to_be_missing(site):
    found = acme(site, **{"offerings.json": "[]"})
    assert data_path(found, "offerings.json").read_text() == "[]"
    with pytest.raises(PluginErrors, match=r"has no data file .*gone\.json"):
        data_path(found, "gone.json")


def test_every_plugin_toml_of_this_repository_is_valid(repo_root: Path, tmp_path: Path, site):
    files = sorted(repo_root.glob("plugins/*/src/*/plugin.toml"))
    assert len(files) >= 9
    for file in files:
        package = file.parent.name
        kinds = {
            kind: names
            for kind, names in __import__("tomllib").loads(file.read_text()).items()
            if kind != "schema"
        }
        site.add(
            package.replace("_", "-"),
            {f"multiroute.{kind}s": dict.fromkeys(names, package) for kind, names in kinds.items()},
            {f"{package}/__init__.py": "", f"{package}/plugin.toml": file.read_text()},
        )
    for found, facts in facts_of_all(site.inventory().found).items():
        assert isinstance(facts, PluginFacts), (found, facts)
        assert facts.title
        assert facts.description
