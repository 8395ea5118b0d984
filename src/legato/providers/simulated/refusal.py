"""The one way a call is refused before it is answered."""


class Refusal(Exception):
    """An answer to send, not a failure: a status, in the body that the dialect gives it."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
