"""Lanes in PostgreSQL are bits; what they mean is what `conflict` says of their texts."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from shadow.dualwrite.admission import Admitted, Refused, Why
from shadow.dualwrite.lanes import DEEPEST
from shadow.dualwrite.ordering import conflict
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.statements import SCHEMA
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import KEYS, NOW, Stage, change, control_row

SIBLINGS = ("a/b/c/d/e", "a/b/c/d/f")  # one and the same lane to PostgreSQL, as if their bits agreed by chance
# What an earlier version had made.
EARLIER = """
CREATE TYPE cutover.lane_span AS RANGE (subtype = text, collation = "C");
DROP FUNCTION cutover.span_of(text);
CREATE FUNCTION cutover.span_of(lane text) RETURNS cutover.lane_span LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN lane = '' THEN cutover.lane_span('/', '0') ELSE cutover.lane_span('/' || lane || '/', '/' || lane || '0') END
$$;
ALTER TABLE cutover.journal_lane DROP CONSTRAINT journal_lane_span_excl, DROP CONSTRAINT journal_lane_span_excl1;
DROP INDEX cutover.journal_lane_span;
ALTER TABLE cutover.journal_lane ALTER COLUMN span TYPE cutover.lane_span USING cutover.span_of('cadets/57');
ALTER TABLE cutover.journal_lane ADD EXCLUDE USING gist (span WITH &&) WHERE (claimed),
                                 ADD EXCLUDE USING gist (span WITH &&) WHERE (sending);
CREATE INDEX journal_lane_span ON cutover.journal_lane USING gist (span);
ALTER TABLE cutover.journal_hold DROP COLUMN lane, DROP COLUMN span, ADD COLUMN span cutover.lane_span;
ALTER TABLE cutover.journal_waiting DROP COLUMN span, ADD COLUMN span cutover.lane_span;
"""  # noqa: E501
AGREE = b"SELECT cutover.span_of(%(one)s) && cutover.span_of(%(other)s), cutover.lanes_conflict(%(one)s, %(other)s)"
SEGMENT = st.sampled_from(["a", "b", "57", "5", "", "ñ", "%2F"])
LANES = st.one_of(st.just(""), st.lists(SEGMENT, min_size=1, max_size=DEEPEST).map("/".join).filter(bool))


async def test_a_write_whose_lanes_have_the_same_bits_is_not_in_its_own_way(stage: Stage) -> None:
    alone = await stage.journal.append([an_intent("i-1", *SIBLINGS, "a/b", "x")], NOW)
    assert alone == [Admitted(1, 0)]
    many = [an_intent(f"m-{n}", f"{n}/b/c/d/e", f"{n}/b/c/d/f") for n in range(9)]
    assert all(isinstance(answer, Admitted) for answer in await stage.journal.append(many, NOW))
    await stage.journal.hold("h", SIBLINGS, 60)
    assert await stage.journal.renew("h", SIBLINGS, 60)


async def test_heal_settles_by_the_text_of_the_lanes(stage: Stage) -> None:
    healed, other = [await stage.write(f"i-{number}", lane) for number, lane in enumerate(SIBLINGS)]
    await stage.journal.hold("h", SIBLINGS[:1], 60)
    assert await stage.journal.heal("h", SIBLINGS[:1], other) == [healed], "the rows of the other lane were not carried"


def test_networks_overlap_exactly_where_lanes_conflict(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    control_row(url)
    change(url, SCHEMA)
    with psycopg.connect(url, autocommit=True) as connection:

        @given(LANES, LANES)
        def agree(one: str, other: str) -> None:
            found = connection.execute(AGREE, {"one": one, "other": other}).fetchone()
            assert found == (conflict([one], [other]),) * 2

        agree()


async def test_lanes_of_an_earlier_version_are_understood(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        await journal.append([an_intent("i-1", "cadets/57")], NOW)
    change(url, EARLIER)
    async with await ReplayJournal.open(url, KEYS) as journal:
        same, other = await journal.append([an_intent("i-2", "cadets/57/x"), an_intent("i-3", "cadets/5")], NOW)
        assert same == Refused(Why.QUEUED, 1)
        assert isinstance(other, Admitted)
        await journal.outcomes([done("i-1")])
        await journal.hold("h", ["cadets/57"], 60)
        assert await journal.heal("h", ["cadets/57"], 9) == [1]
