"""`multiroute serve` as a process: what it announces, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
import urllib.request

import pytest


def _post(url: str, document: dict, **headers: str) -> dict:
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        data=json.dumps(document).encode(),
        headers={"content-type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


_HI = {"model": "balanced", "messages": [{"role": "user", "content": "a quiet word"}]}


def test_it_announces_what_it_serves_and_where_to_look(project, serve):
    served = serve()
    url = served.url
    assert _post(url, _HI)["choices"][0]["message"]["content"]
    out = "".join(served.out)
    for told in (f"{url}/v1", "balanced (default)", "sandbox", "none, so this machine only",
                 str(project), f"curl {url}/v1/models"):  # fmt: skip
        assert told in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(project, serve, number):
    served = serve()
    assert served.url
    served.process.send_signal(number)
    done = served.end()
    assert done.code == 0
    assert "Traceback" not in done.err


def test_it_logs_a_line_a_request_without_its_words(project, serve):
    served = serve()
    _post(served.url, _HI)
    served.process.terminate()
    err = served.end().err
    [line] = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert (line["event"], line["status"], line["model"]) == ("request", 200, "balanced")
    assert "quiet word" not in err


def test_the_log_can_be_left_out(project, serve):
    served = serve("--no-log")
    _post(served.url, _HI)
    served.process.terminate()
    assert [line for line in served.end().err.splitlines() if line.startswith("{")] == []


def test_with_keys_only_they_are_let_in(project, serve, run):
    key = json.loads(run("keys", "new", "web", "--json").out)
    with project.open("a", encoding="utf-8") as file:
        file.write(f"\n{key['toml']}\n")
    served = serve()
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        _post(served.url, _HI)
    refused.value.close()
    assert _post(served.url, _HI, authorization=f"Bearer {key['secret']}")["choices"]
    assert run("chat", "Hi", "--url", served.url, "--key", key["secret"]).code == 0
    assert key["secret"] not in "".join(served.out + served.err)


def test_without_keys_only_this_machine_is_served(project, run):
    done = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.code == 2
    assert "multiroute keys new" in done.err


def test_a_port_that_is_taken_is_told(project, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert done.code == 2
    assert "--port" in done.err
    assert "Traceback" not in done.err


def test_a_project_that_cannot_be_used_is_not_served(project, run):
    project.write_text(project.read_text("utf-8").replace("order =", "ordre ="), encoding="utf-8")
    done = run("serve", "--port", "0")
    assert done.code == 2
    assert "unknown key 'ordre'" in done.err
    assert "serving" not in done.out


def test_without_a_file_what_is_found_is_served(folder, serve):
    served = serve()
    assert _post(served.url, {**_HI, "model": "default"})["choices"]
    assert "multiroute init" in "".join(served.out)
