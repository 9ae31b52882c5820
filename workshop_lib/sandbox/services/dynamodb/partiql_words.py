"""The words of a PartiQL statement: names, texts, numbers and signs, and where they stand.

Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(error-messages/partiqlGrammar, 2026).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

import re
from collections.abc import Iterator

from workshop_lib.sandbox.protocol.errors import AwsError

_TOKEN = re.compile(
    r"""(?:\s|--[^\n]*|/\*.*?\*/)*(?:
    (?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<sign><<|>>|<>|!=|<=|>=|\|\||[=<>*?(){}\[\],.:;+\-])|(?P<end>$))""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = frozenset({"IS", "LIKE", "IN", "BETWEEN", "AND", "OR"})
_VALUES = frozenset({"TRUE", "FALSE", "NULL", "NOT"})
# What the parser that DynamoDB uses takes for a name only between quotes:
# https://github.com/partiql/partiql-lang-kotlin, LexerConstants
KEYWORDS = frozenset({
    "ABSOLUTE", "ACTION", "ADD", "ALL", "ALLOCATE", "ALTER", "AND", "ANY", "ARE", "AS", "ASC",
    "ASSERTION", "AT", "AUTHORIZATION", "AVG", "BAG", "BEGIN", "BETWEEN", "BIT", "BIT_LENGTH",
    "BLOB", "BOOL", "BOOLEAN", "BY", "CASCADE", "CASCADED", "CASE", "CAST", "CATALOG", "CHAR",
    "CHARACTER", "CHARACTER_LENGTH", "CHAR_LENGTH", "CHECK", "CLOB", "CLOSE", "COALESCE", "COLLATE",
    "COLLATION", "COLUMN", "COMMIT", "CONFLICT", "CONNECT", "CONNECTION", "CONSTRAINT",
    "CONSTRAINTS", "CONTINUE", "CONVERT", "CORRESPONDING", "COUNT", "CREATE", "CROSS", "CURRENT",
    "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURSOR", "DATE",
    "DATE_ADD", "DATE_DIFF", "DEALLOCATE", "DEC", "DECIMAL", "DECLARE", "DEFAULT", "DEFERRABLE",
    "DEFERRED", "DELETE", "DESC", "DESCRIBE", "DESCRIPTOR", "DIAGNOSTICS", "DISCONNECT", "DISTINCT",
    "DO", "DOMAIN", "DOUBLE", "DROP", "ELSE", "END", "ESCAPE", "EXCEPT", "EXCEPTION", "EXEC",
    "EXECUTE", "EXISTS", "EXTERNAL", "EXTRACT", "FALSE", "FETCH", "FIRST", "FLOAT", "FOR",
    "FOREIGN", "FOUND", "FROM", "FULL", "GET", "GLOBAL", "GO", "GOTO", "GRANT", "GROUP", "HAVING",
    "IDENTITY", "IMMEDIATE", "IN", "INDEX", "INDICATOR", "INITIALLY", "INNER", "INPUT",
    "INSENSITIVE", "INSERT", "INT", "INTEGER", "INTERSECT", "INTERVAL", "INTO", "IS", "ISOLATION",
    "JOIN", "KEY", "LANGUAGE", "LAST", "LEFT", "LET", "LEVEL", "LIKE", "LIMIT", "LIST", "LOCAL",
    "LOWER", "MATCH", "MAX", "MIN", "MISSING", "MODIFIED", "MODULE", "NAMES", "NATIONAL", "NATURAL",
    "NCHAR", "NEW", "NEXT", "NO", "NOT", "NOTHING", "NULL", "NULLIF", "NUMERIC", "OCTET_LENGTH",
    "OF", "OLD", "ON", "ONLY", "OPEN", "OPTION", "OR", "ORDER", "OUTER", "OUTPUT", "OVERLAPS",
    "PAD", "PARTIAL", "PIVOT", "POSITION", "PRECISION", "PREPARE", "PRESERVE", "PRIMARY", "PRIOR",
    "PRIVILEGES", "PROCEDURE", "PUBLIC", "READ", "REAL", "REFERENCES", "RELATIVE", "REMOVE",
    "RESTRICT", "RETURNING", "REVOKE", "RIGHT", "ROLLBACK", "ROWS", "SCHEMA", "SCROLL", "SECTION",
    "SELECT", "SESSION", "SESSION_USER", "SET", "SEXP", "SIZE", "SMALLINT", "SOME", "SPACE", "SQL",
    "SQLCODE", "SQLERROR", "SQLSTATE", "STRING", "STRUCT", "SUBSTRING", "SUM", "SYMBOL",
    "SYSTEM_USER", "TABLE", "TEMPORARY", "THEN", "TIME", "TIMESTAMP", "TO", "TRANSACTION",
    "TRANSLATE", "TRANSLATION", "TRIM", "TRUE", "TUPLE", "UNION", "UNIQUE", "UNKNOWN", "UNPIVOT",
    "UPDATE", "UPPER", "USAGE", "USER", "USING", "VALUE", "VALUES", "VARCHAR", "VARYING", "VIEW",
    "WHEN", "WHENEVER", "WHERE", "WITH", "WORK", "WRITE", "ZONE",
})  # fmt: skip


