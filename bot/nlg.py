"""Rasa's answers out of `domain.yml`, with the contacts of `contacts.yml` filled in."""

from typing import Any

from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from bot.contacts import links_in, load_contacts


class ContactsNaturalLanguageGenerator(TemplatedNaturalLanguageGenerator):
    """Fills `{office_phone}` and the like in responses; named in `endpoints.yml`.

    A contact wins over a slot or a variable of the same name: nothing that is said in a conversation
    can change whom an answer sends people to. Each contact that a text shows also comes as a link,
    under the response's key `links`.
    """

    def __init__(
        self,
        endpoint_config: EndpointConfig | None = None,  # noqa: ARG002  Rasa's signature
        domain: Domain | None = None,
    ) -> None:
        super().__init__(domain.responses if domain else {})
        self._contacts = load_contacts()
        self._texts = {name: contact.text for name, contact in self._contacts.items()}

    # Rasa's is static, but called on the instance.
    def _response_variables(
        self, filled_slots: dict[str, Any] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        return {**super()._response_variables(filled_slots or {}, kwargs), **self._texts}

    def _fill_response(
        self,
        response: dict[str, Any],
        filled_slots: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        links = links_in(response.get("text") or "", self._contacts)
        return {**super()._fill_response(response, filled_slots, **kwargs), "links": links}
