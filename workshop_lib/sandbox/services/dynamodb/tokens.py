"""The words of an expression: names, placeholders, numbers, operators.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import re
from collections.abc import Sequence

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>0|[1-9][0-9]*)|(?P<sign><>|<=|>=|[=<>+\-()\[\],.]))"
)
_MOST_OPERATORS = 300
# What is deeper than these operators can take it has parentheses in vain.
_DEEPEST = _MOST_OPERATORS // 2
_BLANK = re.compile(r"\s*")


class Malformed(Exception):
    """What DynamoDB says of an expression."""


class Token:
    """One word: its ``kind`` (word, name, value, number, sign, end), text and place."""

    __slots__ = ("end", "kind", "start", "text")

    def __init__(self, kind: str, text: str, start: int, end: int) -> None:
        self.kind, self.text, self.start, self.end = kind, text, start, end


class Tokens:
    """The words of an expression, read one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._all = _read(text)
        self._at = 0
        self._operators = 0
        depth = 0
        for place, token in enumerate(self._all):
            if token.kind == "bad":
                self._at = place
                raise self.unexpected()
            if token.kind == "sign":
                depth += (token.text == "(") - (token.text == ")")
                if depth > _DEEPEST:
                    raise Malformed("The expression has redundant parentheses;")

    @property
    def current(self) -> Token:
        """The word that is next."""
        return self._all[self._at]

    def ahead(self, by: int) -> Token:
        """A word after the next one."""
        return self._all[min(self._at + by, len(self._all) - 1)]

    def count_operator(self) -> None:
        """Count one more operator or function. Raises Malformed at the 301st, as DynamoDB does.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters-operators
        """
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            count = f"operator count: {self._operators}"
            raise Malformed(f"The expression contains too many operators; {count}")

    def take(self) -> Token:
        """The next word, which is read by this."""
        token = self._all[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def sign(self, *texts: str) -> str | None:
        """Read one of these signs; None if another word is next."""
        token = self.current
        if token.kind == "sign" and token.text in texts:
            self._at += 1
            return token.text
        return None

    def keyword(self, *words: str) -> str | None:
        """Read one of these words, in any case; None if another word is next."""
        token = self.current
        if token.kind == "word" and token.text.upper() in words:
            self._at += 1
            return token.text.upper()
        return None

    def require(self, sign: str) -> None:
        """Read this sign. Raises Malformed."""
        if self.sign(sign) is None:
            raise self.unexpected()

    def unexpected(self) -> Malformed:
        """The next word does not belong there."""
        at = self._at
        token = self._all[at]
        first = self._all[at - 1] if at else token
        last = self._all[min(at + 1, len(self._all) - 1)]
        end = last.end if last.kind != "end" else max(token.end, first.end)
        near = self._text[first.start : end]
        shown = "<EOF>" if token.kind == "end" else token.text
        return Malformed(f'Syntax error; token: "{shown}", near: "{near}"')


def _read(text: str) -> Sequence[Token]:
    found: list[Token] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            break
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind), match.end()))
        at = match.end()
    blank = _BLANK.match(text, at)
    at = blank.end() if blank else at
    if at < len(text):
        found.append(Token("bad", text[at], at, at + 1))
        after = _TOKEN.match(text, at + 1)
        if after is not None:
            kind = str(after.lastgroup)
            found.append(Token(kind, after[kind], after.start(kind), after.end()))
    found.append(Token("end", "", len(text), len(text)))
    return found
