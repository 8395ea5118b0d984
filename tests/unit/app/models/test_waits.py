from legato.app.models.waits import changed, transport_timeouts
from legato.core.config import TimeoutChanges, Timeouts


def test_a_narrower_level_changes_only_what_it_names() -> None:
    general = Timeouts(connect_s=1, first_byte_s=2, idle_s=3, total_s=4)
    of_provider = changed(general, TimeoutChanges(first_byte_s=20, total_s=40))
    of_route = changed(of_provider, TimeoutChanges(total_s=400, idle_s=30))
    assert of_route == Timeouts(connect_s=1, first_byte_s=20, idle_s=30, total_s=400)


def test_the_transport_gets_its_three() -> None:
    waits = transport_timeouts(Timeouts(connect_s=1, first_byte_s=2, idle_s=3, total_s=4))
    assert (waits.connect_s, waits.first_byte_s, waits.idle_s) == (1, 2, 3)
