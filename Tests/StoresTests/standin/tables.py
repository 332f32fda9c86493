"""Requests of PostgREST as transactions of PostgreSQL.

From docs/references/transactions.rst, connection_pool.rst, errors.rst and api/{tables_views,preferences,pagination_count,
resource_representation}.rst. The schema cache is read afresh in every transaction; views have no primary key.
"""

import csv
import difflib
import io
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qsl, quote as escape

import psycopg

from grammar import Failure, Query, Values, quote, span, unsatisfiable

PREFERENCES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
}
CATALOGUE = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attidentity = 'd' THEN format('nextval(%%L)', pg_get_serial_sequence(c.oid::regclass::text, a.attname))
            WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
       coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'v', 'm', 'f', 'p') ORDER BY a.attnum
"""
NAMES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = %(schema)s AND relkind IN ('r', 'v', 'm', 'f', 'p')
"""
ROLE_SETTINGS = """
SELECT set_config(name, substr(given, strpos(given, '=') + 1), true)
FROM pg_roles, unnest(rolconfig) given JOIN pg_settings ON name = split_part(given, '=', 1) AND context = 'user'
WHERE rolname = %(role)s
"""
# Statuses by the beginning of PostgreSQL's code, the longest that fits.
STATUSES = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "21000": 500, "23503": 409, "23505": 409, "25006": 405, "25": 500, "28": 403,
    "2D": 500, "38": 500, "39": 500, "3B": 500, "40": 500, "53400": 500, "53": 503, "54": 500, "55": 500, "57P01": 503,
    "57": 500, "58": 500, "F0": 500, "HV": 500, "P0001": 400, "P0": 500, "XX": 500, "42883": 404, "42P01": 404, "42P17": 500,
}


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes = b""


@dataclass
class Request:
    """What is asked of a table, by whom."""

    method: str
    path: str
    schema: str
    table: str
    pairs: list
    headers: Message
    body: bytes
    query: Query
    preferences: dict
    media: tuple
    role: str
    claims: dict
    profile: list

    @property
    def content_type(self) -> list:
        return [("Content-Type", self.media[2]), *self.profile]

    @property
    def target(self) -> str:
        return f"{quote(self.schema)}.{quote(self.table)}"


@dataclass
class Table:
    types: dict
    defaults: dict
    keys: list


def preferences(headers: Message) -> dict:
    """The header `Prefer`: the first of each that is known."""
    found, wrong = {}, []
    for word in (word.strip() for line in headers.get_all("Prefer", []) for word in line.split(",")):
        name, _, value = word.partition("=")
        if value in PREFERENCES.get(name, ()) or name == "timezone" and value:
            found.setdefault(name, value)
        elif name == "max-affected" and value:
            if value.isdigit():
                found.setdefault(name, value)
        elif word:
            wrong.append(word)
    if wrong and found.get("handling") == "strict":
        details = "Invalid preferences: " + ", ".join(wrong)
        raise Failure(400, "PGRST122", "Invalid preferences given with handling=strict", details)
    return found


def negotiate(accept: str) -> tuple:
    """(form, whether nulls are left out, content type) that `Accept` likes best."""
    offers = []
    for offer in accept.split(","):
        kind, *parameters = [part.strip().lower() for part in offer.split(";")]
        weight = next((float(p[2:]) for p in parameters if re.fullmatch(r"q=[\d.]+", p)), 1.0)
        offers.append((-weight, kind, "nulls=stripped" in parameters))
    for _, kind, stripped in sorted(offers, key=lambda offer: offer[0]):
        kind = kind.removesuffix("+json")
        suffix = ";nulls=stripped; charset=utf-8" if stripped else "; charset=utf-8"
        if kind == "application/vnd.pgrst.object":
            return "object", stripped, kind + "+json" + suffix
        if kind == "application/vnd.pgrst.array" and stripped:
            return "json", True, kind + "+json" + suffix
        if kind in ("application/json", "*/*", "application/vnd.pgrst.array"):
            return "json", False, "application/json; charset=utf-8"
        if kind == "text/csv":
            return "csv", False, "text/csv; charset=utf-8"
    available = ", ".join(offer.strip() for offer in accept.split(","))
    raise Failure(406, "PGRST107", f"None of these media types are available: {available}")


