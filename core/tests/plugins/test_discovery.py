from __future__ import annotations

import sys
import time

import pytest

from multiroute_core.plugins import discover


def test_discovery_tells_what_is_installed_without_importing_it(site):
    site.add(
        "Multiroute_Acme",
        {
            "multiroute.providers": {"acme": "multiroute_acme.hooks"},
            "console_scripts": {"a": "b:c"},
        },
        {"multiroute_acme/__init__.py": "raise SystemExit('imported')"},
        version="2.3",
    )
    (found,) = site.inventory().found
    assert (found.kind, found.name, found.group) == ("provider", "acme", "multiroute.providers")
    assert (found.module, found.package) == ("multiroute_acme.hooks", "multiroute_acme")
    assert found.origin == "multiroute-acme 2.3"
    assert found.requires_core == "<0.2,>=0.1"
    assert found.root == site.path
    assert "multiroute_acme" not in sys.modules


def test_all_groups_are_known_and_a_misspelt_one_is_reported(site):
    groups = [
        "providers",
        "scorers",
        "fallbacks",
        "observers",
        "stores",
        "guards",
        "extensions",
        "catalogs",
    ]
    site.add("multiroute-all", {f"multiroute.{group}": {"all": "m"} for group in groups}, {})
    site.add("multiroute-typo", {"multiroute.scorer": {"typo": "m"}}, {})
    inventory = site.inventory()
    assert len(inventory.found) == 8
    assert inventory.strays == (("multiroute.scorer", "multiroute-typo"),)


def test_a_name_claimed_by_two_distributions_is_a_conflict_naming_both(site):
    for distribution in ("multiroute-one", "multiroute-two"):
        site.add(distribution, {"multiroute.scorers": {"cost": "m"}}, {})
    site.add("multiroute-other", {"multiroute.fallbacks": {"cost": "m"}}, {})
    inventory = site.inventory()
    (conflict,) = inventory.conflicts
    assert str(conflict) == (
        "scorer 'cost' is claimed by multiroute-one 1.0 and by multiroute-two 1.0"
    )
    assert inventory.of("scorer") == ()
    assert [found.distribution for found in inventory.of("fallback")] == ["multiroute-other"]


def test_of_two_installations_of_one_distribution_the_first_on_the_path_counts(site, tmp_path):
    later = type(site)(tmp_path / "later")
    later.add("Multiroute.Acme", {"multiroute.scorers": {"acme": "m"}}, {}, version="9")
    site.add("multiroute-acme", {"multiroute.scorers": {"acme": "m"}}, {}, version="1")
    (found,) = discover([str(site.path), str(later.path)]).found
    assert found.version == "1"


@pytest.mark.parametrize(
    ("group", "name", "value", "words"),
    [
        ("multiroute.scorers", "cost", "multiroute_cost:plugin", "does not name a module"),
        ("multiroute.scorers", "cost", "multiroute-cost", "does not name a module"),
        ("multiroute.scorers", "Cost", "m", "not lower-case"),
        ("multiroute.scorers", "a:b", "m", ""),
        ("multiroute.stores", "memory", "m", "belongs to multiroute-core"),
    ],
)
def test_an_unusable_entry_point_stays_visible_with_its_defect(site, group, name, value, words):
    site.add("multiroute-acme", {group: {name: value}}, {})
    inventory = site.inventory()
    (found,) = inventory.found
    assert words in found.defect
    assert found.defect
    assert inventory.of(found.kind) == ()


def test_half_an_uninstalled_distribution_does_not_stop_discovery(site):
    site.add_scorer("cost")
    site.add_scorer("gone")
    (site.path / "multiroute_gone-1.0.dist-info" / "METADATA").unlink()
    assert [found.name for found in site.inventory().found] == ["cost"]


def test_sixty_plugins_among_two_hundred_distributions_are_found_quickly(site):
    for number in range(140):
        site.add(f"other-{number}", {"console_scripts": {"x": "y:z"}}, {})
    for number in range(60):
        site.add(f"multiroute-p{number}", {"multiroute.providers": {f"p{number}": "m"}}, {})
    started = time.perf_counter()
    inventory = site.inventory()
    elapsed_s = time.perf_counter() - started
    assert len(inventory.of("provider")) == 60
    # Measured 0.04 s; this bound leaves room for a busy machine and still catches a scan per name.
    assert elapsed_s < 1.5
