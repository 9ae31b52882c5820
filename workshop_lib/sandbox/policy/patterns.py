"""Policy variables and wildcards of the IAM policy language.

AWS pages (IAM User Guide): "IAM policy elements: Variables and tags", "IAM JSON policy elements:
Resource".
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

Values = Mapping[str, str | Sequence[str]]
"""Condition keys of a request in lower case; a sequence for a multivalued key."""

NO_VALUES: Values = {}

Scope = Literal["text", "resource", "arn"]
"""How far `*` reaches: anywhere; in a Resource; in the six parts that ArnLike compares."""


# --- policy variables ---------------------------------------------------------------------


class Variable(NamedTuple):
    """`${key}` or `${key, 'default'}` in a policy value."""

    key: str
    default: str | None


Template = tuple[str | Variable, ...]
"""A policy value cut into text and variables. In the text, a NUL marks a literal character."""

_VARIABLE = re.compile(r"\$\{(?:([*?$])|([^{}',]+?)(?:,\s*'([^']*)')?)\}")


def _literal(value: str) -> str:
    """`value` with everything that has a meaning in a pattern marked as literal."""
    return re.sub(r"[*?\0]", "\0\\g<0>", value)


def _plain(marked: str) -> str:
    return re.sub(r"\0(.)", r"\1", marked, flags=re.DOTALL)


def read_template(text: str, variables: bool) -> Template:
    """Cut a policy value into text and variables (Version 2012-10-17); else all is text."""
    text = text.replace("\0", "\0\0")
    if not variables:
        return (text,)
    parts: list[str | Variable] = [""]
    end = 0
    for found in _VARIABLE.finditer(text):
        parts[-1] = str(parts[-1]) + text[end : found.start()]
        special, key, default = found.groups()
        if special:
            parts[-1] = str(parts[-1]) + _literal(special)
        else:
            parts += [Variable(key.strip().lower(), default), ""]
        end = found.end()
    parts[-1] = str(parts[-1]) + text[end:]
    return tuple(parts)


def _resolve(template: Template, values: Values) -> str | None:
    """The marked pattern, or None when a variable has no value: "effectively null"."""
    resolved = []
    for part in template:
        if isinstance(part, str):
            resolved.append(part)
            continue
        value = values.get(part.key)
        if not isinstance(value, str):  # absent, or multivalued: those cannot be variables
            value = part.default
        if value is None:
            return None
        resolved.append(_literal(value))
    return "".join(resolved)


# --- wildcards ----------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _regex(marked: str, scope: Scope) -> re.Pattern[str]:
    """Compile a marked pattern. `*` and `?` stay inside their part of an ARN, up to the fifth
    colon; in a Resource, a `*` that ends its part may also run on past the colon."""
    chunks, wides = [""], [True]
    colons, index = 0, 0
    while index < len(marked):
        char = marked[index]
        following = marked[index + 1 : index + 2]
        inside = scope != "text" and colons < 5
        if char == "\0":
            chunks[-1] += re.escape(following)
            index += 1
        elif char == "*":
            wides.append(not inside or (scope == "resource" and following in ("", ":")))
            chunks.append("")
        elif char == "?":
            chunks[-1] += "[^:]" if inside else "."
        else:
            colons += char == ":"
            chunks[-1] += re.escape(char)
        index += 1
    if scope == "arn" and colons < 5:
        return re.compile(r"(?!)")  # not an ARN of six parts: nothing is like it
    # The first place where a chunk fits is as good as any later one (hence atomic), unless
    # what follows may not cross a colon that lies between the two.
    body = chunks[0]
    for place in range(1, len(chunks)):
        star = ".*" if wides[place] else "[^:]*"
        if place == len(chunks) - 1:
            body += star + chunks[place]
        elif wides[place + 1] or (not wides[place] and ":" not in chunks[place]):
            body += f"(?>{star}?{chunks[place]})"
        else:
            body += f"(?:{star}?{chunks[place]})"
    return re.compile(body, re.DOTALL)


class Patterns:
    """The values of one Action, Resource or condition, ready to be compared with a request.

    Built from policy values; `source` keeps them as written. A value whose variable the
    request does not fill matches nothing.
    """

    __slots__ = ("any", "exact", "prefixes", "regexes", "scope", "source", "templates")

    def __init__(self, source: Sequence[str], scope: Scope = "text", variables: bool = False):
        self.source = tuple(source)
        self.scope: Scope = scope
        exact, prefixes, regexes, templates = set(), [], [], []
        for text in self.source:
            template = read_template(text, variables)
            marked = template[0]
            if len(template) > 1 or not isinstance(marked, str):
                templates.append(template)
            elif scope == "arn" and marked.count(":") < 5:
                regexes.append(_regex(marked, scope))
            elif "*" not in marked and "?" not in marked:
                exact.add(_plain(marked))
            elif marked.endswith("*") and not re.search(r"[*?\0]", marked[:-1]):
                prefixes.append(marked[:-1])
            else:
                regexes.append(_regex(marked, scope))
        self.any = "" in prefixes
        self.exact = frozenset(exact)
        self.prefixes = tuple(prefixes)
        self.regexes = tuple(regexes)
        self.templates = tuple(templates)

    def match(self, value: str, values: Values = NO_VALUES) -> bool:
        """Whether `value` is like one of the patterns, in a request with these `values`."""
        if self.any or value in self.exact or value.startswith(self.prefixes):
            return True
        for regex in self.regexes:
            if regex.fullmatch(value):
                return True
        for template in self.templates:
            marked = _resolve(template, values)
            if marked is not None and _regex(marked, self.scope).fullmatch(value):
                return True
        return False
