"""Makes labelled texts: sentences of templates.txt filled with names and addresses by Faker."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from faker import Faker

Span = tuple[int, int, str]
HERE = Path(__file__).parent
LOCALES = {
    "en": ["en_US", "en_GB", "en_CA", "en_AU", "en_IN", "en_IE", "en_NZ"],
    "de": ["de_DE", "de_AT", "de_CH"],
    "fr": ["fr_FR", "fr_CA", "fr_CH"],
    "es": ["es_ES", "es_MX", "es_AR", "es_CO", "es_CL"],
    "it": ["it_IT"],
    "pt": ["pt_BR", "pt_PT"],
    "nl": ["nl_NL", "nl_BE"],
    "pl": ["pl_PL"],
    "sv": ["sv_SE"],
    "da": ["da_DK"],
    "no": ["no_NO"],
    "fi": ["fi_FI"],
    "cs": ["cs_CZ", "sk_SK"],
    "hu": ["hu_HU"],
    "tr": ["tr_TR"],
    "ro": ["ro_RO"],
    "ru": ["ru_RU", "bg_BG"],
    "uk": ["uk_UA"],
    "el": ["el_GR"],
    "ja": ["ja_JP"],
    "zh": ["zh_CN", "zh_TW"],
}
"""Each language's templates, and where their names and addresses come from."""
VISITORS = [
    *(
        locale
        for group in LOCALES.values()
        for locale in group
        if locale[:2] not in {"ja", "zh", "ru", "uk", "el", "bg"}
    ),
    *(
        "hr_HR",
        "sl_SI",
        "et_EE",
        "lv_LV",
        "lt_LT",
        "is_IS",
        "id_ID",
        "vi_VN",
        "sq_AL",
        "tl_PH",
        "en_NG",
        "en_KE",
    ),
]
"""Names from anywhere that turn up in any text written in Latin letters."""
WEIGHTS = {
    "en": 14.0,
    "de": 3.0,
    "fr": 2.5,
    "es": 2.5,
    "it": 1.5,
    "pt": 1.5,
    "nl": 1.3,
    "ru": 1.0,
    "pl": 1.0,
}
LABELS = {
    "person": "PERSON",
    "first": "PERSON",
    "last": "PERSON",
    "addr": "LOCATION",
    "street": "LOCATION",
    "city": "LOCATION",
    "country": "LOCATION",
    "zip": "LOCATION",
    "org": "ORGANIZATION",
}
POOL = 220
SLOT = re.compile(r"\{(\w+)\}")
SECOND_LINES = [
    "Apt. {}",
    "Suite {}",
    "Apt {}",
    "Unit {}",
    "Flat {}",
    "#{}",
    "2. Stock",
    "App. {}",
    "Room {}",
    "bus {}",
    "Piso {}",
]
MONTHS = [
    "January",
    "March",
    "April",
    "June",
    "July",
    "October",
    "December",
    "Januar",
    "März",
    "juin",
    "julio",
    "agosto",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
JOBS = [
    "engineer",
    "nurse",
    "Sales Manager",
    "accountant",
    "Software Engineer",
    "chief executive",
    "teacher",
    "driver",
    "lawyer",
    "Head of Marketing",
    "plumber",
    "analyst",
    "Project Manager",
    "singer",
    "actress",
    "spokesman",
    "managing director",
    "Chief Financial Officer",
    "consultant",
    "clerk",
]
CODES = ["???-#####", "##??##??##", "?#####", "??######", "1Z########", "ORD-####"]
PARTICLES = ["van", "de", "von", "van der", "di", "al", "bin", "da"]
FORMS = [
    "Inc",
    "Inc.",
    "Ltd",
    "Ltd.",
    "LLC",
    "GmbH",
    "AG",
    "Corp",
    "Group",
    "SA",
    "Bank",
    "B.V.",
    "Holdings",
]
TITLES = ["Mr.", "Mr", "Mrs.", "Mrs", "Ms.", "Ms", "Dr.", "Dr", "Prof.", "Professor", "Miss", "Sir"]


class Names:
    """Names and addresses of one place, drawn beforehand."""

    def __init__(self, locale: str, seed: int) -> None:
        """Draw from Faker with a seed of the locale's own."""
        fake = Faker(locale)
        fake.seed_instance(f"{seed}{locale}")
        self.firsts = [fake.first_name() for _ in range(POOL)]
        self.lasts = [fake.last_name() for _ in range(POOL)]
        self.cities = [fake.city() for _ in range(POOL)]
        self.streets = [fake.street_address().replace("\n", ", ") for _ in range(POOL)]
        self.addresses = [fake.address() for _ in range(POOL)]
        self.zips = [fake.postcode() for _ in range(POOL)]
        self.orgs = [fake.company() for _ in range(POOL)]
        self.countries = [fake.country() for _ in range(POOL)]


class Synthesis:
    """Fills templates. The same seed gives the same texts."""

    def __init__(
        self, seed: int, places: list[str], companies: list[str], countries: list[str]
    ) -> None:
        """Take names of real places, countries and companies beside Faker's made-up ones."""
        self.random = random.Random(seed)
        self.names = {
            locale: Names(locale, seed)
            for locale in sorted(
                {*VISITORS, *(locale for group in LOCALES.values() for locale in group)}
            )
        }
        self.places, self.companies, self.countries = places, companies, countries
        self.fake = Faker("en_US")
        self.fake.seed_instance(seed)

    def texts(
        self, templates: dict[str, list[str]], count: int
    ) -> Iterator[tuple[str, list[Span]]]:
        """Yield labelled texts of one to four sentences each."""
        languages = list(templates)
        weights = [WEIGHTS.get(language, 0.6) for language in languages]
        for _ in range(count):
            language = self.random.choices(languages, weights)[0]
            text, spans = "", list[Span]()
            joint = self.random.choice([" ", " ", "\n", "\n\n"])
            for _ in range(self.random.choice([1, 1, 1, 2, 2, 3, 4])):
                template = self.random.choice(templates[language])
                piece, found = self.fill(template, language)
                if text:
                    text += joint
                spans += [
                    (start + len(text), end + len(text), label) for start, end, label in found
                ]
                text += piece
            yield self.disturb(text, spans)

    def fill(self, template: str, language: str) -> tuple[str, list[Span]]:
        """Return one template with its slots filled."""
        text, spans, at = "", list[Span](), 0
        template = template.replace("\\n", "\n")
        home = self.random.choice(LOCALES[language])
        for slot in SLOT.finditer(template):
            text += template[at : slot.start()]
            at = slot.end()
            filler = self.filler(slot[1], language, home)
            label = LABELS.get(slot[1])
            if label and spans and spans[-1][2] == label and text[spans[-1][1] :] == " ":
                spans[-1] = (spans[-1][0], len(text) + len(filler), label)
            elif label:
                spans.append((len(text), len(text) + len(filler), label))
            text += filler
        return text + template[at:], spans

    def filler(self, slot: str, language: str, home: str) -> str:
        """Return something for a slot."""
        rnd = self.random
        latin = language not in {"ja", "zh", "ru", "uk", "el"}
        names = self.names[rnd.choice(VISITORS) if latin and rnd.random() < 0.4 else home]
        match slot:
            case "person":
                return self.person(names)
            case "first":
                return rnd.choice(names.firsts)
            case "last":
                last = rnd.choice(names.lasts)
                return f"{last}-{rnd.choice(names.lasts)}" if rnd.random() < 0.04 else last
            case "addr":
                return self.address(names, latin)
            case "street":
                return self.street(names)
            case "city":
                return (
                    rnd.choice(self.places)
                    if latin and rnd.random() < 0.65
                    else rnd.choice(names.cities)
                )
            case "country":
                return (
                    rnd.choice(self.countries) if language == "en" else rnd.choice(names.countries)
                )
            case "zip":
                return rnd.choice(names.zips)
            case "org":
                return self.company(names) if latin else rnd.choice(names.orgs)
            case _:
                return self.plain(slot)

    def person(self, names: Names) -> str:
        """Return a name as people write it."""
        rnd = self.random
        first, last = rnd.choice(names.firsts), rnd.choice(names.lasts)
        roll = rnd.random()
        if first[0] > "\u2fff":
            return last + first
        if roll < 0.06:
            return f"{first} {rnd.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
        if roll < 0.09:
            return f"{first[0]}. {last}"
        if roll < 0.12:
            return f"{first} {rnd.choice(names.firsts)} {last}"
        if roll < 0.15:
            return f"{first} {last}-{rnd.choice(names.lasts)}"
        if roll < 0.17:
            return f"{first} {last.upper()}"
        if roll < 0.19:
            return f"{first} {rnd.choice(PARTICLES)} {last}"
        if roll < 0.22:
            return f"{first} {rnd.choice(self.names[rnd.choice(VISITORS)].lasts)}"
        return f"{first} {last}"

    def street(self, names: Names) -> str:
        """Return a street, mostly with a number."""
        rnd = self.random
        street = rnd.choice(names.streets)
        return (
            re.sub(r"^\d+\s+|[\s,]+\d+\S*$", "", street) or street
            if rnd.random() < 0.25
            else street
        )

    def address(self, names: Names, latin: bool) -> str:
        """Return a whole postal address on one line or several, tidy or not."""
        rnd = self.random
        if not latin or rnd.random() < 0.45:
            address = rnd.choice(names.addresses)
        else:
            city = rnd.choice(self.places) if rnd.random() < 0.6 else rnd.choice(names.cities)
            parts = [self.street(names)]
            if rnd.random() < 0.3:
                parts.append(rnd.choice(SECOND_LINES).format(rnd.randint(1, 999)))
            zipped = rnd.choice(names.zips)
            roll = rnd.random()
            parts.append(
                city if roll < 0.3 else f"{zipped} {city}" if roll < 0.65 else f"{city} {zipped}"
            )
            if rnd.random() < 0.35:
                country = rnd.choice(self.countries)
                parts.append(
                    f"{country} {zipped}" if roll < 0.3 and rnd.random() < 0.4 else country
                )
            address = rnd.choice([", ", ", ", "\n", "\n", " ", "\n ", "\n, "]).join(parts)
            if rnd.random() < 0.3:
                address = f"{rnd.randint(1, 9999)} {address}"
        if rnd.random() < 0.5:
            address = address.replace("\n", ", ")
        return address.upper() if rnd.random() < 0.04 else address

    def company(self, names: Names) -> str:
        """Return a company, named after people or made up."""
        rnd = self.random
        roll = rnd.random()
        if roll < 0.45:
            return rnd.choice(names.orgs)
        base = rnd.choice(self.companies)
        if roll < 0.75:
            return base
        return f"{base} {rnd.choice(FORMS)}"

    def plain(self, slot: str) -> str:
        """Return what is neither name nor place."""
        rnd = self.random
        match slot:
            case "title":
                return rnd.choice(TITLES)
            case "job":
                return rnd.choice(JOBS)
            case "num":
                return rnd.choice(
                    [
                        str(rnd.randint(2, 99)),
                        str(rnd.randint(100, 9999)),
                        str(rnd.randint(10**5, 10**9)),
                    ]
                )
            case "money":
                return rnd.choice(["${}", "{} USD", "€{}", "{} EUR", "£{}.50"]).format(
                    rnd.randint(1, 9000)
                )
            case "date":
                return self.fake.date(
                    rnd.choice(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y"])
                )
            case "time":
                return rnd.choice(
                    [f"{rnd.randint(0, 23):02}:{rnd.randint(0, 59):02}", f"{rnd.randint(1, 12)} pm"]
                )
            case "month":
                return rnd.choice(MONTHS)
            case "weekday":
                return rnd.choice(WEEKDAYS)
            case "phone":
                return self.fake.phone_number()
            case "email":
                return self.fake.email()
            case "float":
                return f"{rnd.randint(0, 999)}.{rnd.randint(0, 9999)}"
            case _:
                return self.coded(slot)

    def coded(self, slot: str) -> str:
        """Return numbers and codes that look a little like addresses."""
        rnd, fake = self.random, self.fake
        match slot:
            case "uuid":
                return fake.uuid4()
            case "hash":
                return rnd.choice([fake.sha1(), fake.sha256(), fake.md5(), fake.sha1()[:7]])
            case "iban":
                number = fake.iban()
                return " ".join(re.findall(".{1,4}", number)) if rnd.random() < 0.4 else number
            case "card":
                number = fake.credit_card_number()
                return " ".join(re.findall(".{1,4}", number)) if rnd.random() < 0.5 else number
            case "ssn":
                return fake.ssn()
            case "ip":
                return fake.ipv6() if rnd.random() < 0.3 else fake.ipv4()
            case "code":
                return fake.bothify(rnd.choice(CODES))
            case "key":
                begin = rnd.choice(["", "", "sk_live_", "ghp_", "AKIA", "pypi-", "xoxb-"])
                return begin + fake.password(
                    rnd.choice([12, 20, 40, 90]), special_chars=rnd.random() < 0.4
                )
            case _:
                message = f"no filler for {{{slot}}}"
                raise ValueError(message)

    def disturb(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        """Return a text as hurried people and scanners write it, of the same length."""
        rnd = self.random
        roll = rnd.random()
        if roll < 0.13:
            changed = text.lower()
        elif roll < 0.18:
            changed = text.upper()
        elif roll < 0.22:
            changed = "".join(
                rnd.choice("l1o0e c") if letter.isalnum() and rnd.random() < 0.03 else letter
                for letter in text
            )
        elif roll < 0.26:
            changed = list(text)
            for start, end, _ in spans:
                changed[start:end] = text[start:end].lower()
            changed = "".join(changed)
        else:
            changed = text
        return (changed if len(changed) == len(text) else text), spans


def templates(file: str = "templates.txt") -> dict[str, list[str]]:
    """Return the templates of each language."""
    found: dict[str, list[str]] = {}
    language = ""
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            language = line[1:-1]
            found[language] = []
        elif line:
            found[language].append(line)
    return found
