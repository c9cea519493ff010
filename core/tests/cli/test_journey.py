"""The way of a newcomer, every step a process of its own: from nothing to a replayed decision."""

from __future__ import annotations

import re


def test_init_check_serve_ask_chat_explain_replay(folder, spawn, serve):
    from openai import OpenAI

    assert spawn("init").code == 0
    checked = spawn("check")
    assert checked.code == 0
    assert "balanced (default)" in checked.out

    url = serve().url
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        response = client.chat.completions.with_raw_response.create(
            model="balanced", messages=[{"role": "user", "content": "Hello"}]
        )
        assert "You said: Hello" in (response.parse().choices[0].message.content or "")
        decision = response.headers["x-multiroute-decision"]

    chatted = spawn("chat", "Hello again", "--url", url)
    assert chatted.code == 0
    assert "You said: Hello again" in chatted.out
    second = re.search(r"explain (\S+)", chatted.err)
    assert second
    assert second[1] != decision

    for one in (decision, second[1]):
        explained = spawn("explain", one)
        assert explained.code == 0
        assert "answered by sandbox:" in explained.out
        replayed = spawn("replay", one)
        assert (replayed.code, replayed.out.split(":")[0]) == (0, "identical")
