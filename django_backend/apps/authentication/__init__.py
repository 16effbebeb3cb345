"""Who is asking: users, their preferences, login and tokens."""
