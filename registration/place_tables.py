"""What people call American places, by hand: states, nicknames, regions; and words that are none.

Only facts and word lists; how they are used is in `registration/places.py`. Towns and ZIP codes
are not here but in `registration/gazetteer`.
"""


def word_set(words: str) -> frozenset[str]:
    """The words of a text, for lists that are easier to read so."""
    return frozenset(words.split())


# fmt: off
STATE_NAMES: dict[str, str] = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico", "GU": "Guam", "VI": "U.S. Virgin Islands", "AS": "American Samoa",
    "MP": "Northern Mariana Islands",
}

STATE_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "AL": ("FL", "GA", "MS", "TN"), "AK": (), "AZ": ("CA", "CO", "NM", "NV", "UT"),
    "AR": ("LA", "MO", "MS", "OK", "TN", "TX"), "CA": ("AZ", "NV", "OR"),
    "CO": ("AZ", "KS", "NE", "NM", "OK", "UT", "WY"), "CT": ("MA", "NY", "RI"),
    "DE": ("MD", "NJ", "PA"), "DC": ("MD", "VA"), "FL": ("AL", "GA"),
    "GA": ("AL", "FL", "NC", "SC", "TN"), "HI": (), "ID": ("MT", "NV", "OR", "UT", "WA", "WY"),
    "IL": ("IA", "IN", "KY", "MO", "WI"), "IN": ("IL", "KY", "MI", "OH"),
    "IA": ("IL", "MN", "MO", "NE", "SD", "WI"), "KS": ("CO", "MO", "NE", "OK"),
    "KY": ("IL", "IN", "MO", "OH", "TN", "VA", "WV"), "LA": ("AR", "MS", "TX"), "ME": ("NH",),
    "MD": ("DC", "DE", "PA", "VA", "WV"), "MA": ("CT", "NH", "NY", "RI", "VT"),
    "MI": ("IN", "OH", "WI"), "MN": ("IA", "ND", "SD", "WI"), "MS": ("AL", "AR", "LA", "TN"),
    "MO": ("AR", "IA", "IL", "KS", "KY", "NE", "OK", "TN"), "MT": ("ID", "ND", "SD", "WY"),
    "NE": ("CO", "IA", "KS", "MO", "SD", "WY"), "NV": ("AZ", "CA", "ID", "OR", "UT"),
    "NH": ("MA", "ME", "VT"), "NJ": ("DE", "NY", "PA"), "NM": ("AZ", "CO", "OK", "TX", "UT"),
    "NY": ("CT", "MA", "NJ", "PA", "VT"), "NC": ("GA", "SC", "TN", "VA"), "ND": ("MN", "MT", "SD"),
    "OH": ("IN", "KY", "MI", "PA", "WV"), "OK": ("AR", "CO", "KS", "MO", "NM", "TX"),
    "OR": ("CA", "ID", "NV", "WA"), "PA": ("DE", "MD", "NJ", "NY", "OH", "WV"),
    "RI": ("CT", "MA"), "SC": ("GA", "NC"), "SD": ("IA", "MN", "MT", "ND", "NE", "WY"),
    "TN": ("AL", "AR", "GA", "KY", "MO", "MS", "NC", "VA"), "TX": ("AR", "LA", "NM", "OK"),
    "UT": ("AZ", "CO", "ID", "NM", "NV", "WY"), "VT": ("MA", "NH", "NY"),
    "VA": ("DC", "KY", "MD", "NC", "TN", "WV"), "WA": ("ID", "OR"),
    "WV": ("KY", "MD", "OH", "PA", "VA"), "WI": ("IA", "IL", "MI", "MN"),
    "WY": ("CO", "ID", "MT", "NE", "SD", "UT"), "PR": (), "GU": (), "VI": (), "AS": (), "MP": (),
}
"""States that share a border on land (the Four Corners count)."""

