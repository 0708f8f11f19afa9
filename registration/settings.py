"""Which registration database to use: the one place that names the environment variable."""

from collections.abc import Mapping

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from registration.errors import RegistrationError

URL_VARIABLE = "NASRO_REGISTRATION_URL"
DEFAULT_URL = "sqlite:///var/registration.sqlite"


def registration_url(environ: Mapping[str, str]) -> str:
    """The SQLAlchemy URL of the registration database; by default a SQLite file under `var/`.

    Raises:
        RegistrationError: It is none.
    """
    url = environ.get(URL_VARIABLE) or DEFAULT_URL
    try:
        is_known = make_url(url).get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):
        is_known = False
    if not is_known:
        # It isn't repeated: it may hold a password.
        raise RegistrationError(
            f"{URL_VARIABLE} is no SQLite or PostgreSQL database, like {DEFAULT_URL}"
        )
    return url
