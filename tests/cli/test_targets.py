"""Which service is meant and with which key: options, then the environment, then a profile."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from triggers.cli.errors import CommandFailed
from triggers.cli.targets import (
    Profiles,
    Target,
    change_profiles,
    find_target,
    keep_profile,
    read_profiles,
)

OURS, OTHERS = "https://ours.example", "https://others.example"
AROUND = {"TRIGGERS_API": OURS, "TRIGGERS_KEY": "around", "TRIGGERS_SIGNING_SECRET": "sig_around"}
KEPT = Profiles(
    current="first",
    profiles={
        "first": Target(api=OURS, key="first", signing_secret="sig_first"),
        "second": Target(api=OTHERS, key="second"),
    },
)

FOUND = [
    # environment, options → address, key, signing secret
    ({}, {}, (OURS, "first", "sig_first")),
    ({"TRIGGERS_PROFILE": "second"}, {}, (OTHERS, "second", None)),
    ({"TRIGGERS_PROFILE": "second"}, {"profile": "first"}, (OURS, "first", "sig_first")),
    (AROUND, {}, (OURS, "around", "sig_around")),
    (AROUND, {"profile": "second"}, (OTHERS, "second", None)),
    (AROUND, {"key": "said"}, (OURS, "said", "sig_around")),
    (AROUND, {"api": OURS + "/"}, (OURS + "/", "around", "sig_around")),
    # A key is sent to no other service than the one that it stands with.
    (AROUND, {"api": OTHERS}, (OTHERS, None, None)),
    (AROUND, {"api": OTHERS, "key": "said"}, (OTHERS, "said", None)),
    ({}, {"api": OTHERS}, (OTHERS, None, None)),
    ({"TRIGGERS_API": OTHERS}, {}, (OTHERS, None, None)),
    # One that stands alone is meant for the service that is named.
    ({"TRIGGERS_KEY": "alone"}, {"api": OTHERS}, (OTHERS, "alone", None)),
    ({"TRIGGERS_KEY": "alone"}, {}, (OURS, "alone", None)),
    ({}, {"key": "said"}, (OURS, "said", None)),
]


@pytest.mark.parametrize(("environ", "options", "expected"), FOUND)
def test_options_win_over_the_environment_and_that_over_a_profile(
    tmp_path: Path,
    environ: dict[str, str],
    options: dict[str, str],
    expected: tuple[str, str | None, str | None],
) -> None:
    change_profiles(tmp_path / "profiles", lambda _: KEPT)
    environ = environ | {"TRIGGERS_PROFILES": str(tmp_path / "profiles")}
    said = {"profile": None, "api": None, "key": None} | options

    found = find_target(environ, **said)

    assert (found.api, found.key, found.signing_secret) == expected


NO_ADDRESSES = [
    "ours.example",
    "ftp://ours.example",
    "https://",
    "http://[",
    "https://a:0",
    "http://a:b",
    "https://key@ours.example",
    "https://ours.example/?a=1",
    "https://ours.example/#a",
]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(CommandFailed, match="address of a service"):
        find_target({}, profile=None, api=address, key="k")


def test_only_we_may_read_the_file_and_it_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "profiles"
    keep_profile(path, "first", Target(api=OURS, key="first"))
    with path.open() as opened_before:
        kept = keep_profile(path, "second", Target(api=OTHERS))
        assert "second" not in opened_before.read()
    assert (kept.current, list(kept.profiles)) == ("first", ["first", "second"])
    assert read_profiles(path) == kept
    assert [one.stat().st_mode & 0o777 for one in (path, path.parent)] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_what_many_runs_keep_at_once_is_all_kept(tmp_path: Path) -> None:
    names = [f"profile-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as runs:
        list(runs.map(lambda n: keep_profile(tmp_path / "p", n, Target(api=OURS)), names))
    assert sorted(read_profiles(tmp_path / "p").profiles) == sorted(names)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_or_write_is_not_used(tmp_path: Path, mode: int) -> None:
    change_profiles(tmp_path / "profiles", lambda _: KEPT)
    (tmp_path / "profiles").chmod(mode)
    with pytest.raises(CommandFailed, match=f"chmod 600 {tmp_path}/profiles"):
        read_profiles(tmp_path / "profiles")


@pytest.mark.parametrize("content", ["", "[]", '{"profiles": {"a": {"key": "k"}}}', "\0"])
def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "profiles").write_text(content)
    (tmp_path / "profiles").chmod(0o600)
    with pytest.raises(CommandFailed, match="is not a profile file"):
        read_profiles(tmp_path / "profiles")


@pytest.mark.parametrize("key", ["trg_se\ncret", "trg_sécret", "trg_se cret"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(CommandFailed) as raised:
        find_target({}, profile=None, api=OURS, key=key)
    assert "cret" not in raised.value.message


def test_the_end_of_a_line_is_no_part_of_a_key() -> None:
    assert find_target({"TRIGGERS_KEY": "trg_k\n"}, profile=None, api=OURS, key=None).key == "trg_k"
