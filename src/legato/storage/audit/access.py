"""Records who was given data to read, and who was refused: acts that change no other table."""

from sqlalchemy import Engine

from legato.audit.acting import Acting, acting_as
from legato.audit.event import Act, Actor
from legato.audit.refusals import Refusals, act_of
from legato.storage.audit.writing import recorded, recorded_together
from legato.storage.database.engine import writing


class AccessLog:
    """The instance's: each act says whose log shows it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, act: Act, actor: Actor | None = None, request_id: str = "") -> None:
        """Record an act before data is given; by whom is of the context where it isn't said.

        Raises:
            StorageUnavailable: it can't be recorded; then nothing may be given.
        """
        with writing(self._engine) as connection:
            if actor is None:
                recorded(connection, act)
                return
            with acting_as(actor, request_id):
                recorded(connection, act)

    def write(self, refusals: Refusals) -> int:
        """Record what was refused; return how many events. What fails is counted again.

        Raises:
            StorageUnavailable: it can't be recorded now.
        """
        taken = refusals.take()
        if not taken:
            return 0
        try:
            with writing(self._engine) as connection:
                acts = [
                    (act_of(refusal, counted), Acting(refusal.actor, counted.request_id))
                    for refusal, counted in taken
                ]
                recorded_together(connection, acts)
        except BaseException:
            refusals.put_back(taken)
            raise
        return len(taken)
