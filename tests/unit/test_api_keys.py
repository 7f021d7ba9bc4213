"""API keys: their form, their checksum, and that only their digest is kept."""

import secrets
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, CountingBits, make_key, make_tenant
from triggers.api_keys import (
    KEY_CHARACTERS_MAX,
    TENANT_SCOPES,
    Scope,
    digest_of,
    is_valid,
    key_id_of,
    make_key_text,
)
from triggers.ids import ALPHABET, make_key_id, tenant_of_key

TENANT = make_tenant()


def test_a_key_looks_like_this() -> None:
    text = make_key_text("0" * 26, CountingBits())

    assert text == f"trg_{'0' * 26}_{'0' * 39}108BDW65"
    assert len(text) <= KEY_CHARACTERS_MAX


def test_a_key_names_its_key_id_and_so_its_tenant() -> None:
    key, text = make_key(TENANT.tenant_id)

    assert key_id_of(text) == key.key_id
    assert tenant_of_key(key.key_id) == TENANT.tenant_id


def test_a_secret_has_at_least_192_random_bits() -> None:
    asked: list[int] = []

    def random_bits(bits: int) -> int:
        asked.append(bits)
        return secrets.randbits(bits)

    make_key_text(make_key_id(TENANT.tenant_id, CountingBits()), random_bits)

    assert asked[0] >= 192


@given(place=st.integers(0, 200), character=st.sampled_from(ALPHABET))
def test_a_mistyped_character_is_noticed(place: int, character: str) -> None:
    _, text = make_key(TENANT.tenant_id)
    place %= len(text)

    mistyped = text[:place] + character + text[place + 1 :]

    assert mistyped == text or key_id_of(mistyped) is None


@pytest.mark.parametrize(
    "change", [str.lower, lambda t: t + "0", lambda t: t[:-1], lambda t: t + "\n"]
)
def test_what_has_not_the_form_of_a_key_is_none(change: Callable[[str], str]) -> None:
    _, text = make_key(TENANT.tenant_id)

    assert key_id_of(change(text)) is None


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert key_id_of(text) is None


def test_only_the_digest_of_a_key_is_kept() -> None:
    key, text = make_key(TENANT.tenant_id)
    secret = text.rpartition("_")[2]

    assert key.digest == digest_of(text)
    assert secret not in repr(key)
    assert secret[:10] not in repr(key)


def test_a_key_is_valid_for_its_own_text_alone() -> None:
    key, text = make_key(TENANT.tenant_id)
    _, other = make_key(TENANT.tenant_id)

    assert is_valid(key, text, NOW_MS)
    assert not is_valid(key, other, NOW_MS)
    assert not is_valid(None, text, NOW_MS)


@pytest.mark.parametrize(
    ("expires_ms", "valid"), [(None, True), (NOW_MS + 1, True), (NOW_MS, False), (0, False)]
)
def test_a_key_is_valid_until_it_expires(expires_ms: int | None, *, valid: bool) -> None:
    key, text = make_key(TENANT.tenant_id, expires_ms=expires_ms)

    assert is_valid(key, text, NOW_MS) is valid


def test_a_tenants_key_is_never_the_operators() -> None:
    assert set(TENANT_SCOPES) == set(Scope) - {Scope.ADMIN}
