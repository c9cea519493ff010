"""Operations beside chat through the gateway, with the official client and recorded answers."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest

from multiroute_core.testing import Answer, Recordings, ReplayUpstream, ScriptedUpstream
from tests.e2e.gateway import gateway, run

PROJECT = """
schema = 1
[plugins]
enable = ["openai"]
[providers.openai]
base_url = "{url}/v1"
"""


def test_recorded_embeddings_reach_the_client(shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="openai", api="embeddings")
    asked = [
        r for r in recordings
        if r.response.status == 200 and "encoding_format" in json.loads(r.request.body)
    ]  # fmt: skip

    async def scenario() -> None:
        async with (
            ReplayUpstream(Recordings(asked)) as upstream,
            gateway(tmp_path, PROJECT.format(url=upstream.base_url)) as served,
        ):
            for record in asked:
                body = json.loads(record.request.body)
                reply = await served.client.embeddings.create(
                    **{**body, "model": f"openai:{body['model']}"}
                )
                assert len(reply.data) == len(json.loads(record.response.body)["data"])
            assert upstream.unmatched == []

    run(scenario)


def test_images_moderations_speech_and_transcriptions(shared: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        script = {
            "/v1/images/generations": [Answer(body={"created": 1, "data": [{"b64_json": "AAAA"}]})],
            "/v1/images/edits": [Answer(body={"created": 1, "data": [{"url": "https://x/y"}]})],
            "/v1/moderations": [
                Answer(body={"id": "m", "model": "mod", "results": [{"flagged": True}]})
            ],
            "/v1/audio/speech": [
                Answer(body=b"ID3audio", headers=(("content-type", "audio/mpeg"),))
            ],
            "/v1/audio/transcriptions": [Answer(body={"text": "hello"})],
        }
        async with (
            ScriptedUpstream(script) as upstream,
            gateway(tmp_path, PROJECT.format(url=upstream.base_url)) as served,
        ):
            client = served.client
            image = await client.images.generate(model="openai:gpt-image-1", prompt="a cat")
            assert image.data is not None
            assert image.data[0].b64_json == "AAAA"
            edited = await client.images.edit(
                model="openai:gpt-image-1",
                prompt="green",
                image=("cat.png", b"\x89PNG", "image/png"),
            )
            assert edited.data is not None
            assert edited.data[0].url == "https://x/y"
            verdict = await client.moderations.create(
                model="openai:omni-moderation-latest", input="hm"
            )
            assert verdict.results[0].flagged is True
            speech = await client.audio.speech.create(
                model="openai:tts-1", input="hi", voice="alloy"
            )
            assert speech.content == b"ID3audio"
            assert speech.response.headers["content-type"] == "audio/mpeg"
            said = await client.audio.transcriptions.create(
                model="openai:whisper-1", file=("a.wav", b"RIFF", "audio/wav"), language="en"
            )
            assert said.text == "hello"
            paths = [seen.path for seen in upstream.requests]
            assert paths == list(script)
            form = upstream.requests[-1]
            assert b'name="model"\r\n\r\nwhisper-1' in form.body
            assert b'filename="a.wav"' in form.body
            edit = upstream.requests[1]
            assert b'filename="cat.png"' in edit.body

    run(scenario)


def test_a_chat_model_is_not_asked_for_embeddings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer(body={})]) as upstream,
            gateway(tmp_path, PROJECT.format(url=upstream.base_url)) as served,
        ):
            with pytest.raises(openai.APIStatusError, match="it does chat, not embeddings"):
                await served.client.embeddings.create(model="openai:gpt-4o-mini", input="a")
            assert upstream.requests == []

    run(scenario)
