"""Where Rasa runs custom actions: inside its own process, or in a server that `endpoints.yml` names.

Either way an action that fails says so. Stock Rasa logs the error and leaves the person in silence,
and waits for an action server for five minutes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

import actions

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that an action may take."""

ANSWER = Draft202012Validator(RemoteAction.action_response_format_spec())
"""What an action server's answer looks like."""

FAILED = {"events": [], "responses": [{"response": "utter_action_failed"}]}


class ActionEndpoint(EndpointConfig):
    """Runs an action and answers for it when it fails.

    Args:
        server: The action server; without one, actions run in this process.
        timeout: Seconds that an action may take.
    """

    def __init__(self, server: EndpointConfig | None = None, timeout: float = TIMEOUT) -> None:
        # Most actions don't read the domain: it is sent to those that `domain.yml` marks.
        super().__init__(url=server.url if server else None, enable_selective_domain=True)
        self._server = server
        self._timeout = timeout
        self._executor = None if server else _executor()
        # Rasa checks an answer too late for us to answer for a bad one, and its schema each time
        # anew, which takes 70 ms: more than all the rest of a turn. What comes from a server is
        # checked below.
        RemoteAction._validate_action_result = _is_checked_before

    async def request(self, *, json: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Runs the action that `json["next_action"]` names.

        Returns:
            rasa-sdk's answer: `{"events": [...], "responses": [...]}`.
        """
        try:
            return await asyncio.wait_for(self._run(json, **kwargs), self._timeout)
        except Exception:
            # The message of the error may hold what a person typed: only the traceback's place
            # and the action's name are logged.
            logger.error("Action %s failed.", json["next_action"], exc_info=_is_debugging())
            return {**FAILED, "responses": [dict(r) for r in FAILED["responses"]]}

    async def _run(self, json: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if self._executor:
            return await self._executor.run(json)
        assert self._server
        answer = await self._server.request(json=json, **kwargs)
        ANSWER.validate(answer)
        return answer


def _executor() -> ActionExecutor:
    executor = ActionExecutor()
    executor.register_package(actions)
    return executor


def _is_checked_before(_: RemoteAction, __: dict[str, Any]) -> bool:
    return True


def _is_debugging() -> bool:
    return logger.isEnabledFor(logging.DEBUG)
