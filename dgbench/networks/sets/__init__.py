"""What each set of judges consists of: one module per set, each bringing only its own packages."""
