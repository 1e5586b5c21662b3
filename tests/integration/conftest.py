"""A store of intake that has places, for each test; and what every answer of a service is held against."""

from tests.support.declared_problems import only_declared_problems
from tests.support.intake import placed

__all__ = ["only_declared_problems", "placed"]
