"""One file, one implementation, read top to bottom; files with a leading underscore are shared mathematics."""
