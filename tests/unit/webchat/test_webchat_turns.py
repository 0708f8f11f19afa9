"""One exchange after another: what is answered, kept, refused and repeated."""

import asyncio
import time
import uuid
from typing import Any

import pytest

ORDERS = [
    "/restart",
    "/session_start",
    "/back",
    '/inform{"place": "Texas"}',
    '/inform@0.9{"place": "Texas"}',
    '  \n/inform{"place": "Texas"}',
    '//inform{"place": "Texas"}',
    '/ / /inform{"place": "Texas"}',
    '\N{FULLWIDTH SOLIDUS}inform{"place": "Texas"}',
    '\N{ZERO WIDTH SPACE}/inform{"place": "Texas"}',
    '/\N{ZERO WIDTH JOINER}\N{FULLWIDTH SOLIDUS}/inform{"place": "Texas"}',
    '\N{ZERO WIDTH NO-BREAK SPACE}\N{RIGHT-TO-LEFT MARK}/inform{"place": "Texas"}',
    '\x00\x08/inform{"place": "Texas"}',
    '\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}/inform{"place": "Texas"}',
    '\N{COMBINING LONG SOLIDUS OVERLAY}/inform{"place": "Texas"}',
    '\N{VARIATION SELECTOR-16}/inform{"place": "Texas"}',
    "EXTERNAL: inform",
    "EXTERNAL: /inform",
]


@pytest.mark.parametrize("order", ORDERS, ids=ascii)
async def test_typed_text_is_never_an_order(chat: Any, order: str) -> None:
    await chat.say(order)

    assert chat.agent.processor.intents() == ["words"]
    [message] = chat.agent.processor.handled
    assert message.parse_data["text"] == message.text
    assert not message.text.startswith("/")
    stored = chat.rows("select intent_name from events where type_name = 'user'")
    assert stored == [("words",)]


async def test_the_stand_in_takes_orders_as_rasa_does(chat: Any) -> None:
    """Without this the test above could not fail."""
    from rasa.core.channels.channel import UserMessage  # noqa: PLC0415 (this test alone)

    parsed = await chat.agent.processor.parse_message(UserMessage('/inform{"place": "Texas"}'))

    assert parsed["intent"]["name"] == "inform"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  /restart ", "/restart"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("a\tb\x00c\x1b[31md\x7f", "a bc[31md"),
        ("Jose\N{COMBINING ACUTE ACCENT}", "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-3}", "\U0001f44d\U0001f3fc"),
        ("<b>5 < 6</b> & 'so'", "<b>5 < 6</b> & 'so'"),
    ],
)
async def test_text_is_kept_as_typed(chat: Any, typed: str, kept: str) -> None:
    await chat.say(typed)

    assert (await chat.history())[1]["text"] == kept


async def test_a_lone_surrogate_is_dropped(chat: Any) -> None:
    response = await chat.http.post(
        "/messages",
        content=b'{"text": "hi \\ud800 there"}',
        headers={**chat.headers, "Content-Type": "application/json"},
    )

    assert response.status_code == 200
    assert (await chat.history())[1]["text"] == "hi  there"


@pytest.mark.parametrize("text", ["", "  ", "\n", "\x00", "///", "\N{ZERO WIDTH SPACE}", " / "])
async def test_a_message_without_words_is_refused(chat: Any, error_code: Any, text: str) -> None:
    response = await chat.post({"text": text})

    assert (response.status_code, error_code(response)) == (400, "empty_message")
    assert chat.agent.processor.handled == []


async def test_the_welcome_offers_buttons_and_is_not_a_turn(start_chat: Any) -> None:
    async with start_chat() as chat:
        session = await chat.open()

        [welcome] = session["messages"]
        assert welcome["text"] == "Hello!"
        assert [button["title"] for button in welcome["buttons"]] == ["Find a class", "In Texas"]
        assert await chat.history() == [welcome]
        assert chat.agent.processor.handled == []
        assert chat.rows("select * from events") == []


async def test_an_offered_button_is_an_order_and_shows_its_title(chat: Any) -> None:
    response = await chat.post({"payload": '/inform{"place": "Texas"}'})

    assert response.status_code == 200
    [message] = chat.agent.processor.handled
    assert message.text == '/inform{"place": "Texas"}'
    assert message.parse_data is None
    assert chat.rows("select intent_name from events where type_name = 'user'") == [("inform",)]
    [_, pressed, _] = await chat.history()
    assert (pressed["from"], pressed["text"]) == ("user", "In Texas")


async def test_a_button_of_a_later_answer_counts_too(chat: Any, error_code: Any) -> None:
    more = {"title": "More", "payload": '/more{"offset": 5}'}
    before = await chat.post({"payload": more["payload"]})
    chat.agent.processor.reply = lambda _: [{"text": "Five classes", "buttons": [more]}]
    await chat.say("classes")

    after = await chat.post({"payload": more["payload"]})

    assert (before.status_code, error_code(before)) == (400, "payload_not_offered")
    assert after.status_code == 200


