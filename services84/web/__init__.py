"""Pages for people: what a service offers and how to point a client at it."""
