"""The cadets of the corps, from enrolment to archive."""
