"""The OpenAPI document: it lists every route, is valid in itself, and tells the truth."""

import asyncio
import base64
import os
import re
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from litestar.routes import HTTPRoute

from app.openapi.texts import TAGS
from app.problems import PROBLEMS
from app.wire import ids as wire_ids
from app.wire.webhook_fields import EventTypes, Secret, webhook_checks
from tests.factories import make_settings
from tests.unit.app.api import Api, with_key
from triggers import ids

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


def resolved(document: dict[str, Any], part: Any) -> Any:
    """Return what a reference leads to, or a part that is none."""
    if "$ref" not in part:
        return part
    for name in part["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


def parameters_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in operations_of(document):
        for parameter in operation["parameters"]:
            found = resolved(document, parameter)
            yield f"{method} {path} {found['name']}", found


def contents_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every body that is sent or answered, under a name."""
    for path, method, operation in operations_of(document):
        bodies = operation["responses"] | {"body": operation.get("requestBody", {})}
        for name, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                yield f"{method} {path} {name} {media_type}", content


def examples_of(document: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    several = content.get("examples", {}).values()
    found = [resolved(document, example)["value"] for example in several]
    return found + ([content["example"]] if "example" in content else [])


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
        "from app.main import create_app; from app.openapi.document import document_of;"
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
        shown = responses["503"]["content"]
        assert shown["application/json"] == responses["200"]["content"]["application/json"]
        assert set(shown) == {"application/json", "application/problem+json"}
    assert paths["/"]["get"]["responses"]["302"]["headers"]["Location"]["example"] == "/docs"


async def test_every_reference_leads_somewhere_and_every_schema_is_used(api: Api) -> None:
    document = await document_of(api)
    references = set(values_of("$ref", document))
    for reference in references:
        resolved(document, {"$ref": reference})
    schemas = document["components"]["schemas"]
    assert {f"#/components/schemas/{name}" for name in schemas} <= references


async def test_the_document_has_the_form_of_openapi_3_1(api: Api) -> None:
    document = await document_of(api)
    assert document["openapi"] == "3.1.0"
    assert {"title", "version", "description"} <= set(document["info"])
    names = []
    for path, _, operation in operations_of(document):
        names.append(operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        parameters = [resolved(document, parameter) for parameter in operation["parameters"]]
        in_path = [p for p in parameters if p["in"] == "path"]
        assert [p["name"] for p in in_path] == re.findall(r"\{(\w+)\}", path)
        assert all(p["required"] for p in in_path)
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[2345]\d\d", status)
            assert response["description"]
        for requirement in operation.get("security", []):
            assert set(requirement) <= set(document["components"]["securitySchemes"])
    assert len(names) == len(set(names))


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
            is_counted = "security" in operation and operation["tags"] != ["Tenants"]
            if is_counted and status not in ("401", "405", "431"):
                assert {"RateLimit-Limit", "X-RateLimit-Reset"} <= set(headers), where
            for name, header in headers.items():
                assert header["description"], f"{where} {name}"
                assert_valid(header["example"], header["schema"], f"{where} {name}")


def assert_valid(example: Any, schema: dict[str, Any], where: str) -> None:
    """The schema must be one, and the example must follow it."""
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for error in validator.iter_errors(example):
        pytest.fail(f"{where}: {error}")


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
    assert {tag["name"]: tag["description"] for tag in document["tags"]} == {
        name: text for name, text in TAGS.items() if name in used
    }


@pytest.mark.parametrize("name", ["EventId", "WebhookId", "KeyId", "TenantId"])
def test_ids_have_the_form_that_their_fields_promise(name: str) -> None:
    tenant_id = ids.make_tenant_id(secrets.randbits)
    made = {
        "EventId": ids.make_event_id(1, 32, secrets.randbits),
        "WebhookId": ids.make_webhook_id(secrets.randbits),
        "KeyId": ids.make_key_id(tenant_id, secrets.randbits),
        "TenantId": tenant_id,
    }
    assert_valid(made[name], msgspec.json.schema(getattr(wire_ids, name)), name)


async def test_patterns_are_those_of_json_schema(api: Api) -> None:
    patterns = set(values_of("pattern", await document_of(api)))
    assert patterns
    assert not any(part in pattern for pattern in patterns for part in (r"(?!\n)", r"\Z"))


async def test_what_needs_a_key_says_so_with_its_problems(api: Api) -> None:
    for path, _, operation in operations_of(await document_of(api)):
        needs_key = path.startswith("/v1/") and path != "/v1/health"
        assert ("security" in operation) == needs_key
        assert {"401", "403", "429"} <= set(operation["responses"]) or not needs_key
        if "requestBody" in operation:
            assert {"400", "408", "413", "415"} <= set(operation["responses"])
        if "{" in path:
            assert "404" in operation["responses"]
        assert {"400", "405", "431", "500", "503"} <= set(operation["responses"])


async def test_every_problem_of_the_table_that_a_route_can_have_is_described(api: Api) -> None:
    document = await document_of(api)
    described = set()
    for _, _, operation in operations_of(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/problem+json", {})
            for problem in examples_of(document, content):
                assert PROBLEMS[problem["code"]].status == int(status) == problem["status"]
                described.add(problem["code"])
    assert described == set(PROBLEMS)


async def test_the_examples_of_bodies_are_accepted(api: Api) -> None:
    document = await document_of(api)
    [webhook_id] = api.resources.control.views[api.tenant.tenant_id].webhooks
    ids = {
        "webhook_id": webhook_id,
        "tenant_id": api.tenant.tenant_id,
        "key_id": api.key.split("_")[1],
        "event_id": await api.accept(),
    }
    tried = 0
    for path, method, operation in operations_of(document):
        if "requestBody" in operation:
            example = operation["requestBody"]["content"]["application/json"]["example"]
            key = api.settings.operator_key if path.startswith("/v1/tenants") else api.key
            url = path.format(**ids)
            answer = await api.client.request(method, url, json=example, headers=with_key(key))
            assert str(answer.status_code) in operation["responses"]
            assert answer.is_success
            tried += 1
    assert tried >= 13


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/events/{event_id}", "EventOut"),
        ("/v1/inbox", "EventList"),
        ("/v1/events/{event_id}/attempts", "AttemptList"),
        ("/v1/webhooks", "WebhookList"),
        ("/v1/webhooks/{webhook_id}/attempts", "WebhookAttemptList"),
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
    [webhook_id] = api.resources.control.views[api.tenant.tenant_id].webhooks
    path = path.format(event_id=await api.accept(), webhook_id=webhook_id)
    answer = await api.client.get(path)
    assert set(answer.json()) == set(document["components"]["schemas"][schema]["properties"])


async def test_what_clients_send_may_hold_nothing_unknown(api: Api) -> None:
    schemas = (await document_of(api))["components"]["schemas"]
    for name in ("EventIn", "WebhookIn", "WebhookPatch", "KeyIn", "TenantIn"):
        assert schemas[name]["additionalProperties"] is False


async def test_query_parameters_are_described_with_their_limits(api: Api) -> None:
    described = (await document_of(api))["paths"]["/v1/inbox"]["get"]["parameters"]
    parameters = [parameter for parameter in described if parameter.get("in") == "query"]
    [limit] = [parameter for parameter in parameters if parameter["name"] == "limit"]
    assert limit["schema"]["minimum"] == 1
    assert limit["schema"]["maximum"] == 100
    assert limit["schema"]["default"] == 50
    assert {"limit", "cursor", "source"} <= {parameter["name"] for parameter in parameters}


@pytest.mark.parametrize("size", [*range(23, 27), 62, 63, 64, 65])
def test_the_pattern_of_a_secret_allows_what_the_service_does(size: int) -> None:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()
    validator = jsonschema_rs.Draft202012Validator(msgspec.json.schema(Secret))
    assert validator.is_valid(secret) == (24 <= size <= 64)


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [("*", True), ("a", True), ("a.b.*", True), ("a..b", True), ("a..*", False), (".*", False)],
)
def test_the_pattern_of_a_filter_allows_what_the_service_does(text: str, is_allowed: bool) -> None:
    validator = jsonschema_rs.Draft202012Validator(msgspec.json.schema(EventTypes))
    assert validator.is_valid([text]) == is_allowed
    assert (webhook_checks(make_settings())["event_types"]([text]) is None) == is_allowed
