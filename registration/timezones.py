"""The time zone of a class whose calendar row names none."""

from __future__ import annotations

from functools import lru_cache

import zipcodes

# States and territories with one zone (the IANA time zone database, tzdata). The others need a ZIP code.
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
    "AZ": "America/Phoenix",
    "HI": "Pacific/Honolulu",
    "PR": "America/Puerto_Rico",
    "VI": "America/St_Thomas",
    "GU": "Pacific/Guam",
    "MP": "Pacific/Saipan",
    "AS": "Pacific/Pago_Pago",
}


@lru_cache(maxsize=4096)
def time_zone(state: str, zip_code: str | None) -> str | None:
    """The IANA name of the zone, or `None` where the state has several and the ZIP code is unknown."""
    if state in OF_STATE:
        return OF_STATE[state]
    found = zipcodes.matching(zip_code) if zip_code else []
    return found[0]["timezone"] if found else None
