"""The OpenAPI document leaves nothing unsaid: each part has its words, and an example that is valid."""

from typing import Any

from app.openapi.texts import TAGS
from tests.unit.app.api import Api
from tests.unit.app.documents import (
    assert_valid,
    contents_of,
    document_of,
    examples_of,
    operations_of,
    parameters_of,
    resolved,
    values_of,
)


async def test_every_field_has_a_description_and_an_example(api: Api) -> None:
    schemas = (await document_of(api))["components"]["schemas"]
    for name, schema in schemas.items():
        for field, told in schema.get("properties", {}).items():
            where = f"{name}.{field}"
            assert told.get("description"), f"{where} has no description"
            # What consists of other structs has theirs.
            assert told.get("examples") or next(values_of("$ref", told), None), (
                f"{where} has no example"
            )


async def test_every_parameter_has_a_description_and_a_valid_example(api: Api) -> None:
    for where, parameter in parameters_of(await document_of(api)):
        assert parameter["description"], f"{where} has no description"
        assert "$ref" not in str(parameter["schema"]), where
        assert_valid(parameter["example"], parameter["schema"], where)


async def test_every_body_and_answer_has_a_valid_example(api: Api) -> None:
    document = await document_of(api)
    for where, content in contents_of(document):
        examples = examples_of(document, content)
        assert examples, f"{where} has no example"
        schema = content["schema"] | {"components": document["components"]}
        for example in examples:
            assert_valid(example, schema, where)


async def test_every_answer_tells_its_headers(api: Api) -> None:
    document = await document_of(api)
    for path, _, operation in operations_of(document):
        for status, response in operation["responses"].items():
            where = f"{path} {status}"
            headers = {n: resolved(document, h) for n, h in response["headers"].items()}
            assert {"X-Request-ID", "X-Correlation-ID"} <= set(headers), where
            due = {"401": "WWW-Authenticate", "405": "Allow", "429": "Retry-After"}.get(status)
            assert due is None or due in headers, where
            uncounted = set(operation["responses"]) - {"403", "429"}
            uncounted = uncounted if operation["tags"] == ["Tenants"] else {"405", "431"}
            is_counted = "security" in operation and status not in uncounted
            assert ({"RateLimit-Limit", "X-RateLimit-Reset"} <= set(headers)) == is_counted, where
            for name, header in headers.items():
                assert header["description"], f"{where} {name}"
                assert_valid(header["example"], header["schema"], f"{where} {name}")


async def test_only_the_answer_that_shows_a_secret_has_it_in_its_example(api: Api) -> None:
    paths = (await document_of(api))["paths"]

    def example(path: str, method: str, status: str) -> Any:
        return paths[path][method]["responses"][status]["content"]["application/json"]["example"]

    assert "key" in example("/v1/keys", "post", "201")
    assert "key" not in example("/v1/keys", "get", "200")["keys"][0]
    assert "payload" not in example("/v1/events", "post", "202")
    assert "payload" in example("/v1/events/{event_id}", "get", "200")


async def test_what_was_made_leads_on_to_what_can_be_done_with_it(api: Api) -> None:
    paths = (await document_of(api))["paths"]
    accepted = paths["/v1/events"]["post"]["responses"]["202"]
    assert accepted["links"]["read_event"] == {
        "operationId": "read_event",
        "parameters": {"event_id": "$response.body#/event_id"},
    }
    event_id = accepted["content"]["application/json"]["example"]["event_id"]
    assert accepted["headers"]["Location"]["example"] == f"/v1/events/{event_id}"


async def test_every_tag_is_described(api: Api) -> None:
    document = await document_of(api)
    used = {tag for _, _, operation in operations_of(document) for tag in operation["tags"]}
    assert [tag["name"] for tag in document["tags"]] == [name for name in TAGS if name in used]
    assert used <= set(TAGS)
    assert all(tag["description"] for tag in document["tags"])
