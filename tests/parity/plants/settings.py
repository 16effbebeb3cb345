"""Production, with a switch for regressions behind it. Nothing of it is in the backend's own code."""

from __future__ import annotations

import os

from config.settings.production import *  # noqa: F403
from config.settings.production import MIDDLEWARE

MIDDLEWARE = [*MIDDLEWARE, "tests.parity.plants.middleware.PlantedMiddleware"]
PARITY_PLANT_FILE = os.environ["PARITY_PLANT_FILE"]