def body_sql(media: tuple, source: str) -> str:
    """What makes the body of the rows `_t`, which are those of `source`."""
    form, stripped, _ = media
    if form == "csv":
        names = f"(SELECT json_object_keys(row_to_json(one)) AS name FROM (SELECT * FROM {source} LIMIT 1) one) names"
        rows = "coalesce(string_agg(substring(_t::text, 2, length(_t::text) - 2), E'\\n'), '')"
        return f"(SELECT coalesce(string_agg(name, ','), '') FROM {names}) || E'\\n' || {rows}"
    rows = "json_strip_nulls(json_agg(_t))" if stripped else "json_agg(_t)"
    return f"coalesce(({rows} -> 0)::text, 'null')" if form == "object" else f"coalesce({rows}::text, '[]')"


def content_range(lower: int, upper: int, total: int | None) -> tuple:
    rows = f"{lower}-{upper}" if lower <= upper and total != 0 else "*"
    return "Content-Range", f"{rows}/{'*' if total is None else total}"


def invalid(message: str) -> Failure:
    return Failure(400, "PGRST102", message)


def uniform(rows: list, message: str) -> list:
    """The keys that all rows have."""
    if not all(isinstance(row, dict) and isinstance(rows[0], dict) and row.keys() == rows[0].keys() for row in rows):
        raise invalid(message)
    return sorted(rows[0]) if rows else []


def payload(kind: str, body: bytes, columns: list | None) -> tuple:
    """(JSON as text, whether it is one object, names of columns) of a request's body."""
    kind = kind.partition(";")[0].strip().lower()
    try:
        text = body.decode()
        if kind == "application/json":
            if columns is not None:
                return text, text.lstrip(" \t\r\n").startswith("{"), columns
            data = json.loads(text, parse_constant=int)  # which refuses NaN and Infinity
            if isinstance(data, dict):
                return text, True, sorted(data)
            if isinstance(data, list):
                return text, False, uniform(data, "All object keys must match")
            return "[]", False, []
        if kind == "text/csv":
            lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
            if not lines:
                raise invalid('parse error (not enough input) at ""')
            rows = [dict(zip(lines[0], (None if v == "NULL" else v for v in line))) for line in lines[1:]]
            return json.dumps(rows), False, uniform(rows, "All lines must have same number of fields")
        if kind == "application/x-www-form-urlencoded":
            row = dict(parse_qsl(text, keep_blank_values=True))
            return json.dumps(row), True, sorted(row)
    except (ValueError, RecursionError):
        raise invalid("Empty or invalid json")
    raise invalid(f"Content-Type not acceptable: {kind}")


class Pool:
    """Connections of the authenticator, reused; none is tried before it is lent, as in PostgREST."""

    def __init__(self, url: str, size: int = 10, patience: float = 10):
        self.url, self.patience = url, patience
        self.slots, self.idle = threading.Semaphore(size), []

    @contextmanager
    def connection(self):
        if not self.slots.acquire(timeout=self.patience):
            raise Failure(504, "PGRST003", "Timed out acquiring connection from connection pool.")
        try:
            connection = self.take()
            try:
                yield connection
            finally:
                if connection.closed:
                    self.close()
                else:
                    connection.rollback()
                    self.idle.append(connection)
        finally:
            self.slots.release()

    def take(self) -> psycopg.Connection:
        try:
            return self.idle.pop()
        except IndexError:
            pass
        try:
            return psycopg.connect(
                self.url, autocommit=True, prepare_threshold=None, connect_timeout=5, application_name="PostgREST stand-in"
            )
        except psycopg.OperationalError as error:
            raise Failure(503, "PGRST000", "Database connection error.", str(error), headers=[("Retry-After", "1")])

    def close(self):
        while self.idle:
            self.idle.pop().close()


def failed(error: psycopg.Error, connection: psycopg.Connection, authenticated: bool) -> Failure:
    """PostgreSQL's error as PostgREST tells it."""
    code, message = error.sqlstate, error.diag.message_primary or str(error)
    if code is None and connection.closed:
        headers = [("Retry-After", "1")]
        return Failure(503, "PGRST001", "Database client error. Retrying the connection.", str(error), headers=headers)
    code = code or "22021"  # psycopg's own refusal of a NUL
    status = next((STATUSES[code[:n]] for n in (5, 2) if code[:n] in STATUSES), 400)
    if code == "42501":
        status = 403 if authenticated else 401
    elif code == "22023" and message.startswith("role") and message.endswith("does not exist"):
        status = 401
    elif re.fullmatch(r"PT\d{3}", code):
        status = int(code[2:])
    headers = [("WWW-Authenticate", "Bearer")] if status == 401 else [("Retry-After", "1")] if status == 503 else []
    return Failure(status, code, message, error.diag.message_detail, error.diag.message_hint, headers)


