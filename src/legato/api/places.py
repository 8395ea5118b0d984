"""Which paths belong to what."""

CONTROL_PREFIX = "/api/"
CONSOLE = "/ui"
CONSOLE_PREFIX = "/ui/"
ROOT = "/"


def is_control(path: str) -> bool:
    """Whether a path belongs to the control API or the console."""
    return path.startswith(CONTROL_PREFIX) or is_console(path)


def is_console(path: str) -> bool:
    """Whether a path belongs to the console."""
    return path.startswith(CONSOLE_PREFIX) or path == CONSOLE
