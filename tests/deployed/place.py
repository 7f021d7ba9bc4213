"""Where the suite goes: a running deployment, and an example receiver that both it and we can reach."""

import math
from collections.abc import Mapping

import httpx
from msgspec import Struct

from infra.local.errors import LocalRunError
from infra.local.ready import read_ready

# By it `make e2e` hands the place on. API and KEY alone do not count: who follows the guide has them
# exported, and means no deployment by `make test`.
GIVEN = "E2E_PLACE"
RECEIVER = "http://127.0.0.1:9000"
SECONDS, SECONDS_MAX = 30.0, 600.0
ANSWER_SECONDS_MAX = 15.0


class DeployedPlace(Struct, frozen=True, kw_only=True):
    """A deployment's address and a tenant's key; the receiver as we reach it, and as the service does."""

    api: str
    key: str
    receiver: str
    hook: str


def find_place(environ: Mapping[str, str]) -> DeployedPlace:
    """Return the place that API and KEY name, else that of `make run`. Raises LocalRunError."""
    if not environ.get("API"):
        return read_ready(environ, DeployedPlace)
    if not environ.get("KEY"):
        raise LocalRunError("API is set, but KEY is not: give a tenant's key with all scopes")
    receiver = environ.get("RECEIVER") or RECEIVER
    return DeployedPlace(
        api=environ["API"].rstrip("/"),
        key=environ["KEY"],
        receiver=receiver.rstrip("/"),
        hook=(environ.get("HOOK") or receiver).rstrip("/"),
    )


def read_seconds(environ: Mapping[str, str]) -> float:
    """Return how long anything is waited for, above 0 and at most 600 s. Raises LocalRunError."""
    text = environ.get("E2E_SECONDS") or str(SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= SECONDS_MAX:  # which nan is not
        raise LocalRunError(
            f"E2E_SECONDS={text[:20]} is no number of seconds up to {SECONDS_MAX:g}"
        )
    return seconds


def expect_answers(place: DeployedPlace) -> None:
    """See that both answer and the key is taken. Raises LocalRunError, which names what does not."""
    key = {"authorization": f"Bearer {place.key}"}
    _expect_answer("API", place.api, "/v1/webhooks", key)
    _expect_answer("RECEIVER", place.receiver, "/requests?limit=1", {})


def _expect_answer(name: str, base: str, path: str, headers: dict[str, str]) -> None:
    try:
        answer = httpx.get(base + path, headers=headers, timeout=ANSWER_SECONDS_MAX)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        problem = f"does not answer: {type(error).__name__}"  # the text of one may hold the key
    else:
        if answer.status_code == 200:
            return
        problem = f"answers {answer.status_code} to GET {path}: {answer.text[:200]}"
    raise LocalRunError(f"{name}={base} {problem}")
