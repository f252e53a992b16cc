"""The one base of everything that Perennial raises for people."""


class PerennialError(Exception):
    """Something expected that a person must mend; the message says what, where and what to do.

    Whoever shows an error shows the message of these as it is, and takes all others for faults of the program.
    """
