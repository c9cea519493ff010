"""The router in process: names, keys, zero configuration, scorers that misbehave, replay."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from multiroute_core.api import (
    Broken,
    CallFailed,
    ConfigError,
    Delta,
    Forbidden,
    ModelNotFound,
    Principal,
    Unauthorized,
    encode_record,
)
from multiroute_core.project import ProjectError, new_key
from multiroute_core.router import MultiRoute, ReplayMismatch
from multiroute_core.wire.chat import decode_call

SANDBOX = """
schema = 1
[project]
name = "acme"
default = "both"
[plugins]
enable = ["sandbox", "quality", "cost", "latency", "ladder"]
{plugins}
[providers.sandbox]
{sandbox}
[profiles.both]
candidates = ["sandbox/echo", "sandbox/strong"]
[profiles.both.score]
use = [{scorers}]
[profiles.first]
candidates = ["sandbox/strong"]
[aliases]
"gpt-*" = "first"
{extra}
"""
HELLO = [{"role": "user", "content": "hello"}]


def router(folder: Path, **parts: str) -> MultiRoute:
    """A router for a sandbox project."""
    filled = {
        "plugins": "",
        "sandbox": "",
        "extra": "",
        "scorers": '"quality", "cost", "latency"',
        **parts,
    }
    path = folder / "multiroute.toml"
    path.write_text(SANDBOX.format(**filled), "utf-8")
    return MultiRoute.from_project(path, environ={})


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("", "both"),
        ("both", "both"),
        ("both:cheap", "both:cheap"),
        ("both:best", "both:best"),
        ("both:fast", "both:fast"),
        ("gpt-anything", "first"),
        ("sandbox:echo", "offering:sandbox:echo"),
        ("sandbox:never-listed", "offering:sandbox:never-listed"),
        ("sandbox/echo", "model:sandbox/echo"),
        ("strong", "model:sandbox/strong"),
    ],
)
def test_names_mean_what_the_stated_order_says(name: str, profile: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with router(tmp_path) as served:
            reply = await served.chat(model=name, messages=HELLO)
            assert "hello" in reply.text
            record = json.loads(served.explain(decode_call({"model": name, "messages": HELLO})))
            assert record["profile"] == profile
            assert record["requested"] == name

    asyncio.run(scenario())


def test_an_unknown_name_is_told_with_the_nearest_ones(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with router(tmp_path) as served:
            with pytest.raises(ModelNotFound, match=r"nearest: .*sandbox/strong"):
                await served.chat(model="sandbox/stron", messages=HELLO)

    asyncio.run(scenario())


def test_a_key_reaches_only_its_profiles(tmp_path: Path) -> None:
    secret, digest = new_key()
    extra = f'[keys.web]\nhash = "{digest}"\nprofiles = ["first"]'

    async def scenario() -> None:
        async with router(tmp_path, extra=extra) as served:
            for header in (
                (b"authorization", b"Bearer " + secret.encode()),
                (b"x-api-key", secret.encode()),
                (b"x-goog-api-key", secret.encode()),
                (b"api-key", secret.encode()),
            ):
                principal = served.authenticate((header,))
                assert principal == Principal("web", "acme", frozenset({"first"}))
            for headers in ((), ((b"x-api-key", b"mr-wrong"),), (header, (b"x-api-key", b"mr-2"))):
                with pytest.raises(Unauthorized):
                    served.authenticate(headers)
            assert [card.id for card in served.models(principal)] == ["first"]
            served.explain(decode_call({"model": "gpt-4", "messages": HELLO}), principal)
            for name in ("both", "sandbox:echo", "sandbox/echo", ""):
                with pytest.raises(Forbidden):
                    served.explain(decode_call({"model": name, "messages": HELLO}), principal)

    asyncio.run(scenario())


BAD_SCORERS = {
    "raises": "raise RuntimeError('no')",
    "nan": "return float('nan')",
    "text": "return 'many'",
    "mutates": "candidate.target = None",
}


@pytest.mark.parametrize("name", BAD_SCORERS)
def test_a_bad_local_scorer_loses_its_vote_and_is_benched(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        f"""
from multiroute_core.api import PerCandidate, hookimpl

class Mine(PerCandidate):
    term = "penalty"

    def rate(self, candidate, features):
        {BAD_SCORERS[name]}

@hookimpl
def multiroute_make_scorer(name, settings):
    return Mine()
""",
        "utf-8",
    )

    async def scenario() -> None:
        made = router(
            tmp_path, plugins='local = ["./mine.py"]', scorers='"cost", "mine", "latency"'
        )
        async with made as served:
            call = decode_call({"model": "both", "messages": HELLO})
            reasons = []
            for _ in range(5):
                assert (await served.chat(model="both", messages=HELLO)).text
                (lost,) = json.loads(served.explain(call))["votes_lost"]
                assert lost["scorer"] == "mine"
                reasons.append(lost["why"])
            assert "benched" not in reasons[0]
            assert reasons[-1].startswith("benched after 3 faults")

    asyncio.run(scenario())


def test_a_good_local_scorer_decides(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        """
from multiroute_core.api import PerCandidate, hookimpl