class Database:
    """Answers requests from tables."""

    def __init__(self, pool: Pool, anonymous: str, search: list, most: int | None, ending: str):
        self.pool, self.anonymous, self.search, self.most, self.ending = pool, anonymous, search, most, ending

    def answer(self, request: Request) -> Answer:
        """One transaction."""
        wish = request.preferences.get("tx") if self.ending.endswith("allow-override") else None
        ending = "ROLLBACK" if (wish or self.ending.partition("-")[0]) == "rollback" else "COMMIT"
        with self.pool.connection() as connection:
            try:
                cursor = connection.cursor()
                cursor.execute("BEGIN READ ONLY" if request.method in ("GET", "HEAD") else "BEGIN")
                self.impersonate(cursor, request)
                table = self.table(cursor, request)
                answer = (self.read if request.method in ("GET", "HEAD") else self.write)(cursor, request, table)
                cursor.execute(ending)
                return answer
            except psycopg.Error as error:
                raise failed(error, connection, request.role != self.anonymous)

    def impersonate(self, cursor, request: Request):
        """Sets what lasts for the transaction: search path, the role's settings, the role, and the request."""
        path = ", ".join('"' + name.replace('"', '""') + '"' for name in [request.schema, *self.search])
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "cookie"}
        settings = {
            "search_path": path, "role": request.role, "request.jwt.claims": json.dumps(request.claims),
            "request.method": request.method, "request.path": request.path, "request.headers": json.dumps(headers),
        }
        if "timezone" in request.preferences:
            settings["timezone"] = request.preferences["timezone"]
        cursor.execute(ROLE_SETTINGS, {"role": request.role})
        values = Values()
        calls = [f"set_config({values.bind(name)}, {values.bind(value)}, true)" for name, value in settings.items()]
        cursor.execute("SELECT " + ", ".join(calls), values)

    def table(self, cursor, request: Request) -> Table:
        """What the catalogue says of a table."""
        place = {"schema": request.schema, "table": request.table}
        rows = cursor.execute(CATALOGUE, place).fetchall()
        if not rows:
            near = difflib.get_close_matches(request.table, [n for n, in cursor.execute(NAMES, place).fetchall()], 1, 0.75)
            hint = f"Perhaps you meant the table '{request.schema}.{near[0]}'" if near else None
            message = f"Could not find the table '{request.schema}.{request.table}' in the schema cache"
            raise Failure(404, "PGRST205", message, hint=hint)
        return Table({r[0]: r[1] for r in rows}, {r[0]: r[2] for r in rows if r[2]}, [r[0] for r in rows if r[3]])

    def singular(self, request: Request, count: int):
        if request.media[0] == "object" and count != 1:
            message = "Cannot coerce the result to a single JSON object"
            raise Failure(406, "PGRST116", message, f"The result contains {count} rows")

    def applied(self, request: Request, *names) -> list:
        """The header `Preference-Applied`, of the preferences that matter to a request."""
        names = {"count", "handling", "timezone", *names}
        if self.ending.endswith("allow-override"):
            names.add("tx")
        if request.preferences.get("handling") != "strict":
            names.discard("max-affected")
        order = ("resolution", "missing", "return", "count", "tx", "handling", "timezone", "max-affected")
        applied = [f"{n}={request.preferences[n]}" for n in order if n in names and n in request.preferences]
        return [("Preference-Applied", ", ".join(applied))] if applied else []

    def read(self, cursor, request: Request, table: Table) -> Answer:
        """GET and HEAD."""
        query, values, count = request.query, Values(), request.preferences.get("count")
        head, target = request.method == "HEAD", request.target
        offset, limit = span(request.pairs, None if head else request.headers.get("Range"), self.most)
        where = query.where(target, values)
        counted = f"SELECT 1 FROM {target}{where}"
        total = "NULL::bigint"
        if count in ("exact", "estimated"):
            few = f" LIMIT {self.most + 1}" if count == "estimated" and self.most is not None else ""
            total = f"(SELECT count(*) FROM ({counted}{few}) counted)"
        rows = f"SELECT {query.items(target)} FROM {target}{where}{query.ordering(target)}"
        rows += f" LIMIT {'ALL' if limit is None else limit} OFFSET {offset}"
        body = "''" if head else body_sql(request.media, "shown")
        cursor.execute(f"WITH shown AS ({rows}) SELECT {total}, count(*), {body} FROM (SELECT * FROM shown) _t", values)
        total, page, body = cursor.fetchone()
        self.singular(request, page)
        if count == "planned" or count == "estimated" and self.most is not None and total > self.most:
            plan = cursor.execute(f"EXPLAIN (FORMAT JSON) {counted}", values).fetchone()[0]
            total = max(total or 0, plan[0]["Plan"]["Plan Rows"])
        ranged = content_range(offset, offset + page - 1, total)
        if total is not None and offset > total:
            details = f"An offset of {offset} was requested, but there are only {total} rows."
            raise unsatisfiable(details, [ranged])
        status = 206 if total is not None and page < total else 200
        headers = [ranged, *request.content_type, *self.applied(request)]
        return Answer(status, headers, body.encode())

    def write(self, cursor, request: Request, table: Table) -> Answer:
        """POST, PATCH, PUT and DELETE."""
        wants, values = request.preferences, Values()
        full = wants.get("return") == "representation"
        sql = {"POST": self.insert, "PUT": self.put, "PATCH": self.update, "DELETE": self.delete}[request.method](
            request, table, values
        )
        if sql is None:
            count, location, body, inserted = 0, None, "null" if request.media[0] == "object" else "[]", None
        else:
            query, location = request.query, "NULL"
            shown = f"SELECT {query.items('source')} FROM source{query.ordering('source')}" if full else "SELECT 1 FROM source"
            if wants.get("return") == "headers-only" and request.method == "POST":
                location = f"""(SELECT json_agg(json_build_array(key, value))
                    FROM (SELECT row_to_json(source) AS row FROM source LIMIT 1) one, json_each_text(row)
                    WHERE key = ANY ({values.bind(table.keys)}))"""
            body = body_sql(request.media, "shown") if full else "''"
            cursor.execute(
                f"WITH source AS ({sql}{self.returning(request, table)}), shown AS ({shown}) SELECT count(*), {location}, {body},"
                " nullif(current_setting('standin.inserted', true), '')::int FROM (SELECT * FROM shown) _t",
                values,
            )
            count, location, body, inserted = cursor.fetchone()
        if request.method == "PUT":
            if count != 1:
                raise Failure(400, "PGRST115", "Payload values do not match URL in primary key column(s)")
        else:
            self.singular(request, count)
        return self.written(request, table, count, location if count == 1 else None, body, inserted)

    def written(self, request: Request, table: Table, count: int, location, body: str, inserted: int | None) -> Answer:
        """The answer to a write."""
        wants, method = request.preferences, request.method
        total = count if wants.get("count") in ("exact", "estimated") else None
        full = wants.get("return") == "representation"
        if method == "POST":
            status = 200 if wants.get("resolution") == "merge-duplicates" and not (inserted or 0) > 0 else 201
            names = ["return", "missing"] + (["resolution"] if table.keys or request.query.on_conflict is not None else [])
            headers = [content_range(1, 0, total), *self.applied(request, *names)]
            if location:
                pairs = [(escape(k, safe=""), "is.null" if v is None else "eq." + escape(v, safe="")) for k, v in location]
                headers.append(("Location", f"/{escape(request.table)}?" + "&".join(f"{k}={v}" for k, v in pairs)))
        elif method == "PUT":
            status = (201 if (inserted or 0) > 0 else 200) if full else 204
            headers = self.applied(request, "return")
        else:
            most = wants.get("max-affected")
            if most is not None and wants.get("handling") == "strict" and count > int(most):
                message = "Query result exceeds max-affected preference constraint"
                raise Failure(400, "PGRST124", message, f"The query affects {count} rows")
            status = 200 if full else 204
            names = ["return", "max-affected"] + (["missing"] if method == "PATCH" else [])
            rows = (0, count - 1) if method == "PATCH" else (1, 0)
            headers = [content_range(*rows, total), *self.applied(request, *names)]
        if full:
            headers += request.content_type
        return Answer(status, headers, body.encode() if full else b"")

    def returning(self, request: Request, table: Table) -> str:
        if request.preferences.get("return", "minimal") == "minimal":
            return " RETURNING 1"
        names = {column: None for column, _, _ in request.query.select}
        if "*" in names:
            return f" RETURNING {request.target}.*"
        return " RETURNING " + ", ".join(f"{request.target}.{quote(name)}" for name in names | dict.fromkeys(table.keys))

    def source(self, request: Request, table: Table, values: Values) -> tuple:
        """(rows of the body, as what follows FROM; names of columns)."""
        columns = request.query.columns if request.method in ("POST", "PATCH") else None
        kind = request.headers.get("Content-Type", "application/json")
        text, alone, names = payload(kind, request.body, columns)
        for name in names:
            if name not in table.types:
                message = f"Could not find the '{name}' column of '{request.table}' in the schema cache"
                raise Failure(400, "PGRST204", message)
        defaulting = request.preferences.get("missing") == "default" and request.method in ("POST", "PATCH")
        form = "jsonb" if defaulting and names else "json"
        rows = f"{values.bind(text)}::{form}"
        rows = f"{form}_build_array({rows})" if alone else rows
        if not names:
            return f"json_array_elements({rows}) _body", names
        fields = ", ".join(f"{quote(name)} {table.types[name]}" for name in names)
        if defaulting:
            defaults = {name: table.defaults[name].replace("%", "%%") for name in names if name in table.defaults}
            pairs = ", ".join(f"{values.bind(name)}::text, {default}" for name, default in defaults.items())
            whole = f"jsonb_build_object({pairs}) || _element.value"
            return f"jsonb_array_elements({rows}) _element, LATERAL jsonb_to_record({whole}) AS _body({fields})", names
        return f"json_to_recordset({rows}) AS _body({fields})", names

    def insert(self, request: Request, table: Table, values: Values) -> str:
        source, names = self.source(request, table, values)
        resolution = request.preferences.get("resolution")
        keys = table.keys if request.query.on_conflict is None else request.query.on_conflict
        return self.inserting(request, values, source, names, resolution, keys)

    def put(self, request: Request, table: Table, values: Values) -> str:
        if any(key in ("limit", "offset") for key, _ in request.pairs):
            raise Failure(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
        filters = request.query.filters
        plain = all(getattr(f, "operator", "") == "eq" and not f.negated and not f.quantifier for f in filters)
        if not plain or not table.keys or {f.column for f in filters} != set(table.keys):
            message = "Filters must include all and only primary key columns with 'eq' operators"
            raise Failure(405, "PGRST105", message)
        source, names = self.source(request, table, values)
        source = f"(SELECT * FROM {source} LIMIT 1) _body"
        where = request.query.where("_body", values).replace(" WHERE ", " AND ", 1)
        return self.inserting(request, values, source, names, "merge-duplicates", table.keys, where)

    def inserting(self, request: Request, values: Values, source, names, resolution, keys, where="") -> str:
        """INSERT; for an upsert it counts the rows inserted in a setting, where RETURNING may see nothing."""
        counted = "set_config('standin.inserted', (coalesce(nullif(current_setting('standin.inserted', true), '')::int, 0)"
        columns = f"({', '.join(map(quote, names))}) " if names else ""
        chosen = ", ".join(f"_body.{quote(name)}" for name in names)
        sql = f"INSERT INTO {request.target} {columns}SELECT {chosen} FROM {source}"
        if resolution == "merge-duplicates":
            sql += f" WHERE {counted} + 1)::text, true) <> ''{where}"
        if resolution and keys:
            sql += f" ON CONFLICT ({', '.join(map(quote, keys))}) "
            if resolution == "ignore-duplicates" or not names:
                return sql + "DO NOTHING"
            changes = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in names)
            sql += f"DO UPDATE SET {changes} WHERE {counted} - 1)::text, true) <> ''"
        return sql

    def update(self, request: Request, table: Table, values: Values) -> str | None:
        source, names = self.source(request, table, values)
        if not names:
            return None
        changes = ", ".join(f"{quote(name)} = _body.{quote(name)}" for name in names)
        return f"UPDATE {request.target} SET {changes} FROM {source}{request.query.where(request.target, values)}"

    def delete(self, request: Request, table: Table, values: Values) -> str:
        return f"DELETE FROM {request.target}{request.query.where(request.target, values)}"
