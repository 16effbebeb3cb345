"""Grade categories, grades, merits and demerits."""
