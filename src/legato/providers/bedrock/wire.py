"""Names of models in paths, and which of their own parameters a model's family takes."""

from urllib.parse import quote

from legato.providers.bedrock.settings import Family


def model_path(model: str, verb: str) -> bytes:
    """Return the path of a verb on a model; `:` and `/` of an ARN are quoted, as AWS's SDKs do."""
    return f"/model/{quote(model, safe='')}/{verb}".encode("ascii")


def family_of(model: str, named: Family | None) -> Family:
    """Return whose parameters a model takes, by its id unless the settings name it."""
    if named is not None:
        return named
    if "anthropic." in model:
        return "anthropic"
    return "nova" if "amazon.nova" in model else "other"
