"""Which registration database to use: the one place that names the environment variable."""

from collections.abc import Mapping

URL_VARIABLE = "NASRO_REGISTRATION_URL"
DEFAULT_URL = "sqlite:///var/registration.sqlite"


def registration_url(environ: Mapping[str, str]) -> str:
    """The SQLAlchemy URL of the registration database; by default a SQLite file under `var/`."""
    return environ.get(URL_VARIABLE) or DEFAULT_URL
