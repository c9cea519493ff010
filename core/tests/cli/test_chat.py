"""`multiroute chat`: a question or a conversation, here or at a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys

import pytest

from multiroute_core.testing import (
    Answer,
    EventStream,
    Hang,
    ScriptedUpstream,
    chat_error_event,
    chat_reply,
    chat_stream,
)

_CHAT = (sys.executable, "-m", "multiroute_core.cli", "chat")


@pytest.mark.parametrize("form", ["--stream", "--no-stream"])
def test_a_question_is_answered_in_this_process(project, run, form):
    done = run("chat", "Are you there?", form)
    assert done.code == 0
    assert done.out.endswith("You said: Are you there?\n")
    assert done.err.startswith("sandbox:")
    assert "multiroute explain d" in done.err


def test_the_last_line_tells_of_a_fallback(project, run):
    done = run("chat", "Hi", "--model", "fragile")
    assert "sandbox:echo · 2 attempts" in done.err


def test_a_conversation_is_read_from_the_input_and_kept(project, spawn):
    done = spawn("chat", text="first\n\nsecond\n")
    assert done.code == 0
    assert [line.partition("said: ")[2] for line in done.out.splitlines()] == ["first", "second"]


def test_a_question_that_fails_does_not_end_a_conversation(project, spawn):
    done = spawn("chat", "--model", "broken", text="one\ntwo\n")
    assert done.code == 0
    assert done.err.count("error: ") == 2


def _against(script, *arguments: str, text: bytes | None = None):
    """Runs `multiroute chat` against a scripted gateway: (exit code, stdout, stderr, requests)."""

    async def talk():
        async with ScriptedUpstream(script) as upstream:
            process = await asyncio.create_subprocess_exec(
                *(*_CHAT, *arguments, "--url", upstream.base_url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await process.communicate(text)
            return process.returncode, out.decode(), err.decode(), list(upstream.requests)

    return asyncio.run(talk())


_HEADERS = {
    "x-multiroute-target": "acme:large",
    "x-multiroute-decision": "d123",
    "x-multiroute-attempts": "3",
}


def test_a_gateway_is_asked_with_the_key_and_its_headers_are_told():
    script = [Answer(body=chat_stream("Hello."), headers=_HEADERS)]
    code, out, err, [request] = _against(script, "Hi", "-m", "balanced", "--key", "mr-1")
    assert (code, out) == (0, "Hello.\n")
    assert err == "acme:large · 3 attempts · why: multiroute explain d123\n"
    assert request.path.endswith("/v1/chat/completions")
    assert request.header("authorization") == "Bearer mr-1"
    assert request.json()["model"] == "balanced"
    assert request.json()["stream"] is True


def test_a_gateways_whole_answer_is_printed():
    script = [Answer(body=chat_reply("Hello."))]
    code, out, _, [request] = _against(script, "Hi", "--no-stream")
    assert (code, out) == (0, "Hello.\n")
    assert request.json()["stream"] is False


def test_a_conversation_with_a_gateway_carries_what_was_said():
    script = [Answer(body=chat_stream("One.")), Answer(body=chat_stream("Two."))]
    code, out, _, requests = _against(script, text=b"first\nsecond\n")
    assert (code, out) == (0, "One.\nTwo.\n")
    said = [(m["role"], m["content"]) for m in requests[1].json()["messages"]]
    assert said == [("user", "first"), ("assistant", "One."), ("user", "second")]


def test_a_gateways_refusal_is_told_in_its_words():
    body = {"error": {"message": "the API key is not known here"}}
    code, _, err, _ = _against([Answer(status=401, body=body)], "Hi")
    assert code == 1
    assert err == "error: the API key is not known here (status 401)\n"


def test_what_is_no_gateway_is_told():
    code, _, err, _ = _against([Answer(status=404, body=b"<html>")], "Hi")
    assert code == 1
    assert "not as a gateway" in err


def test_an_answer_that_breaks_off_is_no_answer():
    stream = chat_stream("This will not come to its end.")
    code, out, err, _ = _against([Answer(body=stream, cut_at=300)], "Hi")
    assert code == 1
    assert "broke off" in err
    assert not out.endswith("end.\n")


def test_a_stream_that_ends_without_its_end_mark_is_no_answer():
    whole = chat_stream("This is whole.")
    stream = EventStream(whole.removesuffix(b"data: [DONE]\n\n"))
    assert stream != whole
    code, out, err, _ = _against([Answer(body=stream)], "Hi")
    assert (code, out) == (1, "This is whole.\n")
    assert "the stream ended early" in err


def test_an_error_inside_a_stream_is_told_in_its_words():
    error = chat_error_event("the provider is overloaded", "overloaded_error")
    code, _, err, _ = _against([Answer(body=EventStream(error))], "Hi")
    assert code == 1
    assert "the provider is overloaded" in err


def test_an_address_where_nobody_listens_is_told(run):
    done = run("chat", "Hi", "--url", "http://127.0.0.1:9")
    assert done.code == 1
    assert "multiroute serve" in done.err


def test_an_address_without_a_scheme_is_told(run):
    done = run("chat", "Hi", "--url", "127.0.0.1:4300")
    assert done.code == 2
    assert "http://" in done.err


def test_ctrl_c_ends_the_answer_and_the_conversation_goes_on():
    async def talk():
        script = [Hang(), Answer(body=chat_stream("Two."))]
        async with ScriptedUpstream(script) as upstream:
            process = await asyncio.create_subprocess_exec(
                *(*_CHAT, "--url", upstream.base_url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert process.stdin is not None
            process.stdin.write(b"first\n")
            await upstream.wait_requests(timeout_s=30)
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate(b"second\n")
            second = json.loads(upstream.requests[1].body)
        return process.returncode, out, err, second["messages"]

    code, out, err, messages = asyncio.run(talk())
    assert (code, out) == (0, b"Two.\n")
    assert b"(ended)" in err
    assert messages == [{"role": "user", "content": "second"}], "what was ended is not carried on"


class _Terminal:
    """What a terminal shows, read word by word; what came with a word waits for the next."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._shown = b""

    def read_until(self, wanted: bytes) -> None:
        """Wait for these words and take all up to them."""
        while wanted not in self._shown:
            ready, _, _ = select.select([self._number], [], [], 30)
            assert ready, f"{wanted!r} did not come, but {self._shown!r}"
            self._shown += os.read(self._number, 4096)
        self._shown = self._shown.partition(wanted)[2]


def test_at_a_terminal_ctrl_c_at_the_prompt_is_answered_and_ctrl_d_ends(project):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*_CHAT])
    shown = _Terminal(terminal)
    try:
        shown.read_until(b"> ")
        os.write(terminal, b"\x03")
        shown.read_until(b"Ctrl-D ends")
        os.write(terminal, b"Hello\n")
        shown.read_until(b"You said: Hello")
        shown.read_until(b"> ")
        os.write(terminal, b"\x04")
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
