"""A model and a root tried on the bank, in the process that `Bank.run` starts.

Conversations go through the same turns as in the server, without HTTP; codes are taken out of the mails
that would have been sent. What is said to whoever started it goes to standard output, JSON by line.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from bot.contacts import load_contacts
from bot.content.bank import Asked, Bank, BankResult, Held, Question
from bot.content.examples import intents_of, plain
from bot.content.expectations import Conversation, NotPossible, Said, first_problem, with_contacts
from bot.content.given import put
from bot.conversations import require_durable
from bot.nlu.report import Understood, Utterance
from bot.server import CannotStart, assistant
from bot.settings import Settings
from bot.webchat import turns as chat
from bot.webchat.errors import ApiError
from bot.webchat.history import History
from bot.webchat.messages import Message, clean_text, plain_words
from bot.webchat.metrics import Metrics
from bot.webchat.sessions import SessionTokens
from identity.mail import MailQueue
from registration.database import Database
from registration.members import account

PAUSE = timedelta(seconds=0.5)
"""Between two words about how much is done."""

ENDPOINTS = """
tracker_store: {type: bot.conversations.ConversationTrackerStore}
lock_store: {type: bot.locks.ConversationLockStore}
nlg: {type: bot.nlg.ContactsNaturalLanguageGenerator}
"""
"""As endpoints.yml has it, with actions in this process."""

CODE = re.compile(r"Your code is (\d{6})")


class Trial:
    """A model, ready to be asked; the working directory is its root.

    Raises:
        CannotStart: The model can't be loaded.
    """

    def __init__(self, model: Path) -> None:
        self.loop = asyncio.new_event_loop()
        settings = Settings.from_environment()
        config = settings.webchat_config()
        self.identity = settings.identity_service()
        self.registration = Database(settings.registration_url)
        self.registration.upgrade()
        with TemporaryDirectory() as folder:
            endpoints = Path(folder) / "endpoints.yml"
            endpoints.write_text(ENDPOINTS, encoding="utf-8")
            self.agent: Agent = self.loop.run_until_complete(assistant(model, endpoints))
        self.turns = chat.Turns(
            config.turn_timeout, config.turns_at_once, _now, Metrics(), self.identity
        )
        self.tokens = SessionTokens(config.secret, config.session_ttl)
        self.contacts = load_contacts()
        self.mails = Mails()
        self.queue = MailQueue(
            self.identity.database,
            self.identity.keys,
            self.mails,
            mail_from=self.identity.config.mail_from,
            has_account=lambda email: account(self.registration, email=email) is not None,
            words=lambda: {name: contact.text for name, contact in self.contacts.items()},
        )
        self._given: dict[str, Any] | None = None
        self._people = 0

    def ask(self, question: Question, *, is_trained: bool) -> Asked:
        """How a question is understood."""
        words = plain_words(clean_text(question.text))
        parsed = self.loop.run_until_complete(
            self.agent.processor.parse_message(UserMessage(words))
        )
        understood = Understood.of(Utterance(question.text, question.intent), parsed)
        return Asked(
            question.text,
            question.intent,
            understood.predicted,
            understood.band,
            understood.outcome,
            understood.is_in_scope,
            is_trained,
        )

    def hold(self, conversation: Conversation) -> Held:
        """How a conversation goes."""
        if conversation.given != self._given:
            put(self.registration, conversation.given)
            self._given = conversation.given
        self._people += 1
        turns = with_contacts(conversation, self.contacts).turns
        return Held(conversation.name, first_problem(Person(self, self._people), turns))


class Person:
    """Somebody who talks to the model as through the web chat, at an address of their own."""

    def __init__(self, trial: Trial, number: int) -> None:
        self.messages: list[Said] = []
        self._trial = trial
        self._address = str(IPv4Address("10.0.0.0") + number)
        self._open()

    def say(self, text: str) -> list[Said]:
        if self._trial.identity.is_over(self._conversation):
            # A member's conversation is over when they have signed out; the widget goes on like this.
            self._open()
        return self._answers(chat.Said(_now(), clean_text(text), None, None, self._address))

    def send(self, payload: str) -> list[Said]:
        return self._answers(chat.Said(_now(), None, payload, None, self._address))

    def code_for(self, email: str) -> str:
        self._trial.queue.send_due(_now())
        found = CODE.search(self._trial.mails.take(email))
        if not found:
            raise NotPossible(f"the mail to {email} holds no code")
        return found[1]

    def _open(self) -> None:
        trial = self._trial
        session = trial.tokens.open(_now())
        self._conversation = session.conversation_id
        welcome = trial.loop.run_until_complete(
            trial.turns.welcome(trial.agent, self._conversation)
        )
        History(require_durable(trial.agent).database).open(session, welcome)
        self._hear(welcome)

    def _answers(self, said: chat.Said) -> list[Said]:
        trial = self._trial
        answering = trial.turns.answer(trial.agent, self._conversation, said)
        try:
            return self._hear(trial.loop.run_until_complete(answering).messages)
        except ApiError as error:
            raise NotPossible(f"there was no answer: {error.message}") from None

    def _hear(self, messages: list[Message]) -> list[Said]:
        heard = [message.as_json() for message in messages]
        self.messages += heard
        return heard


class Mails:
    """Mails that are not sent: each is handed out once, as its addressee would read it."""

    def __init__(self) -> None:
        self._mails: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self._mails.append(message)

    def take(self, address: str) -> str:
        """The text of the oldest mail to an address that wasn't handed out yet.

        Raises:
            NotPossible: There is none.
        """
        for mail in self._mails:
            if mail["To"] == address:
                self._mails.remove(mail)
                return str(mail.get_content())
        raise NotPossible(f"no mail to {address}")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def run(bank: Bank, root: Path, model: Path) -> Iterator[dict[str, Any]]:
    """What is to be told: how much is done, and in the end the result, or why there is none."""
    os.chdir(root)
    try:
        trial = Trial(model)
    except CannotStart as error:
        yield {"failed": str(error)}
        return
    trained = intents_of()
    told = _now()

    def progress(done: int) -> Iterator[dict[str, Any]]:
        nonlocal told
        if done == bank.size or _now() - told > PAUSE:
            told = _now()
            yield {"done": done, "of": bank.size}

    asked, held = [], []
    for question in bank.questions:
        asked.append(trial.ask(question, is_trained=plain(question.text) in trained))
        yield from progress(len(asked))
    for conversation in bank.conversations:
        held.append(trial.hold(conversation))
        yield from progress(len(asked) + len(held))
    yield {"result": BankResult(tuple(asked), tuple(held)).as_json()}
