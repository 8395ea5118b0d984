"""Answers questions of customers from the help pages."""

import time

from openai import OpenAI, RateLimitError

client = OpenAI()

SYSTEM = (
    "You are the assistant of an insurance company. Be brief and friendly. "
    "Never promise that a claim is covered. Answer in the customer's language."
)


def answer(question: str, pages: list[str]) -> str:
    context = "\n\n".join(pages)
    for attempt in range(5):
        try:
            response = client.chat.completions.create(
                model="gpt-5",
                messages=[
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": f"{context}\n\nQuestion: {question}"},
                ],
            )
            return response.choices[0].message.content or ""
        except RateLimitError:
            time.sleep(2**attempt)
    raise RuntimeError("the model did not answer")


def language(question: str) -> str:
    response = client.chat.completions.create(
        model="gpt-5",
        messages=[{"role": "user", "content": f"In which language is this? One word.\n{question}"}],
    )
    return (response.choices[0].message.content or "").strip().lower()
