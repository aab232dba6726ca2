"""Reports: tables, figure and page, a pure function of the records."""
