"""The OpenAPI document: it lists every route, is valid in itself, and tells the truth."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from app.problems import PROBLEMS
from tests.unit.app.api import Api, with_key

METHODS = {"get", "post", "put", "patch", "delete"}


async def document_of(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        assert set(item) <= METHODS
        for method, operation in item.items():
            yield path, method, operation


def values_of(key: str, part: Any) -> Iterator[Any]:
    """Yield every value of a key, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from values_of(key, value)
    elif isinstance(part, list):
        for value in part:
            yield from values_of(key, value)


async def test_the_document_lists_every_route_and_no_other(api: Api) -> None:
    listed = {
        f"{method.upper()} {path}" for path, method, _ in operations_of(await document_of(api))
    }
    litestar: Any = api.app._inner
    served = {
        f"{method} {route.path_format}"
        for route in litestar.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/docs/assets")
        for method in route.methods - {"OPTIONS"}
    }
    assert listed == served


async def test_every_process_serves_the_same_document() -> None:
    script = (
        "from app.main import create_app; from app.openapi import document_of;"
        "from triggers.settings import Settings;"
        "app = create_app(Settings(environment='development'));"
        "print(document_of(app._inner.routes).decode())"
    )
    documents = []
    for seed in ("1", "2", "3"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script),
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=asyncio.subprocess.PIPE,
        )
        documents.append((await process.communicate())[0])
        assert process.returncode == 0
    assert documents[0] == documents[1] == documents[2]


async def test_of_two_paths_to_one_handler_the_first_has_its_plain_name(api: Api) -> None:
    paths = (await document_of(api))["paths"]
    assert paths["/health"]["get"]["operationId"] == "health"
    assert paths["/v1/health"]["get"]["operationId"] == "health_2"
    start = "/v1/events/{event_id}/ack"
    assert paths[start]["post"]["operationId"] == "acknowledge_event"
    assert paths[start + "nowledge"]["post"]["operationId"] == "acknowledge_event_2"


async def test_answers_that_are_no_200_are_described(api: Api) -> None:
    paths = (await document_of(api))["paths"]
    for path in ("/readiness", "/health", "/v1/health"):
        responses = paths[path]["get"]["responses"]
        assert responses["503"]["content"] == responses["200"]["content"]
    root = paths["/"]["get"]["responses"]
    assert set(root) == {"302", "500"}
    assert "Location" in root["302"]["headers"]


async def test_every_reference_leads_somewhere(api: Api) -> None:
    document = await document_of(api)
    references = set(values_of("$ref", document))
    assert references
    for reference in references:
        match = re.fullmatch(r"#/components/(\w+)/(\w+)", reference)
        assert match is not None
        assert match[2] in document["components"][match[1]]


async def test_the_document_has_the_form_of_openapi_3_1(api: Api) -> None:
    document = await document_of(api)
    assert document["openapi"] == "3.1.0"
    assert {"title", "version", "description"} <= set(document["info"])
    names = []
    for path, _, operation in operations_of(document):
        names.append(operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))
        assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[2345]\d\d", status)
            assert response["description"]
        for requirement in operation.get("security", []):
            assert set(requirement) <= set(document["components"]["securitySchemes"])
    assert len(names) == len(set(names))


async def test_patterns_are_those_of_json_schema_and_match_their_examples(api: Api) -> None:
    document = await document_of(api)
    assert not any(r"(?!\n)" in pattern for pattern in values_of("pattern", document))
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            if "pattern" in field:
                assert all(re.search(field["pattern"], text) for text in field["examples"])


async def test_what_needs_a_key_says_so_with_its_problems(api: Api) -> None:
    for path, _, operation in operations_of(await document_of(api)):
        needs_key = path.startswith("/v1/") and path != "/v1/health"
        assert ("security" in operation) == needs_key
        assert {"401", "403", "503"} <= set(operation["responses"]) or not needs_key
        if "requestBody" in operation:
            assert {"400", "408", "413", "415"} <= set(operation["responses"])
        if "{" in path:
            assert "404" in operation["responses"]
        assert "500" in operation["responses"]


async def test_every_problem_of_the_table_that_a_route_can_have_is_described(api: Api) -> None:
    described = set()
    for _, _, operation in operations_of(await document_of(api)):
        for status, response in operation["responses"].items():
            examples = response.get("content", {}).get("application/problem+json", {})
            for code, example in examples.get("examples", {}).items():
                assert example["value"]["code"] == code
                assert PROBLEMS[code].status == int(status) == example["value"]["status"]
                described.add(code)
    # These come from before or beyond a route.
    assert described == set(PROBLEMS) - {
        "bad_request",
        "method_not_allowed",
        "headers_too_large",
        "conflict",
    }


async def test_the_examples_of_bodies_are_accepted(api: Api) -> None:
    document = await document_of(api)
    tried = 0
    for path, method, operation in operations_of(document):
        if "requestBody" in operation:
            example = operation["requestBody"]["content"]["application/json"]["example"]
            key = api.settings.operator_key if path == "/v1/tenants" else api.key
            answer = await api.client.request(method, path, json=example, headers=with_key(key))
            assert str(answer.status_code) in operation["responses"]
            assert answer.is_success
            tried += 1
    assert tried == 4


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/events/{event_id}", "EventOut"),
        ("/v1/inbox", "EventList"),
        ("/v1/events/{event_id}/attempts", "AttemptList"),
        ("/v1/webhooks", "WebhookList"),
        ("/v1/keys", "KeyList"),
        ("/health", "HealthOut"),
        ("/readiness", "PhaseOut"),
        ("/liveness", "LivenessOut"),
    ],
)
async def test_answers_have_the_fields_that_the_document_promises(
    api: Api, path: str, schema: str
) -> None:
    document = await document_of(api)
    response = document["paths"][path]["get"]["responses"]["200"]
    content = response["content"]["application/json"]
    assert content["schema"] == {"$ref": f"#/components/schemas/{schema}"}
    answer = await api.client.get(path.format(event_id=await api.accept()))
    assert set(answer.json()) == set(document["components"]["schemas"][schema]["properties"])


async def test_fields_that_take_a_value_are_described(api: Api) -> None:
    schemas = (await document_of(api))["components"]["schemas"]
    for name in ("EventIn", "WebhookIn", "KeyIn", "TenantIn"):
        for field, schema in schemas[name]["properties"].items():
            assert next(values_of("description", schema), None), f"{name}.{field}"
        assert schemas[name]["additionalProperties"] is False


async def test_query_parameters_are_described_with_their_limits(api: Api) -> None:
    parameters = (await document_of(api))["paths"]["/v1/inbox"]["get"]["parameters"]
    [limit] = [parameter for parameter in parameters if parameter["name"] == "limit"]
    assert limit["schema"]["minimum"] == 1
    assert limit["schema"]["maximum"] == 100
    assert limit["schema"]["default"] == 50
    assert {parameter["name"] for parameter in parameters} == {"limit", "cursor"}
