"""Whatever is sent to the API, it answers as its description says, and never with an error of ours."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conversations.chat import Person

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="session")
def api(server_url: str) -> Any:
    return schemathesis.openapi.from_url(f"{server_url}/api/chat/v1/openapi.yaml")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_any_request_gets_an_answer_as_described(case: Any, server_url: str) -> None:
    person = Person(server_url)
    headers = {**person.headers, "X-Forwarded-For": person.address}

    response = case.call(headers=headers)

    case.validate_response(response, checks=CHECKS)
