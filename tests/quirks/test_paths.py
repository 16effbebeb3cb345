"""Paths in any letter case, with a slash at their end, and ids that begin as numbers."""

from __future__ import annotations

import pytest

from stack.sample.population import ADMIN, CADET
from tests.quirks.front import Front, form, loads, request


@pytest.mark.parametrize("target", ["/API/V1/Cadets/5", "/api/v1/cadets/5/", "/aPi/v1/CADETS/5/", "/api/v1/cadets/5?"])
async def test_a_path_matches_in_any_letter_case_and_with_a_slash_at_its_end(front: Front, target: str) -> None:
    """Quirk 5: Express ignores letter case and a trailing slash in paths."""
    plain = await front.through(request("GET", "cadets/5", ADMIN.user_id))
    odd = await front.both(request("GET", target, ADMIN.user_id))
    assert (odd.status, odd.body, odd.get(b"etag")) == (200, plain.body, plain.get(b"etag"))


async def test_a_write_matches_in_any_letter_case_too(front: Front) -> None:
    """Quirk 5: and health, which stands outside of the prefix."""
    assert (await front.both(request("POST", "/Api/V1/Auth/LOGIN/", body={}))).status == 400
    assert (await front.both(request("GET", "/HEALTH/"))).body == b"OK"
    put = request("PUT", "/API/v1/Auth/Settings/", CADET.user_id, {"primaryColor": "maroon"})
    assert loads(await front.both(put))["primaryColor"] == "maroon"


async def test_only_the_name_of_an_uploaded_file_regards_letter_case_and_takes_no_slash(front: Front) -> None:
    """Quirk 5: the slash that is ignored elsewhere does reach Node."""
    sent = form("POST", "files/upload", CADET.user_id, {}, ("file", "a.txt", "Tanglaw\r\n"))
    url = loads(await front.through(sent))["url"]
    for target, status in ((url, 200), (url.replace("uploads", "UPLOADS"), 200), (f"{url}/", 404), (url.upper(), 404)):
        assert (await front.both(request("GET", target))).status == status
    assert (await front.both(request("GET", url))).body == b"Tanglaw\r\n"


@pytest.mark.parametrize("number", ["2abc", "2.9", "2e5", "%202", "002", "+2", "0x2"])
async def test_an_id_is_read_as_far_as_it_is_a_number(front: Front, number: str) -> None:
    """Quirk 5: parseInt accepts "2abc"."""
    assert (await front.get(f"cadets/{number}"))["id"] == 2


async def test_a_path_that_cannot_be_decoded_is_a_500_of_nodes_own(front: Front) -> None:
    """Quirk 5: the edge passes a path on as it came, also one that it could not decode itself."""
    answer = await front.both(request("GET", "cadets/%zz", ADMIN.user_id))
    assert (answer.status, loads(answer)) == (500, {"message": "Failed to decode param '%zz'"})
