"""What is wrong with something, so that the log hears of it when it begins and changes, and when it is over."""

from __future__ import annotations


class Trouble:
    """Of one thing.

    Attributes:
        words: What is wrong now; empty while nothing is.
    """

    __slots__ = ("words",)

    def __init__(self) -> None:
        self.words = ""

    def news(self, error: Exception) -> bool:
        """Take note of a failure; whether it is another than the one before, and so worth a line."""
        words = str(error)
        if words == self.words:
            return False
        self.words = words
        return True

    def over(self) -> bool:
        """Take note that it works; whether it did not before."""
        was, self.words = self.words, ""
        return bool(was)