class Words:
    """A statement's words, read one after the other."""

    def __init__(self, statement: str) -> None:
        """Raises AwsError ValidationException for what is no word."""
        self._statement = statement
        self._all = list(_split(statement))
        self._at = 0

    @property
    def kind(self) -> str:
        """The next word's kind: text, quoted (a name), number, word, sign or end."""
        return self._all[self._at][0]

    @property
    def text(self) -> str:
        """The next word as it is written."""
        return self._all[self._at][1]

    @property
    def ended(self) -> bool:
        """Whether nothing more is said."""
        return self.kind == "end" or (self.kind == "sign" and self.text == ";")

    @property
    def joined(self) -> bool:
        """Whether the next word begins where the one before it ended."""
        _, text, start = self._all[self._at - 1]
        return self._all[self._at][2] == start + len(text)

    @property
    def calls(self) -> bool:
        """Whether a function's name is next."""
        return self.kind == "word" and self._all[self._at + 1][1] == "("

    @property
    def reserved(self) -> bool:
        """Whether the next word is a keyword, and so no name."""
        return self.kind == "word" and self.text.upper() in KEYWORDS

    @property
    def place(self) -> str:
        """Where the next word is: its line, its column, its length."""
        _, text, start = self._all[self._at]
        before = self._statement[:start]
        column = start - (before.rfind("\n") + 1) + 1
        return f"{before.count(chr(10)) + 1}:{column}:{len(text)}"

    def take(self) -> str:
        """The next word, which is read by this."""
        text = self.text
        self._at += 1
        return text

    def word(self, *words: str) -> str | None:
        """Read one of these words, in any case; None if another is next."""
        if self.kind == "word" and self.text.upper() in words:
            return self.take().upper()
        return None

    def sign(self, *signs: str) -> str | None:
        """Read one of these signs; None if another word is next."""
        return self.take() if self.kind == "sign" and self.text in signs else None

    def require(self, sign: str) -> None:
        """Read this sign. Raises AwsError."""
        if self.sign(sign) is None:
            raise malformed("Unexpected token")

    def require_word(self, word: str) -> None:
        """Read this word. Raises AwsError."""
        if self.word(word) is None:
            raise malformed("Unexpected token")

    def require_term(self) -> None:
        """Refuse what no term of an expression begins with. Raises AwsError."""
        if self.ended:
            raise malformed("Unexpected term")
        word = self.text.upper() if self.kind == "word" else ""
        if word in _OPERATORS:
            raise malformed("Unexpected operator")
        if self.reserved and not self.calls and word not in _VALUES:
            raise malformed("Unexpected keyword")

    def name(self, otherwise: str = "Expected identifier for simple path") -> str:
        """A name, without its quotes; what is told ``otherwise``. Raises AwsError."""
        if self.kind == "quoted":
            return self.take()[1:-1].replace('""', '"')
        if self.kind != "word" or self.reserved:
            raise malformed(otherwise)
        return self.take()

    def literal(self) -> str:
        """A text, without its quotes."""
        return self.take()[1:-1].replace("''", "'")


def _split(text: str) -> Iterator[tuple[str, str, int]]:
    """The kinds of a statement's words, their text, and where they begin."""
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise malformed("")
        kind = str(match.lastgroup)
        yield kind, match[kind], match.start(kind)
        if kind == "end":
            return
        at = match.end()


def malformed(detail: str) -> AwsError:
    """The refusal of what cannot be read as a statement."""
    return invalid(f"Statement wasn't well formed, can't be processed: {detail}")


def invalid(message: str) -> AwsError:
    """The refusal of a statement, with this text."""
    return AwsError("ValidationException", message)
