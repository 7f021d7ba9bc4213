"""The pages of the documentation: all that they need comes from the service itself."""

import gzip
import re

import pytest

from tests.unit.app.api import Api

PAGES = ("/docs", "/redoc")


async def test_the_root_leads_to_the_documentation(api: Api) -> None:
    root = await api.client.get("/")
    assert (root.status_code, root.headers["location"]) == (302, "/docs")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_and_its_assets_come_from_the_service_itself(api: Api, path: str) -> None:
    page = await api.client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "://" not in page.text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) == 4
    for asset in assets:
        served = await api.client.get(asset)
        kind = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
        media_type = kind.get(asset.rpartition(".")[2], "image/png")
        assert (served.status_code, served.headers["content-type"]) == (200, media_type)
        assert served.headers["cache-control"] == "public, no-cache"
        assert b"cdn.redoc.ly" not in served.content


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/assets/swagger-ui.css"])
async def test_what_is_large_is_compressed_and_not_sent_again(api: Api, path: str) -> None:
    async def get(**headers: str) -> tuple[int, bytes, str | None, str]:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        async with api.client.stream("GET", path, headers=sent) as answer:
            content = b"".join([part async for part in answer.aiter_raw()])
        encoding = answer.headers.get("content-encoding")
        assert answer.headers["vary"] == "accept-encoding"
        return answer.status_code, content, encoding, answer.headers["etag"]

    status, plain, encoding, tag = await get(accept_encoding="br, gzip;q=0.0, identity")
    assert (status, encoding) == (200, None)
    assert len(plain) > 10_000
    status, compressed, encoding, _ = await get(accept_encoding="br, gzip;q=0.5")
    assert (status, encoding, gzip.decompress(compressed)) == (200, "gzip", plain)
    assert await get(if_none_match=f'"other", {tag}') == (304, b"", None, tag)


async def test_no_script_stands_in_a_page_and_none_there_would_run(api: Api) -> None:
    for path in (*PAGES, "/docs/problems/not_found"):
        page = await api.client.get(path)
        assert all(script.startswith(" src=") for script in page.text.split("<script")[1:])
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'self'", "base-uri 'none'", "form-action 'self'"} <= set(policy)
        assert not any(rule.startswith("script-src") for rule in policy)


@pytest.mark.parametrize(
    "name", ["%00", "x" * 5_000, "index.css", "..%2f..%2fapp%2fmain.py", "", "a/b", "%ff"]
)
async def test_an_asset_that_the_page_does_not_need_is_not_found(api: Api, name: str) -> None:
    answer = await api.client.get(f"/docs/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
