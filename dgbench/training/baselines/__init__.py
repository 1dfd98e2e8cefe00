"""Training other people's methods by their authors' own scripts, on a protocol's training people."""
