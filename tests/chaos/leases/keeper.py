"""The ledger process of the spenders: journal to database to store of leases, until told to stop.

python keeper.py TERMS.json
"""

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from legato.app.leasing import feed_thread
from legato.app.processes.ledger_process import LedgerSink
from legato.journal.ingester import Ingester, IngesterOptions
from legato.storage.database.engine import open_engine
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.feed import LedgerFeed
from legato.storage.limits.redis.link import StoreTerms
from legato.storage.limits.redis.session import Session


def main(path: str) -> None:
    terms = json.loads(Path(path).read_text())
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    engine = open_engine(terms["database"], schema=terms["schema"], wait_s=30)
    feed = None
    if terms["redis"]:
        store = StoreTerms(terms["redis"], prefix="chaos")
        feed = LedgerFeed(Session(store, LeaseBooks(engine)))
        feed_thread(feed, stop).start()
    ingester = Ingester(
        Path(terms["journal"]),
        LedgerSink(Ledger(engine, feed=feed)),
        lambda alarm: sys.stderr.write(f"{alarm}\n"),
        IngesterOptions(poll_s=0.05),
    )
    ingester.run(stop)
    ingester.close()


if __name__ == "__main__":
    main(sys.argv[1])
