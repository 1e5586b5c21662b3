"""A store of intake that has places, for each test."""

from tests.support.intake import placed

__all__ = ["placed"]
