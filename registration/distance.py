"""Miles between two points of the Earth: the haversine, in Python and as SQL."""

from __future__ import annotations

import math

EARTH_RADIUS_MILES = 3958.8
"""The mean radius."""


def miles_between(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Along the surface, from coordinates in degrees."""
    here, there = math.radians(latitude), math.radians(to_latitude)
    half_chord = (
        math.sin((there - here) / 2) ** 2
        + math.cos(here)
        * math.cos(there)
        * math.sin(math.radians(to_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(half_chord)))


IN_CIRCLE = (
    "latitude BETWEEN :south AND :north AND longitude BETWEEN :west AND :east AND "
    "dy * dy * (:d2 - dy * dy * :d4)"
    " + (:c0 - dy * (:c1 + dy * (:c2 - dy * :c3))) * dx * dx * (:d2 - dx * dx * :d4) <= :most"
    .replace("dy", "(latitude - :here_north)").replace("dx", "(longitude - :here_east)")
)  # fmt: skip
"""The condition that a row of the columns `latitude` and `longitude` lies in a `circle`.

First the box around the circle; then the haversine. SQLite has no sines that one can count on, and a call
to Python for each row is slow. So the sines of the small angles within the box are written as their power
series, to a foot at a hundred miles in Alaska: with d one degree in radians, sin²(x·d/2) is
x²·(d²/4 - x²·d⁴/48), and the cosine of the row's latitude is a polynomial in its distance from ours.
"""


def circle(miles: float, latitude: float, longitude: float) -> dict[str, float]:
    """The values of `IN_CIRCLE`.

    Args:
        miles: Radius of the circle, some hundreds at most.
        latitude: Its middle, in degrees. The circle must hold no pole.
        longitude: Its middle. The circle must not reach the 180th meridian; no class is near it.
    """
    d = math.radians(1)
    sine, cosine = math.sin(latitude * d), math.cos(latitude * d)
    angle = miles / EARTH_RADIUS_MILES
    high = math.degrees(angle)
    wide = math.degrees(math.asin(min(1.0, math.sin(angle) / cosine)))
    return {
        "here_north": latitude,
        "here_east": longitude,
        "south": latitude - high,
        "north": latitude + high,
        "west": longitude - wide,
        "east": longitude + wide,
        "d2": d**2 / 4,
        "d4": d**4 / 48,
        "c0": cosine**2,
        "c1": cosine * sine * d,
        "c2": cosine * cosine * d**2 / 2,
        "c3": cosine * sine * d**3 / 6,
        "most": math.sin(angle / 2) ** 2,
    }
