"""Missed events: what could not be delivered is kept, delivered later, and the user is told."""
