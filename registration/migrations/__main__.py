"""Writes a new revision from what the models say and a current database doesn't have."""

import os
import sys

from alembic import command
from alembic.config import Config

from registration.database import MIGRATIONS, Database
from registration.settings import registration_url

if __name__ == "__main__":
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with Database(registration_url(os.environ)).engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message=sys.argv[1], autogenerate=True)
