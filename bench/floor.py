"""The floor under a turn: a bare Sanic server that embeds one text, stores it, and echoes it as JSON.

    python -m bench.floor PORT DATABASE

The same web server, encoder and kind of SQLite database as the assistant's, and nothing else.
"""

from __future__ import annotations

import sys
from typing import Any

import sqlalchemy as sa
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from bot.deferred import defer_tensorflow
from bot.webchat.database import ConversationDatabase, off_loop

METADATA = sa.MetaData()
said = sa.Table(
    "said", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
)


def main(port: int, file: str) -> None:
    defer_tensorflow()
    from bot.nlu.encoder import encoder  # noqa: PLC0415  imports Rasa

    app = Sanic("floor", configure_logging=False)
    database = ConversationDatabase(f"sqlite:///{file}", metadata=[METADATA])
    encode = encoder().encode

    def store(text: str) -> None:
        with database.writing() as connection:
            connection.execute(said.insert().values(text=text))

    @app.post("/")
    async def echo(request: Request) -> HTTPResponse:
        body: dict[str, Any] = request.json
        encode([body["text"]])
        await off_loop(store, body["text"])
        return json(body)

    app.run(host="127.0.0.1", port=port, access_log=False, motd=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
