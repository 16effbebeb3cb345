"""Which elements of a list may change places: those that the list's own order cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence


def out_of_order(partner: Sequence[int | None], order: Sequence[bytes]) -> bool:
    """Whether elements that both lists have stand in an order that their ties do not explain.

    For each element of one list, *partner* is its place in the other (None: it is not there), and *order* is what the
    list is ordered by.
    """
    shared = [(there, order[here]) for here, there in enumerate(partner) if there is not None]
    return [key for _, key in shared] != [key for _, key in sorted(shared, key=lambda pair: pair[0])]


def over_the_edge(
    one: Sequence[bytes], other: Sequence[bytes], only_one: Sequence[int], only_other: Sequence[int]
) -> bool:
    """Whether what only one list has, and what only the other has, changed places over the edge of a page.

    Both lists are given by what their elements are ordered by. A tie that goes on behind the edge may show other
    elements of itself on each side, but as many; nothing within the page can be explained so.
    """
    if len(one) != len(other) or not only_one:
        return False
    edges = {one[0], one[-1]} & {other[0], other[-1]}
    gone = sorted(one[index] for index in only_one)
    return gone == sorted(other[index] for index in only_other) and edges.issuperset(gone)
