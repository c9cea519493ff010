from __future__ import annotations

import pytest

from multiroute_core.plugins.contract import declared_range, is_within


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        (["multiroute-core>=0.1"], ">=0.1"),
        (["multiroute_core>=0.1"], ">=0.1"),
        (["Multiroute.Core (>=0.1)"], ">=0.1"),
        (["multiroute-core"], ""),
        (["multiroute-core-extra>=3"], None),
        (["multiroute-core>=9; python_version < '3'"], None),
        (["multiroute-core>=9; extra == 'x'", "multiroute-core<1"], "<1"),
        (["multiroute-core>=0.1", "multiroute-core<1"], "<1,>=0.1"),
        (["multiroute-core @ file:///somewhere"], ""),
        ([], None),
    ],
)
def test_the_declared_range_is_read_with_names_normalised_and_markers_evaluated(requires, expected):
    assert declared_range(requires) == expected


def test_a_broken_requirement_on_core_is_told_and_others_are_not_our_business():
    with pytest.raises(ValueError, match="not a valid requirement"):
        declared_range(["multiroute-core>=>1"])
    assert declared_range(["other >=>1", "multiroute-core>1"]) == ">1"


@pytest.mark.parametrize(
    ("version", "specifier", "expected"),
    [
        ("0.1.0", ">=0.1,<0.2", True),
        ("0.2.0", ">=0.1,<0.2", False),
        ("0.1.5rc1", ">=0.1,<0.2", True),
        ("1.0.dev3", "", True),
    ],
)
def test_pre_releases_of_core_are_in_the_range(version, specifier, expected):
    assert is_within(version, specifier) is expected
