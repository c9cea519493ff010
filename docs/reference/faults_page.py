"""docs/reference/faults.md: the table of fault kinds, from `multiroute_core.api.FAULTS`.

    python docs/reference/faults_page.py --write     after a change of the table
    python docs/reference/faults_page.py --check     is the page up to date? (exit code 1: no)

What a kind means is written here; the rest of the table is the code's. Above the first mark and
below the second the page is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from multiroute_core.api import FAULTS

PAGE = Path(__file__).with_name("faults.md")
BEGIN = "<!-- from here on: python docs/reference/faults_page.py --write -->\n"
END = "<!-- to here -->\n"

MEANINGS: Mapping[str, str] = {
    "rate_limited": "429: too many requests or tokens for now",
    "quota_exhausted": "402, or a 429 or 403 that speaks of billing: the account is used up",
    "overloaded": "529, or a 503 that speaks of capacity",
    "upstream_5xx": "any other error of the provider's own",
    "bad_request": "400, 422, …: the request is wrong, for everybody",
    "context_length": "the request is too long for this model",
    "content_filter": "the provider refuses the content",
    "not_found": "404, 405, 410: the provider has no such model or path",
    "upstream_auth": "401 or 403: our credential is refused",
    "connect_error": "refused, no such name, TLS; nothing was sent",
    "reset": "the connection broke",
    "protocol": "not HTTP, not the format, or a web page",
    "truncated": "the reply ended before its end",
    "empty": "a 2xx without any content",
    "too_large": "the reply exceeds what we take (64 MiB, or unpacks beyond reason)",
    "first_content_timeout": "no first content, or no whole reply, in time",
    "stall": "a stream went silent",
    "error_event": "an error inside a stream; treated as what it tells",
    "error_in_200": "an error as the body of a 200; treated as what it tells",
    "client_closed": "the client left",
    "slow_client": "the client did not take its reply",
    "circuit_open": "ours: this target is set aside for a while",
    "shed": "ours: too much to do, or shutting down",
    "budget_exhausted": "ours: a budget is used up",
    "rate_limited_here": "ours: a key's limit",
    "refused_by_guard": "ours: a guard, or the key",
    "loss_refused": "ours: a translation to this target would lose something",
    "no_candidate": "ours: no candidate can serve this request",
    "deadline": "ours: the call's deadline",
    "spend": "ours: the call's money",
    "plugin_error": "an adapter raised",
}  # fmt: skip


def generated() -> str:
    """The table."""
    if set(MEANINGS) != set(FAULTS):
        differing = ", ".join(sorted(set(MEANINGS) ^ set(FAULTS)))
        raise SystemExit(f"kind or meaning is missing for: {differing}")
    lines = [
        "| kind | what happened | blame | same | other key | other target | other model | status"
        " | `x-should-retry` |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, row in FAULTS.items():
        places = (row.same, row.other_key, row.other_target, row.other_model)
        marks = " | ".join("yes" if place else "" for place in places)
        retry = str(row.client_may_retry).lower()
        lines.append(
            f"| `{kind}` | {MEANINGS[kind]} | {row.blame} | {marks} | {row.status} | {retry} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    head, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table, end, tail = rest.partition(END)
    if not begin or not end or not {"--write", "--check"} & set(sys.argv):
        print(__doc__)
        return 2
    if "--check" in sys.argv:
        return 0 if table == generated() else 1
    PAGE.write_text(head + begin + generated() + end + tail, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
