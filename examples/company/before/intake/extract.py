"""Reads forms that come in as text."""

import json

import httpx

FIELDS = "policy number, name of the policyholder, date of the damage, amount claimed"


def extract(text: str, api_key: str) -> dict[str, str]:
    body = {
        "model": "gpt-5",
        "messages": [{"role": "user", "content": f"Return JSON with {FIELDS}.\n{text}"}],
    }
    response = httpx.post(
        "https://api.openai.com/v1/chat/completions",
        headers={"authorization": f"Bearer {api_key}"},
        json=body,
    )
    response.raise_for_status()
    return json.loads(response.json()["choices"][0]["message"]["content"])
