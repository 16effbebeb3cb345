"""Training days, who was there, and why somebody was not."""
