"""What a model of embeddings and one that reranks is asked."""

import math
from typing import Any

from legato.api.openai.embeddings import Embeddings
from legato.api.openai.rerank import Rerank
from legato.cli.conformance.findings import Unfulfilled, count_at, list_at, need
from legato.cli.verify.check import BODY_BYTES_MAX, TEMPLATE_TOKENS_MAX, Check
from legato.cli.verify.subject import NotRun, Subject
from legato.core.errors import InvalidRequest
from legato.core.wire import Operation

_TEXTS = ["A river flows to the sea.", "A ledger is kept by its clerk."]
_FEW_NUMBERS = 256
"""The one length below the usual ones that every vendor offers who offers any."""
_QUERY = "Where does a river flow?"


async def embeddings(subject: Subject) -> str:
    """A vector for each text, in order; one text where a call takes no more."""
    try:
        vectors = await _embedded(subject, _TEXTS)
    except InvalidRequest:  # the adapter knows that the model takes one text a call
        vectors = await _embedded(subject, _TEXTS[:1])
    lengths = sorted({len(vector) for vector in vectors})
    need(len(lengths) == 1, f"vectors of different lengths: {lengths}")
    alike = len(vectors) > 1 and vectors[0] == vectors[1]
    need(not alike, "two texts have the same vector")
    subject.vector_numbers = lengths[0]
    return f"{lengths[0]} numbers for each text, texts: {len(vectors)}"


async def dimensions(subject: Subject) -> str:
    """A vector as short as was asked for."""
    wanted = min(_FEW_NUMBERS, max(1, subject.vector_numbers // 2))
    (vector,) = await _embedded(subject, _TEXTS[:1], dimensions=wanted)
    need(len(vector) == wanted, f"{wanted} numbers were asked for, {len(vector)} came")
    return f"{wanted} numbers, as asked"


async def rerank(subject: Subject) -> str:
    """Every document once, best first."""
    body = {"model": "verified", "query": _QUERY, "documents": _TEXTS}
    rows = list_at(await subject.ask_as_caller(Rerank(), body), "results")
    places = [count_at(row, "index") for row in rows]
    need(sorted(places) == [0, 1], f"two documents come back as {places}")
    scores = [row.get("relevance_score") for row in rows]
    need(_finite(scores), "a score is not a finite number")
    need(scores == sorted(scores, reverse=True), "the documents are not in the order of scores")
    return f"{len(rows)} documents in the order of their scores"


async def usage(subject: Subject) -> str:
    """A count of what was read."""
    if subject.answered is None:
        raise NotRun("there was no answer")
    used = subject.answered.usage
    if used is None:
        raise Unfulfilled("no usage is reported")
    need(used.input_tokens or used.units, "nothing is said to be used")
    most = BODY_BYTES_MAX + TEMPLATE_TOKENS_MAX
    need(used.input_tokens <= most, f"{used.input_tokens} tokens in are reported for two lines")
    return f"{used.input_tokens} tokens in" + (f", {used.units} searches" if used.units else "")


async def _embedded(subject: Subject, texts: list[str], **fields: Any) -> list[list[Any]]:
    body = {"model": "verified", "input": texts, **fields}
    rows = list_at(await subject.ask_as_caller(Embeddings(), body), "data")
    order = [count_at(row, "index") for row in rows]
    need(order == list(range(len(texts))), f"{len(texts)} texts come back as {order}")
    vectors = [list_at(row, "embedding") for row in rows]
    good = all(_finite(vector) for vector in vectors)
    need(good, "an embedding is not a list of finite numbers")
    return vectors


def _finite(values: list[Any]) -> bool:
    return bool(values) and all(
        isinstance(value, int | float) and math.isfinite(value) for value in values
    )


EMBEDDINGS = (
    Check(
        "embeddings",
        "embeddings",
        "each text has a vector",
        embeddings,
        operation=Operation.EMBEDDINGS,
        writes=False,
    ),
    Check(
        "embeddings.usage",
        "embeddings",
        "it reports what it used",
        usage,
        bodies=(),
        operation=Operation.EMBEDDINGS,
        follows="embeddings",
        writes=False,
    ),
    Check(
        "embeddings.dimensions",
        "embeddings",
        "a vector is as short as asked",
        dimensions,
        operation=Operation.EMBEDDINGS,
        follows="embeddings",
        writes=False,
        optional=True,
    ),
)
RERANK = (
    Check(
        "rerank",
        "rerank",
        "documents are put in order",
        rerank,
        operation=Operation.RERANK,
        writes=False,
    ),
    Check(
        "rerank.usage",
        "rerank",
        "it reports what it used",
        usage,
        bodies=(),
        operation=Operation.RERANK,
        follows="rerank",
        writes=False,
    ),
)
