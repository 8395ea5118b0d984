"""The page on roles has the roles that the program has."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "roles_reference.py"


def test_the_tables_are_those_of_the_code() -> None:
    spec = spec_from_file_location("roles_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    reference = module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert reference.PAGE.read_text() == reference.page(), "run: python docs/roles_reference.py"