@pytest.mark.parametrize(
    "payload",
    [
        '/inform{"place": "Ohio"}',
        '/inform{"place":"Texas"}',
        '/inform{"place": "Texas"} ',
        "/restart",
        "Find a class",
        "",
    ],
)
async def test_a_payload_that_was_not_offered_is_refused(
    chat: Any, error_code: Any, payload: str
) -> None:
    response = await chat.post({"payload": payload})

    assert (response.status_code, error_code(response)) == (400, "payload_not_offered")
    assert chat.agent.processor.handled == []


async def test_a_button_of_another_conversation_is_not_ours(chat: Any, error_code: Any) -> None:
    chat.agent.processor.reply = lambda _: [
        {"text": "Yes", "buttons": [{"title": "Mine", "payload": "/only_mine"}]}
    ]
    await chat.say("hello")
    mine = chat.token
    await chat.open()

    response = await chat.post({"payload": "/only_mine"})

    assert error_code(response) == "payload_not_offered"
    chat.use(mine)
    assert (await chat.post({"payload": "/only_mine"})).status_code == 200


async def test_metadata_and_sender_of_a_client_are_ignored(chat: Any) -> None:
    await chat.say("hello", sender="admin", sender_id="x", metadata={"member": 7}, slots={"a": 1})

    [message] = chat.agent.processor.handled
    assert set(message.metadata) == {"client"}, "what the channel itself knows"
    assert message.sender_id not in ("admin", "x")
    assert message.input_channel == "webchat"


async def test_the_same_client_id_gives_the_same_answer_once(chat: Any) -> None:
    client_id = str(uuid.uuid4())
    first = await chat.say("hello", client_id=client_id)
    history = await chat.history()

    again = await chat.say("hello", client_id=client_id.upper())
    other = await chat.say("something else", client_id=client_id)
    button = await chat.post({"payload": "/never_offered", "client_id": client_id})

    assert first == again == other == button.json()["messages"]
    assert len(chat.agent.processor.handled) == 1
    assert await chat.history() == history
    assert history[1]["id"] == client_id


