"""What MultiRoute does, shown on this machine in under a minute: `make demo`.

Starts the gateway with docs/demo/multiroute.toml in a folder of its own, talks to it with the
official `openai` SDK over a real socket, and shows the decisions behind the answers. The exit code
is 0 only if every step did what it says.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import OpenAI
from rich.console import Console

PROJECT = Path(__file__).with_name("multiroute.toml")
MULTIROUTE = (sys.executable, "-m", "multiroute_core.cli")
READY_WITHIN_S = 30.0

console = Console(highlight=False, markup=False, soft_wrap=True)


class StepFailed(Exception):
    """A step did not do what it shows."""


def title(number: int, text: str) -> None:
    console.print()
    console.print(f"{number}. {text}", style="bold cyan")


def said(text: str) -> None:
    console.print(f"   {text}", style="dim")


def check(is_so: bool, text: str) -> None:
    if not is_so:
        raise StepFailed(text)


# ---- the gateway, as a process of its own


@contextmanager
def gateway(config: Path) -> Iterator[str]:
    """Runs `multiroute serve` on a free port; gives the address that it announces."""
    command = (*MULTIROUTE, "serve", "--config", str(config), "--port", "0")
    said("$ multiroute serve --config docs/demo/multiroute.toml --port 0")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output: list[str] = []
    announced = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if "serving at http" in line:
                announced.set()
        announced.set()

    threading.Thread(target=read, daemon=True).start()
    try:
        announced.wait(READY_WITHIN_S)
        address = re.search(r"serving at (http://\S+)", "".join(output))
        if address is None:
            raise StepFailed("the gateway did not start:\n" + "".join(output))
        yield address[1]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def explain(config: Path, decision: str) -> None:
    """`multiroute explain`, in the project's folder."""
    said(f"$ multiroute explain {decision}")
    sys.stdout.flush()
    done = subprocess.run((*MULTIROUTE, "explain", decision, "--config", str(config)), check=False)
    check(done.returncode == 0, "multiroute explain failed")


# ---- the steps


def list_models(client: OpenAI) -> None:
    title(2, "The official openai SDK, pointed at it: what can be asked for")
    names = [model.id for model in client.models.list()]
    for name in names:
        console.print(f"   {name}")
    check({"balanced", "fragile"} <= set(names), "the profiles are not listed as models")


def stream_an_answer(client: OpenAI) -> str:
    title(3, "A streamed answer through the profile 'balanced'")
    response = client.chat.completions.with_raw_response.create(
        model="balanced",
        messages=[{"role": "user", "content": "Why would I put a router before my models?"}],
        stream=True,
    )
    console.print("   ", end="")
    pieces = []
    for chunk in response.parse():
        piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        pieces.append(piece)
        console.print(piece, end="", style="green")
    console.print()
    check(len([piece for piece in pieces if piece]) > 1, "the answer did not come as a stream")
    return decision_of(response.headers)


def decision_of(headers: object) -> str:
    found = getattr(headers, "get", {}.get)("x-multiroute-decision")
    check(bool(found), "the reply names no decision")
    return str(found)


def fail_and_fall_back(client: OpenAI) -> str:
    title(5, "A fault: the first candidate of 'fragile' is overloaded (503)")
    response = client.chat.completions.with_raw_response.create(
        model="fragile", messages=[{"role": "user", "content": "Are you there?"}]
    )
    answer = response.parse().choices[0].message.content or ""
    console.print(f"   {answer}", style="green")
    said("the client saw one plain 200; the headers tell the rest:")
    shown = {k: v for k, v in response.headers.items() if k.startswith("x-multiroute-")}
    for name, value in sorted(shown.items()):
        console.print(f"   {name}: {value}", style="yellow")
    check(bool(answer), "there is no answer")
    check("sandbox:echo" in shown.values(), "the answer is not the second candidate's")
    return decision_of(response.headers)


def look_next() -> None:
    title(7, "Where to look next")
    for what, where in (
        ("the project file of this demo", "docs/demo/multiroute.toml"),
        ("from here to real models", "docs/tutorial.md"),
        ("all commands", "docs/reference/cli.md"),
        ("write a scorer in 15 lines", "docs/reference/hooks.md"),
        ("talk to the sandbox yourself", ".venv/bin/multiroute chat"),
    ):
        console.print(f"   {what:32} {where}")


def show(folder: Path) -> None:
    config = folder / PROJECT.name
    shutil.copy(PROJECT, config)
    title(1, "The gateway, with a project file of 50 lines")
    with gateway(config) as url:
        said(f"serving at {url}")
        client = OpenAI(base_url=f"{url}/v1", api_key="none-needed-on-loopback", max_retries=0)
        list_models(client)
        decision = stream_an_answer(client)
        title(4, "Why that one? Every candidate, every term, in absolute units")
        explain(config, decision)
        decision = fail_and_fall_back(client)
        title(6, "Why the second? The attempts, one by one")
        explain(config, decision)
    look_next()


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="multiroute-demo-") as folder:
        try:
            show(Path(folder))
        except StepFailed as failure:
            console.print(f"\nThe demo failed: {failure}", style="bold red")
            return 1
    console.print(f"\nAll of it took {time.monotonic() - started:.0f} s.", style="bold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
