"""Reports for people: tables in the terminal, and HTML pages."""
