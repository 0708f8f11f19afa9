"""The staff pages as somebody in front of them finds them: by role, name and text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from playwright.sync_api import Locator, Page, expect

from bot.staff.accounts import Accounts, Role
from bot.staff.database import METADATA
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from tests.running_server import SECRET, Server

PASSWORD = "correct horse battery"

_numbers = count(1)


def an_account(
    server: Server, role: Role, name: str = "", email: str = "", *, must_change: bool = False
) -> str:
    """Makes an account on a running server, and gives its address."""
    email = email or f"{role.value}{next(_numbers)}@example.org"
    database = ConversationDatabase(server.conversations_url, metadata=(METADATA,))
    Accounts(database, Keys(SECRET)).add(
        *(email, name or f"A {role.value}", role, PASSWORD), by="test", must_change=must_change
    )
    database.dispose()
    return email


@dataclass
class StaffPages:
    page: Page

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """On the sign-in page."""
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.button("Sign in").click()

    def go_to(self, name: str) -> None:
        """Takes a page from the navigation."""
        self.page.get_by_role("navigation", name="Staff pages").get_by_role(
            "link", name=name, exact=True
        ).click()
        self.shows(name)

    def choose_file(self, name: str, content: str, kind: str = "Classes") -> None:
        """On the page of calendar files."""
        self.page.get_by_label("What it holds").select_option(label=kind)
        self.page.get_by_label("CSV file").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
        )
        self.button("Look at it").click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def shows(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def says(self, text: str) -> None:
        expect(self.main).to_contain_text(text)

    def row(self, text: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)
