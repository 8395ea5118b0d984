"""Amazon Bedrock's runtime, as AWS documents it: credentials, paths, errors.

After "Amazon Bedrock Runtime" of the Amazon Bedrock API Reference (actions Converse,
ConverseStream, InvokeModel, InvokeModelWithResponseStream), "Common errors" and "Troubleshooting
Amazon Bedrock API error codes", on docs.aws.amazon.com, read through 2026-11-21. Bodies are
checked against AWS's published model of the service, signatures against the secret.

The last text of the user's says what to do; see `FAILURES` and the neighbours of this file.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import aws_model
import aws_signature
import bedrock_claude
import bedrock_converse
from plain_server import Reply, Request, WireServer, as_json

if TYPE_CHECKING:
    import ssl

REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLEOFTHESETESTS", "wJalrXUtnFEMI/EXAMPLE+ofthesetests"
TEMPORARY_KEY, TEMPORARY_SECRET = "ASIAEXAMPLEOFTHESETESTS", "temporary/EXAMPLE+ofthesetests"
TOKEN = "session-token-of-these-tests=="
API_KEY = "bedrock-api-key-of-these-tests"
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = f"arn:aws:bedrock:{REGION}:123456789012:inference-profile/us.{CLAUDE}"
NOVA, TITAN = "amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-english-v3"
MODELS = frozenset({CLAUDE, PROFILE, NOVA, TITAN, COHERE})
PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)")
STREAM = {"content-type": "application/vnd.amazon.eventstream"}
FAILURES = {
    "throttle": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "not ready": (429, "ModelNotReadyException", "The model is not ready for inference."),
    "quota": (400, "ServiceQuotaExceededException", "Your request exceeds the service quota."),
    "model error": (424, "ModelErrorException", "The model failed."),
    "model timeout": (408, "ModelTimeoutException", "Model has timed out in processing."),
    "denied": (403, "AccessDeniedException", "You don't have access to the model."),
    "server error": (500, "InternalServerException", "Internal failure."),
    "unavailable": (503, "ServiceUnavailableException", "Bedrock is unable to process."),
}


class BedrockServer(WireServer):
    """One region; `secrets` may change while it runs."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.secrets: dict[str, tuple[str, str | None]] = {
            ACCESS_KEY: (SECRET_KEY, None),
            TEMPORARY_KEY: (TEMPORARY_SECRET, TOKEN),
        }
        self.signers: list[str] = []
        super().__init__(tls)

    def answer(self, request: Request) -> Reply:
        found = PATH.fullmatch(request.path)
        if found is None:
            return failed(404, "UnknownOperationException", "")
        try:
            self._let_in(request)
            return answered(unquote(found[1]), found[2], json.loads(request.body))
        except aws_signature.Refused as refused:
            return failed(403, refused.kind, refused.message)
        except (aws_model.Invalid, bedrock_converse.Refused) as refused:
            return failed(400, "ValidationException", f"Malformed input request: {refused}")

    def _let_in(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            signer = aws_signature.check(request, self.secrets, REGION, "bedrock")
            self.signers.append(signer)
        elif token != API_KEY:
            raise aws_signature.Refused("AccessDeniedException", "Authentication failed")


def answered(model: str, verb: str, body: dict[str, Any]) -> Reply:
    if model not in MODELS:
        return failed(400, "ValidationException", "The provided model identifier is invalid.")
    if verb.startswith("converse"):
        aws_model.check("ConverseRequest", body)
        bedrock_converse.check_conversation(body)
        said = bedrock_converse.said_in(body)
    else:
        said = str((body.get("messages") or [{}])[-1].get("content", ""))
    if said in FAILURES:
        return failed(*FAILURES[said])
    if verb == "converse":
        return as_json(200, bedrock_converse.whole(body), x_amzn_RequestId="r-1")
    if verb == "converse-stream":
        parts, cut = bedrock_converse.broken(said, bedrock_converse.stream(body))
        return Reply(headers=STREAM, parts=parts, cut=cut)
    if verb == "invoke" and "embed" in model:
        return as_json(200, bedrock_claude.embedded(model, body))
    if "anthropic" not in model:
        return failed(400, "ValidationException", "Not a body of this model.")
    if verb == "invoke":
        return as_json(200, bedrock_claude.message(body))
    sent = list(bedrock_claude.events(body))
    parts, cut = bedrock_converse.broken(said, iter(sent))
    return Reply(headers=STREAM, parts=parts, cut=cut)


def failed(status: int, kind: str, message: str) -> Reply:
    """The type stands in a header, at times with a URL behind it."""
    named = f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return as_json(status, {"message": message}, x_amzn_ErrorType=named)
