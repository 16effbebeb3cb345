"""The real legacy backend with `cutover serve` in front of it, and one request asked of both as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import yaml

from proxy.embedded import free_port
from stack.backends import NODE, Backends
from stack.cast import mint
from stack.edge import EdgeSettings, edge_program
from stack.paths import ROOT
from stack.processes import Supervisor
from stack.sample.population import ADMIN
from tests.stack.settings import SECRET, settings_for
from tests.support.wire import Client, Field, Message

Json = Any
API = "/api/v1"
BOUNDARY = "------quirks"
HEALTHY = b"GET /health HTTP/1.1\r\nHost: rotc.example\r\n\r\n"

# RFC 9110 section 7.6.1: about one connection, so a proxy's own on each side.
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
# The backend's own words, but no two answers of it need to agree in them: their form is compared.
CLOCKS = {b"date": rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"x-response-time": rb"\d+\.\d{3}ms"}
OF_THE_BODY = {b"etag": rb'W/"[0-9a-f]+-[A-Za-z0-9+/]{27}"', b"content-length": rb"\d+"}


def request(
    method: str, target: str, user: int | None = None, body: Json = None, fields: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a request of the API: `body` is sent as it is if it is bytes, else as JSON."""
    lines = [f"{method} {target if target.startswith('/') else f'{API}/{target}'} HTTP/1.1", "Host: rotc.example"]
    given = dict(fields or {})
    if user is not None:
        given.setdefault("Authorization", f"Bearer {mint(SECRET, user)}")
    content = b""
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given.setdefault("Content-Type", "application/json")
        given["Content-Length"] = str(len(content))
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def form(method: str, target: str, user: int, texts: Mapping[str, str], file: tuple[str, str, str] | None = None) -> (
    bytes
):  # fmt: skip
    """The bytes of a multipart request: texts by name, and a file as (field, filename, content)."""
    parts = [f'form-data; name="{name}"\r\n\r\n{text}' for name, text in texts.items()]
    if file:
        field, filename, content = file
        parts.append(f'form-data; name="{field}"; filename="{filename}"\r\nContent-Type: text/plain\r\n\r\n{content}')
    body = "".join(f"--{BOUNDARY}\r\nContent-Disposition: {part}\r\n" for part in parts) + f"--{BOUNDARY}--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return request(method, target, user, body.encode(), kind)


def loads(message: Message) -> Json:
    """The JSON of an answer."""
    return json.loads(message.body)


def end_to_end(message: Message, by_form: Mapping[bytes, bytes]) -> list[Field]:
    """What a proxy must hand on, in order and in the backend's letter case; what differs by nature as its form."""
    found = [field for field in message.fields if field[0].lower() not in HOP_BY_HOP]
    # The edge writes the framing anew, so the length may stand elsewhere.
    found.sort(key=lambda field: field[0].lower() == b"content-length")
    for name, value in found:
        if expected := by_form.get(name.lower()):
            assert re.fullmatch(expected, value), (name, value)
    return [(name, b"" if name.lower() in by_form else value) for name, value in found]


def masked(value: Json, names: frozenset[str]) -> Json:
    """The same JSON in the same order, without the values of these fields."""
    if isinstance(value, dict):
        return {name: "" if name in names else masked(inner, names) for name, inner in value.items()}
    return [masked(inner, names) for inner in value] if isinstance(value, list) else value


def assert_same(direct: Message, through: Message, *but: str) -> None:
    """The edge changed nothing but what a proxy must. `but` names fields of the body that never agree."""
    assert through.start == direct.start
    by_form = CLOCKS | (OF_THE_BODY if but else {})
    assert end_to_end(through, by_form) == end_to_end(direct, by_form)
    if but:
        one, other = (json.dumps(masked(loads(message), frozenset(but))) for message in (direct, through))
        assert one == other
    else:
        assert through.body == direct.body


async def ask(port: int, sent: bytes) -> Message:
    """The answer to these bytes on a connection of their own."""
    client = await Client.connect(port)
    try:
        return await client.ask(sent)
    finally:
        await client.close()


@dataclass(frozen=True)
class Front:
    """Where the backend and the edge answer, and where the rows are."""

    node: int
    edge: int
    database: str
    supervisor: Supervisor

    async def direct(self, sent: bytes) -> Message:
        """Node's own answer."""
        return await ask(self.node, sent)

    async def through(self, sent: bytes) -> Message:
        """What a client gets: the answer through the edge."""
        return await ask(self.edge, sent)

    async def both(self, sent: bytes, *but: str) -> Message:
        """The answer through the edge, once it was compared with the one that Node gives directly."""
        through = await self.through(sent)
        assert_same(await self.direct(sent), through, *but)
        return through

    async def get(self, target: str, user: int | None = ADMIN.user_id, *but: str) -> Json:
        """The JSON of a GET that both answer alike, with 200."""
        answer = await self.both(request("GET", target, user), *but)
        assert answer.status == 200, answer.body
        return loads(answer)

    async def post(self, target: str, body: Json, user: int = ADMIN.user_id) -> Json:
        """The JSON that one POST through the edge is answered with; nothing is sent to Node directly."""
        answer = await self.through(request("POST", target, user, body))
        assert answer.status in {200, 201, 202}, answer.body
        return loads(answer)

    async def is_well(self) -> bool:
        """Whether the Node that was started is the one that still answers."""
        answer = await self.through(HEALTHY)
        return (answer.status, answer.body, self.supervisor.processes[NODE].alive) == (200, b"OK", True)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: object) -> Any:
        """The first column of the first row."""
        return self.rows(statement, *values)[0][0]

    def cadet(self, student_id: str, **values: object) -> int:
        """A new cadet, written to the table itself."""
        row = {"first_name": "Juan", "last_name": "Cruz", "student_id": student_id, **values}
        marks = ", ".join(["%s"] * len(row))
        return int(self.value(f"INSERT INTO cadets ({', '.join(row)}) VALUES ({marks}) RETURNING id", *row.values()))


@contextmanager
def serving(database: str, stores: tuple[str, str], home: Path, zone: str) -> Iterator[Front]:
    """Node on a seeded database with its clock in `zone`, and `cutover serve` with the flagship's configuration.

    `stores` are cutover's own PostgreSQL and Redis. Of the standby there is only its port, where nobody listens."""
    settings = replace(settings_for(database, "", faults=home / "faults.json"), extra={"TZ": zone})
    edge = EdgeSettings(
        config=_configuration(home), port=free_port(), control_port=free_port(), database=stores[0], redis=stores[1],
        token="of-the-operator",
    )  # fmt: skip
    with Supervisor(home / "logs") as supervisor:
        Backends(supervisor, settings).start(NODE)
        supervisor.start(edge_program(edge, settings))
        yield Front(settings.node_port, edge.port, database, supervisor)


def _configuration(home: Path) -> Path:
    """config/rotc.yaml as it is, but with a directory of its own and one edge process."""
    document = yaml.safe_load((ROOT / "config" / "rotc.yaml").read_text())
    document |= {"store": {"directory": str(home / "cutover")}, "listen": {"edges": 1}}
    path = home / "cutover.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path
