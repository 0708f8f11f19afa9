"""CSV that spreadsheet programs open without running what a visitor typed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def escaped(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: it gets an apostrophe in front.

    See https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" '").startswith(_BEGINS_A_FORMULA) else text


def plain(cell: str) -> str:
    """What was escaped, as it was."""
    return cell[1:] if cell.startswith("'") and escaped(cell[1:]) == cell else cell


def written(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A CSV file's text, with a line of column names."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([escaped(row[column]) for column in columns])
    return file.getvalue()


CSV = "text/csv; charset=utf-8"


def attached(name: str) -> dict[str, str]:
    """Headers of a file that a browser keeps instead of showing it."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
