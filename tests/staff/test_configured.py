"""Without its setting the server has no staff area."""

from __future__ import annotations

from pathlib import Path

from sanic import Sanic

from bot.server import create_app
from bot.settings import Settings
from tests.staff.conftest import SECRET


def staff_routes(**environment: str) -> set[str]:
    settings = Settings.from_environment({"NASRO_SECRET": SECRET, **environment})
    app: Sanic = create_app(settings, Path("models"))
    return {route.path for route in app.router.routes if route.path.startswith("staff")}


def test_there_is_no_staff_page_until_it_is_configured() -> None:
    assert staff_routes() == set()
    assert "staff/sign-in" in staff_routes(NASRO_STAFF_ORIGIN="http://localhost:8000")
