"""Values as papers and their published scripts compute them; shown beside the others and never ranked."""
