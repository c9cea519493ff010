"""One module a command; each has `register`, and imports what it needs when it runs."""
