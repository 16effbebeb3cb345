"""Where the parts of this repository and of its scratch directory lie."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_BACKEND = ROOT / "node_backend"
DJANGO_BACKEND = ROOT / "django_backend"
VAR = Path(os.environ.get("CUTOVER_VAR", ROOT / "var"))
