"""The one base of everything that Perennial raises for people, and what more than one room raises."""

from pipeline.shapes import one_line


class PerennialError(Exception):
    """Something expected that a person must fix; the message says what, where and what to do.

    Whoever shows an error shows the message of these as it is, and takes all others for faults of the program.
    """


class ExportError(PerennialError):
    """An export that cannot be used; the message, of one line, names the file, what is wrong and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))