CAPITALS: dict[str, str] = {
    "AL": "Montgomery", "AK": "Juneau", "AZ": "Phoenix", "AR": "Little Rock", "CA": "Sacramento",
    "CO": "Denver", "CT": "Hartford", "DE": "Dover", "DC": "Washington", "FL": "Tallahassee",
    "GA": "Atlanta", "HI": "Honolulu", "ID": "Boise", "IL": "Springfield", "IN": "Indianapolis",
    "IA": "Des Moines", "KS": "Topeka", "KY": "Frankfort", "LA": "Baton Rouge", "ME": "Augusta",
    "MD": "Annapolis", "MA": "Boston", "MI": "Lansing", "MN": "Saint Paul", "MS": "Jackson",
    "MO": "Jefferson City", "MT": "Helena", "NE": "Lincoln", "NV": "Carson City", "NH": "Concord",
    "NJ": "Trenton", "NM": "Santa Fe", "NY": "Albany", "NC": "Raleigh", "ND": "Bismarck",
    "OH": "Columbus", "OK": "Oklahoma City", "OR": "Salem", "PA": "Harrisburg",
    "RI": "Providence", "SC": "Columbia", "SD": "Pierre", "TN": "Nashville", "TX": "Austin",
    "UT": "Salt Lake City", "VT": "Montpelier", "VA": "Richmond", "WA": "Olympia",
    "WV": "Charleston", "WI": "Madison", "WY": "Cheyenne", "PR": "San Juan", "GU": "Hagatna",
    "VI": "Charlotte Amalie", "AS": "Pago Pago", "MP": "Saipan",
}

LARGEST_CITY_NOT_CAPITAL: dict[str, str] = {"ME": "Portland", "VT": "Burlington"}
"""Namesakes of a larger city elsewhere, which at home are simply "the city"."""

# Further names, by key. Written as people type them: lower case, no points.
STATE_ALIASES: dict[str, str] = {
    "lone star state": "TX", "tejas": "TX", "sunshine state": "FL", "fla": "FL",
    "golden state": "CA", "cali": "CA", "calif": "CA", "socal": "CA", "norcal": "CA",
    "southern cal": "CA", "peach state": "GA", "buckeye state": "OH", "keystone state": "PA",
    "penna": "PA", "penn": "PA", "pennsy": "PA", "garden state": "NJ", "jersey": "NJ",
    "n jersey": "NJ", "empire state": "NY", "upstate ny": "NY", "new york state": "NY",
    "long island": "NY", "mass": "MA", "bay state": "MA", "conn": "CT", "nutmeg state": "CT",
    "ocean state": "RI", "road island": "RI", "west va": "WV",
    "granite state": "NH", "green mountain state": "VT",
    "pine tree state": "ME", "old dominion": "VA", "nova": "VA", "tar heel state": "NC",
    "n carolina": "NC", "palmetto state": "SC", "s carolina": "SC",
    "volunteer state": "TN", "tenn": "TN", "bluegrass state": "KY", "show me state": "MO",
    "hoosier state": "IN", "land of lincoln": "IL", "prairie state": "IL",
    "great lakes state": "MI",
    "mich": "MI", "wolverine state": "MI", "badger state": "WI", "wisc": "WI",
    "north star state": "MN", "land of 10000 lakes": "MN", "hawkeye state": "IA",
    "sunflower state": "KS", "cornhusker state": "NE", "sooner state": "OK", "okla": "OK",
    "natural state": "AR", "pelican state": "LA", "magnolia state": "MS", "miss": "MS",
    "yellowhammer state": "AL", "ala": "AL", "centennial state": "CO", "colo": "CO",
    "beehive state": "UT", "silver state": "NV", "gem state": "ID", "treasure state": "MT",
    "big sky country": "MT", "cowboy state": "WY", "beaver state": "OR", "evergreen state": "WA",
    "washington state": "WA", "wash state": "WA", "ariz": "AZ", "grand canyon state": "AZ",
    "land of enchantment": "NM", "n dakota": "ND", "s dakota": "SD", "last frontier": "AK",
    "aloha state": "HI", "w va": "WV", "wva": "WV", "mountain state": "WV",
    "w virginia": "WV",
    "first state": "DE", "d c": "DC", "usvi": "VI", "us virgin islands": "VI",
    "virgin islands": "VI",
    "st thomas": "VI", "st croix": "VI", "saipan": "MP", "cnmi": "MP", "mariana islands": "MP",
    "u s virgin islands": "VI", "delmarva": "DE",
}

