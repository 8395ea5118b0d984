"""Calibrations of confidences, by name: each replaced by the next of its name."""

import msgspec
from sqlalchemy import Engine, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.tenant import Tenant
from legato.judging.confidence_fit import ConfidenceFit
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.agents import confidence_calibration

_FIGURES = ("form", "items", "correct", "ece_stated", "ece", "brier_stated", "brier", "told")


class KeptCalibration(msgspec.Struct, frozen=True):
    """A calibration as it is kept."""

    name: str
    at_ns: int
    author: str
    fit: ConfidenceFit


class Calibrations:
    """One organisation's. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._org = tenant.org

    def put(self, name: str, fit: ConfidenceFit, author: str) -> None:
        """Keep one, instead of an earlier one of this name."""
        values = {
            "at_ns": self._now_ns(),
            "author": author,
            "knots": msgspec.json.encode(fit.knots).decode(),
            **{field: getattr(fit, field) for field in _FIGURES},
        }
        with writing(self._engine) as connection:
            said = upsert(connection, confidence_calibration)
            said = said.values(org=self._org, name=name, **values)
            connection.execute(
                said.on_conflict_do_update(index_elements=["org", "name"], set_=values)
            )
            act = Act(self._org, "workflow.calibrate", Subject("calibration", name))
            recorded(connection, act)

    def get(self, name: str) -> KeptCalibration:
        """Return one. Raises NotFound."""
        found = next((one for one in self.all() if one.name == name), None)
        if found is None:
            msg = f"there is no calibration {name!r}; `legato workflow calibrate` makes one"
            raise NotFound(msg, param="calibration")
        return found

    def all(self) -> list[KeptCalibration]:
        """Return all, by name."""
        table = confidence_calibration.c
        wanted = select(confidence_calibration).where(table.org == self._org).order_by(table.name)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings().all()
        return [
            KeptCalibration(
                row["name"],
                row["at_ns"],
                row["author"],
                ConfidenceFit(
                    knots=tuple((x, y) for x, y in msgspec.json.decode(row["knots"])),
                    **{field: row[field] for field in _FIGURES},
                ),
            )
            for row in rows
        ]
