"""One file is one implementation, read top to bottom; a leading underscore marks shared mathematics."""