async def test_the_same_client_id_at_the_same_time_is_answered_once(chat: Any) -> None:
    chat.agent.processor.seconds = 0.05
    client_id = str(uuid.uuid4())

    answers = await asyncio.gather(*(chat.say("hello", client_id=client_id) for _ in range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert len(chat.agent.processor.handled) == 1
    assert len(await chat.history()) == 3


async def test_client_ids_of_two_conversations_do_not_meet(chat: Any) -> None:
    client_id = str(uuid.uuid4())
    [first] = await chat.say("one", client_id=client_id)
    await chat.open()

    [second] = await chat.say("two", client_id=client_id)

    assert (first["text"], second["text"]) == ("You said one", "You said two")


async def test_a_client_id_is_free_again_after_a_failure(chat: Any) -> None:
    client_id = str(uuid.uuid4())
    reply, chat.agent.processor.reply = chat.agent.processor.reply, lambda _: 1 / 0
    failed = await chat.post({"text": "hello", "client_id": client_id})
    chat.agent.processor.reply = reply

    [answer] = await chat.say("hello", client_id=client_id)

    assert failed.status_code == 503
    assert answer["text"] == "You said hello"


async def test_quick_messages_are_answered_in_order_without_polling(chat: Any) -> None:
    chat.agent.processor.seconds = 0.02
    began = time.perf_counter()

    answers = await asyncio.gather(*(chat.say(f"message {n}") for n in range(4)))

    # Rasa's own lock looks once a second whether it is free: three waits.
    assert time.perf_counter() - began < 2.5
    texts = [message["text"] for message in (await chat.history())[1:]]
    expected = [[f"message {n}", f"You said message {n}"] for n in range(4)]
    assert sorted(zip(texts[::2], texts[1::2], strict=True)) == [tuple(pair) for pair in expected]
    assert [answer[0]["text"] for answer in answers] == [said for _, said in expected]


async def test_messages_are_answered_in_the_order_they_arrive(chat: Any) -> None:
    chat.agent.processor.seconds = 0.05
    tasks = []
    for number in range(4):
        tasks.append(asyncio.ensure_future(chat.say(f"message {number}")))
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)

    handled = [message.text for message in chat.agent.processor.handled]
    assert handled == ["message 0", "message 1", "message 2", "message 3"]


async def test_a_turn_waits_for_another_process_and_goes_on_soon(chat: Any) -> None:
    [(conversation_id,)] = chat.rows("select id from webchat_sessions")
    waited = []
    for turn in range(5):
        async with chat.agent.lock_store.lock(conversation_id):
            waiting = asyncio.ensure_future(chat.say("hello"))
            await asyncio.sleep(0.2)
            assert len(chat.agent.processor.handled) == turn
        began = time.perf_counter()
        await waiting
        waited.append(time.perf_counter() - began)

    # With Rasa's own patience it would be 0.8 seconds every time.
    assert min(waited) < 0.4


async def test_conversations_do_not_wait_for_each_other(chat: Any) -> None:
    tokens = [chat.token] + [(await chat.open())["token"] for _ in range(4)]
    at_work, all_at_work = [], asyncio.Event()

    async def wait_for_the_others() -> None:
        at_work.append(1)
        if len(at_work) == len(tokens):
            all_at_work.set()
        await all_at_work.wait()

    chat.agent.processor.work = wait_for_the_others

    responses = await asyncio.gather(
        *(
            chat.http.post(
                "/messages", json={"text": "hi"}, headers={"Authorization": f"Bearer {token}"}
            )
            for token in tokens
        )
    )

    # Each would time out in a queue.
    assert {response.status_code for response in responses} == {200}


@pytest.mark.parametrize("responses", [[], [{"text": None}], [{"custom": {"unknown": 1}}]])
async def test_silence_becomes_an_apology(chat: Any, responses: list[Any]) -> None:
    chat.agent.processor.reply = lambda _: responses

    [answer] = await chat.say("hello")

    assert answer["text"] == "Sorry, that went wrong."
    assert [m["text"] for m in await chat.history()][1:] == ["hello", "Sorry, that went wrong."]


async def test_silence_without_an_apology_in_the_domain_is_a_503(chat: Any) -> None:
    chat.agent.processor.reply = lambda _: []
    del chat.agent.nlg.responses["utter_action_failed"]

    assert (await chat.post({"text": "hello"})).status_code == 503
    assert len(await chat.history()) == 1


async def test_a_client_that_goes_away_finds_its_answer_when_it_comes_back(chat: Any) -> None:
    chat.agent.processor.seconds = 0.2
    client_id = str(uuid.uuid4())
    going = asyncio.ensure_future(chat.post({"text": "hello", "client_id": client_id}))
    await chat.agent.processor.is_at_work.wait()
    going.cancel()

    answers = await chat.say("hello", client_id=client_id)

    history = await chat.history()
    assert [message["text"] for message in history[1:]] == ["hello", "You said hello"]
    assert answers == history[2:]
    assert len(chat.agent.processor.handled) == 1


async def test_a_response_becomes_one_message_of_the_api(chat: Any) -> None:
    card = {
        "title": "Basic SRO Course",
        "subtitle": "Austin, Texas",
        "fields": [{"label": "Seats left", "value": 0}, {"label": "Starts", "value": "March 1"}],
        "url": "https://example.org/register",
    }
    chat.agent.processor.reply = lambda _: [
        {
            "text": "One class.\n\nIn Austin.",
            "buttons": [{"title": "More", "payload": "/more", "type": "postback"}],
            "links": [{"title": "All", "url": "https://example.org"}],
            "custom": {
                "cards": [card, {"title": "Bare"}],
                "source": {"title": "FAQ", "url": "https://example.org/faq", "owner": "x"},
                "as_of": "2027-03-01T13:00:00+01:00",
                "secret": "dropped",
            },
            "utter_action": "utter_classes",
        }
    ]

    [answer] = await chat.say("classes")

    assert uuid.UUID(answer.pop("id")).version == 4
    assert answer == {
        "from": "assistant",
        "at": "2027-03-01T12:00:00.000Z",
        "text": "One class.\n\nIn Austin.",
        "buttons": [{"title": "More", "payload": "/more"}],
        "cards": [
            {
                **card,
                "fields": [
                    {"label": "Seats left", "value": "0"},
                    {"label": "Starts", "value": "March 1"},
                ],
            },
            {"title": "Bare", "subtitle": None, "fields": [], "url": None},
        ],
        "links": [{"title": "All", "url": "https://example.org"}],
        "source": {"title": "FAQ", "url": "https://example.org/faq"},
        "as_of": "2027-03-01T12:00:00.000Z",
    }


async def test_what_is_malformed_in_a_response_is_left_out(chat: Any) -> None:
    chat.agent.processor.reply = lambda _: [
        {
            "text": "Hello",
            "buttons": [{"title": "no payload"}, {"title": "Fine", "payload": "/fine"}, "text"],
            "links": [{"title": "x", "url": None}, {"title": True, "url": "u"}],
            "custom": {
                "cards": {"title": "not a list"},
                "source": "FAQ",
                "as_of": "yesterday",
            },
        }
    ]

    [answer] = await chat.say("hello")

    assert answer["text"] == "Hello"
    assert answer["buttons"] == [{"title": "Fine", "payload": "/fine"}]
    assert (answer["cards"], answer["links"], answer["source"], answer["as_of"]) == (
        [],
        [],
        None,
        None,
    )


async def test_several_responses_are_several_messages_in_order(chat: Any) -> None:
    chat.agent.processor.reply = lambda _: [
        {"text": "one"},
        {"custom": {"cards": [{"title": "two"}]}},
        {"text": "three"},
    ]

    answers = await chat.say("hello")

    assert [answer["text"] for answer in answers] == ["one", "", "three"]
    assert (await chat.history())[2:] == answers
    assert len({message["id"] for message in await chat.history()}) == 5
