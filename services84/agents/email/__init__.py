"""The operations of EMail.svc, a module a family."""
