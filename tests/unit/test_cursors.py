"""Cursors: opaque, and good only for the tenant and the list they were given out for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.cursors import Cursors
from triggers.errors import InvalidCursor

CURSORS = Cursors("a key of at least thirty-two characters")
TENANT, QUERY, POSITION = "ten_1", "inbox", "evt_01M80VNAEV0000000000000000"
CURSOR = CURSORS.write(TENANT, QUERY, POSITION)


@given(tenant_id=st.text(), query=st.text(), position=st.text())
def test_a_cursor_gives_back_its_position(tenant_id: str, query: str, position: str) -> None:
    cursor = CURSORS.write(tenant_id, query, position)

    assert CURSORS.read(tenant_id, query, cursor) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("place", range(len(CURSOR)))
def test_b42_a_changed_character_anywhere_is_noticed(place: int) -> None:
    for character in "AaZz09-_+/=~ é\n":
        changed = CURSOR[:place] + character + CURSOR[place + 1 :]
        if changed != CURSOR:
            with pytest.raises(InvalidCursor):
                CURSORS.read(TENANT, QUERY, changed)


@pytest.mark.parametrize("place", range(16 + len(POSITION)))
@pytest.mark.parametrize("bit", range(8))
def test_b42_a_flipped_bit_anywhere_is_noticed(place: int, bit: int) -> None:
    content = bytearray(base64.urlsafe_b64decode(CURSOR + "=="))
    content[place] ^= 1 << bit

    with pytest.raises(InvalidCursor):
        CURSORS.read(TENANT, QUERY, base64.urlsafe_b64encode(content).decode().rstrip("="))


@pytest.mark.parametrize("length", range(len(CURSOR)))
def test_b42_a_cut_cursor_is_refused(length: int) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.read(TENANT, QUERY, CURSOR[:length])


@pytest.mark.parametrize(
    ("tenant_id", "query"),
    [("ten_2", QUERY), (TENANT, "events"), ("", QUERY), (TENANT, ""), (QUERY, TENANT)],
)
def test_b42_a_cursor_of_another_tenant_or_list_is_refused(tenant_id: str, query: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.read(tenant_id, query, CURSOR)


def test_a_cursor_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        Cursors("another key of more than 32 characters").read(TENANT, QUERY, CURSOR)


@given(st.text())
def test_b42_garbage_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.read(TENANT, QUERY, cursor)


@pytest.mark.parametrize("cursor", [CURSOR + "=", CURSOR + "A", " " + CURSOR, CURSOR + "\n"])
def test_a_cursor_has_one_spelling(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.read(TENANT, QUERY, cursor)
