"""docs/reference/project-file.md: every key of the project file, from the models that read it.

    python docs/reference/project_file_page.py --write     after a change of a model
    python docs/reference/project_file_page.py --check     is the page up to date? (exit code 1: no)

Types and defaults are read from the models; what a key means is written here, and the page cannot
be made while a key has no meaning or a meaning has no key. The head of the page, above the mark,
is written by hand.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from multiroute_core.project import access, policy, schema, secrets, supply

PAGE = Path(__file__).with_name("project-file.md")
MARK = "<!-- from here on: python docs/reference/project_file_page.py --write -->\n"

TYPES: Mapping[str, str] = {
    "Aliases": "names → profile, `profile:preset` or model",
    "BaseUrl": "URL",
    "Count": "whole number above 0",
    "Document": "table",
    "Duration": "duration",
    "Flag": "`true` or `false`",
    "Fraction": "number, 0 to 1",
    "KeyHash": '`"sha256:…"`',
    "ListenAddress": '`"address:port"`',
    "ModelId": "model id",
    "Money": "USD",
    "Name": "name",
    "Options": "table",
    "Override": "override",
    "PositiveMoney": "USD above 0",
    "PositiveNumber": "number above 0",
    "Requirement": "capability, with or without `?`",
    "SecretRef": "secret reference",
    "ServeEntry": '`"instance:upstream-id"`',
    "StoreTable": "URL, or a table",
    "StrictInt": "whole number",
    "StrictStr": "text",
    "Text": "text",
}
"""What the names of the scalar types mean to somebody who writes the file."""


class Section(NamedTuple):
    """One table of the file: its header there, the model that reads it, and words before it."""

    header: str
    model: type[BaseModel]
    about: str
    keys: Mapping[str, str]
    title: str = ""


SECTIONS = (
    Section("the top of the file", schema.ProjectFile, "All nouns are tables of their own.", {
        "schema": "the contract of the file; this version reads 1 and no other",
        "include": "further files, relative to this one; patterns as `routes/*.toml` are allowed."
        " An included file holds tables only; what two files define is an error",
    }, "Top level"),
    Section("[project]", schema.ProjectTable, "", {
        "name": "the tenant's name; stands in records",
        "environment": "without `[keys]` the gateway serves in `dev` only, on a loopback address;"
        " elsewhere than in `dev` it is not ready for 2 s at the end before it stops listening",
        "default": "the profile of callers that send no `model`, and of `chat`; absent: the only"
        " profile, if there is just one",
    }),
    Section("[gateway]", schema.Gateway, "", {
        "listen": 'where to listen, `"[::1]:4300"` for IPv6; port 0 lets the system choose.'
        " `multiroute serve --host --port` override it",
    }),
    Section("[stores]", schema.Stores, "A store is active by its URL's scheme: `memory:` is core's,"
            " `sqlite:///file` the sqlite plugin's. Its own settings stand in"
            " `[plugins.settings.<scheme>]`.", {
        "state": "for what several processes share. Nothing reads it yet",
        "ledger": "records of calls, attempts and decisions, which `explain ID` and `replay ID`"
        " read",
    }),
    Section("a store as a table", schema.StoreTable, "Where the store needs a password:"
            ' `ledger = { url = "scheme://user@host/name", password = { env = "NAME" } }`.', {
        "url": "the store's URL, without any secret in it",
        "password": "put into the URL at the start",
    }, "A store as a table"),
    Section("[plugins]", schema.Plugins, "Installed is not active: only what is listed here (and"
            " the store of a URL above) is imported.", {
        "enable": "plugins by name, as `multiroute plugin list` shows them; one name stands for all"
        " kinds of that name",
        "local": 'plugins in files of your own, `"./my_scorer.py"`; the name is the file\'s',
        "settings": "`[plugins.settings.<name>]`: the own keys of scorers, observers, stores,"
        " guards and extensions, checked by the plugin's model",
    }),
    Section("[providers.<instance>]", supply.ProviderTable, "One configured instance of a provider"
            " plugin: two regions or accounts are two instances.", {
        "plugin": "the provider plugin; absent: the one of the instance's own name",
        "base_url": "where its API is, without user or secret; absent: the plugin's environment"
        " names for it, then its default. Its origin is one to which the credential may go",
        "api_keys": "credentials; each makes a target of its own, in this order. Absent: the first"
        " of the plugin's environment names that is set",
        "tags": "words for `targets.only_tags` of profiles",
        "quota": "known upstream limits, so that overflow goes elsewhere before the 429",
        "settings": "the plugin's own keys (`multiroute plugin show NAME --settings`)",
    }),
    Section("[providers.<instance>.quota]", supply.Quota, "", {
        "rpm": "requests a minute",
        "tpm": "tokens a minute",
        "rpd": "requests a day",
        "tpd": "tokens a day",
        "concurrent": "requests at a time",
    }),
    Section('[models."lab/name"]', supply.ModelTable, "Only what differs from what the catalog and"
            " the providers' offerings say.", {
        "serve": "where the model is sold, in order of preference; the first colon splits. Absent"
        " or empty: wherever an active provider's offerings list it",
        "price": "see below",
        "quality": "by use case, added to what the catalog says; with `default`, for the rest, it"
        " replaces that",
        "capabilities": "see below",
    }),
    Section('[models."lab/name".price]', supply.Prices, "USD per million tokens. 0 is a price:"
            " free. A price here replaces all price sheets of the offerings: write every kind that"
            " counts.", {
        "input": "input tokens",
        "output": "output tokens",
        "cache_read": "input tokens read from a prompt cache",
        "cache_write": "input tokens written to one, whatever the time they are kept",
        "cache_write_5m": "… kept for five minutes",
        "cache_write_1h": "… kept for an hour",
        "reasoning": "output tokens of reasoning, where they have a price of their own",
        "input_audio": "audio tokens in",
        "output_audio": "audio tokens out",
        "input_image": "image tokens in",
        "output_image": "image tokens out",
    }),
    Section('[models."lab/name".capabilities]', supply.Capabilities, "What is absent is unknown: an"
            " unknown capability removes a candidate only where the profile requires it.", {
        "context": "tokens of input that fit",
        "max_output": "tokens of output at most",
        "audio_in": "takes audio",
        "documents": "takes documents",
        "json_mode": "answers with JSON when asked to, without a schema",
        "json_schema": "answers by a JSON schema",
        "logprobs": "tells log probabilities",
        "parallel_tools": "calls several tools at once",
        "prompt_caching": "keeps prompts",
        "reasoning": "thinks before it answers",
        "streaming": "can stream",
        "tools": "calls tools",
        "vision": "takes images",
        "web_search": "searches the web",
    }),
    Section("[profiles.<name>]", policy.Profile, "A routing policy. Callers send its name as their"
            " `model`; `name:cheap`, `name:fast` and `name:best` are the same candidates ordered by"
            " price, latency or quality alone. Without `score` and `order` the candidates stand in"
            " the order of the file.", {
        "extends": "a profile whose keys are taken over: tables merge key by key, lists and values"
        " of the heir replace; an `order` replaces an inherited `score` and the other way round",
        "use_case": "picks the quality scores; `default` where a model has none for it",
        "candidates": "normalised ids; each stands for all its targets",
        "require": "capabilities that a candidate must be known to have; with `?` only when the"
        " request uses them",
        "rules": "conditions under which the call goes on under another profile",
        "score": "see below; excludes `order`",
        "order": "instead of a score: `priority` (the order of `candidates`), `weight` (drawn by"
        " `weights`), `cost` (the cheapest first)",
        "weights": 'by candidate, with `order = "weight"`; one that is not named weighs 1',
        "limits": "see below",
        "fallback": "see below; absent: the active strategy, if exactly one is active, with its"
        " defaults; else one attempt",
        "split": "arms of a deterministic split, instead of candidates",
        "targets": "see below",
        "strict": "a candidate that no target serves is an error instead of a warning",
    }),
    Section("[profiles.<name>.score]", policy.Score, "Utility in points; one point is 0.01 quality:"
            " `100 × quality − cost / usd_per_point − latency / ms_per_point − penalties`.", {
        "use": "scorer plugins",
        "usd_per_point": "what one point of quality may cost",
        "ms_per_point": "milliseconds that one point of quality may take",
        "floor": "candidates of less quality are removed; those of unknown quality are not",
        "unknown_quality": "`prior`: a model of which no scorer knows counts as 0.5; `drop`: it is"
        " removed",
    }),
    Section("[profiles.<name>.limits]", policy.Limits, "The lease of a whole call, over all its"
            " attempts. A call that names a model directly has the defaults.", {
        "attempts": "upstream requests at most",
        "deadline": "from the call's start to the last byte",
        "spend": "over all attempts; one that is expected to exceed what is left, or has no known"
        " price, is refused. Absent: no limit",
        "timeouts": "see below",
        "on_break": "of a stream, after content went out. Always `error` in this version",
        "on_loss": "where a translation cannot carry everything over: `error` tries the next"
        " candidate, `report` tells it in `x-multiroute-losses`, `allow` says nothing",
    }),
    Section("[profiles.<name>.limits.timeouts]", policy.Timeouts, "Of one attempt.", {
        "connect": "until a connection stands",
        "first_content": "of a stream, until its first content. Absent: half of what remains of the"
        " deadline while another candidate is left, else all of it",
        "idle": "of a stream, between two pieces after its first content",
        "total": "of an answer that is not streamed, until it is here whole. Absent: as for"
        " `first_content`",
    }),
    Section("[profiles.<name>.fallback]", policy.Fallback, "", {
        "use": "the fallback strategy",
        "options": "the strategy's own (`multiroute plugin show NAME --settings`)",
    }),
    Section("[[profiles.<name>.rules]]", policy.Rule, "", {
        "when": "a condition",
        "profile": "the profile that takes over; the first rule that holds wins",
    }),
    Section("[[profiles.<name>.split]]", policy.Split, "Either a profile or a model.", {
        "profile": "a profile",
        "model": "a model",
        "weight": "its share",
    }),
    Section("[profiles.<name>.targets]", policy.TargetFilter, "", {
        "only_tags": "all of these must be among the instance's `tags`",
    }),
    Section("[aliases]", schema.ProjectFile, "Names that clients send already. A name that is a"
            " profile's or a model's too is an error.", {
        "aliases": 'for example `"gpt-x" = "balanced"`. A `*` may stand at the end of the name; the'
        " longest such name that fits wins",
    }),
    Section("[keys.<name>]", access.KeyTable, "`multiroute keys new NAME` prints a secret once, and"
            " these lines. Without any key only this machine is served.", {
        "hash": "SHA-256 of the secret",
        "profiles": "the profiles that this key may use, and then no models by name; absent: all"
        " profiles and models",
        "limits": "see below",
        "budget": "a table of `[budgets]`",
        "overrides": "what a request with this key may override: `allow_fallbacks`,"
        " `data_collection`, `ignore`, `max_price`, `models`, `only`, `order`,"
        " `require_parameters`, `sort`",
    }),
    Section("[keys.<name>.limits]", access.KeyLimits, "", {
        "rpm": "requests a minute",
        "tpm": "tokens a minute",
        "concurrent": "requests at a time",
    }),
    Section("[budgets.<name>]", access.Budget, "", {
        "limit": "see below",
        "at": "what happens on the way there, see below",
    }),
    Section("[budgets.<name>.limit]", access.BudgetLimit, "", {
        "usd": "how much may be spent",
        "per": "in which calendar period (UTC)",
    }),
    Section("[[budgets.<name>.at]]", access.BudgetStep, "", {
        "pct": "percent of the budget",
        "do": "`reject`, `warn` or `profile:NAME`",
    }),
    Section("[[expect]]", access.Expect, "Routing tests.", {
        "name": "what is tested",
        "request": "the request",
        "given": "circumstances",
        "assert": "what must be decided; at least one fact",
    }),
    Section("a secret", secrets.SecretRef, "Exactly one of these, as an inline table:"
            ' `{ env = "NAME" }`. A literal secret is refused.', {
        "env": "an environment variable",
        "file": "a file, relative to the project's folder; a line end at its end is dropped",
        "cmd": "a program and its arguments, as one text or a list; run once at the start, in the"
        " project's folder and without a shell; its output is the secret. 10 s at most",
    }, "Secrets"),
)  # fmt: skip

NOT_YET = frozenset({
    "budgets", "expect", "keys.budget", "keys.limits", "keys.overrides", "profiles.limits.on_break",
    "profiles.rules", "profiles.split", "providers.quota",
})  # fmt: skip
"""What `not_yet_in_effect` warns of, without the names of tables; a test compares."""

_WHOLE = {"[[profiles.<name>.rules]]", "[[profiles.<name>.split]]", "[keys.<name>.limits]",
          "[providers.<instance>.quota]", "[budgets.<name>]", "[budgets.<name>.limit]",
          "[[budgets.<name>.at]]", "[[expect]]"}  # fmt: skip
"""Sections that are not in effect as a whole."""
_OF_THE_TOP = {"the top of the file": ("schema", "include"), "[aliases]": ("aliases",)}


def fields_of(section: Section) -> dict[str, tuple[FieldInfo, str]]:
    """Key in the file → (field, its annotation as the source has it)."""
    tree = ast.parse(inspect.getsource(section.model)).body[0]
    assert isinstance(tree, ast.ClassDef)
    written = {
        node.target.id: ast.unparse(node.annotation)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    found = {
        field.alias or name: (field, written[name])
        for name, field in section.model.model_fields.items()
    }
    only = _OF_THE_TOP.get(section.header)
    return found if only is None else {key: found[key] for key in only}


def words(annotation: str) -> str:
    """A type in words."""
    return _words(ast.parse(annotation, mode="eval").body)


def _words(node: ast.expr) -> str:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _words(left)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_words(left)} or {_words(right)}"
        case ast.Subscript(value=ast.Name("tuple"), slice=ast.Tuple(elts=[item, _])):
            return f"list of {_words(item)}"
        case ast.Subscript(value=ast.Name("Literal"), slice=ast.Tuple(elts=values)):
            return ", ".join(f'`"{ast.literal_eval(value)}"`' for value in values)
        case ast.Subscript(value=ast.Name("ByModel"), slice=item):
            return f"model id → {_words(item)}"
        case ast.Subscript(value=ast.Name("ByText"), slice=item):
            return f"text → {_words(item)}"
        case ast.Subscript(value=ast.Name("Named"), slice=item):
            return f"name → {_words(item)}"
        case ast.Subscript(value=ast.Name("Annotated"), slice=ast.Tuple(elts=[item, *_])):
            return _words(item)
        case ast.Name(id=name):
            return TYPES.get(name, "table")
    raise ValueError(f"no words for the type {ast.unparse(node)}")


def default(field: FieldInfo, annotation: str) -> str:
    """What holds where the key is absent, as one would write it; "" for nothing in particular."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel | Mapping):
        if isinstance(value, schema.StoreTable):
            return f'`"{value.url}"`'
        return ""
    if annotation.startswith("Duration"):
        return f'`"{value:g}s"`'
    if isinstance(value, Decimal | float):
        return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[]`"
    return f"`{value}`" if isinstance(value, int) else f'`"{value}"`'


def _path(section: Section, key: str) -> str:
    """The key's path without the names of tables: `profiles.limits.on_break`."""
    parts = section.header.strip("[]").split(".")
    return ".".join([part for part in parts if not part.startswith(("<", '"'))] + [key])


def rows(section: Section) -> Iterator[str]:
    """The table of one section."""
    fields = fields_of(section)
    if set(fields) != set(section.keys):
        differing = ", ".join(sorted(set(fields) ^ set(section.keys)))
        raise SystemExit(f"{section.header}: key or meaning is missing for: {differing}")
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, (field, annotation) in fields.items():
        meaning = section.keys[key]
        if _path(section, key) in NOT_YET:
            meaning += ". **Not yet in effect**"
        kind = words(annotation).replace("|", "\\|")
        shown = "any other key" if key == "options" else f"`{key}`"
        yield f"| {shown} | {kind} | {default(field, annotation)} | {meaning} |"


def generated() -> str:
    """The part of the page below the mark."""
    parts = []
    for section in SECTIONS:
        parts.append(f"\n## {section.title or f'`{section.header}`'}\n")
        about = section.about
        if section.header in _WHOLE:
            about = f"**Not yet in effect.** {about}".strip()
        parts.append(f"{about}\n\n" if about else "")
        parts.append("\n".join(rows(section)) + "\n")
    return "".join(parts)


def main() -> int:
    head, mark, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
    if not mark or not {"--write", "--check"} & set(sys.argv):
        print(__doc__)
        return 2
    if "--check" in sys.argv:
        return 0 if rest == generated() else 1
    PAGE.write_text(head + mark + generated(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
