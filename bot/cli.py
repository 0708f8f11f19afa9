"""The console command `nasro-chat`. Every command works from the project's root.

Rasa is imported by the commands that need it only: the import costs seconds, most of them TensorFlow.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import logs
from bot.commands import plain_errors
from bot.content.commands import content
from bot.deferred import defer_tensorflow
from bot.settings import Settings, SettingsInvalid
from bot.staff.audit import COMMAND_LINE
from bot.staff.check_command import check
from bot.staff.commands import staff
from bot.staff.content_commands import COMMANDS as CONTENT_COMMANDS
from bot.staff.outcome_commands import outcomes, queue, report_
from registration.database import Database
from registration.errors import ImportRejected, RegistrationError, TablesMissing
from registration.settings import registration_url

if TYPE_CHECKING:
    from registration.importers import ImportReport

MODELS = Path("models")
MODEL_NAME = "assistant"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """The chat assistant of NASRO, the National Association of School Resource Officers.

    \b
    A first start by hand:
      nasro-chat db upgrade         make or update the registration database
      nasro-chat sample-data        fill it with labelled sample classes, or
      nasro-chat import classes F   with the real calendar
      nasro-chat train              train the model
      nasro-chat serve              answer on http://localhost:8000
    """
    # Rasa reports its use to its makers unless told not to, and is commented on by what it uses.
    # Both are imported later than this.
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logs.mute_warnings()


@main.command()
@click.option(
    "--model", type=click.Path(exists=True, path_type=Path), help="Default: the newest in models/."
)
@click.option(
    "--endpoints",
    default="endpoints.yml",
    show_default=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where conversations are kept and custom actions run.",
)
def serve(model: Path | None, endpoints: Path) -> None:
    """Serve the web chat API, the widget and the page on PORT (8000)."""
    settings = _settings()
    click.echo("Starting the assistant (about ten seconds) ...", err=True)
    logs.configure()
    # A message is too little work for several cores: their threads would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    defer_tensorflow()
    from bot.server import CannotStart, serve_forever  # noqa: PLC0415  Rasa's import is slow

    try:
        serve_forever(settings, model or MODELS, endpoints)
    except CannotStart as error:
        raise click.ClickException(str(error)) from error


@main.command()
def shell() -> None:
    """Talk to the assistant in the terminal."""
    _settings()  # what can't be used is better said before the model is loaded
    logs.configure()
    defer_tensorflow()
    from bot.server import CannotStart  # noqa: PLC0415  Rasa's import is slow
    from bot.shell import talk  # noqa: PLC0415

    try:
        asyncio.run(talk(MODELS))
    except CannotStart as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--config", default="config.yml", show_default=True, help="The pipeline.")
@click.option("--force", is_flag=True, help="Train everything again, whatever has changed.")
def train(config: str, force: bool) -> None:
    """Train the model from config.yml, domain.yml and data/ into models/."""
    # Rasa's own progress is for its developers; what our components found out is for everybody.
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    logs.configure(message_format="%(message)s")
    import rasa  # noqa: PLC0415  Rasa's import is slow

    result = rasa.train(
        domain="domain.yml",
        config=config,
        training_files="data",
        output=str(MODELS),
        fixed_model_name=MODEL_NAME,
        force_training=force,
    )
    if result.model is None:
        raise click.ClickException("Training failed; the lines above say why.")
    # Without a change Rasa keeps the model it has: say that this is the model of today's data.
    Path(result.model).touch()
    click.echo(f"The model is {result.model}")


@main.group()
def db() -> None:
    """The registration database."""


@db.command()
def upgrade() -> None:
    """Make the database, or bring its tables up to date."""
    with _database() as database:
        database.upgrade()
    click.echo("The registration database is up to date.")


@main.command("sample-data")
@click.option(
    "--if-empty",
    is_flag=True,
    help="Leave a database as it is that holds real classes, or sample ones to come.",
)
@click.option(
    "--classes",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Make N classes more, for benchmarks.",
)
@click.option(
    "--registrations",
    type=click.IntRange(0),
    default=0,
    metavar="M",
    help="Register made-up members M times in those N classes.",
)
def sample_data(if_empty: bool, classes: int, registrations: int) -> None:
    """Load labelled sample classes and members, dated from today on."""
    from registration.sample import generate, load_sample, may_be_filled  # noqa: PLC0415  only here

    if registrations and not classes:
        raise click.UsageError("--registrations need --classes.")
    today = _now().date()
    with _database() as database:
        if not may_be_filled(database, today=today):
            if if_empty:
                return
            raise click.ClickException("The database already holds classes; nothing was loaded.")
        load_sample(database, today=today)
        if classes:
            with _progress_bar("Making classes and registrations") as progress:
                generate(
                    database,
                    classes=classes,
                    registrations=registrations,
                    today=today,
                    progress=progress,
                )
    click.echo("Loaded SAMPLE classes and members (none of them is real).")


@main.group("import")
def import_() -> None:
    """Load classes, members or registrations from CSV files (docs/calendar.md)."""


def _import_command(name: str, what: str) -> None:
    @import_.command(name, help=f"Load {what} from a CSV file; safe to repeat.")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--keep-good", is_flag=True, help="Load the good rows though others are bad.")
    def command(file: Path, keep_good: bool) -> None:
        from registration.importers import import_file  # noqa: PLC0415  only needed here

        with _database() as database, _progress_bar(str(file)) as progress:
            try:
                report = import_file(
                    database, name, file, by=COMMAND_LINE, keep_good=keep_good, progress=progress
                )
            except ImportRejected as rejected:
                _print_problems(rejected.report)
                raise click.ClickException("Nothing was loaded.") from rejected
        _print_problems(report)
        click.echo(
            f"{report.rows} rows: {report.created} new, {report.updated} changed, "
            f"{report.unchanged} unchanged, {len(report.errors)} not loaded."
        )


for _name, _what in (
    ("classes", "classes and conferences"),
    ("members", "members"),
    ("registrations", "registrations"),
):
    _import_command(_name, _what)


def _print_problems(report: ImportReport) -> None:
    for error in report.errors:
        click.echo(f"line {error.line}, {error.column}: {error.message}", err=True)


for _group in (staff, outcomes, queue, report_, content):
    main.add_command(_group)
for _command in CONTENT_COMMANDS:
    content.add_command(_command)


content.add_command(check)


@main.command("identity-token")
@click.argument("email")
def identity_token(email: str) -> None:
    """Sign a token for EMAIL as the website would, to try things out (docs/identity.md)."""
    from identity.site_tokens import make  # noqa: PLC0415  only needed here

    config = _settings().identity
    for kid, key in config.site_keys.items():
        if key.algorithm == "HS256":
            click.echo(
                make(
                    email=email,
                    kid=kid,
                    algorithm=key.algorithm,
                    key=key.key,
                    issuer=config.issuer,
                    audience=config.audience,
                    now=_now(),
                )
            )
            return
    raise click.ClickException("NASRO_IDENTITY_KEYS holds no HS256 key to sign with.")


@main.group()
def privacy() -> None:
    """Forget what people said (docs/privacy.md)."""


@privacy.command()
@click.option("--email", required=True, help="The address to forget.")
def erase(email: str) -> None:
    """Forget an address and the conversations in which it ever signed in."""
    from bot.privacy import erase_email  # noqa: PLC0415  Rasa's import is slow

    with plain_errors():
        number = erase_email(_settings(), email, _now())
    click.echo(f"Forgotten, with {number} conversations.")


@privacy.command()
@click.option("--older-than", required=True, help="Like 30d: conversations that began before that.")
def purge(older_than: str) -> None:
    """Forget conversations of long ago."""
    from bot.privacy import purge as forget  # noqa: PLC0415  Rasa's import is slow

    # More than five digits, and it would be before all calendars.
    days = re.fullmatch("([0-9]{1,5})d", older_than)
    if not days:
        raise click.BadParameter(
            "write a number of days, like 30d, 99999d at most", param_hint="--older-than"
        )
    before = _now() - timedelta(days=int(days[1]))
    with plain_errors():
        number = forget(_settings(), before, _now())
    click.echo(f"Forgotten: {number} conversations.")


def _settings() -> Settings:
    try:
        return Settings.from_environment(os.environ)
    except SettingsInvalid as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _database() -> Iterator[Database]:
    """The registration database for one command; its errors become one plain line."""
    try:
        database = Database(registration_url(os.environ))
        try:
            yield database
        finally:
            database.dispose()
    except TablesMissing as error:
        raise click.ClickException(f"{error}: run 'nasro-chat db upgrade' first.") from error
    except RegistrationError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """To be told how much of how much is done."""
    with click.progressbar(length=1, label=label) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield progress


def _now() -> datetime:
    return datetime.now(timezone.utc)
