"""The time zone of a class whose calendar row names none."""

from __future__ import annotations

from functools import lru_cache

import zipcodes

from registration.gazetteer import key

# States and territories with one zone (the IANA time zone database, tzdata). The others need a
# ZIP code or a city; so does Arizona, where the Navajo Nation keeps daylight saving time.
OF_STATE = {
    **dict.fromkeys(
        [
            "CT",
            "DC",
            "DE",
            "GA",
            "MA",
            "MD",
            "ME",
            "NC",
            "NH",
            "NJ",
            "NY",
            "OH",
            "PA",
            "RI",
            "SC",
            "VA",
            "VT",
            "WV",
        ],
        "America/New_York",
    ),
    **dict.fromkeys(
        ["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"], "America/Chicago"
    ),
    **dict.fromkeys(["CO", "MT", "NM", "UT", "WY"], "America/Denver"),
    **dict.fromkeys(["CA", "NV", "WA"], "America/Los_Angeles"),
    "HI": "Pacific/Honolulu",
    "PR": "America/Puerto_Rico",
    "VI": "America/St_Thomas",
    "GU": "Pacific/Guam",
    "MP": "Pacific/Saipan",
    "AS": "Pacific/Pago_Pago",
}


def time_zone(state: str, city: str, zip_code: str | None) -> str | None:
    """The IANA name of the zone; `None` where neither state, ZIP code nor city tells it."""
    if state in OF_STATE:
        return OF_STATE[state]
    by_zip, by_city = _tables()
    zones = {by_zip[zip_code]} if zip_code in by_zip else by_city.get((state, key(city)), set())
    return next(iter(zones)) if len(zones) == 1 else None


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, str], dict[tuple[str, str], set[str]]]:
    """Zones by ZIP code, and by state and city; read when first needed, it takes a second."""
    by_zip: dict[str, str] = {}
    by_city: dict[tuple[str, str], set[str]] = {}
    for entry in zipcodes.list_all():
        if "/" in entry["timezone"]:  # a few entries name a town there, or nothing
            by_zip[entry["zip_code"]] = entry["timezone"]
            by_city.setdefault((entry["state"], key(entry["city"])), set()).add(entry["timezone"])
    return by_zip, by_city
