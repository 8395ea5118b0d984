"""`POST /v1/hooks/ID`: webhooks. Anybody may send there; what is well signed is taken."""

from typing import TYPE_CHECKING

from legato.api.endpoints import SignedPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.api.http1.exchange import Exchange
    from legato.core.tasks import InThread
    from legato.workflows.triggers.hooks import Hooks

_OF_SIGNATURES = (
    b"content-type", b"webhook-id", b"webhook-timestamp", b"webhook-signature",
    b"x-hub-signature-256", b"x-github-event", b"x-github-delivery", b"stripe-signature",
    b"x-slack-signature", b"x-slack-request-timestamp",
)  # fmt: skip


def hook_page(opened: "Callable[[], Hooks]", ask_store: "InThread") -> SignedPage:
    """Take webhooks; `opened` loads and opens what they need, `ask_store` runs what blocks."""

    async def page(exchange: "Exchange", named: str) -> None:
        active = await ask_store(lambda: opened().find(named))
        body = await exchange.body(active.settings.body_bytes_max)
        headers = {
            name.decode(): value.decode("latin-1")
            for name in _OF_SIGNATURES
            if (value := exchange.header(name)) is not None
        }
        answer = await ask_store(lambda: opened().take(active, headers, body))
        await exchange.reply(answer.status, [(b"content-type", answer.content_type)], answer.body)

    return SignedPage(page)
