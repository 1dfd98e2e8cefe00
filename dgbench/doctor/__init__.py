"""What `dgbench doctor` looks at: packages, data, judges, golden vectors."""
