"""The schema's history, run by `services84.store.schema`; a released revision never changes."""