ONLY_WHOLE_MESSAGE_ALIASES = word_set("miss wash mass penn ala nova tejas colo conn tenn mich")
"""Short forms that mean something else inside a sentence ("did I miss it", "Penn State")."""

CITY_ALIASES: dict[str, tuple[str, str]] = {
    "philly": ("Philadelphia", "PA"), "nyc": ("New York", "NY"),
    "new york city": ("New York", "NY"),
    "ny city": ("New York", "NY"), "big apple": ("New York", "NY"), "atl": ("Atlanta", "GA"),
    "hotlanta": ("Atlanta", "GA"), "vegas": ("Las Vegas", "NV"), "sin city": ("Las Vegas", "NV"),
    "nola": ("New Orleans", "LA"), "big easy": ("New Orleans", "LA"), "chi town": ("Chicago", "IL"),
    "chitown": ("Chicago", "IL"), "windy city": ("Chicago", "IL"), "dfw": ("Dallas", "TX"),
    "dallas fort worth": ("Dallas", "TX"), "dallas ft worth": ("Dallas", "TX"),
    "h town": ("Houston", "TX"), "san fran": ("San Francisco", "CA"),
    "bay area": ("San Francisco", "CA"), "sf": ("San Francisco", "CA"),
    "silicon valley": ("San Jose", "CA"),
    "indy": ("Indianapolis", "IN"), "motor city": ("Detroit", "MI"),
    "twin cities": ("Minneapolis", "MN"), "mile high city": ("Denver", "CO"),
    "okc": ("Oklahoma City", "OK"), "slc": ("Salt Lake City", "UT"),
    "salt lake": ("Salt Lake City", "UT"),
    "stl": ("St. Louis", "MO"), "cincy": ("Cincinnati", "OH"),
    "jax": ("Jacksonville", "FL"), "abq": ("Albuquerque", "NM"), "nashvegas": ("Nashville", "TN"),
    "music city": ("Nashville", "TN"), "beantown": ("Boston", "MA"), "kcmo": ("Kansas City", "MO"),
    "washington dc": ("Washington", "DC"), "washington d c": ("Washington", "DC"),
    "wash dc": ("Washington", "DC"),
    "the bronx": ("Bronx", "NY"),
    "research triangle": ("Raleigh", "NC"), "hampton roads": ("Norfolk", "VA"),
    "space city": ("Houston", "TX"), "pdx": ("Portland", "OR"),
    "n las vegas": ("North Las Vegas", "NV"), "lake havasu": ("Lake Havasu City", "AZ"),
    "st pete": ("St. Petersburg", "FL"),
    "queen city": ("Charlotte", "NC"),
}

AMBIGUOUS_NAMES: dict[str, tuple[tuple[str, str | None], ...]] = {
    # A city and its state, or a state alone (no city).
    "washington": (("WA", None), ("DC", "Washington")),
    "pittsburg": (("PA", "Pittsburgh"), ("CA", "Pittsburg"), ("KS", "Pittsburg")),
    "la": (("LA", None), ("CA", "Los Angeles")),
    "kc": (("MO", "Kansas City"), ("KS", "Kansas City")),
    "carolina": (("NC", None), ("SC", None)),
    "dakota": (("ND", None), ("SD", None)),
}
"""Names with two good readings that populations alone would not tell."""

REGIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "new england": ("New England", ("CT", "MA", "ME", "NH", "RI", "VT")),
    "midwest": ("the Midwest", (
        "IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI"
    )),
    "pacific northwest": ("the Pacific Northwest", ("ID", "OR", "WA")),
    "pnw": ("the Pacific Northwest", ("ID", "OR", "WA")),
    "northwest": ("the Northwest", ("ID", "MT", "OR", "WA", "WY")),
    "southwest": ("the Southwest", ("AZ", "NM", "NV", "OK", "TX", "UT")),
    "southeast": ("the Southeast", (
        "AL", "AR", "FL", "GA", "KY", "LA", "MS", "NC", "SC", "TN", "VA", "WV"
    )),
    "northeast": ("the Northeast", ("CT", "MA", "ME", "NH", "NJ", "NY", "PA", "RI", "VT")),
    "mid atlantic": ("the Mid-Atlantic", ("DC", "DE", "MD", "NJ", "NY", "PA", "VA", "WV")),
    "east coast": ("the East Coast", (
        "CT", "DC", "DE", "FL", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "PA", "RI", "SC",
        "VA"
    )),
    "eastern seaboard": ("the East Coast", (
        "CT", "DC", "DE", "FL", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "PA", "RI", "SC",
        "VA"
    )),
    "west coast": ("the West Coast", ("CA", "OR", "WA")),
    "gulf coast": ("the Gulf Coast", ("AL", "FL", "LA", "MS", "TX")),
    "deep south": ("the Deep South", ("AL", "GA", "LA", "MS", "SC")),
    "the south": ("the South", (
        "AL", "AR", "FL", "GA", "KY", "LA", "MS", "NC", "SC", "TN", "TX", "VA"
    )),
    "down south": ("the South", (
        "AL", "AR", "FL", "GA", "KY", "LA", "MS", "NC", "SC", "TN", "TX", "VA"
    )),
    "great plains": ("the Great Plains", ("KS", "MT", "ND", "NE", "OK", "SD", "WY")),
    "great lakes": ("the Great Lakes", ("IL", "IN", "MI", "MN", "NY", "OH", "PA", "WI")),
    "rocky mountains": ("the Rocky Mountains", ("CO", "ID", "MT", "NV", "UT", "WY")),
    "rockies": ("the Rocky Mountains", ("CO", "ID", "MT", "NV", "UT", "WY")),
    "mountain west": ("the Mountain West", ("AZ", "CO", "ID", "MT", "NM", "NV", "UT", "WY")),
    "four corners": ("the Four Corners", ("AZ", "CO", "NM", "UT")),
    "carolinas": ("the Carolinas", ("NC", "SC")),
    "dakotas": ("the Dakotas", ("ND", "SD")),
    "tri state": ("the Tri-State Area", ("CT", "NJ", "NY")),
    "dmv": ("the DMV", ("DC", "MD", "VA")),
    "appalachia": ("Appalachia", ("KY", "NC", "TN", "VA", "WV")),
}
# fmt: on

for _name in ("midwest", "southwest", "southeast", "northeast", "northwest"):
    REGIONS[f"{_name}ern states"] = REGIONS[f"{_name}ern us"] = REGIONS[_name]
    REGIONS[f"{_name[:-4]} {_name[-4:]}"] = REGIONS[_name]
REGIONS["tristate"] = REGIONS["tri state area"] = REGIONS["tristate area"] = REGIONS["tri state"]
REGIONS["dmv area"] = REGIONS["dmv"]
REGIONS["the west"] = ("the West", (*REGIONS["mountain west"][1], "CA", "OR", "WA"))
REGIONS["out west"] = REGIONS["the west"]
# Or else "the west coast" would be the West.
REGIONS.update({f"the {_key}": REGIONS[_key] for _key in [*REGIONS] if not _key.startswith("the ")})

COUNTRYWIDE = frozenset(
    {
        "anywhere",
        "any where",
        "anywhere in the country",
        "anywhere in the us",
        "anywhere in the usa",
        "anywhere in the united states",
        "nationwide",
        "nation wide",
        "nationally",
        "countrywide",
        "all over the country",
        "across the country",
        "across the us",
        "across the nation",
        "whole country",
        "entire country",
        "any state",
        "all states",
        "all the states",
        "all 50 states",
        "every state",
        "any location",
        "all locations",
        "the us",
        "the usa",
        "the states",
        "usa",
        "u s a",
        "u s",
        "united states",
        "united states of america",
        "america",
        "stateside",
        "any place",
        "anyplace",
        "everywhere",
        "doesnt matter where",
        "no matter where",
    }
)