class Mine(PerCandidate):
    term = "penalty"

    def rate(self, candidate, features):
        return 0.0 if candidate.target.upstream_id == "echo" else 500.0

@hookimpl
def multiroute_make_scorer(name, settings):
    return Mine()
""",
        "utf-8",
    )

    async def scenario() -> None:
        made = router(tmp_path, plugins='local = ["./mine.py"]', scorers='"mine"')
        async with made as served:
            call = decode_call({"model": "both", "messages": HELLO})
            assert json.loads(served.explain(call))["plan"][0] == "sandbox:echo"

    asyncio.run(scenario())


def test_a_fault_in_the_first_model_falls_back_in_process_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = router(
            tmp_path, sandbox='[providers.sandbox.settings]\nfaults = { strong = "overloaded" }'
        )
        async with made as served:
            reply = await served.chat(model="both", messages=HELLO)
            assert reply.model == "echo"
            with pytest.raises(CallFailed) as caught:
                await served.chat(model="first", messages=HELLO)
            assert caught.value.fault.kind == "overloaded"
            async with served.stream(model="both", messages=HELLO) as events:
                told = [event async for event in events]
            assert "hello" in "".join(
                str(event.value) for event in told if isinstance(event, Delta)
            )

    asyncio.run(scenario())


def test_a_stream_that_breaks_after_content_ends_with_broken(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = router(
            tmp_path, sandbox='[providers.sandbox.settings]\nfaults = { strong = "truncated" }'
        )
        async with made as served, served.stream(model="first", messages=HELLO) as events:
            told = [event async for event in events]
            assert isinstance(told[-1], Broken)
            assert told[-1].fault.kind == "truncated"
            assert sum(isinstance(event, Broken) for event in told) == 1

    asyncio.run(scenario())


def test_a_decision_replays_byte_for_byte_under_another_hash_seed(tmp_path: Path) -> None:
    made = router(tmp_path)
    documents: list[dict[str, object]] = []

    async def scenario() -> None:
        async with made as served:
            for session in ("a", "b", None):
                body = {"model": "both", "messages": HELLO, "prompt_cache_key": session}
                record, view = served.explained(decode_call(body))
                documents.append(
                    {
                        "record": json.loads(encode_record(record)),
                        "view": json.loads(served_view(view)),
                        "bytes": served.render(record, view).decode(),
                    }
                )

    from multiroute_core.api import View, ViewRecord

    def served_view(view: View) -> bytes:
        return encode_record(ViewRecord("v", view))

    asyncio.run(scenario())
    script = """
import json, sys
from multiroute_core.api import decode_record
from multiroute_core.router import MultiRoute
router = MultiRoute.from_project(sys.argv[1], environ={})
for document in json.load(sys.stdin):
    record = decode_record(json.dumps(document["record"]))
    view = decode_record(json.dumps(document["view"])).view
    assert router.replay(record, view) == document["bytes"].encode()
print("identical")
"""
    for seed in ("1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "multiroute.toml")],
            input=json.dumps(documents).encode(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        )
        assert done.stdout.strip() == b"identical", done.stderr.decode()


def test_replay_refuses_another_project_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with router(tmp_path) as served:
            record, view = served.explained(decode_call({"model": "both", "messages": HELLO}))
        changed = router(tmp_path, extra="[profiles.more]\ncandidates = ['sandbox/echo']")
        with pytest.raises(ReplayMismatch, match="the project file changed"):
            changed.replay(record, view)

    asyncio.run(scenario())


def test_without_a_file_the_environment_says_what_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with_key = MultiRoute.from_project(environ={"ANTHROPIC_API_KEY": "sk-ant-x"})
    assert [one.instance for one in with_key.summary()] == ["anthropic"]
    assert with_key.zero_config
    assert with_key.models()[0].id == "default"
    without = MultiRoute.from_project(environ={})
    assert [one.instance for one in without.summary()] == ["sandbox"]
    assert any("not a model's" in caution for caution in without.warnings)

    async def scenario() -> None:
        async with without as served:
            assert "hello" in (await served.chat(messages=HELLO)).text

    asyncio.run(scenario())


def test_a_missing_credential_and_a_wrong_setting_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "multiroute.toml"
    path.write_text(
        """
[plugins]
enable = ["openai", "anthropic", "ladder"]
[providers.openai]
[providers.anthropic]
api_keys = [{ env = "NOT_SET_HERE" }]
[providers.anthropic.settings]
max_outptu = 3
[profiles.p]
candidates = ["openai/gpt-4o-mini"]
fallback = { use = "ladder", retries_sam = 3 }
""",
        "utf-8",
    )
    with pytest.raises(ProjectError) as caught:
        MultiRoute.from_project(path, environ={})
    told = [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]
    assert [line.partition(":")[0] for line in told] == ["4", "6", "8", "11"]
    assert "OPENAI_API_KEY" in told[0]
    assert "NOT_SET_HERE" in told[1]
    assert "max_output" in told[2]
    assert "retries_same" in told[3]


def test_the_router_must_be_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="async with"):
        asyncio.run(router(tmp_path).chat(model="both", messages=HELLO))
