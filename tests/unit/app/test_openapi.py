"""The OpenAPI document: it lists every route, is valid in itself, and tells the truth."""

import asyncio
import os
import re
import sys
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from app.problems.table import PROBLEMS
from tests.unit.app.api import Api, with_key
from tests.unit.app.documents import (
    document_of,
    examples_of,
    operations_of,
    resolved,
    values_of,
)


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
    assert tried == 15


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
