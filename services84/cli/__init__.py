"""The command line: `services84 COMMAND`. Commands call the application; they hold no rules."""