FOREIGN_ALIASES: dict[str, tuple[str, str]] = {
    "uk": ("the United Kingdom", "United Kingdom"),
    "u k": ("the United Kingdom", "United Kingdom"),
    "great britain": ("Great Britain", "United Kingdom"),
    "england": ("England", "United Kingdom"),
    "scotland": ("Scotland", "United Kingdom"),
    "wales": ("Wales", "United Kingdom"),
    "northern ireland": ("Northern Ireland", "United Kingdom"),
    "holland": ("the Netherlands", "Netherlands"),
    "uae": ("the United Arab Emirates", "United Arab Emirates"),
    "europe": ("Europe", "Europe"),
    "overseas": ("overseas", "overseas"),
    "south korea": ("South Korea", "South Korea"),
    "czech republic": ("the Czech Republic", "Czechia"),
    "quebec": ("Quebec", "Canada"),
    "british columbia": ("British Columbia", "Canada"),
    "alberta": ("Alberta", "Canada"),
    "manitoba": ("Manitoba", "Canada"),
    "saskatchewan": ("Saskatchewan", "Canada"),
    "nova scotia": ("Nova Scotia", "Canada"),
    "newfoundland": ("Newfoundland", "Canada"),
    "prince edward island": ("Prince Edward Island", "Canada"),
    "baja california": ("Baja California", "Mexico"),
}
FOREIGN_PARTS: dict[str, str] = {
    "ontario": "Canada",
    "bc": "Canada",
    "ab": "Canada",
    "quebec": "Canada",
    "qc": "Canada",
    "british columbia": "Canada",
    "alberta": "Canada",
    "manitoba": "Canada",
    "nova scotia": "Canada",
    "england": "United Kingdom",
    "scotland": "United Kingdom",
    "uk": "United Kingdom",
}
"""What may stand after a foreign city in place of its country ("Toronto, Ontario")."""

U_S_TOWNS_FIRST = frozenset({"naples", "melbourne", "dublin"})
"""Towns under the population rule's bar that Americans still mean first."""

# Words ------------------------------------------------------------------------------------------

NEVER_PLACES = word_set("""
    january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday spring summer fall winter autumn christmas
    easter thanksgiving holiday weekend today tomorrow basic advance advanced triad resource
    certificate certificates evaluation supervisor supervisors management sso sro cpted amht nasro
    conference unite project adolescent health class course courses training trainer trainings
    school schools security safety officer officers police enforcement law crime prevention design
    member membership account login register registration seat seats spot spots hold reserve host
    card mentor counselor educator teacher coach price page best story media hope justice progress
    home start welcome early okay ok post many industry commerce agency office friendly friend
    happy help cancel stop more less yes no nope thanks thank hello hi hey bye goodbye please what
    when where who why how english man point white young star strong nice cool deal lead rule
    trial grant grants effort experiment opportunity secretary purchase deposit export reform
    winner talent fate hurt burden assumption startup celebration friendship equality harmony
    veteran junior minor cop sheriff gun guns student students parent parents principal time date
    dates hours online virtual center centre central university college council energy gas green
    beach holiday magazine golf war earth tool section number code state city town county area
    region district location place north south east west northern southern eastern western only
    dmv same other another next first second third last new old big small long short high low good bad
    great fine sure right wrong true false open closed full free sandy hook sandyhook
    """)
"""Town names, most of them small, that here are words. Taken with a state only."""

NEVER_PHRASES = frozenset(
    {"sandy hook", "santa claus", "high school", "law school", "new school", "old school"}
)

PLACE_FIRST_WORDS = word_set("""
    phoenix buffalo mesa boulder billings providence concord charlotte flint brooklyn manhattan
    stockton cypress richmond cleveland raleigh tulsa bismarck lincoln plymouth bangor savannah
    augusta lafayette pasadena
    """)
"""Large cities whose names stand in a dictionary but are places in nearly every message."""

PERSON_NAMES = word_set("""
    henderson chandler gilbert garland irving madison lincoln jackson montgomery dakota eugene warren
    elizabeth norman kent tyler brandon richardson everett clovis allen edison carson paterson
    hayward lowell thornton victoria jordan chad jefferson pierre helena austin houston washington
    hamilton florence sherman logan murray parker wilson anderson rogers wayne davis lawrence
    taylor bryan kendall hoover troy lynn newton tracy sandy gary moore mckinney frederick
    campbell beverly mansfield aurora charlotte savannah israel athens salem alexandria columbia
    geneva virginia georgia carolina lee kelly kerri williamson donna melissa linda amanda ryan
    holly marion clinton bradley spencer mitchell harrison franklin vernon sidney
    """)
