"""Examples under a command's help."""

from __future__ import annotations

_WIDEST = 44


def examples(*lines: tuple[str, str]) -> str:
    r"""An epilog of (command line, what it does), aligned; `\b` keeps it from being re-wrapped.

    >>> examples(("multiroute check", "all mistakes at once")).splitlines()[1:]
    ['Examples:', '  multiroute check   all mistakes at once']
    """
    width = min(max(len(command) for command, _ in lines), _WIDEST)
    shown = ["\b", "Examples:"]
    for command, meaning in lines:
        if len(command) > width:
            shown += [f"  {command}", f"  {'':{width}}   {meaning}".rstrip()]
        else:
            shown.append(f"  {command:{width}}   {meaning}".rstrip())
    return "\n".join(shown)
