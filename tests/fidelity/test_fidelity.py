"""Every recorded exchange in scope, through the adapter of its provider: one test for each
provider, API and check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fidelity import results, suite


def _cases() -> Iterator[object]:
    for provider, api in suite.groups():
        for check in suite.NAMES:
            yield pytest.param(
                provider,
                api,
                check,
                id=f"{provider}-{api}-{check}",
                marks=pytest.mark.xdist_group(f"{provider}-{api}"),
            )


@pytest.mark.parametrize(("provider", "api", "check"), list(_cases()))
def test_nothing_is_lost(provider, api, check, recordings):
    outcome = suite.outcome(check, provider, api)
    if outcome.total:
        results.keep(provider, api, check, outcome.as_json())
    assert not outcome.failed, f"{provider} {api} {check}: {outcome.report()}"


def test_the_recordings_of_the_shared_data_are_all_in_scope_of_a_check(recordings):
    assert suite.groups(), f"no recordings in scope in {recordings}"
