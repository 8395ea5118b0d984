"""Reviews claims against their policies."""

import time

from openai import OpenAI, RateLimitError

client = OpenAI()

REVIEW = (
    "Compare the claim with the policy. List the clauses that bear on it, say what is missing, "
    "and give a recommendation: accept, refuse, or ask a person. Quote the clauses."
)


def review(claim: str, policy: str) -> str:
    for attempt in range(5):
        try:
            response = client.chat.completions.create(
                model="gpt-5",
                messages=[
                    {"role": "system", "content": REVIEW},
                    {"role": "user", "content": f"Claim:\n{claim}\n\nPolicy:\n{policy}"},
                ],
            )
            return response.choices[0].message.content or ""
        except RateLimitError:
            time.sleep(2**attempt)
    raise RuntimeError("the model did not answer")
