"""The web chat channel: the HTTP API behind the website's chat widget.

Who does what: `channel` is the HTTP side, `turns` runs one exchange through Rasa, `messages`
says what a message is, `history` and `database` keep them, `sessions` makes and checks tokens,
`limits` slows down the hurried, `errors` words the refusals, `http` holds what every response of
the API has in common, `health` and `metrics` tell operators how it goes. `openapi.yaml` describes
all of it to clients.
"""
