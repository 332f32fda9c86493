"""The query strings of PostgREST as SQL.

From docs/references/api/tables_views.rst, url_grammar.rst and pagination_count.rst: `select` (columns, renaming, casts),
horizontal filters with their modifiers, logical operators, `order`, `columns`, `on_conflict`, `limit`, `offset` and `Range`.
Refused as not implemented: resource embedding and JSON paths. Unknown to it: full-text search.
"""

import re
from dataclasses import dataclass, field

OPERATORS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "LIKE", "ilike": "ILIKE", "match": "~",
    "imatch": "~*", "isdistinct": "IS DISTINCT FROM", "cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>",
    "nxr": "&<", "nxl": "&>", "adj": "-|-",
}
QUANTIFIED = "eq|gte|gt|lte|lt|like|ilike|match|imatch"
QUOTED = r'"((?:[^"\\]|\\.)*)"'
NAME = rf"\s*(?:{QUOTED}|([\w $]+(?:-(?!>)[\w $]+)*))\s*"


class Failure(Exception):
    """An answer other than success, in PostgREST's form."""

    def __init__(self, status: int, code: str, message: str, details=None, hint=None, headers=()):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, list(headers)
        self.body = {"code": code, "details": details, "hint": hint, "message": message}


def not_covered(what: str) -> Failure:
    return Failure(400, "PGRST127", "Feature not implemented", f"The stand-in has no {what}")


def quote(name: str) -> str:
    """An identifier, for a statement that is executed with parameters."""
    return '"' + name.replace("\0", "").replace('"', '""').replace("%", "%%") + '"'


class Values(dict):
    """The parameters of a statement."""

    def bind(self, value) -> str:
        name = f"p{len(self)}"
        self[name] = value.replace("\0", "") if isinstance(value, str) else value
        return f"%({name})s"


@dataclass
class Filter:
    column: str
    negated: bool
    operator: str
    value: str | list
    quantifier: str = ""

    def sql(self, table: str, values: Values) -> str:
        if self.operator == "is":
            right = "IS " + self.value.upper().replace("_", " ")
        elif self.operator == "in":
            escaped = [v.replace("\\", "\\\\").replace('"', '\\"') for v in self.value]
            array = "{}" if self.value == [""] else "{" + ",".join(f'"{v}"' for v in escaped) + "}"
            right = f"= ANY ({values.bind(array)})"
        else:
            value = self.value.replace("*", "%") if self.operator in ("like", "ilike") else self.value
            right = f"{OPERATORS[self.operator]} {self.quantifier.upper()}({values.bind(value)})"
        return f"{'NOT ' if self.negated else ''}{table}.{quote(self.column)} {right}"


@dataclass
class Tree:
    negated: bool
    joiner: str
    branches: list

    def sql(self, table: str, values: Values) -> str:
        inner = f" {self.joiner.upper()} ".join(branch.sql(table, values) for branch in self.branches)
        return f"{'NOT ' if self.negated else ''}({inner})"


class Scanner:
    """Reads one parameter from left to right."""

    def __init__(self, what: str, text: str):
        self.what, self.text, self.at = what, text, 0

    def take(self, pattern: str):
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def expect(self, pattern: str, wanted: str):
        found = self.take(pattern)
        if not found:
            seen = f'"{self.text[self.at]}"' if self.at < len(self.text) else "end of input"
            place = f'"failed to parse {self.what} ({self.text})" (line 1, column {self.at + 1})'
            raise Failure(400, "PGRST100", place, f"unexpected {seen} expecting {wanted}")
        return found

    def name(self) -> str:
        found = self.expect(NAME, "field name (* or [a..z0..9_$])")
        if self.take("->"):
            raise not_covered("JSON paths")
        return found[2].strip() if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])

    def listed(self, item) -> list:
        found = [item()]
        while self.take(r"\s*,\s*"):
            found.append(item())
        return found

    def whole(self, found):
        self.expect("$", "end of input")
        return found

    def element(self) -> str:
        """A value within parentheses."""
        found = self.take(QUOTED + r"(?=[,)]|$)")
        return re.sub(r"\\(.)", r"\1", found[1]) if found else self.take("[^,)]*")[0]

    def selected(self) -> tuple:
        """(column or `*`, alias, cast) of `select`."""
        end = r"(?=\s*(,|$))"
        if self.take(r"\s*\*\s*" + end):
            return "*", None, None
        alias = self.name() if re.compile(NAME + ":(?!:)").match(self.text, self.at) else None
        self.take(":")
        if self.take(r"\s*count\(\)"):
            raise Failure(400, "PGRST123", "Use of aggregate functions is not allowed")
        column = self.name()
        cast = self.take(r"::([\w $]+)")
        if self.take(r"\.(sum|avg|count|max|min)\(\)"):
            raise Failure(400, "PGRST123", "Use of aggregate functions is not allowed")
        if self.take(r"[!(]"):
            raise not_covered("resource embedding")
        self.expect(end, '"," or end of input')
        return column, alias, cast and cast[1].strip()

    def ordered(self) -> str:
        """(column, how) of `order`."""
        column = self.name()
        how = self.take(r"\.(asc|desc)")
        nulls = self.take(r"\.nulls(first|last)")
        self.expect(r"(?=\s*(,|$))", '"," or end of input')
        return column, (f" {how[1]}" if how else "") + (f" NULLS {nulls[1]}" if nulls else "")

    def filter(self, column: str, value) -> Filter:
        negated = bool(self.take(r"not\."))
        if self.take(r"in\."):
            self.expect(r"\s*\(", '"("')
            listed = [self.element()]
            while self.take(","):
                listed.append(self.element())
            self.expect(r"\)\s*", '")"')
            return Filter(column, negated, "in", listed)
        if self.take(r"is\."):
            wanted = "isVal: (null, not_null, true, false, unknown)"
            return Filter(column, negated, "is", self.expect("(?i:not_null|null|true|false|unknown)", wanted)[0])
        found = self.take(rf"({QUANTIFIED})\((any|all)\)\.")
        if not found:
            found = self.expect(rf"({'|'.join(OPERATORS)})()\.", "operator (eq, gt, ...)")
        return Filter(column, negated, found[1], value(), found[2])

    def branch(self):
        """A filter, or a tree of them, within parentheses."""
        found = self.take(r"\s*(not\.)?(and|or)\s*\(")
        if found:
            branches = self.listed(self.branch)
            self.expect(r"\s*\)\s*", '")"')
            return Tree(bool(found[1]), found[2], branches)
        column = self.name()
        self.expect(r"\.", "delimiter (.)")
        return self.filter(column, lambda: (self.take(r"\{[^{}]*\}") or [None])[0] or self.element())


