"""The staff area: pages under /staff for the people at the association who keep the assistant right.

Who does what: `accounts` says who may sign in and keeps sessions and lock-outs, `openid` asks a provider
who somebody is, `kept` keeps what was typed when a session ended, `audit` notes every change, `area` is
what all pages have in common (who is there, roles, form tokens, templates), `pages` has the pages, one
file each part, `commands` makes accounts from the command line.

Sentences that staff read live in `templates/`. A new part is a file with a `Pages` of its own, its
templates, and a line in `pages/__init__.py`; `docs/decisions/0012-the-staff-area.md` says why it is so.
"""