"""Names of people, too: taken for a place only where the sentence speaks of a place."""


TITLES = word_set("""
    officer sgt sergeant cpl corporal lt lieutenant capt captain chief deputy det detective sheriff
    trooper mr mrs ms miss dr principal
    """)
"""Before somebody's name."""

# Two-letter codes that are words; what they mean beside a town or after "in" is in places.py.
WORD_CODES = word_set("al as co de hi id in la ma me mo oh ok or pa")
CLAUSE_WORD_CODES = word_set("as hi in me ok or")
"""The commonest of them: lower case they are a state only at the end of a clause."""

OTHER_SHORT_WORDS = word_set("ar ct ga md mi wi mp ms mt ne pr va vi gu il wa nd sd ut ia sc ri")
"""Codes that also abbreviate something else: lower case they need a cue or a town beside them."""

STRONG_CUES = word_set("in near around outside within throughout at nearby")
WEAK_CUES = word_set("to from for by about of visit serving close towards between via")
BETWEEN_CUE_AND_PLACE = word_set(
    "the greater downtown north south east west northern southern eastern western central"
)
PLACE_NOUNS = word_set("area areas region metro metroplex vicinity")
CONNECTORS = word_set("and or")

NOT_A_TOWN_BEFORE = word_set("""
    county counties parish high elementary middle isd street avenue ave road boulevard blvd
    university college academy school schools hospital airport hotel inn
    """)
"""After these a town's name is part of the name of something else ("Jackson County")."""

NUMBERED_THINGS = word_set("""
    account order id invoice badge case member membership po box confirmation conf ticket pin
    password passcode login ext extension room suite apt unit phone fax route precinct
    """)
"""What has a number of its own: "badge number 7", "ticket 30301"."""

ZIP_LOOKALIKE_BEFORE = NUMBERED_THINGS | word_set("""
    number about over than approximately roughly estimated nearly almost estimate
    """)
ZIP_LOOKALIKE_AFTER = word_set("""
    schools officers students sros people dollars members percent hours kids children seats
    classes agencies teachers usd employees
    """)

FILLERS = word_set("""
    in near around the please what about how and no i meant mean im am live we re are were from
    for to at of my is its it or a an to of based located here yes ok okay um uh hmm well actually
    rather instead then maybe you city state town area region zip code zipcode s let lets try
    """)
"""Words beside which a place still is the whole message."""

TOPIC_WORDS = word_set("""
    class classes training trainings course courses basic advanced sso sro sros cpted amht
    conference any upcoming next next available near nearby coming up do have show me find list
    are there is seats for this month year week
    """)
"""Words that, with a place's name, make a message about classes there."""

FILLERS_AND_TOPIC = FILLERS | TOPIC_WORDS

CALENDAR_WORDS = word_set("""
    january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday spring summer fall winter autumn christmas
    easter thanksgiving
    """)

NEGATIONS = word_set("not never cant cannot t no nothing dont couldnt")
"""After these "anywhere" is no wish ("I can't find it anywhere"); "t" ends "can't"."""

AFTER_A_PLACE = word_set("""
    and or for in this next please on during from between with by class classes training trainings
    course courses near around coming soon area any are is to at
    """)
"""What may follow a two-letter code that is a word ("in pa this fall", not "in la la land")."""

NAME_BEGINNINGS = word_set("new san los las fort north south west east el st saint little")
NAME_WORDS = NAME_BEGINNINGS | {"city", "rock", "beach", "springs", "island", "falls", "worth"}
"""Ordinary words that a misspelt name may have beside the misspelt one ("san antinio")."""

WORD_TOWN_WHOLE_MESSAGE = 20_000
WORD_TOWN_IN_SENTENCE = 5_000
"""How many people a town has at least whose name is a word, to be meant without a state."""
