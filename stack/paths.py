"""Where the parts of this repository and of its scratch directory lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_BACKEND = ROOT / "node_backend"
DJANGO_BACKEND = ROOT / "django_backend"
VAR = ROOT / "var"
