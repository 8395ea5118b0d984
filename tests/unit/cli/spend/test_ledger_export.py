from legato.cli.spend.ledger_export import exported, exported_columns


def test_amounts_carry_their_unit_and_exact_dollars() -> None:
    row = {"id": 1, "at_ns": 1_500_000_000_000_000_001, "cost": 12_600, "baseline_cost": None}
    shown = exported(row)
    assert shown["cost_nano_usd"] == 12_600
    assert shown["cost_usd"] == "0.000012600"
    assert shown["baseline_cost_nano_usd"] is None
    assert shown["baseline_cost_usd"] is None
    assert shown["at"] == "2017-07-14T02:40:00.000000001Z"
    columns = exported_columns(dict.fromkeys(row, int))
    assert list(columns) == list(shown)
