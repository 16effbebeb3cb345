"""Activities and announcements, and the cadets who take part."""
