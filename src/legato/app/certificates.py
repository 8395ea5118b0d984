"""TLS of a listener, made of files that may be replaced at any time."""

import ssl
from pathlib import Path

from legato.core.config_server import Tls
from legato.core.errors import OperatorError

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Certificates:
    """Tells when the files have changed, and makes a context of them. Blocking."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        named = (tls.cert_file, tls.key_file, tls.client_ca_file)
        self._files = [Path(one) for one in named if one is not None]
        self._seen: list[tuple[int, int, int]] | None = None

    def changed(self) -> bool:
        """Whether a file is another one than when a context was last made of them."""
        return self._stamp() != self._seen

    def context(self) -> ssl.SSLContext:
        """Return what a server listens with.

        Raises:
            OperatorError: naming the file that can't be used.
        """
        self._seen, tls = self._stamp(), self._tls
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = _VERSIONS[tls.version_min]
        made.set_alpn_protocols(["http/1.1"])
        try:
            made.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            msg = f"{tls.cert_file} and {tls.key_file} can't be used for TLS: {_reason(error)}"
            raise OperatorError(msg) from None
        if tls.client_ca_file is not None:
            required = tls.client_certificate == "required"
            made.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            try:
                made.load_verify_locations(tls.client_ca_file)
            except OSError as error:
                msg = f"{tls.client_ca_file} can't be used for TLS: {_reason(error)}"
                raise OperatorError(msg) from None
        return made

    def _stamp(self) -> list[tuple[int, int, int]]:
        return [_of(file) for file in self._files]


def _of(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()  # of what a link leads to: secrets are often mounted as links
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_password() -> str:
    """Answer OpenSSL instead of the terminal that it would ask."""
    msg = "the key is encrypted: store it without a password, readable by Legato only"
    raise ValueError(msg)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "not PEM, or they don't belong together"
    return (getattr(error, "strerror", None) or str(error)).lower()
