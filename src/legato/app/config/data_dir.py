"""Where Legato keeps its files."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_DATA_DIR = Path("legato-data")


@dataclass(frozen=True)
class DataDir:
    """The data directory's layout, on one local disk. Nothing outside it is written."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file used when the configuration names no other database."""
        return self.root / "legato.db"

    @property
    def database_url(self) -> str:
        """The same as a database URL."""
        return f"sqlite:///{self.database.absolute()}"

    @property
    def workflows_url(self) -> str:
        """The database of durable runs, where no other is configured."""
        return f"sqlite:///{(self.root / 'workflows.db').absolute()}"

    @property
    def journal(self) -> Path:
        """Spend journal: one folder per writer."""
        return self.root / "journal"

    @property
    def run(self) -> Path:
        """What is true only while a supervisor runs: lock, address, sockets."""
        return self.root / "run"

    @property
    def models(self) -> Path:
        """Weights of local models."""
        return self.root / "models"

    @property
    def cache(self) -> Path:
        """Files that may be deleted at any time."""
        return self.root / "cache"

    @property
    def responses(self) -> Path:
        """Sealed responses that wait for the database."""
        return self.root / "responses"

    @property
    def captures(self) -> Path:
        """Sealed captures that wait for the database."""
        return self.root / "captures"

    @property
    def evidence(self) -> Path:
        """What `legato verify` saw, a file a run; made by it."""
        return self.root / "evidence"

    @property
    def master_key(self) -> Path:
        """The key all others derive from; without it stored keys can't be checked."""
        return self.root / "master.key"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this directory."""
        return self.run / "supervisor.lock"

    @property
    def server_file(self) -> Path:
        """Port and pid of the running supervisor, JSON."""
        return self.run / "server.json"

    @property
    def endpoints_file(self) -> Path:
        """What the workers last started serve, JSON."""
        return self.run / "endpoints.json"

    @property
    def instance_file(self) -> Path:
        """Which configuration file the instance was last started with, JSON."""
        return self.root / "instance.json"

    def create(self) -> None:
        """Make the folders that are missing, readable by their owner only.

        Raises:
            OSError: the place can't be written.
        """
        folders = (self.journal, self.run, self.models, self.cache, self.responses, self.captures)
        for folder in (self.root, *folders):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
