"""What is logged: warnings of everybody and reports of our own code, never what people write."""

import logging

import structlog

OURS = ("bot", "actions", "identity", "registration")


def mute_warnings() -> None:
    """Keeps what libraries have to say about each other's code to themselves."""
    # Sanic puts its own filter of warnings in front of others, so they are taken where they arrive.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)


def configure(message_format: str = "%(asctime)s %(levelname)s %(name)s: %(message)s") -> None:
    """Sets up logging for this process.

    Rasa logs through structlog as well, which prints everything, conversations included, until it is
    told not to; only `rasa`'s own command line tells it.
    """
    logging.basicConfig(level=logging.WARNING, format=message_format)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=True,
    )