def parse_filter(key: str, value: str):
    """One parameter that filters."""
    if key.split(".")[-1] in ("and", "or"):
        scanner = Scanner("logic tree", key.replace(" ", "") + value)
        return scanner.whole(scanner.branch())
    path = Scanner("tree path", key)
    column = path.name()
    if path.take(r"\."):
        hint = f"Verify that '{column}' is included in the 'select' query parameter."
        raise Failure(400, "PGRST108", f"'{column}' is not an embedded resource in this request", hint=hint)
    path.whole(None)
    scanner = Scanner("filter", value)
    return scanner.filter(column, lambda: scanner.take(".*")[0])


@dataclass
class Query:
    """A query string, read."""

    select: list = field(default_factory=lambda: [("*", None, None)])
    filters: list = field(default_factory=list)
    order: list = field(default_factory=list)
    columns: list | None = None
    on_conflict: list | None = None

    def where(self, table: str, values: Values) -> str:
        return " WHERE " + " AND ".join(f.sql(table, values) for f in self.filters) if self.filters else ""

    def items(self, table: str) -> str:
        """What `SELECT` names."""
        named = []
        for column, alias, cast in self.select:
            item = f"{table}.*" if column == "*" else f"{table}.{quote(column)}"
            item = f"CAST({item} AS {cast})" if cast else item
            named.append(f"{item} AS {quote(alias)}" if alias else item)
        return ", ".join(named)

    def ordering(self, table: str) -> str:
        return " ORDER BY " + ", ".join(f"{table}.{quote(c)}{how}" for c, how in self.order) if self.order else ""


def parse_query(pairs: list) -> Query:
    """The parameters of a request."""
    query = Query()
    for key, value in pairs:
        if key == "select":
            scanner = Scanner("select parameter", value)
            query.select = scanner.whole(scanner.listed(scanner.selected)) if value.strip() else query.select
        elif key == "order":
            scanner = Scanner("order", value)
            query.order = scanner.whole(scanner.listed(scanner.ordered))
        elif key in ("columns", "on_conflict"):
            scanner = Scanner(f"{key} parameter", value)
            setattr(query, key, scanner.whole(scanner.listed(scanner.name)))
        elif key not in ("limit", "offset"):
            query.filters.append(parse_filter(key, value))
    return query


def unsatisfiable(details: str, headers=()) -> Failure:
    return Failure(416, "PGRST103", "Requested range not satisfiable", details, headers=headers)


def span(pairs: list, header: str | None, most: int | None) -> tuple:
    """The rows wanted, as (offset, limit or nothing), of parameters, of the header `Range` and of what is served at most."""
    given = {key: int(value) for key, value in pairs if key in ("limit", "offset") and re.fullmatch(r"-?\d+", value)}
    lower = given.get("offset", 0)
    upper = lower + given["limit"] - 1 if "limit" in given else None
    ranged = re.fullmatch(r"(\d+)-(\d*)", header or "")
    first, last = (int(ranged[1]), int(ranged[2]) if ranged[2] else None) if ranged else (0, None)
    if last is not None and last < first:
        raise unsatisfiable("The lower boundary must be lower than or equal to the upper boundary in the Range header.")
    if upper == -1 and lower == 0:
        return 0, 0
    lower, upper = max(lower, first), min((u for u in (upper, last) if u is not None), default=None)
    if upper is not None and upper < lower:
        raise unsatisfiable("Limit should be greater than or equal to zero.")
    if most is not None:
        upper = lower + most - 1 if upper is None else min(upper, lower + most - 1)
    return lower, None if upper is None else upper - lower + 1
