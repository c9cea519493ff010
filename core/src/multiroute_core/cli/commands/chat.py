"""`multiroute chat`: ask, and see who answered."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

if TYPE_CHECKING:
    from multiroute_core.cli.talk import Talk

_EPILOG = examples(
    ('multiroute chat "Hello"', "one question, answered in this process"),
    ("multiroute chat -m strong", "a conversation; Ctrl-D ends it"),
    ('multiroute chat "Hello" --url http://127.0.0.1:4300', "ask a running gateway"),
    ('multiroute chat "Hello" --no-stream', "the whole answer at once"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(chat)


def chat(
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="A question; without one a conversation begins."),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="NAME", help="A profile, alias or model. By default "
                     "the project's default profile."),
    ] = "",
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Ask the gateway at this address."),
    ] = None,
    key: Annotated[
        str,
        typer.Option("--key", metavar="KEY", envvar="MULTIROUTE_KEY", show_envvar=True,
                     help="The gateway's key."),
    ] = "",
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Print the answer as it comes.")
    ] = True,
    config: Config = None,
) -> None:
    """Ask a question, or talk.

    Without --url the project of this folder answers in this process, as a gateway would. The last
    line tells the target that answered and the decision behind it. In a conversation Ctrl-C ends
    an answer, Ctrl-D the conversation.
    """
    talk = _talk(model, url, key, config)
    if prompt is None:
        _run(_converse(talk, stream=stream))
    else:
        _run(_ask_once(talk, prompt, stream=stream))


def _talk(model: str, url: str | None, key: str, config: Path | None) -> Talk:
    from multiroute_core.cli.talk import InProcess, OverHttp

    if url is not None:
        if not url.startswith(("http://", "https://")):
            raise typer.BadParameter(
                "write the whole address, such as http://127.0.0.1:4300", param_hint="--url"
            )
        return OverHttp(url, key, model)
    from multiroute_core.cli.session import load_router

    return InProcess(load_router(config), model)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    import asyncio

    asyncio.run(coroutine)


async def _ask_once(talk: Talk, prompt: str, *, stream: bool) -> None:
    async with talk:
        await _answer(talk, [{"role": "user", "content": prompt}], stream=stream)


async def _answer(talk: Talk, messages: list[dict[str, str]], *, stream: bool) -> str:
    """Prints one answer as it comes; its text."""
    from multiroute_core.cli.console import err

    said: list[str] = []
    try:
        async for piece in talk.say(messages, stream=stream):
            said.append(piece)
            sys.stdout.write(piece)
            sys.stdout.flush()
    finally:
        if said:
            print(flush=True)
    note = str(talk.note)
    if note:
        err().print(note, style="dim", soft_wrap=True)
    return "".join(said)


async def _converse(talk: Talk, *, stream: bool) -> None:
    """Question and answer until the input ends."""
    import asyncio

    from multiroute_core.api import CallError
    from multiroute_core.cli.console import err

    messages: list[dict[str, str]] = []
    async with talk:
        if sys.stdin.isatty():
            err().print("Ctrl-C ends an answer, Ctrl-D the conversation.", style="dim")
        with _Interrupts() as interrupts:
            while (question := await asyncio.to_thread(_read_line)) is not None:
                if not question.strip():
                    continue
                asked = [*messages, {"role": "user", "content": question}]
                task = asyncio.create_task(_answer(talk, asked, stream=stream))
                interrupts.task = task
                await asyncio.wait([task])
                interrupts.task = None
                if task.cancelled():
                    err().print("(ended)", style="dim")
                elif isinstance(failure := task.exception(), CallError):
                    _tell(failure)
                else:
                    messages = [*asked, {"role": "assistant", "content": task.result()}]


def _tell(failure: Any) -> None:
    from multiroute_core.cli.console import err

    err().print(f"error: {failure.message}", style="red", soft_wrap=True)
    if failure.decision_id:
        err().print(f"why: multiroute explain {failure.decision_id}", style="dim", soft_wrap=True)


def _read_line() -> str | None:
    """The next line, None at the end of the input."""
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  line editing and history, where the platform has it
    try:
        return input("> " if is_terminal else "")
    except EOFError:
        if is_terminal:
            print()
        return None


class _Interrupts:
    """While it holds, Ctrl-C ends the running answer instead of the program."""

    def __init__(self) -> None:
        self.task: Any = None

    def __enter__(self) -> _Interrupts:
        import asyncio
        import contextlib
        import signal

        # not on Windows: there Ctrl-C ends the conversation
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        import asyncio
        import contextlib
        import signal

        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def _interrupted(self) -> None:
        if self.task is not None:
            self.task.cancel()
        elif sys.stdin.isatty():
            sys.stderr.write("\n(Ctrl-D ends the conversation)\n> ")
            sys.stderr.flush()
