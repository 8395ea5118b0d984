"""Ids of a response and of its items: an item's id tells which response it belongs to."""

from legato.core.ids import is_id

_RESPONSE = "resp_"
_HEX = 32
_NUMBER = 4
_INPUT_FROM = 0x8000
PREFIXES = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "cto_",
    "reasoning": "rs_",
    "image_generation_call": "ig_",
}


def response_id(identity: str) -> str:
    """Return the id of a response from its 32 hex digits."""
    return _RESPONSE + identity


def identity_of(text: str) -> str | None:
    """Return the 32 hex digits of a response's id, None for any other text."""
    identity = text.removeprefix(_RESPONSE)
    return identity if len(identity) != len(text) and is_id(identity) else None


def output_id(kind: str, identity: str, position: int) -> str:
    """Return the id of an item of the answer."""
    return f"{PREFIXES.get(kind, 'item_')}{identity}{position:04x}"


def input_id(kind: str, identity: str, position: int) -> str:
    """Return the id of an item of the question."""
    return output_id(kind, identity, _INPUT_FROM + position)


def response_of_item(item_id: str) -> str | None:
    """Return the id of the response an item belongs to, None where it is none of ours."""
    identity = item_id.partition("_")[2]
    if len(identity) != _HEX + _NUMBER or not is_id(identity[:_HEX]):
        return None
    return response_id(identity[:_HEX])
