"""A process that has the file open keeps it: what others do on leaving must not hurt its writes."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from legato.storage.database.engine import open_engine, writing


def test_another_process_that_leaves_does_not_take_our_writes_along(tmp_path: Path) -> None:
    path = tmp_path / "legato.db"
    engine = open_engine(f"sqlite:///{path}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with engine.connect(), engine.connect():  # a second one, as another thread of ours opens it
        pass
    visit = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select * from t')"
    subprocess.run([sys.executable, "-c", f"{visit}.fetchall(); c.close()", path], check=True)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    read = visit.replace("c.execute", "print(len(c.execute") + ".fetchall()))"
    seen = subprocess.run(
        [sys.executable, "-c", read, path], check=True, capture_output=True, text=True
    )
    assert seen.stdout.strip() == "1"
    engine.dispose()
