"""Records: the schema of one run, and the folder of JSON files that holds them."""
