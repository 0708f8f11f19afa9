"""One exchange: what a person said goes to Rasa, what it answers is stored and given back.

Also the one place that knows how Rasa is asked. Turns of a conversation run one after another in
the order they came, also across processes; each is stored whole or not at all.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from bot.conversations import ConversationTrackerStore, require_durable
from bot.webchat.asks import Ask, understand, whole
from bot.webchat.database import off_loop
from bot.webchat.errors import BUSY_SECONDS, ApiError, busy, rate_limited, unavailable
from bot.webchat.history import History, State
from bot.webchat.messages import Message, assistant_message, plain_words
from bot.webchat.metrics import Metrics
from bot.webchat.private import Heard, hear
from identity.addresses import masked
from identity.service import FROM_THE_BEGINNING, Identity, IdentityService, Shown, Standing

logger = logging.getLogger(__name__)

CHANNEL = "webchat"
WELCOME = "utter_welcome"
SIGNED_IN = "utter_signed_in"
ACTION_FAILED = "utter_action_failed"
SORRY = "utter_sorry_about_this"
FIRST_QUESTION = "utter_first_question"
NEXT_QUESTION = "utter_next_question"

POLL_SECONDS = 0.05
"""How often another process is asked whether it is done with the conversation. Rasa's default is
a second, and a second is what the person would wait."""

MOST_WAITING = 3
"""Turns of one conversation that wait for the one at work: nobody types faster than that."""

SHARE = 4
"""One client's address takes at most a part of a process's turns, one in so many."""

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """What came from a client: words, or the payload of a button. Exactly one of them."""

    at: datetime
    text: str | None
    payload: str | None
    client_id: str | None
    client: str = ""
    """Where it came from on the net; limits are counted by it."""


@dataclass(frozen=True)
class Answer:
    """What the assistant answers, and who is signed in then."""

    messages: list[Message]
    shown: Shown | None
    has_signed_in: bool = False
    """Whether it is this turn that signed them in."""


@dataclass(frozen=True)
class _Before:
    """What a turn goes on from."""

    standing: Standing
    title: str | None
    """Of the button that was pressed."""
    events: list[str]
    """Rasa's, as they are stored."""


class WebChatOutput(OutputChannel):
    """Keeps whole responses; Rasa's base class would take them apart into separate messages."""

    def __init__(self) -> None:
        self.responses: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        return CHANNEL

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:  # noqa: ARG002 (Rasa's signature)
        self.responses.append(message)


