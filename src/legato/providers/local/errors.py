"""What can go wrong with a local model before it serves; both are the operator's to mend."""

from legato.core.errors import OperatorError


class WeightsUnusable(OperatorError):
    """Weights are missing, damaged, of another hash than pinned, or can't be fetched."""

    code = "weights_unusable"
    http_status = 503


class LocalModelUnavailable(OperatorError):
    """The model's child process could not start or ended while starting."""

    code = "local_model_unavailable"
    http_status = 503
    retryable = True
