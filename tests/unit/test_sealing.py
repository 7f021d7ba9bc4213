"""Sealed secrets: they open where they stand, under their key, and nowhere else."""

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.errors import StoreRefused
from triggers.sealing import (
    DATA_KEY_BYTES,
    NONCE_BYTES,
    DataKey,
    is_sealed,
    seal,
    unseal,
    wrapped_key_of,
)

KEY = DataKey(b"wrapped", bytes(range(DATA_KEY_BYTES)))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLACE = ("ten_A", "wh_B", "secret")


def sealed(text: str = SECRET, place: tuple[str, ...] = PLACE) -> str:
    return seal(KEY, text, place, secrets.token_bytes(NONCE_BYTES))


@given(st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_opens_again(text: str) -> None:
    assert unseal(KEY, sealed(text), PLACE) == text


def test_a_sealed_text_names_its_key_and_holds_nothing_to_read() -> None:
    text = sealed()

    assert text.startswith("sealed.1.")
    assert is_sealed(text)
    assert wrapped_key_of(text) == KEY.wrapped
    assert SECRET.removeprefix("whsec_") not in text
    assert base64.b64encode(KEY.plain).decode() not in text
    assert text != sealed()


@pytest.mark.parametrize("text", [SECRET, "sig_abc", ""])
def test_a_text_from_before_is_not_sealed(text: str) -> None:
    assert not is_sealed(text)


@pytest.mark.parametrize(
    "place",
    [
        ("ten_B", "wh_B", "secret"),
        ("ten_A", "wh_A", "secret"),
        ("ten_A", "wh_B", "old_secrets"),
        ("ten_A", "wh_Bsecret", ""),
    ],
)
def test_a_sealed_text_that_was_moved_does_not_open(place: tuple[str, ...]) -> None:
    with pytest.raises(StoreRefused, match="does not open"):
        unseal(KEY, sealed(), place)


def test_another_key_does_not_open_it() -> None:
    other = DataKey(KEY.wrapped, bytes(DATA_KEY_BYTES))

    with pytest.raises(StoreRefused, match="does not open"):
        unseal(other, sealed(), PLACE)


def test_no_byte_of_it_can_be_changed_or_cut() -> None:
    head, _, encrypted = sealed().rpartition(".")
    raw = base64.b64decode(encrypted)
    changed = [raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :] for n in range(len(raw))]
    for other in (*changed, *(raw[:n] for n in range(len(raw)))):
        with pytest.raises(StoreRefused):
            unseal(KEY, f"{head}.{base64.b64encode(other).decode()}", PLACE)


@pytest.mark.parametrize(
    "text",
    ["sealed.", "sealed.1.a.b", "sealed.2.YQ==.YQ==", "sealed.1.YQ==.YQ==.c", "sealed.1..YQ=="],
)
def test_what_is_no_seal_of_ours_is_refused_without_being_repeated(text: str) -> None:
    for read in (wrapped_key_of, lambda t: unseal(KEY, t, PLACE)):
        with pytest.raises(StoreRefused) as refused:
            read(text)
        assert text not in str(refused.value)


def test_a_data_key_says_nothing_of_itself() -> None:
    assert repr(KEY) == str(KEY) == "DataKey(…)"
