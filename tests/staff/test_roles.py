"""Every route and every role: who isn't let in gets 403, who isn't signed in is sent to sign in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.staff.accounts import Role
from tests.staff.conftest import Area, Browser

TABLE: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("roles.yml").read_text(encoding="utf-8")
)


def routes_of(area: Area) -> dict[str, str]:
    """What the running server answers under /staff, with the role that was declared for it."""
    declared = {
        f"{route.method} {route.address}": route.least.value if route.least else "anybody"
        for route in area.area.routes
    }
    served = {
        f"{method} /{route.path}" for route in area.app.router.routes for method in route.methods
    }
    assert {name for name in served if name.split()[1].startswith("/staff")} == set(declared)
    return declared


async def test_every_route_is_in_the_table(area: Area) -> None:
    assert routes_of(area) == TABLE


async def send(browser: Browser, route: str) -> tuple[int, str]:
    """Status and where it leads, for a route with made-up parts and an empty form."""
    method, address = route.split()
    path = address.removeprefix("/staff").replace("<id:str>", "0")
    response = await (browser.get(path) if method == "GET" else browser.post(path))
    return response.status_code, response.headers.get("location", "")


@pytest.mark.parametrize("role", ["nobody", *(role.value for role in Role)])
async def test_a_role_gets_what_it_may_have_and_nothing_else(area: Area, role: str) -> None:
    let_in, shut_out = set(), set()
    browser = area.browser()
    if role != "nobody":
        email = area.account(Role(role))
    for route in TABLE:
        if role != "nobody" and (await browser.get("/account")).status_code != 200:
            await browser.sign_in(email)  # a route before has signed them out
        status, leads_to = await send(browser, route)
        is_sent_away = status == 303 and leads_to.startswith("/staff/sign-in?next=")
        if method_is_post(route) and role == "nobody":
            is_sent_away = status == 303 and leads_to == "/staff/sign-in"
        is_refused = is_sent_away if role == "nobody" else status == 403
        assert status != 500, route
        (shut_out if is_refused else let_in).add(route)

    order = ["anybody", *(role.value for role in Role)]
    reach = order[: order.index(role) + 1] if role != "nobody" else ["anybody"]
    assert let_in == {route for route, least in TABLE.items() if least in reach}
    assert shut_out == set(TABLE) - let_in


def method_is_post(route: str) -> bool:
    return route.startswith("POST")
