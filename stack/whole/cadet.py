"""Errands of cadets: their own record, and what they did on which day."""

from __future__ import annotations

from stack.whole.actor import Actor, Journey, page


def own_record(me: Actor) -> Journey:
    """Read one's own row and correct it, in two windows at once."""
    mine, home = me.client.cadet_id, f"Purok {me.tag}, Sogod"
    yield me.ask("GET cadets/me")
    yield me.ask("PUT cadets/{id}", id=mine, body={"contact_number": "09171234567", "religion": "Roman Catholic"})
    yield [
        me.ask("PATCH cadets/{id}", id=mine, body={"address": text}, target=f"cadets/{mine}", value=text)
        for text in (home, f"{home}, So. Leyte")
    ]
    yield me.ask("GET cadets/{id}", id=mine)


def history(me: Actor) -> Journey:
    """Was I there?"""
    yield me.ask("GET attendance/my-history", query=page(me.rng))
    yield me.ask("GET attendance/my-history")
    yield me.ask("GET attendance/days", query=page(me.rng))
