"""All regressions by name."""

from __future__ import annotations

from tests.parity.plants.answers import ANSWERS
from tests.parity.plants.lists import LISTS
from tests.parity.plants.plant import Plant
from tests.parity.plants.values import VALUES

PLANTS: dict[str, Plant] = {plant.name: plant for plant in (*VALUES, *LISTS, *ANSWERS)}
