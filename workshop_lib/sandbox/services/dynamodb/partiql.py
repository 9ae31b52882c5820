"""PartiQL statements, as far as permissions depend on them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

import re
from dataclasses import dataclass

_LITERAL = r"'(?:[^']|'')*'"
_VALUE = rf"(?:\?|{_LITERAL}|-?\d[\d.eE+-]*)"
# A name of other characters than letters, digits and underscores stands in quotes.
_NAME = r'(?:"(?P<{0}>[^"]+)"|(?P<{0}_bare>[\w-]+))'
_TARGET = re.compile(
    rf"\b(?:FROM|INTO|UPDATE)\s+{_NAME.format('table')}(?:\.{_NAME.format('index')})?", re.I
)
_VERB = re.compile(r"\s*(?:EXISTS\s*\(\s*)?(SELECT|INSERT|UPDATE|DELETE)\b", re.I)


@dataclass(frozen=True)
class Statement:
    """A statement: ``verb`` is Select, Insert, Update or Delete; ``text`` the whole of it."""

    verb: str
    table: str
    index: str | None
    text: str

    @property
    def selects_everything(self) -> bool:
        """Whether this is SELECT *."""
        return re.match(r"\s*(?:EXISTS\s*\(\s*)?SELECT\s+\*", self.text, re.I) is not None

    def values_of(self, key: str, parameters: list[str]) -> list[str]:
        """The values that the statement gives the key attribute; empty where it gives none.

        ``parameters`` are those that stand for the statement's question marks, as text.
        """
        found = self._in_item(key) if self.verb == "Insert" else self._in_conditions(key)
        if found is None:
            return []
        start, end = found.span("one" if found["one"] else "many")
        given = iter(parameters[_marks(self.text[:start]) :])
        listed = re.findall(_VALUE, self.text[start:end])
        return [next(given, "") if value == "?" else _literal(value) for value in listed]

    def _in_item(self, key: str) -> re.Match[str] | None:
        return re.search(rf"'{re.escape(key)}'\s*:\s*(?P<one>{_VALUE})(?P<many>)", self.text)

    def _in_conditions(self, key: str) -> re.Match[str] | None:
        """Where the WHERE clause gives the key's values; None where it may ask for others too."""
        blank = _blank(self.text)
        where = re.search(r"\bWHERE\b", blank, re.I)
        if where is None or re.search(r"\bOR\b", blank[where.end() :], re.I):
            return None
        pattern = re.compile(
            rf'(?<![\w.])"?{re.escape(key)}"?\s*'
            rf"(?:=\s*(?P<one>{_VALUE})|IN\s*[\[(](?P<many>[^\])]*)[\])])",
            re.I,
        )
        return pattern.search(blank, where.end())

    def attributes(self) -> list[str]:
        """The top-level attributes that the statement names."""
        if self.verb == "Insert":
            return [*dict.fromkeys(re.findall(r"'([^']+)'\s*:", self.text))]
        target = _TARGET.search(_blank(self.text))
        end = target.end() if target else 0
        selected = "" if self.verb != "Select" else self.text[: target.start() if target else 0]
        text = re.sub(_LITERAL, "''", selected + " " + self.text[end:])
        names = re.findall(r'(?<![\w."])(?:"([^"]+)"|([A-Za-z_]\w*)\b)(?!\s*\()', text)
        found = [quoted or bare for quoted, bare in names if (quoted or bare).upper() not in _WORDS]
        return [*dict.fromkeys(found)]


_WORDS = {
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "BETWEEN", "IS", "MISSING", "NULL", "SET",
    "REMOVE", "ORDER", "BY", "ASC", "DESC", "RETURNING", "ALL", "OLD", "NEW", "MODIFIED", "VALUE",
    "TRUE", "FALSE", "EXISTS",
}  # fmt: skip


def read_statement(text: str) -> Statement | None:
    """Take a statement apart; None for what is no PartiQL that DynamoDB would run."""
    verb, target = _VERB.match(text), _TARGET.search(_blank(text))
    if verb is None or target is None:
        return None
    table, index = (target[name] or target[f"{name}_bare"] for name in ("table", "index"))
    return Statement(verb[1].capitalize(), table, index, text)


def spaced(text: str) -> str:
    """The statement with blanks around its comparisons, which moto's parser needs."""
    parts = re.split(f"({_LITERAL})", text)
    parts[::2] = [re.sub(r"\s*([<>=]+)\s*", r" \1 ", part) for part in parts[::2]]
    return "".join(parts)


def _blank(text: str) -> str:
    """The text with its literals blanked out, place for place."""
    return re.sub(_LITERAL, lambda match: "'" + " " * (len(match[0]) - 2) + "'", text)


def _marks(text: str) -> int:
    return _blank(text).count("?")


def _literal(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text
