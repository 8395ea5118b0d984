"""A route's cascade, as the gateway asks it, and who judges an answer where the route says so."""

from legato.gateway.context import Call
from legato.gateway.judge_calls import JudgeCalls
from legato.gateway.request_features import asked_text
from legato.judging.enough import ask_enough, read_enough

PURPOSE = "cascade"


class CascadeJudge:
    """Asks a deployment whether an answer will do: a call of its own, by the caller's key.

    It stands in the ledger as `judge`, within the key's own budget. Without a verdict the answer
    doesn't do: what nobody vouches for is asked of the next deployment.
    """

    def __init__(self, calls: JudgeCalls) -> None:
        self._calls = calls

    async def __call__(self, live: Call, judge: str, answer: str) -> bool:
        """Tell whether an answer will do."""
        body, ticket = ask_enough(judge, asked_text(live.body), answer)
        heard = await self._calls.heard(live, judge, body, PURPOSE)
        return bool(heard.text is not None and read_enough(heard.text, ticket))
