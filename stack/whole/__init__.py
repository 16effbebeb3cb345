"""The whole API as its users use it: errands of cadets, instructors and administrators, one request after the other."""
