import re

from legato.core.permission import Permission


def test_permissions_have_the_form_scope_resource_action() -> None:
    assert all(re.fullmatch(r"[a-z]+:[a-z]+:[a-z]+", one) for one in Permission)