class Turns:
    """Runs turns, and whatever else must not happen in the middle of one."""

    def __init__(
        self,
        timeout: float,
        at_once: int,
        clock: Callable[[], datetime],
        metrics: Metrics,
        identity: IdentityService,
    ) -> None:
        self._timeout = timeout
        self._at_once = at_once
        self._identity = identity
        self._clock = clock
        self._metrics = metrics
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: dict[asyncio.Task[Any], tuple[str, str] | None] = {}
        """What has begun or waits; of a turn, its conversation and the client's address."""
        self._metrics.turns_at_once.set_function(lambda: len(self._begun()))
        self.is_closing = False

    async def welcome(
        self, agent: Agent, conversation_id: str, member: Identity | None = None
    ) -> list[Message]:
        """The greeting of a new conversation; not a turn, the person has said nothing yet.

        Args:
            member: Who is signed in on the website; they are told.
        """
        if not agent.is_ready():
            raise unavailable()
        said = [await self._say(agent, WELCOME, conversation_id)]
        if member:
            who = masked(member.email)
            said.append(await self._say(agent, SIGNED_IN, conversation_id, member=who))
        return [message for message in said if message]

    async def answer(
        self,
        agent: Agent,
        conversation_id: str,
        said: Said,
        renewed: datetime = FROM_THE_BEGINNING,
    ) -> Answer:
        """What the assistant answers.

        Args:
            renewed: The sign-in that the caller's token was made for.

        Raises:
            ApiError: Nothing was stored then.
        """
        whose = (conversation_id, said.client)
        self._require_share(*whose)
        self.require_room()
        began = time.perf_counter()
        try:
            answer = await self.to_the_end(
                self._answer_in_order(agent, conversation_id, said, renewed), whose
            )
        except ApiError as error:
            if error.status >= 500:
                self._metrics.turns.labels("failed").inc()
            raise
        self._metrics.turn_seconds.observe(time.perf_counter() - began)
        return answer

    def require_room(self) -> None:
        """Refuses who would wait too long, so that the wait of all others doesn't grow.

        Raises:
            ApiError: As many turns as a process takes on have begun or wait, or it is closing.
        """
        if self.is_closing:
            raise unavailable()
        if len(self._begun()) >= self._at_once:
            self._metrics.turns.labels("refused").inc()
            raise busy()

    def _require_share(self, conversation_id: str, client: str) -> None:
        """Refuses who has enough turns under way already: the room is for everybody.

        Raises:
            ApiError: Its code is rate_limited.
        """
        begun = self._begun()
        in_line = sum(conversation == conversation_id for conversation, _ in begun)
        of_client = sum(address == client for _, address in begun)
        if in_line > MOST_WAITING or of_client >= max(self._at_once // SHARE, 1):
            self._metrics.turns.labels("refused").inc()
            raise rate_limited(BUSY_SECONDS)

    def _begun(self) -> list[tuple[str, str]]:
        return [whose for whose in self._running.values() if whose]

    async def close(self) -> None:
        """Takes on nothing more, and waits until what has begun is stored."""
        self.is_closing = True
        if self._running:
            await asyncio.wait(self._running, timeout=self._timeout)

    @asynccontextmanager
    async def alone(self, agent: Agent, conversation_id: str) -> AsyncIterator[None]:
        """Waits for the conversation's earlier requests and keeps later ones waiting.

        Two locks: ours wakes the next in line at once; Rasa's is shared between processes where
        endpoints.yml says so, and is never contended within one thanks to the first.
        """
        lock = self._locks.setdefault(conversation_id, asyncio.Lock())
        async with (
            lock,
            agent.lock_store.lock(conversation_id, wait_time_in_seconds=POLL_SECONDS),
        ):
            yield

    async def to_the_end(
        self, work: Coroutine[Any, Any, T], whose: tuple[str, str] | None = None
    ) -> T:
        """Finishes what its client has gone from: of a turn it will ask for the answer again.

        Args:
            whose: The conversation and the client's address of a turn, which takes room.
        """
        task = asyncio.ensure_future(work)
        self._running[task] = whose
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._running.pop(task, None)
        if not task.cancelled():
            # Marks the error as seen: with the client gone, nobody else will look.
            task.exception()

    async def _answer_in_order(
        self, agent: Agent, conversation_id: str, said: Said, renewed: datetime
    ) -> Answer:
        async with answering_503("A turn failed"), self.alone(agent, conversation_id):
            return await self._answer(agent, conversation_id, said, renewed)

    async def _answer(
        self, agent: Agent, conversation_id: str, said: Said, renewed: datetime
    ) -> Answer:
        store = require_durable(agent)
        before = await off_loop(_look_up, store, self._identity, conversation_id, said, renewed)
        if isinstance(before, Answer):
            self._metrics.turns.labels("repeated").inc()
            return before
        if not agent.is_ready():
            raise unavailable()

        heard = hear(said.text or before.title or "", partial(self._identity.seal, conversation_id))
        asked = Message("user", said.at, heard.text)
        if said.client_id:
            # So a client finds its own messages again in the history.
            asked = Message("user", said.at, asked.text, id=said.client_id)
        with store.hold_back(conversation_id, before.events) as events:
            responses = await asyncio.wait_for(
                self._ask(agent, conversation_id, said, heard, asked.id), self._timeout
            )
        answers = [m for r in responses if (m := assistant_message(r, self._clock())) is not None]
        outcome = "answered" if answers else "silent"
        if not answers:
            answers = [await self._apology(agent, conversation_id)]

        def keep() -> Shown | None:
            history = History(store.database)
            if not history.add_turn(conversation_id, asked, answers, said.client_id, events.write):
                raise ApiError("session_invalid")
            return self._identity.shown(conversation_id)

        # Read before anybody else's turn: whose it was that signed in is certain.
        shown = await off_loop(keep)
        self._metrics.turns.labels(outcome).inc()
        has_signed_in = before.standing != "signed in" and shown is not None
        return Answer(answers, shown, has_signed_in)

    async def _ask(
        self, agent: Agent, conversation_id: str, said: Said, heard: Heard, message_id: str
    ) -> list[dict[str, Any]]:
        message = partial(
            UserMessage,
            sender_id=conversation_id,
            input_channel=CHANNEL,
            message_id=message_id,
            metadata={"client": self._identity.keys.hash("client", said.client)},
        )
        if said.payload is not None:
            output = WebChatOutput()
            await agent.processor.handle_message(message(said.payload, output_channel=output))
            return output.responses

        async def parse(text: str) -> dict[str, Any]:
            # Parsed here, so that Rasa parses nothing again: what a person typed is never an
            # order, whatever it looks like after this point. A part of it may begin with a slash too.
            parsed = await agent.processor.parse_message(message(plain_words(text)))
            return heard.added_to(parsed)

        words = plain_words(heard.text)
        # Where an address or a code was taken out, the rest is hardly a question, let alone two.
        asks = (
            [whole(words, await parse(words))] if heard.entities else await understand(words, parse)
        )
        answers: list[list[dict[str, Any]]] = []
        waited = False
        for number, ask in enumerate(asks):
            output = WebChatOutput()
            spoken = message(ask.text, output_channel=output, parse_data=ask.parsed)
            await agent.processor.handle_message(spoken)
            answers.append(output.responses)
            if len(asks) > 1:
                waits = (await agent.tracker_store.retrieve(conversation_id)).active_loop_name
                if waited and waits:
                    # What a form waits for it asks again after each answer; the last time is enough.
                    answers[number - 1].pop()
                waited = bool(waits)
        say = partial(self._generate, agent, conversation_id)
        responses = await _in_one(asks, answers, say)
        if responses and asks[0].needs_an_apology:
            responses.insert(0, await say(SORRY))
        return responses

    async def _apology(self, agent: Agent, conversation_id: str) -> Message:
        """What is said when nothing else was: an action failed, and silence helps nobody."""
        apology = await self._say(agent, ACTION_FAILED, conversation_id)
        if apology is None:
            raise unavailable()
        return apology

    async def _say(
        self, agent: Agent, response: str, conversation_id: str, **values: str
    ) -> Message | None:
        generated = await self._generate(agent, conversation_id, response, **values)
        message = assistant_message(generated, self._clock())
        if message is None:
            logger.error("The domain has no usable response %s.", response)
        return message

    async def _generate(
        self, agent: Agent, conversation_id: str, response: str, **values: str
    ) -> dict[str, Any]:
        tracker = DialogueStateTracker.from_events(conversation_id, [], agent.domain.slots)
        return await agent.nlg.generate(response, tracker, CHANNEL, **values) or {}


async def _in_one(
    asks: list[Ask],
    answers: list[list[dict[str, Any]]],
    say: Callable[..., Awaitable[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """The answers to the questions of one message; several are marked, each by its question."""
    if sum(map(bool, answers)) < 2:
        return [response for responses in answers for response in responses]
    in_order: list[dict[str, Any]] = []
    for ask, responses in zip(asks, answers, strict=True):
        if responses:
            lead = NEXT_QUESTION if in_order else FIRST_QUESTION
            in_order += [await say(lead, question=ask.question), *responses]
    return in_order


def require_open(history: History, conversation_id: str) -> State:
    """Refuses a conversation that was ended."""
    state = history.state(conversation_id)
    if state == "ended":
        raise ApiError("session_invalid")
    return state


def require_going_on(
    history: History, identity: IdentityService, conversation_id: str, renewed: datetime
) -> None:
    """Refuses a conversation that was ended, and a member's once they are signed in no more.

    Whoever sits there now may be somebody else, and what the member was told is in the history.
    """
    require_open(history, conversation_id)
    if identity.is_over(conversation_id, renewed):
        raise ApiError("session_expired")


def _look_up(
    store: ConversationTrackerStore,
    identity: IdentityService,
    conversation_id: str,
    said: Said,
    renewed: datetime,
) -> Answer | _Before:
    """The answer if it was given before, and else what a turn goes on from."""
    history = History(store.database)
    state = require_open(history, conversation_id)
    standing = identity.used(conversation_id, renewed)
    if standing == "over":
        raise ApiError("session_expired")
    if said.client_id and (stored := history.answer_to(conversation_id, said.client_id)):
        return Answer(stored, identity.shown(conversation_id))
    if state == "full":
        raise ApiError("session_expired")
    title = None
    if said.payload is not None:
        title = history.offered_title(conversation_id, said.payload)
        if title is None:
            raise ApiError("payload_not_offered")
    return _Before(standing, title, store.read(conversation_id))


@asynccontextmanager
async def answering_503(what: str) -> AsyncIterator[None]:
    """Turns every failure within into a 503, and into a log entry that quotes nobody.

    An exception's own message may repeat what a person wrote, so only its type and its place
    are logged.
    """
    try:
        yield
    except ApiError:
        raise
    except Exception as error:
        logger.error("%s: %s", what, _type_and_place(error))
        raise unavailable() from None


def _type_and_place(error: BaseException | None) -> str:
    parts = []
    while error is not None:
        place = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{place}")
        error = error.__cause__ or error.__context__
    return "caused by ".join(parts)
